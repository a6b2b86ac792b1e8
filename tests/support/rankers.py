"""A small, known ONNX ranker: a weighted sum of features, loaded as any other."""

import hashlib

import msgspec
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from hemline.decide.features import FEATURES


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
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx = model.SerializeToString()
    card = {
        "schema": 1,
        "features": FEATURES,
        "dtype": "float32",
        "sha256": hashlib.sha256(onnx).hexdigest(),
    }
    return onnx, msgspec.json.encode(card)
