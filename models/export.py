"""Exports a trained ranker as the two files of an edition: ONNX bytes and their card.

The export is refused unless ONNX and LightGBM agree on every given row: a ranker must ship only if it
scores as it did in its evaluation.
"""

import hashlib
import json
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import onnxmltools
from onnxmltools.convert.common.data_types import FloatTensorType

from hemline.adapters.onnx.ranker import SCHEMA, OnnxRanker
from hemline.adapters.onnx.trial import STATED, VERSION, trial_rows
from hemline.learn.array_types import Floats
from hemline.model.errors import Refused
from models.training import predict

TOLERANCE = 1e-5
_OPSET = 15


class Files(NamedTuple):
    """`ranker.onnx` and `ranker.json`."""

    onnx: bytes
    card: bytes


def export(
    booster: lgb.Booster, names: tuple[str, ...], rows: Floats, notes: dict[str, object]
) -> Files:
    """Both files; `notes` (metrics, training) are for people. Raises Refused when ONNX disagrees."""
    model = onnxmltools.convert_lightgbm(
        booster,
        # The default name is random: the same trees would get another digest each time.
        name="hemline-ranker",
        initial_types=[("features", FloatTensorType([None, len(names)]))],
        target_opset=_OPSET,
        zipmap=False,
    )
    onnx = model.SerializeToString()
    card = {
        "schema": SCHEMA,
        "features": list(names),
        "dtype": "float32",
        "sha256": hashlib.sha256(onnx).hexdigest(),
        "trial": expected(booster, len(names)),
        **notes,
    }
    files = Files(onnx, json.dumps(card, indent=1).encode() + b"\n")
    worst = disagreement(booster, files, rows)
    if not worst <= TOLERANCE:
        raise Refused(f"ONNX and LightGBM differ by {worst:.1e} on some row")
    return files


def expected(booster: lgb.Booster, width: int) -> dict[str, object]:
    """LightGBM's scores of the first trial rows, which a publish compares with the ONNX scores."""
    scores = predict(booster, trial_rows(width)[:STATED])
    return {"version": VERSION, "scores": [float(np.float32(score)) for score in scores]}


def disagreement(booster: lgb.Booster, files: Files, rows: Floats) -> float:
    """The largest absolute difference of the two scores over `rows` [r, features]."""
    ranker = OnnxRanker(*files)
    chunks = [rows[i : i + 50_000] for i in range(0, len(rows), 50_000)]
    gaps = [float(np.abs(ranker.score(c) - predict(booster, c)).max()) for c in chunks if len(c)]
    return max(gaps, default=0.0)
