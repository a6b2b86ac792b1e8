"""Scans ONNX bytes: a model must refer to no files, and its cost must depend on the row count only.

A model may name files (external data), and onnxruntime would read them. It may also hold loops, or
tensors whose size comes from an input; one such model can end a serving process. The `onnx` package is
not on a Lambda, so this module walks the protobuf messages that can hold a tensor or an operator, by the
field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. It is stricter than a protobuf
parser: anything ambiguous is Refused.
"""

import re
from collections.abc import Iterator

from hemline.model.errors import Refused

_HOLDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute", 7: "domain"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external", 14: "external"},
}
"""Message → field number → the kind of content. Fields that are not listed cannot hold a tensor."""

_DOMAINS = {b"", b"ai.onnx", b"ai.onnx.ml"}
"""Operators of other domains may open files or load code."""

# With these operators only, time and memory depend on nothing but the number of rows. So one trial with
# the most rows that serving scores (`trial`) bounds every call. For that, a feature's value must not
# become a loop count, a size or an integer (an integer division can end the process).
_OPERATORS = frozenset(
    b"Abs Add And ArrayFeatureExtractor BatchNormalization Binarizer Cast Ceil Celu Clip Concat"
    b" Constant Cos CumSum Div Einsum Elu Equal Erf Exp FeatureVectorizer Flatten Floor Gather Gelu"
    b" Gemm Greater GreaterOrEqual HardSigmoid HardSwish Identity Imputer IsInf IsNaN"
    b" LayerNormalization LeakyRelu Less LessOrEqual LinearRegressor Log LogSoftmax MatMul Max Mean"
    b" Min Mish Mul Neg Normalizer Not Or PRelu Pow RMSNormalization Reciprocal ReduceL1 ReduceL2"
    b" ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum"
    b" ReduceSumSquare Relu Reshape Round SVMRegressor Scaler Selu Sigmoid Sign Sin Slice Softmax"
    b" Softplus Softsign Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Transpose"
    b" TreeEnsemble TreeEnsembleRegressor Unsqueeze Xor".split()
)
_INNER = {"graph", "training", "function"}
"""Messages of control flow, training and functions. The one exception is the model's own graph."""
_FLOATS = {0, 1, 9, 10, 11, 16}
"""Allowed target types of a Cast: floats and booleans (TensorProto.DataType). Cast's other integer
attributes are 0 or 1, so they are allowed too."""

# A tree ensemble has tens of thousands of single floats (field 7) and ints (field 8). The regular
# expression skips them in C; in Python they would cost a cold start 20 ms.
_NUMBERS = re.compile(rb"(?:\x3d.{4}|\x40[\x80-\xff]{0,9}[\x00-\x7f])+", re.DOTALL)

_OPERATOR, _ATTRIBUTE = 4, 5
"""Fields of a node: its operator's name, its attributes."""
_NUMBER = 3
"""Field of an attribute: its integer value."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LAST_FIELD = (1 << 29) - 1


def check_model(model: bytes) -> None:
    """Raises Refused for external data, operators of unbounded cost, and damaged bytes."""
    pending = [("model", 0, len(model))]
    # Raised last, so that the more serious refusal (the model reads files) is reported first.
    unbounded: list[str] = []
    while pending:
        kind, at, end = pending.pop()
        while at < end:
            if kind == "attribute" and (run := _NUMBERS.match(model, at, end)):
                at = run.end()
                continue
            field, wire, at, stop = _field(model, at, end)
            holds = _HOLDS[kind].get(field)
            if holds == "external":
                _check_location(field, model[at:stop])
            elif holds == "domain":
                _check_domain(model[at:stop])
            elif holds and wire == _BYTES:
                unbounded += _unbounded(kind, holds, model[at:stop])
                pending.append((holds, at, stop))
            at = stop
    if unbounded:
        raise Refused(f"ranker has {unbounded[0]}: what it costs is not known beforehand")


def _unbounded(kind: str, holds: str, message: bytes) -> Iterator[str]:
    """The parts of a message whose cost is not bounded, in words for the error."""
    if holds in _INNER and kind != "model":
        yield "a graph within its graph (If, Loop, Scan)"
    elif holds in _INNER - {"graph"}:
        yield f"a {holds} of its own"
    elif holds == "node":
        fields = list(_fields(message))
        operators = {value for field, value in fields if field == _OPERATOR}
        for name in sorted(operators - _OPERATORS):
            yield f"the operator {name[:80].decode('ascii', 'replace')}"
        if b"Cast" in operators and not _casts_to(fields) <= _FLOATS:
            yield "the operator Cast to whole numbers"


def _casts_to(fields: list[tuple[int, bytes]]) -> set[int]:
    """The integer values (field 3) of a node's attributes (field 5)."""
    attributes = [_fields(value) for field, value in fields if field == _ATTRIBUTE]
    found = (value for one in attributes for field, value in one if field == _NUMBER)
    return {_varint(value, 0, len(value))[0] for value in found}


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(message):
        field, _, at, stop = _field(message, at, len(message))
        yield field, message[at:stop]
        at = stop


def _check_location(field: int, value: bytes) -> None:
    # data_location (14) 0 is DEFAULT, inside the model; external_data (13) is never inside.
    if field == 13 or value.strip(b"\x80") != b"\0":
        raise Refused("ranker refers to data outside of itself")


def _check_domain(value: bytes) -> None:
    if value not in _DOMAINS:
        raise Refused(f"ranker uses operators of the domain {value[:80]!r}")


def _field(data: bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """(field number, wire type, where its value starts, where it ends)."""
    tag, at = _varint(data, at, end)
    field, wire = tag >> 3, tag & 7
    if not 0 < field <= _LAST_FIELD:
        raise Refused("ranker is not a readable ONNX model")
    if wire == _VARINT:
        return field, wire, at, _varint(data, at, end)[1]
    if wire == _BYTES:
        length, at = _varint(data, at, end)
    else:
        length = {_FIXED64: 8, _FIXED32: 4}.get(wire, end)
    if at + length > end:
        raise Refused("ranker is not a readable ONNX model")
    return field, wire, at, at + length


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Refused("ranker is not a readable ONNX model")
