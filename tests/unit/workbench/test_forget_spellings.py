"""An id is found in every spelling and however deep it lies; what only looks like it is not."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.model.signed import sign
from workbench.forget import scan
from workbench.forget.scan import Piece, Place, scan_place
from workbench.forget.spellings import found_in, needles
from workbench.forget.unfold import layers

VISITOR = "Zk3-9xQ_4rT7uW2yB5nM8c"
EMAIL = 'an+na"o\\neil/@example.com'
IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=128)


def hits(data: bytes, name: str = VISITOR) -> list[str]:
    wanted = needles(name)
    return [how for layer in layers(data) for how in found_in(layer.data, wanted)]


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda name: name.encode(),
    "JSON": lambda name: json.dumps({"a": name}).encode(),
    "JSON with slashes": lambda name: json.dumps({"a": name}).replace("/", "\\/").encode(),
    "JSON in JSON": lambda name: json.dumps({"a": json.dumps({"b": name})}).encode(),
    "all escaped in JSON": lambda name: (
        '{"a":"' + "".join(f"\\u{ord(one):04x}" for one in name) + '"}'
    ).encode(),
    "URL": lambda name: quote(name, safe="").encode(),
    "URL, lower case": lambda name: quote(name, safe="").replace("%2B", "%2b").encode(),
    "URL, all of it": lambda name: "".join(f"%{ord(one):02x}" for one in name).encode(),
    "URL twice": lambda name: quote(quote(name, safe=""), safe="").encode(),
    "cookie": lambda name: sign("visitor", name.encode(), b"k" * 32).encode(),
    "hex": lambda name: name.encode().hex().upper().encode(),
    "UTF-16": lambda name: name.encode("utf-16-le"),
    "gzip": lambda name: gzip.compress(name.encode()),
    "zlib within bytes": lambda name: b"\x01\x02" + zlib.compress(name.encode()) + b"\x03",
    "gzip in base64 in JSON": lambda name: json.dumps(
        {"p": base64.b64encode(gzip.compress(name.encode() * 3)).decode()}
    ).encode(),
    "lines": lambda name: b'{"a":1}\n' + json.dumps({"a": name}).encode() + b"\n{",
    "base64 twice": lambda name: base64.b64encode(base64.b64encode(name.encode())),
}


@pytest.mark.parametrize("name", [VISITOR, EMAIL], ids=["visitor", "email"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_it_is_found_in_every_spelling(spelling: str, name: str) -> None:
    assert hits(SPELLINGS[spelling](name), name)


@given(IDS, st.binary(max_size=9), st.binary(max_size=9), st.booleans())
def test_it_is_found_in_base64_wherever_it_begins(
    name: str, before: bytes, after: bytes, url_safe: bool
) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    assert hits(b"x" + encode(before + name.encode() + after), name)


@given(st.binary(max_size=400))
def test_in_other_bytes_it_is_not_found(data: bytes) -> None:
    assert hits(data) == []
    assert hits(gzip.compress(data)) == []


@pytest.mark.parametrize("text", ["x17", "17x", "117", "171", "a17b"])
def test_a_short_id_counts_only_where_it_stands_alone(text: str) -> None:
    assert hits(text.encode(), "17") == []
    assert hits(b'{"subject":"u:17"}', "17")
    assert hits(b"u:17|" + text.encode(), "17")


def test_a_place_tells_what_was_looked_at_and_where_it_is() -> None:
    packed = gzip.compress(VISITOR.encode())
    pieces = [Piece("a", b"nothing"), Piece(f"b/{VISITOR}", b""), Piece("c", packed, "soon")]
    looked, found = scan_place(Place("shelf", lambda: iter(pieces)), needles(VISITOR))
    assert (looked.place, looked.pieces, looked.bytes) == ("shelf", 3, 7 + len(packed))
    assert looked.unfolded >= len(VISITOR)
    assert [(one.piece, one.spelling, one.inside, one.goes) for one in found] == [
        (f"b/{VISITOR}", "plain", ("name",), ""),
        ("c", "plain", ("unpacked",), "soon"),
    ]


def test_files_are_looked_through_by_the_names_that_are_given(tmp_path: Path) -> None:
    (tmp_path / "cloud").mkdir()
    (tmp_path / "cloud/state.json").write_text("x")
    (tmp_path / "build").write_text("y")
    (piece,) = scan.folder(tmp_path, ("cloud/",), "then")
    assert piece == Piece("cloud/state.json", b"x", "then")


def test_a_search_without_unfolding_would_miss_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.forget.unfold._DEEPEST", 0)
    missed = [name for name, spell in SPELLINGS.items() if not hits(spell(VISITOR))]
    assert missed == [
        "all escaped in JSON",
        "URL, all of it",
        "gzip",
        "zlib within bytes",
        "gzip in base64 in JSON",
        "base64 twice",
    ]
