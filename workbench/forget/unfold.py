"""Unpacks stored bytes: gzip, zlib, base64, URL escapes, JSON inside JSON. Pure."""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_DEEPEST = 5
_LARGEST = 1 << 28
"""Most bytes unpacked from one piece: a bound against decompression bombs."""
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_ENCODED = re.compile(rb"[0-9A-Za-z+/_-]{16,}={0,2}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class Layer(NamedTuple):
    """Bytes, and the steps that led to them, outermost first."""

    way: tuple[str, ...]
    data: bytes


def layers(data: bytes, way: tuple[str, ...] = ()) -> Iterator[Layer]:
    """The bytes themselves, then everything that can be unpacked from them, recursively."""
    yield Layer(way, data)
    if len(way) < _DEEPEST:
        for how, inner in (*_packed(data), *_documents(data), *_encoded(data), *_escaped(data)):
            yield from layers(inner, (*way, how))


def _packed(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Unpack gzip or zlib data at any offset."""
    for found in _PACKED.finditer(data):
        unpacker = zlib.decompressobj(wbits=47)  # either of the two
        try:
            inner = unpacker.decompress(data[found.start() :], _LARGEST)
        except zlib.error:
            continue
        if inner:
            yield "unpacked", inner


def _documents(data: bytes) -> Iterator[tuple[str, bytes]]:
    """All strings and keys of JSON, unescaped: of the whole document, or of each line."""
    if data.lstrip()[:1] not in {b"{", b"[", b'"'}:
        return
    texts = [text for document in _parsed(data) for text in _texts(document)]
    if texts:
        yield "JSON", "\n".join(texts).encode("utf-8", "surrogatepass")


def _parsed(data: bytes) -> Iterator[object]:
    try:
        yield json.loads(data)
    except (ValueError, RecursionError):
        for line in data.splitlines()[: 1 << 20]:
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue


def _texts(document: object) -> Iterator[str]:
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one


def _encoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Decoded base64. It finds packed data; plain ids in base64 already have patterns of their own."""
    found = [_decoded(one[0]) for one in _ENCODED.finditer(data)]
    inner = b"\n".join(one for one in found if one)
    if inner:
        yield "base64", inner


def _decoded(text: bytes) -> bytes:
    plain = text.rstrip(b"=").translate(_URL_SAFE)
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]  # one character (6 bits) is not a byte
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _escaped(data: bytes) -> Iterator[tuple[str, bytes]]:
    if b"%" in data:
        inner = unquote_to_bytes(data)
        if inner != data:
            yield "URL", inner
