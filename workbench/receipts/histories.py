"""Histories to fill a sandbox site with: a public data set, or the demo shop's simulated visitors."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hemline.model.durations import DAY_MS
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot, Variant
from hemline.sitefile.reader import check
from workbench.importers import online_retail, ranklens
from workbench.importers.reading import opened
from workbench.importers.wire import Event, Unreadable


class SeedHistory(NamedTuple):
    """A site, and its events in order, as signed batches carry them."""

    site: Site
    events: Iterator[Event]


def history(file: Path | None, decisions: int) -> SeedHistory:
    """The history in a file: RankLens (JSON lines) or Online Retail (CSV). Without one, the demo's."""
    if file is None:
        return _demo(decisions)
    kind = _online_retail if ".csv" in file.suffixes else _ranklens
    return SeedHistory(SITE, kind(file))


def _demo(decisions: int) -> SeedHistory:
    from workbench.demo import catalogue  # noqa: PLC0415 - light at import
    from workbench.seed import SITE_FILE, demo_events  # noqa: PLC0415 - light at import

    site, findings = check(SITE_FILE.read_text(encoding="utf-8"))
    assert site is not None, findings
    # A fixed end, after the whole catalogue is published: the same visits on any day.
    until = max(item.published_at or 0 for item in catalogue.items()) + 30 * DAY_MS
    return SeedHistory(site, demo_events(until, visitors=max(20, min(1500, decisions // 4))))


def _ranklens(file: Path) -> Iterator[Event]:
    with opened(file) as source:
        events = ranklens.events(source.lines())
        yield from (event for event in events if not isinstance(event, Unreadable))


def _online_retail(file: Path) -> Iterator[Event]:
    with opened(file) as source:
        stream = online_retail.events(online_retail.read(source.rows()))
        yield from (event for event in stream.events if not isinstance(event, Unreadable))


_BACK = Variant(
    "back", {"headline": "Good to see you again"}, (Condition("visitor.returning", "eq", True),)
)
SITE = Site(
    title="A sandbox site",
    currency="GBP",
    slots=(
        Slot("for-you", title="For you", explore=0.2, diversity=0.2),
        Slot("goes-well", sources=("together", "popular"), limit=6),
        Slot("shelf", personal=False, sources=("trending", "popular"), limit=10),
        Slot("category", sources=("category",), limit=12),
        Slot("hero", kind="content", variants=(_BACK, Variant("any", {"headline": "Welcome"}))),
    ),
    rules=(
        Rule("two-of-each", "cap", ("for-you",), attribute="category", count=2),
        Rule(
            "evenings",
            "cap",
            ("shelf",),
            (Condition("clock.hour", "ge", 17.0),),
            attribute="category",
            count=3,
        ),
    ),
)
"""A site with slots of all scopes, exploration, diversity, and rules over facts of several families."""
