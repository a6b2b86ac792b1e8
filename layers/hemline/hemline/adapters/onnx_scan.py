"""Reads ONNX bytes as far as needed to see that a model is whole in itself.

A model may point at files beside it (external data), and onnxruntime would read them. The `onnx`
package is not on a Lambda, so this walks the protobuf messages that can hold a tensor, by the
field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. It is strict where a
protobuf parser is lax: what it cannot read for certain is Refused.
"""

import re

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

# A tree ensemble is tens of thousands of floats (field 7) and ints (field 8), one by one: skipped
# in C, since they would cost a cold start 20 ms here.
_NUMBERS = re.compile(rb"(?:\x3d.{4}|\x40[\x80-\xff]{0,9}[\x00-\x7f])+", re.DOTALL)

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LAST_FIELD = (1 << 29) - 1


def check_self_contained(model: bytes) -> None:
    """Raises Refused on external data, on operators of an unknown domain and on damaged bytes."""
    pending = [("model", 0, len(model))]
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
                pending.append((holds, at, stop))
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
