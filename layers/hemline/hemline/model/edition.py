"""An edition as a file: a header and named sections, content-addressed; and the pointer to it.

Layout: magic, header length (u32), header (JSON), sections, each on a 64-byte boundary. Sections
are raw little-endian arrays or bytes, so a reader maps them without copying. Names and shapes
(n items, c categories, g segments, S statistics, k neighbours, m as long as the list is):

| section            | dtype, shape  | what |
|---|---|---|
| item_ids           | json          | list of n ids; a position in it is the item's index everywhere |
| catalogue          | bytes         | n items as JSON, one after another, cut by catalogue_at |
| catalogue_at       | u4 [n+1]      | |
| cards_json         | bytes         | n ready JSON members `"id":…,"title":…,…` without braces |
| cards_json_at      | u4 [n+1]      | |
| cards_html         | bytes         | n ready, escaped HTML cards |
| cards_html_at      | u4 [n+1]      | |
| categories         | json          | list of c names |
| item_categories    | i4 [flat]     | category indices, item after item, cut by item_categories_at |
| item_categories_at | u4 [n+1]      | |
| price              | f4 [n]        | in the site's currency; NaN when unknown, or without a rate |
| stock              | i4 [n]        | from 0; -1 when unknown |
| published          | i8 [n]        | epoch ms; 0 when unknown |
| terms              | json          | list of t terms: categories, tags, words of the title |
| item_terms         | i4 [n, w]     | term indices, padded with t |
| term_share         | f4 [t+1]      | share of all interactions with items of the term; 0 for padding |
| item_stats         | f4 [n, S]     | the statistics block of the feature matrix, as `learn` makes it |
| popular            | i4 [m]        | item indices, decayed popularity, best first |
| trending           | i4 [m]        | item indices, by growth over their own past, best first |
| fresh              | i4 [m]        | newest first |
| segments           | json          | list of g segment keys, such as `GB|mobile`, `GB|`, `|` |
| segment_popular    | i4 [g, m]     | best first, -1 padding |
| category_popular   | i4 [c, m]     | best first, -1 padding |
| neighbours         | i4 [n, k]     | seen or bought together, best first, -1 padding |
| neighbour_weight   | f4 [n, k]     | in (0, 1], 0 padding |
| newcomers          | i4 [m]        | cold items that resemble known ones, as neighbours of these |
| rule_mask          | u1 [s, n/8]   | bits, one row for each set of items that a rule names |
| rule_group         | i4 [a, n]     | one row for each attribute of a cap: items of a value share a number |
| rule_rows          | i4 [r, 2]     | each rule's row in rule_mask and in rule_group, -1 for none |
| templates          | bytes         | absent, or JSON: compiled templates by name: `model.site.template` |
| owed               | i4 [m]        | absent, or cold items below their budget, least shown first |
| page_group         | i4 [caps, n]  | absent, or for each attribute of a page-wide cap a group, -1 for none |
| diverse_group      | i4 [a, n]     | absent, or for each attribute that a slot is diverse over a group |
| diverse_content    | i1 [n, w]     | absent, or content vectors of length 127 |
| diverse_categories | i1 [n, w]     | the same, of their categories alone |
| diverse_tags       | i1 [n, w]     | the same, of their tags alone |
| choices            | bytes         | absent, or JSON: estimates of slots' variants (`model/choice.py`) |
| ranker_onnx        | bytes         | absent or empty: no model rung |
| ranker_json        | bytes         | its card: feature names, dtypes, sha256, metrics |
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from itertools import pairwise

import msgspec

from hemline.model.consent import ConsentRules, Policy
from hemline.model.errors import Refused
from hemline.model.signed import sign, verify
from hemline.model.site.rule import Rule, Segment
from hemline.model.site.slot import PageCap, Slot
from hemline.model.site.zones import SiteTime

SCHEMA = 1
UNKNOWN_STOCK = -1
"""In the section `stock`; a stock below 0 is stored as 0."""
TRIAL = 1
"""Version of the trial that a ranker must have passed to be used; see `Header.trial`."""
_MAGIC = b"HEMLINE\x01"
_ALIGN = 64


class EditionSection(msgspec.Struct, frozen=True):
    """Where a section lies in the file and how to read it."""

    at: int
    """Offset in bytes from the end of the header."""
    size: int
    """Bytes."""
    dtype: str
    """In numpy's spelling such as `<f4`, or `bytes`, or `json`."""
    shape: tuple[int, ...] = ()


class Header(msgspec.Struct, frozen=True):
    """The header of an edition: what is no array over items."""

    schema: int
    site: str
    built: int
    """Epoch ms. Ages are counted from here, so that decisions need no clock."""
    slots: tuple[Slot, ...]
    rules: tuple[Rule, ...]
    feature_names: tuple[str, ...]
    watermarks: dict[str, str]
    """Shard → the highest sequence number that its statistics include."""
    consent_default: bool = True
    currency: str = ""
    title: str = ""
    base_url: str = ""
    counted: int = 0
    """Number of events in its statistics."""
    trial: int = 0
    """Version of the trial that its ranker passed before the publish; 0: none, so it is not used."""
    site_file: str = ""
    """sha256 (hex) of the compiled site file that it was made from, stored beside it in the bucket."""
    passed_over: str = ""
    """Digest of the trained ranker in the bucket that a ranker given to the publish replaced."""
    segments: tuple[Segment, ...] = ()
    time: SiteTime = SiteTime()
    page_caps: tuple[PageCap, ...] = ()
    consent: ConsentRules = ConsentRules()
    sections: dict[str, EditionSection] = {}

    @property
    def policy(self) -> Policy:
        """What is assumed for visitors without a statement."""
        return self.consent.policy(default=self.consent_default)


class Edition:
    """A parsed edition. Immutable; `digest` (sha256 of the file, hex) is its id."""

    def __init__(self, digest: str, header: Header, body: memoryview) -> None:
        self.digest, self.header, self._body = digest, header, body

    def raw(self, name: str) -> memoryview:
        """A section's bytes; empty when the edition has no such section."""
        section = self.header.sections.get(name)
        return self._body[section.at : section.at + section.size] if section else memoryview(b"")

    def json(self, name: str) -> list[str]:
        """A section that is a list of strings; empty when there is none."""
        data = self.raw(name)
        return msgspec.json.decode(data, type=list[str]) if data else []


Payload = tuple[str, tuple[int, ...], bytes]
"""dtype (numpy spelling such as `<f4`, or `bytes`, `json`), shape, data."""


def pack(header: Header, payloads: Mapping[str, Payload]) -> bytes:
    """The file's bytes; the same header and payloads give the same bytes."""
    sections: dict[str, EditionSection] = {}
    body = bytearray()
    for name in sorted(payloads):
        dtype, shape, data = payloads[name]
        body.extend(b"\0" * (-len(body) % _ALIGN))
        sections[name] = EditionSection(len(body), len(data), dtype, shape)
        body.extend(data)
    full = msgspec.structs.replace(header, sections=sections)
    head = msgspec.json.encode(full, order="deterministic")
    lead = _MAGIC + struct.pack("<I", len(head)) + head
    return lead + b"\0" * (-len(lead) % _ALIGN) + bytes(body)


def unpack(data: bytes, *, site: str, digest: str | None = None) -> Edition:
    """Parse and check. Raises Refused when corrupt, of another schema, site or (if given) digest."""
    found = hashlib.sha256(data).hexdigest()
    if digest is not None and found != digest:
        raise Refused(f"edition {digest[:12]} has other content ({found[:12]})")
    # The digest comes first: nothing of a corrupt file is parsed.
    header, start = _header(data)
    if header.schema != SCHEMA:
        raise Refused(f"edition of schema {header.schema}, this code reads {SCHEMA}")
    if header.site != site:
        raise Refused(f"edition of site {header.site}, this is {site}")
    body = memoryview(data)[start:]
    if any(s.at < 0 or s.size < 0 or s.at + s.size > len(body) for s in header.sections.values()):
        raise Refused("edition is cut short")
    return Edition(found, header, body)


def _header(data: bytes) -> tuple[Header, int]:
    lead = len(_MAGIC) + 4
    if data[: len(_MAGIC)] != _MAGIC or len(data) < lead:
        raise Refused("not an edition of this format")
    (size,) = struct.unpack_from("<I", data, len(_MAGIC))
    end = lead + size
    try:
        header = msgspec.json.decode(memoryview(data)[lead:end], type=Header)
    except msgspec.DecodeError as error:
        raise Refused(f"edition's header is unreadable: {error}") from None
    return header, end + (-end % _ALIGN)


class Pointer(msgspec.Struct, frozen=True):
    """Which edition is live. Signed, so that write access to the table is not enough to change it."""

    digest: str
    built: int
    signature: str = ""

    def signed(self, site: str, key: bytes) -> "Pointer":
        """The same pointer with its signature."""
        return msgspec.structs.replace(self, signature=sign("edition", self._payload(site), key))

    def check(self, site: str, keys: tuple[bytes, ...]) -> None:
        """Raises NotAllowed unless one of `keys` signed this pointer for this site."""
        expected = self._payload(site)
        if verify("edition", self.signature, keys) != expected:
            raise Refused("the pointer's signature is of another edition")

    def _payload(self, site: str) -> bytes:
        return f"{site}|{self.digest}|{self.built}".encode()


def pieces(blob: memoryview, at: memoryview) -> Iterator[bytes]:
    """The parts of a section in order (`at` holds their u4 offsets); for tools, not for serving."""
    offsets = struct.unpack(f"<{len(at) // 4}I", at)
    for start, end in pairwise(offsets):
        yield bytes(blob[start:end])
