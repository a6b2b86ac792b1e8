"""A ranker loads only when it is whole, is the one that its card names, and fits the features."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.adapters.onnx.scan import check_model
from hemline.model.errors import Refused
from tests.builders.onnx_models import FEATURES, WEIGHTS, card, external, weighted

SOUND = weighted().SerializeToString()


def load(model: onnx.ModelProto | bytes, **changes: object) -> OnnxRanker:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return OnnxRanker(data, card(data, **changes))


def test_it_scores_each_row_of_the_matrix() -> None:
    ranker = load(SOUND)
    matrix = np.arange(12, dtype=np.float32).reshape(4, 3)
    scores = ranker.score(matrix)
    assert ranker.feature_names == FEATURES
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, (matrix @ WEIGHTS).reshape(4))


def test_no_candidates_have_no_scores() -> None:
    assert load(SOUND).score(np.empty((0, 3), np.float32)).shape == (0,)


def test_it_runs_on_one_thread_and_does_not_spin() -> None:
    options = load(SOUND)._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.inter_op.allow_spinning") == "0"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": 2}, "schema 2"),
        ({"schema": None}, "unreadable"),
        ({"sha256": "0" * 64}, "not those that its card names"),
        ({"dtype": "float64"}, "unreadable"),
        ({"features": ["a", "b"]}, "names 2 features"),
        ({"features": ["a", "b", "c", "d"]}, "names 4 features"),
        ({"features": ["a", "b", "b"]}, "twice"),
        ({"features": []}, "unreadable"),
        ({"features": None}, "unreadable"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        load(SOUND, **changes)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_card_that_is_no_card_is_refused(text: bytes) -> None:
    with pytest.raises(Refused):
        OnnxRanker(SOUND, text)


@pytest.mark.parametrize(
    "model",
    [
        weighted(width=4),
        weighted(rows=1),
        weighted(
            numpy_helper.from_array(WEIGHTS.astype(np.float64), "w"), dtype=TensorProto.DOUBLE
        ),
    ],
    ids=["another width", "one row only", "doubles"],
)
def test_a_model_that_does_not_fit_its_card_is_refused(model: onnx.ModelProto) -> None:
    with pytest.raises(Refused):
        load(model)


@pytest.mark.parametrize("data", [b"", b"\0", b"not a model", SOUND[:-5], SOUND + b"\xff"])
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        load(data)


# --- data outside of the model, wherever a tensor may hide


def _with(build: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    model = weighted()
    build(model)
    return model


def _subgraph() -> onnx.GraphProto:
    out = helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 1])
    return helper.make_graph([], "branch", [], [out], [external()])


def _node(**attributes: Any) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["w2"], **attributes)


def _sparse() -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=external(), dims=[3, 1])


def _training() -> onnx.TrainingInfoProto:
    return onnx.TrainingInfoProto(algorithm=_subgraph())


def _function(model: onnx.ModelProto) -> None:
    function = onnx.FunctionProto(name="f")
    function.node.append(_node(value=external()))
    model.functions.append(function)


def _default(model: onnx.ModelProto) -> None:
    function = onnx.FunctionProto(name="f")
    function.attribute_proto.append(helper.make_attribute("a", external()))
    model.functions.append(function)


OUTSIDE = {
    "an initializer": weighted(external()),
    "a node's tensor": weighted(nodes=[_node(value=external())]),
    "a node's list of tensors": weighted(nodes=[_node(values=[external()])]),
    "a node's sparse tensor": weighted(nodes=[_node(sparse_value=_sparse())]),
    "a branch": weighted(nodes=[_node(then_branch=_subgraph())]),
    "a branch in a list": weighted(nodes=[_node(branches=[_subgraph()])]),
    "a sparse initializer": _with(lambda m: m.graph.sparse_initializer.append(_sparse())),
    "a training graph": _with(lambda m: m.training_info.append(_training())),
    "a function": _with(_function),
    "a function's default": _with(_default),
}


@pytest.mark.parametrize("model", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_data_outside_of_the_model_is_refused(model: onnx.ModelProto) -> None:
    with pytest.raises(Refused, match="outside of itself"):
        load(model)


def test_data_far_down_in_nested_branches_is_refused() -> None:
    graph = _subgraph()
    for _ in range(25):  # protobuf's own limit is a hundred messages deep
        out = helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 1])
        graph = helper.make_graph([_node(then_branch=graph)], "branch", [], [out])
    with pytest.raises(Refused, match="outside of itself"):
        load(weighted(nodes=[_node(then_branch=graph)]))


def _message(field: int, body: bytes, *, tag: bytes = b"") -> bytes:
    size = len(body)
    length = bytes([size & 0x7F | 0x80, size >> 7]) if size > 0x7F else bytes([size])
    return (tag or bytes([field << 3 | 2])) + length + body


def test_other_spellings_of_the_same_field_do_not_hide_it() -> None:
    # A parser takes numbers that are longer than they need be, and merges a field that comes twice.
    padded_value = _message(7, _message(5, b"\x70\x81\x80\x00"))
    padded_tag = _message(7, _message(5, b"\xf0\x00\x01"))
    padded_graph = _message(7, _message(5, b"\x70\x01"), tag=b"\xba\x00")
    after_numbers = _message(
        7, _message(1, _message(5, b"\x3d1234\x40\xff\x01" + _message(5, b"\x70\x01")))
    )
    for extra in (padded_value, padded_tag, padded_graph, after_numbers):
        onnx.ModelProto.FromString(SOUND + extra)  # it is a model to others
        with pytest.raises(Refused, match="outside of itself"):
            check_model(SOUND + extra)


def test_a_location_that_says_inside_is_fine() -> None:
    tensor = numpy_helper.from_array(WEIGHTS, "w")
    tensor.data_location = TensorProto.DEFAULT
    assert load(weighted(tensor)).feature_names == FEATURES


def test_operators_that_may_open_files_are_refused() -> None:
    node = helper.make_node("EPContext", [], ["z"], domain="com.microsoft", ep_cache_context="/x")
    with pytest.raises(Refused, match=r"com\.microsoft"):
        load(weighted(nodes=[node]))


def test_the_runtimes_own_format_is_refused() -> None:
    # onnxruntime would tell it by these letters, and it is not what was scanned.
    with pytest.raises(Refused):
        load(b"\x18\0\0\0ORTM" + SOUND)


@given(st.binary(max_size=200))
def test_any_bytes_are_scanned_or_refused(data: bytes) -> None:
    try:
        check_model(data)
    except Refused:
        return


@given(st.data())
def test_a_damaged_model_is_refused_or_scores(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(SOUND) - 1))
    damaged = SOUND[:at] + bytes([data.draw(st.integers(0, 255))]) + SOUND[at + 1 :]
    try:
        scores = load(damaged).score(np.ones((2, 3), np.float32))
    except Refused:
        return
    assert scores.shape == (2,)


def test_without_the_scan_onnxruntime_would_read_the_file(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "weights.bin").write_bytes(WEIGHTS.tobytes())
    monkeypatch.chdir(folder)
    monkeypatch.setattr("hemline.adapters.onnx.ranker.check_model", lambda _: None)
    # Its optimiser happens to stumble over this model; what runs after it would not.
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    monkeypatch.setattr("hemline.adapters.onnx.ranker._options", lambda: options)
    ranker = load(weighted(external()))
    assert ranker.score(np.ones((1, 3), np.float32)).tolist() == [111.0]


def test_members_of_the_card_for_people_are_left_alone() -> None:
    stated = json.loads(card(SOUND, trained="2026-01-01", metrics={"x": [1]}))
    assert load(SOUND, **stated).feature_names == FEATURES
