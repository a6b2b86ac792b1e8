"""Models made by hand with the onnx package, sound and unsound; their features mean nothing."""

import hashlib
import json
from collections.abc import Sequence

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
