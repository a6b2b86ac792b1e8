"""A ranker is tried out before it goes live: what it does wrong, it does in a process of its own."""

import json
import platform
import signal
import sys
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hemline.adapters.onnx import bounded
from hemline.adapters.onnx.bounded import try_ranker
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.adapters.onnx.scan import check_model
from hemline.adapters.onnx.trial import (
    STATED,
    VERSION,
    TrialLimits,
    trial_rows,
)
from hemline.decide.ranking.candidates import MOST
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model.errors import Refused, Unavailable
from hemline.usecases.publishing.ranker import RankerFiles, choose
from models import sources
from tests.builders.onnx_models import (
    ADDED,
    WEIGHTS,
    card,
    crashing,
    grown,
    loop,
    model,
    node,
    slow,
    weighted,
)
from workbench import children

LOOSE = TrialLimits(wall_seconds=60, cpu_seconds=60, load_seconds=60.0, score_seconds=60.0)
"""For what is wrong otherwise than by being slow, on a machine that is busy."""


def tried(data: bytes, limits: TrialLimits = LOOSE, **changes: object) -> tuple[str, ...]:
    return try_ranker(data, card(data, **changes), limits).features


TRAPS = pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"}, reason="other processors divide without a fault"
)


BAD = {
    "not a number": (
        model([ADDED, node("Sub", "sum sum", "d"), node("Div", "d d", "scores")], w=WEIGHTS),
        "not finite",
    ),
    "infinite for some rows": (
        model([ADDED, node("Reciprocal", "sum", "scores")], w=WEIGHTS),
        "not finite",
    ),
    "one score for all": (
        model([ADDED, node("ReduceMax", "sum", "scores", axes=[0])], w=WEIGHTS, scores=("m", 1)),
        "does not score",
    ),
    "two scores each": (
        model([node("MatMul", "x w", "scores")], w=WEIGHTS.repeat(2, 1), scores=("n", "k")),
        "not one score a candidate",
    ),
    "too much memory": (grown(3), "does not score|ends the process"),
    "doubles": (
        model([ADDED, node("Cast", "sum", "scores", to=TensorProto.DOUBLE)], w=WEIGHTS),
        "does not load",
    ),
}


@pytest.mark.parametrize(("data", "reason"), BAD.values(), ids=BAD.keys())
def test_what_does_wrong_is_refused_and_this_process_goes_on(data: bytes, reason: str) -> None:
    check_model(data)  # none of them can be told by looking
    with pytest.raises(Refused, match=reason):
        tried(data)


def test_a_sound_one_passes_and_its_features_are_told() -> None:
    assert tried(weighted().SerializeToString()) == ("a", "b", "c")


def test_a_slow_one_is_refused_by_the_cpu_that_it_takes() -> None:
    # Twenty thousand times the work of a usual ranker; the limit is a hundred times that.
    with pytest.raises(Refused, match="of CPU"):
        tried(slow(200), TrialLimits())
    assert tried(slow(1), LOOSE), "the same, short"


def test_one_that_never_ends_is_stopped() -> None:
    with pytest.raises(Refused, match="its trial was stopped"):
        tried(slow(20_000), LOOSE.__class__(wall_seconds=4, load_seconds=60, score_seconds=60))


# --- what a look at the operators tells


def _branch() -> bytes:
    made = helper.make_graph([], "b", [], [])
    return model([node("MatMul", "x w", "scores", then_branch=made)], w=WEIGHTS)


def _random() -> bytes:
    nodes = [ADDED, node("RandomNormalLike", "sum", "noise"), node("Add", "sum noise", "scores")]
    return model(nodes, w=WEIGHTS)


def _function() -> bytes:
    made = weighted()
    made.functions.append(onnx.FunctionProto(name="f"))
    data: bytes = made.SerializeToString()
    return data


def _named(operator: str) -> bytes:
    return model([ADDED, node(operator, "sum", "scores")], w=WEIGHTS)


def _as_whole_numbers() -> bytes:
    nodes = [
        ADDED,
        node("Cast", "sum", "whole", to=TensorProto.INT64),
        node("Identity", "sum", "scores"),
    ]
    return model(nodes, w=WEIGHTS)


UNBOUNDED = {
    "Loop": (loop(), "the operator Loop"),
    "a branch of an operator that may be used": (_branch(), "a graph within its graph"),
    "random numbers": (_random(), "the operator RandomNormalLike"),
    "a function": (_function(), "a function of its own"),
    "whole numbers": (_as_whole_numbers(), "Cast to whole numbers"),
} | {
    name: (_named(name), f"the operator {name}")
    for name in (
        "If",
        "Scan",
        "SequenceMap",
        "Range",
        "Expand",
        "Tile",
        "ConstantOfShape",
        "Shape",
        "Where",
    )
}


@pytest.mark.parametrize(("data", "reason"), UNBOUNDED.values(), ids=UNBOUNDED.keys())
def test_work_that_is_not_bounded_by_the_rows_is_refused_unrun(data: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        OnnxRanker(data, card(data))


UNSCANNED = """
import sys
from hemline.adapters.onnx import ranker as onnx
from hemline.adapters.onnx import trial as onnx_trial
onnx.check_model = lambda _: None
onnx_trial.main(sys.stdin.buffer.read, sys.stdout.buffer.write)
"""


def unscanned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial of an operator that the list of those that may be used let through."""
    monkeypatch.setattr(bounded, "_CHILD", ("-S", "-s", "-P", "-c", UNSCANNED))
    monkeypatch.setattr(bounded, "check_sound", lambda *_: None)


@TRAPS
def test_a_crash_is_refused_and_this_process_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    unscanned(monkeypatch)
    data = crashing()
    with pytest.raises(Refused, match=r"ends the process that scores with it \(SIGFPE\)"):
        tried(data)


def test_without_the_scan_the_limits_still_end_an_endless_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unscanned(monkeypatch)
    data = loop()
    with pytest.raises(Refused, match="its trial was stopped"):
        try_ranker(data, card(data), TrialLimits(wall_seconds=60, cpu_seconds=3))


@TRAPS
def test_without_a_process_of_its_own_the_crash_would_be_ours() -> None:
    # The seeded bug: scored by the process that asks, as a function would.
    data = crashing()
    code = f"""
from hemline.adapters.onnx import ranker as onnx
from hemline.adapters.onnx import trial as onnx_trial
onnx.check_model = lambda _: None
onnx_trial.attempt(onnx_trial.Order({data!r}, {card(data)!r}, onnx_trial.TrialLimits()))
"""
    done = children.run([sys.executable, "-c", code], capture=True, check=False)
    assert done.returncode == -signal.SIGFPE


# --- what it is compared with


def _stated(data: bytes, **changes: object) -> dict[str, object]:
    scores = trial_rows(3)[:STATED] @ WEIGHTS
    return {"version": VERSION, "scores": [float(score) for score in scores[:, 0]]} | changes


def test_scores_are_compared_with_those_that_training_stated() -> None:
    data = weighted().SerializeToString()
    stated = _stated(data)
    assert try_ranker(data, card(data, trial=stated), LOOSE).notes == ()
    other = weighted(numpy_helper.from_array(WEIGHTS * np.float32(1.001), "w")).SerializeToString()
    with pytest.raises(Refused, match="its scores differ from those that its card states"):
        tried(other, trial=stated)


@pytest.mark.parametrize("stated", [None, {"version": 0, "scores": [1.0]}])
def test_an_older_card_states_none_and_that_is_noted(stated: object) -> None:
    data = weighted().SerializeToString()
    (note,) = try_ranker(data, card(data, trial=stated), LOOSE).notes
    assert "states no scores to compare with" in note


@pytest.mark.parametrize(
    "stated", ["x", {}, {"version": 1, "scores": []}, {"version": 1, "scores": ["1"]}]
)
def test_scores_that_cannot_be_read_are_refused(stated: object) -> None:
    data = weighted().SerializeToString()
    with pytest.raises(Refused, match="card is unreadable"):
        tried(data, trial=stated)


def test_the_rows_of_a_trial_are_the_same_everywhere_and_all_different() -> None:
    rows = trial_rows(len(FEATURES))
    assert rows.shape == (MOST, len(FEATURES))
    assert np.isfinite(rows).all()
    assert len(np.unique(rows, axis=0)) == MOST
    assert rows[4, :6].tolist() == trial_rows(len(FEATURES))[4, :6].tolist()


def test_the_shipped_ranker_passes_without_a_note() -> None:
    files = ((sources.SHIPPED / name).read_bytes() for name in ("ranker.onnx", "ranker.json"))
    answer = try_ranker(*files, LOOSE)
    assert (answer.features, answer.notes) == (FEATURES, ())
    assert (
        len(json.loads((sources.SHIPPED / "ranker.json").read_bytes())["trial"]["scores"]) == STATED
    )


# --- what surrounds it


def test_the_child_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("HEMLINE_KEYS", "hidden")
    assert "hidden" not in str(bounded._environment())


def test_where_no_process_can_be_started_the_publish_fails_and_nothing_is_called_unfit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    data = weighted(width=3).SerializeToString()
    files = RankerFiles(data, card(data, metrics={"another": 1}))

    def check(onnx: bytes, text: bytes) -> Any:
        return try_ranker(onnx, text)

    with pytest.raises(Unavailable, match="no process could be started"):
        choose({"stored": files}, check, [])
