"""A slot: a named place on a page, and what may fill it."""

from collections.abc import Iterable

import msgspec

from hemline.model.site.alert import Frequency, Opens
from hemline.model.site.kinds import DEFAULT_KIND, KindName
from hemline.model.site.rule import Source, When

__all__ = ["Slot", "Source", "Variant"]


class Variant(msgspec.Struct, frozen=True, omit_defaults=True):
    """One content variant; `fields` are plain text or URLs, escaped where they are rendered."""

    name: str
    fields: dict[str, str] = {}
    when: tuple[When, ...] = ()
    """All must hold; a variant without conditions may always be shown."""
    category: str | None = None
    """The category it is for: among eligible variants, that of the visitor's own category comes first."""
    item: str | None = None
    """The item it is about: where the item may not appear, the variant may not either."""


DIVERSE_OVER = ("category", "categories", "tags", "content")
"""Besides attribute names: the main category, all categories, all tags, the content vector."""


class PageCap(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most `count` items on a whole page may share a value of `attribute`."""

    attribute: str = "category"
    count: int = 3


class ColdStart(msgspec.Struct, frozen=True, omit_defaults=True):
    """Budget of each cold item: `impressions` within its first `hours`."""

    impressions: int
    hours: int


class Slot(msgspec.Struct, frozen=True, omit_defaults=True):
    """One slot. `personal` False guarantees that no visitor fact is read, so the answer is public."""

    name: str
    kind: KindName = DEFAULT_KIND
    title: str = ""
    limit: int = 8
    sources: tuple[Source, ...] = (
        "recent_together",
        "your_categories",
        "own",
        "trending",
        "popular",
    )
    personal: bool = True
    priority: int = 0
    """When two slots of a page could show an item, the one with the higher priority does."""
    deadline_ms: int = 50
    """A slot that takes longer steps down the ladder."""
    goal: str = "click"
    """Type of the event that the slot is for."""
    max_age: int = 60
    """Seconds that a public answer may be cached."""
    diversity: float = 0.0
    """items: from 0 (the ranking alone) to 1 (only that no two items are alike)."""
    diverse_over: str = "category"
    """items: what makes two items alike: one of DIVERSE_OVER, or an attribute's name."""
    explore: float = 0.0
    """items: probability that the last place goes to an item that the ranking would not have shown.

    content: probability that chance chooses among the eligible variants.
    """
    variants: tuple[Variant, ...] = ()
    sections: tuple[str, ...] = ()
    """layout: the page's sections in their default order."""
    fallback: tuple[str, ...] = ()
    """items: ids for the static rung; content and alert: one variant; layout: unused."""
    template: str = ""
    """Name of the template that renders it as HTML; empty for the default markup."""
    frequency: Frequency | None = None
    """content and alert: how often one person may be shown it."""
    opens: Opens | None = None
    """alert: when the page or app shows it."""


def diverse_attributes(slots: Iterable[Slot]) -> tuple[str, ...]:
    """The attributes that slots are diverse over, in the order of their rows in an edition."""
    over = (slot.diverse_over for slot in slots if slot.diversity)
    return tuple(dict.fromkeys(name for name in over if name not in DIVERSE_OVER))
