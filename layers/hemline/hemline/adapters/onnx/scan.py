"""Reads ONNX bytes as far as needed to see that a model is whole in itself and always does the same work.

A model may point at files beside it (external data), and onnxruntime would read them. It may also
hold loops, or make tensors as large as an input says; one such model takes a serving process down.
The `onnx` package is not on a Lambda, so this walks the protobuf messages that can hold a tensor or
an operator, by the field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. It is
strict where a protobuf parser is lax: what it cannot read for certain is Refused.
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
"""Message → field number → what lies in it. What is not named here can hold no tensor."""

_DOMAINS = {b"", b"ai.onnx", b"ai.onnx.ml"}
"""Operators of other domains may open files or load code."""

# With these alone, cost and memory depend on the number of rows and on nothing else, so one trial of
# as many rows as serving ever scores (`trial`) bounds every call. That is why a feature's value
# may become no loop count, no size and no whole number: a division of whole numbers can end the process.
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
"""Messages that only control flow, training and functions hold; the model's own graph is another."""
_FLOATS = {0, 1, 9, 10, 11, 16}
"""What a Cast may make: floats and truth values (TensorProto.DataType); its other numbers are 0 or 1."""

# A tree ensemble is tens of thousands of floats (field 7) and ints (field 8), one by one: skipped
# in C, since they would cost a cold start 20 ms here.
_NUMBERS = re.compile(rb"(?:\x3d.{4}|\x40[\x80-\xff]{0,9}[\x00-\x7f])+", re.DOTALL)

_OPERATOR, _ATTRIBUTE = 4, 5
"""Of a node: its operator's name, its attributes."""
_NUMBER = 3
"""Of an attribute: its whole number."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LAST_FIELD = (1 << 29) - 1


def check_model(model: bytes) -> None:
    """Raises Refused on external data, on operators that are not known to be bounded, and on damage."""
    pending = [("model", 0, len(model))]
    # Checked last, so that the graver refusal (the model reads files) is reported first.
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
    """What of a message's own may cost any amount."""
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
    """The whole numbers (field 3) among the attributes (field 5) of a node."""
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
