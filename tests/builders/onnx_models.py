"""Models made by hand with the onnx package, sound and unsound; their features mean nothing."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = ("a", "b", "c")
WEIGHTS = np.array([[1.0], [10.0], [100.0]], np.float32)


def weighted(
    weights: onnx.TensorProto | None = None,
    *,
    nodes: Sequence[onnx.NodeProto] = (),
    rows: str | int = "n",
    width: int = 3,
    dtype: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """scores = x @ WEIGHTS, [n, 3] → [n, 1], with what a test wants to be different."""
    tensor = weights or numpy_helper.from_array(WEIGHTS, "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["scores"]), *nodes],
        "ranker",
        [helper.make_tensor_value_info("x", dtype, [rows, width])],
        [helper.make_tensor_value_info("scores", dtype, [rows, 1])],
        [tensor],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tests"
    )


def card(model: bytes, **changes: object) -> bytes:
    """The card that fits `model`, but for `changes`."""
    members: dict[str, object] = {
        "schema": 1,
        "features": list(FEATURES),
        "dtype": "float32",
        "sha256": hashlib.sha256(model).hexdigest(),
        "metrics": {"ndcg@10": 0.5},
    }
    return json.dumps(members | changes).encode()


def external(name: str = "w") -> onnx.TensorProto:
    """A tensor whose data lies in a file beside the model."""
    tensor = onnx.TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[3, 1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    return tensor


def model(
    nodes: Sequence[onnx.NodeProto],
    *,
    scores: Sequence[str | int] = ("n", 1),
    **weights: np.ndarray,
) -> bytes:
    """A ranker of three features made of these nodes, `x` → `scores`."""
    graph = helper.make_graph(
        list(nodes),
        "ranker",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, list(scores))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    made: bytes = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    return made


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), [output], **attributes)


ADDED = node("MatMul", "x w", "sum")


def grown(steps: int) -> bytes:
    """Outer products: with n rows the last tensor has n^(2^steps) numbers."""
    nodes = [ADDED, node("ReduceMax", "x", "peak", axes=[1], keepdims=1)]
    flat, name = np.array([-1, 1]), "peak"
    for step in range(steps):
        nodes += [
            node("Transpose", name, f"t{step}", perm=[1, 0]),
            node("MatMul", f"{name} t{step}", f"o{step}"),
            node("Reshape", f"o{step} flat", f"r{step}"),
        ]
        name = f"r{step}"
    nodes += [node("ReduceMax", name, "all", keepdims=0), node("Add", "sum all", "scores")]
    return model(nodes, w=WEIGHTS, flat=flat)


def slow(times: int) -> bytes:
    wide = np.ones((1000, 1000), np.float32) / 1000
    nodes = [node("MatMul", "x a", "y0")]
    nodes += [node("MatMul", f"y{n} b", f"y{n + 1}") for n in range(times)]
    nodes += [node("MatMul", f"y{times} c", "scores")]
    first, last = np.ones((3, 1000), np.float32), np.ones((1000, 1), np.float32)
    return model(nodes, a=first, b=wide, c=last)


def crashing() -> bytes:
    """The least whole number divided by -1: a fault of the processor, which ends the process."""
    nodes = [
        node("Cast", "x", "whole", to=TensorProto.INT64),
        node("Mul", "whole nought", "zero"),
        node("Sub", "zero one", "minus"),
        node("Div", "least minus", "part"),
        node("Cast", "part", "y", to=TensorProto.FLOAT),
        node("MatMul", "y w", "scores"),
    ]
    least, one, nought = (np.array([[n]]) for n in (np.iinfo(np.int64).min, 1, 0))
    return model(nodes, w=WEIGHTS, least=least, one=one, nought=nought)


def loop() -> bytes:
    """2^62 turns."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("Identity", "on", "on_out"), node("Add", "v v", "v_out")],
        "body",
        [value("i", TensorProto.INT64, []), value("on", TensorProto.BOOL, []),
         value("v", TensorProto.FLOAT, None)],
        [value("on_out", TensorProto.BOOL, []), value("v_out", TensorProto.FLOAT, None)],
    )  # fmt: skip
    nodes = [ADDED, node("Loop", "turns go sum", "scores", body=body)]
    return model(nodes, w=WEIGHTS, turns=np.array(2**62), go=np.array(True))
