"""Small, known ONNX rankers: a weighted sum of features, and one that is not to be published."""

import hashlib

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hemline.decide.ranking.features.matrix import FEATURES


def linear(**weights: float) -> tuple[bytes, bytes]:
    """(onnx, card) of Σ weight x feature, by feature name."""
    column = np.zeros((len(FEATURES), 1), np.float32)
    for name, weight in weights.items():
        column[FEATURES.index(name)] = weight
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["features", "weights"], ["scores"])],
        "linear",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(FEATURES)])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(column, "weights")],
    )
    return _files(graph)


def infinite() -> tuple[bytes, bytes]:
    """One that loads, and whose scores are 1 divided by a feature: infinite for a blank."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["sum"]),
            helper.make_node("Reciprocal", ["sum"], ["scores"]),
        ],
        "infinite",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(FEATURES)])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(np.ones((len(FEATURES), 1), np.float32), "weights")],
    )
    return _files(graph)


def _files(graph: onnx.GraphProto) -> tuple[bytes, bytes]:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString()
    card = {
        "schema": 1,
        "features": FEATURES,
        "dtype": "float32",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return data, msgspec.json.encode(card)
