"""A ranker as ONNX bytes and its card, run by onnxruntime on one thread.

Both come from an edition, so they are checked as input. A mismatch raises Refused, and the last good
ranker stays in use. This module does not know what the features mean.
"""

import hashlib
from typing import Annotated, Literal, cast

import msgspec
import numpy as np
import onnxruntime as ort

from hemline.adapters.onnx.scan import check_model
from hemline.learn.array_types import Floats
from hemline.model.errors import Refused

SCHEMA = 1


class Card(msgspec.Struct, frozen=True):
    """`ranker.json`: what the ranker expects. Other members (metrics, training) are ignored here."""

    schema: int
    features: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    dtype: Literal["float32"]
    sha256: str
    """Of the ONNX bytes, hex."""


class OnnxRanker:
    """Scores candidates. Raises Refused when bytes and card do not match or are not safe to run."""

    def __init__(self, onnx: bytes, card: bytes) -> None:
        stated = check_sound(onnx, card)
        self._session = _open(onnx)
        self._input, self._output = _ends(self._session, len(stated.features))
        self.feature_names = stated.features

    def score(self, matrix: Floats) -> Floats:
        """float32 [n, F] → float32 [n], higher is better. Columns in the order of `feature_names`."""
        if not len(matrix):
            return np.empty(0, np.float32)
        (scores,) = self._session.run([self._output], {self._input: matrix})
        return cast("Floats", scores.reshape(len(matrix)))


def check_sound(onnx: bytes, card: bytes) -> Card:
    """Makes all checks that do not run the model, and returns its card. Raises Refused."""
    stated = read_card(card)
    if hashlib.sha256(onnx).hexdigest() != stated.sha256:
        raise Refused("the ranker's bytes are not those that its card names")
    check_model(onnx)
    return stated


def read_card(card: bytes) -> Card:
    """Raises Refused when unreadable, of another schema, or naming a feature twice."""
    try:
        schema = msgspec.json.decode(card, type=_Schema).schema
        if schema != SCHEMA:
            raise Refused(f"ranker's card of schema {schema}, this code reads {SCHEMA}")
        stated = msgspec.json.decode(card, type=Card)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"ranker's card is unreadable: {error}") from None
    if len(set(stated.features)) != len(stated.features):
        raise Refused("ranker's card names a feature twice")
    return stated


class _Schema(msgspec.Struct):
    schema: int


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # One thread: on two cores the default pool's spinning costs 21 ms of CPU a call.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # errors are raised; printing them too would only repeat them
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # Accept ONNX only: `scan` cannot check onnxruntime's own format (ORT).
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _open(onnx: bytes) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(onnx, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the runtime's errors share no narrower base
        raise Refused(f"ranker does not load: {error}") from None


def _ends(session: ort.InferenceSession, width: int) -> tuple[str, str]:
    """Names of the one input [n, width] and the first output, both of floats."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        raise Refused("ranker must take one matrix of float32")
    shape = inputs[0].shape
    if len(shape) != 2 or shape[1] != width or isinstance(shape[0], int):
        raise Refused(f"ranker takes {shape}, its card names {width} features")
    if len(outputs) != 1 or outputs[0].type != "tensor(float)":
        raise Refused("ranker must give one column of float32")
    if isinstance(outputs[0].shape[-1], int) and outputs[0].shape[1:] not in ([], [1]):
        raise Refused(f"ranker gives {outputs[0].shape}, not one score a candidate")
    return inputs[0].name, outputs[0].name
