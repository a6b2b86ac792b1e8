"""What a decision is asked (page, slot, traits, visit) and what it returns: fragments."""

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
    """How widely an answer may be shared: the greatest scope of the facts that it read."""

    EDITION = 0
    """With everybody, as long as the edition is live."""
    TRAIT = 1
    """With everybody who has the same traits."""
    VISITOR = 2
    """With nobody else: private."""

    @property
    def word(self) -> str:
        """The name as the HTTP contract spells it."""
        return self.name.lower()


class PageContext(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The page that the fragment is for."""

    type: str = ""
    url: str = ""
    item: str | None = None
    category: str | None = None
    cart: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()
    """Item ids that the visitor owns: left out, except where a category page shows all its items."""
    seen: tuple[str, ...] = ()
    """Item ids that were shown elsewhere and must not be shown again: left out everywhere."""
    referrer: str = ""
    """URL that the visitor came from."""
    app_version: str = ""
    """Version of the app that shows it, such as 2.3.0."""


class SlotRequest(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One slot that a page asks for. `candidates` is the caller's own list to rerank."""

    name: str
    limit: int | None = None
    candidates: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    after: str = ""
    """Cursor of the list's last answer: items that were shown before do not come again."""


class Traits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Request traits that a CDN can key on; device and language lower case, country upper case."""

    country: str = ""
    device: str = ""
    language: str = ""
    region: str = ""
    """Subdivision of the country (ISO 3166-2, without the country), such as ENG or CA."""
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = ""
    """IANA name, such as Europe/London."""


class Visit(NamedTuple):
    """Who asks: `subject` None when unknown, `consent` (to personalisation) None when not stated."""

    subject: str | None
    consent: bool | None
    recent: tuple[Record, ...] = ()
    """Actions of the capsule, which ingest may not have folded into the profile yet."""
    dnt: bool = False
    """The browser sent `DNT: 1`: a refusal where the site honours it."""


class Fragment(msgspec.Struct, frozen=True):
    """One slot's answer: `body` is the JSON object of the contract, `html` the same as markup."""

    name: str
    body: bytes
    html: bytes
    rung: Rung
    scope: Scope
    etag: str
    max_age: int
    """Seconds that a shared cache may keep it, when its scope allows sharing."""
    traits: tuple[str, ...] = ()
    """The trait facts that were read: a shared cache must key on them."""
    items: tuple[str, ...] = ()
    """Ids of the items shown, in order."""
    reasons: tuple[str, ...] = ()
    """Why each better rung failed, for logs and the explanation."""
    unfinished: int = 0
    """Number of rule patterns that exceeded their step limit and counted as no match; see `reasons`."""
