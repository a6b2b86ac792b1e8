"""What a decision returns: fragments, with the rung and the scope that they came from."""

from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec

from hemline.model.events.event import Record


class Rung(StrEnum):
    """Step of the ladder that produced a fragment, best first."""

    MODEL = "model"
    SEGMENT = "segment"
    POPULAR = "popular"
    STATIC = "static"


class Scope(IntEnum):
    """How widely an answer may be shared; the widest fact read decides."""

    EDITION = 0
    TRAIT = 1
    VISITOR = 2

    @property
    def word(self) -> str:
        """The name as the HTTP contract spells it."""
        return self.name.lower()


class PageContext(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where the fragment will stand."""

    type: str = ""
    url: str = ""
    item: str | None = None
    category: str | None = None
    cart: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()
    """What the visitor has for good: left out, but where a department shows all of itself."""
    seen: tuple[str, ...] = ()
    """What the visitor was shown elsewhere and is to be shown no more: left out everywhere."""
    referrer: str = ""
    """Where the visitor came to this page from."""
    app_version: str = ""
    """Of the app that will show it, such as 2.3.0."""


class SlotRequest(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One slot that a page asks for. `candidates` is the caller's own list to rerank."""

    name: str
    limit: int | None = None
    candidates: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    after: str = ""
    """The cursor of this list's last answer: nothing that it has shown comes again."""


class Traits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Request traits that a CDN can key on; device and language lower case, country upper case."""

    country: str = ""
    device: str = ""
    language: str = ""
    region: str = ""
    """The country's own code of a part of it, such as ENG or CA."""
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = ""
    """As the IANA names it, such as Europe/London."""


class Visit(NamedTuple):
    """Who asks: `subject` None when nobody is known, `consent` None when never stated."""

    subject: str | None
    consent: bool | None
    recent: tuple[Record, ...] = ()
    """Actions of the capsule: the stream may not have brought them to the profile yet."""
    dnt: bool = False
    """The browser asks not to be tracked: a no where the site honours it."""


class Fragment(msgspec.Struct, frozen=True):
    """One slot's answer: `body` is the JSON object of the contract, `html` the same as markup."""

    name: str
    body: bytes
    html: bytes
    rung: Rung
    scope: Scope
    etag: str
    max_age: int
    """Seconds that a shared cache may keep it, when its scope lets it be shared at all."""
    traits: tuple[str, ...] = ()
    """The trait facts that were read: what a shared cache must key on."""
    items: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why each better rung was left, for logs and the explanation."""
    unfinished: int = 0
    """Patterns of rules that gave up on a text and were taken for no match; `reasons` says which."""
