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
    """All must hold; a variant without conditions always may be shown."""
    category: str | None = None
    """The category it speaks for: among variants that may be shown, the visitor's own comes first."""
    item: str | None = None
    """The item it is about: where that may not appear, neither may this."""


DIVERSE_OVER = ("category", "categories", "tags", "content")
"""Beside attributes: the main category, all categories, tags, all that items say of themselves."""


class PageCap(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most `count` items on a whole page that share a value of `attribute`."""

    attribute: str = "category"
    count: int = 3


class ColdStart(msgspec.Struct, frozen=True, omit_defaults=True):
    """Each new item is owed `impressions` in its first `hours`."""

    impressions: int
    hours: int


class Slot(msgspec.Struct, frozen=True, omit_defaults=True):
    """One slot. `personal` False promises that no visitor fact is read, so the answer is public."""

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
    """Of two slots of a page that could show an item, the one of higher priority does."""
    deadline_ms: int = 50
    goal: str = "click"
    max_age: int = 60
    """Seconds that a public answer may be cached."""
    diversity: float = 0.0
    """items: 0 shows the ranking as it is, 1 cares only that no two are alike."""
    diverse_over: str = "category"
    """items: what makes two alike: one of DIVERSE_OVER, or an attribute's name."""
    explore: float = 0.0
    """items: how often the last place goes to an item that the ranking would not have shown.

    content: how often chance chooses among the variants that may be shown.
    """
    variants: tuple[Variant, ...] = ()
    sections: tuple[str, ...] = ()
    """layout: the page's sections in their default order."""
    fallback: tuple[str, ...] = ()
    """items: ids for the static rung; content and alert: one variant; layout: unused."""
    template: str = ""
    """What renders it as HTML; the default markup when it names none."""
    frequency: Frequency | None = None
    """content and alert: how often one person may be shown it."""
    opens: Opens | None = None
    """alert: when the page or app shows it."""


def diverse_attributes(slots: Iterable[Slot]) -> tuple[str, ...]:
    """Attributes that slots are diverse over: each one's place is its row in an edition."""
    over = (slot.diverse_over for slot in slots if slot.diversity)
    return tuple(dict.fromkeys(name for name in over if name not in DIVERSE_OVER))
