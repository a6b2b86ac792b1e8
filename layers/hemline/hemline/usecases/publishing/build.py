"""The archive and the site file folded into an edition's parts: no store, no clock, no network.

The same archive, in any order and cut into any objects, gives the same edition.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hemline.decide.ranking import page_caps
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.render import cards
from hemline.decide.rules import masks
from hemline.decide.templates import edition
from hemline.learn.statistics import arrays as statistics
from hemline.learn.statistics.abuse import own_flags
from hemline.learn.statistics.counts import Statistics
from hemline.learn.variants import estimates
from hemline.learn.variants.exposures import Choices
from hemline.model.edition import SCHEMA, Header, Payload
from hemline.model.errors import BadInput
from hemline.model.events.event import ITEM_EVENT, Event, InteractionLevel, Record, item_order
from hemline.model.events.schema import item_of
from hemline.model.item import Item
from hemline.model.site.kinds import has_list
from hemline.model.site.site import Site, encode_site
from hemline.model.site.slot import Slot
from hemline.usecases.publishing import cold_start, variety
from hemline.usecases.publishing.ranker import RankerFiles

_EXAMPLES = 3
_DELIBERATE = frozenset(
    {InteractionLevel.ENGAGED, InteractionLevel.CARTED, InteractionLevel.BOUGHT}
)


class Made(NamedTuple):
    """When an edition is made (epoch ms), and how far into each shard it has read at least."""

    built: int
    watermarks: Mapping[str, str]


class ArchiveCounts(NamedTuple):
    """What one pass over the archive left."""

    items: Sequence[Item]
    """By id: an item's position is its index in every section."""
    statistics: Statistics
    events: int
    unreadable: Sequence[str]
    """Ids of items whose newest event is invalid (accepted by an older collect endpoint)."""
    flagged: Mapping[str, int] = {}
    """Flag → events that were left out for it; one may have several. See `model.events.abuse`."""
    choices: Choices | None = None
    """What was seen of the slots that choose a variant, and what followed."""


Flags = Callable[[Record], tuple[str, ...]]


def count(
    records: Iterable[Record], flags: Flags = own_flags, slots: Iterable[Slot] = ()
) -> ArchiveCounts:
    """One pass over de-duplicated records; an item is what its last `item` event says.

    `slots`: those whose variants are to be estimated.

    What may not be counted, or has flags, is left out; `learn.statistics.abuse.survey` of the same
    records gives all flags.

    What people did deliberately is put in the order of what happened (time, who, id), so that neither
    the order of arrival nor the cut into objects shows in what goes together. What was merely shown,
    most of a site's events, is counted as it comes: its order does not matter.
    Memory: about 1 kB for each of the former.
    """
    counted, choices = Statistics(), Choices(slots)
    latest: dict[str, Event] = {}
    deliberate: list[Record] = []
    flagged: Counter[str] = Counter()
    for record in records:
        if not record.counted:
            continue
        if found := flags(record):
            flagged.update(found)
            continue
        choices.add(record)
        if record.event.level in _DELIBERATE:
            deliberate.append(record)
            continue
        counted.add(record)
        if record.event.type == ITEM_EVENT and record.event.item is not None:
            _keep_latest(latest, record.event.item, record.event)
    for record in sorted(deliberate, key=lambda r: (r.event.time, r.subject, r.event.id)):
        counted.add(record)
    items, unreadable = _items(latest)
    return ArchiveCounts(items, counted, counted.counted, unreadable, flagged, choices)


def _keep_latest(latest: dict[str, Event], item: str, event: Event) -> None:
    held = latest.get(item)
    if held is None or item_order(held) < item_order(event):
        latest[item] = event


def edition_parts(
    name: str, site: Site, counted: ArchiveCounts, ranker: RankerFiles | None, made: Made
) -> tuple[Header, dict[str, Payload]]:
    """What `pack` makes a file of. Without a ranker it has no model rung."""
    header = Header(
        schema=SCHEMA,
        site=name,
        built=made.built,
        slots=site.slots,
        rules=site.rules,
        feature_names=FEATURES,
        watermarks=dict(made.watermarks),
        consent_default=site.consent_default,
        consent=site.consent,
        currency=site.currency,
        title=site.title,
        base_url=site.base_url,
        counted=counted.events,
        trial=ranker.trial if ranker else 0,
        site_file=hashlib.sha256(encode_site(site)).hexdigest(),
        passed_over=ranker.passed_over if ranker else "",
        segments=site.segments,
        time=site.time,
        page_caps=site.page_caps,
    )
    # What is compared is in the site's currency; what is shown stays as the catalogue states it.
    compared = site.money.compared(counted.items)
    payloads: dict[str, Payload] = {
        **statistics.sections(counted.statistics, compared, made.built),
        **cards.sections(counted.items, currency=site.currency),
        **masks.sections(site.rules, compared, made.built),
        **page_caps.sections(site.page_caps, compared),
        **edition.sections(site.templates, site.slots),
        **variety.sections(site.slots, compared),
        **cold_start.sections(site.cold_start, counted.statistics, counted.items, made.built),
    }
    if counted.choices:
        newest = counted.statistics.newest
        payloads |= estimates.sections(counted.choices, made.built, newest)
    if ranker:
        payloads["ranker_onnx"] = ("bytes", (len(ranker.onnx),), ranker.onnx)
        payloads["ranker_json"] = ("bytes", (len(ranker.card),), ranker.card)
    return header, payloads


def dangling(site: Site, items: Iterable[Item]) -> list[str]:
    """Lines about items that the site file names and the catalogue does not have, and doubtful ones."""
    items = list(items)
    known = {item.id for item in items}
    named = [(f"rule {r.name}", r.item) for r in site.rules if r.item is not None]
    named += [(f"slot {s.name}", i) for s in site.slots if has_list(s.kind) for i in s.fallback]
    named += [(f"variant {v.name} of slot {s.name}", v.item)
              for s in site.slots for v in s.variants if v.item is not None]  # fmt: skip
    return [f"{who} names item {item}, which is not in the catalogue" for who, item in named
            if item not in known] + list(_doubtful(site, items))  # fmt: skip


def _doubtful(site: Site, items: Sequence[Item]) -> Iterator[str]:
    for currency, names in site.money.without_rate(items).items():
        more = ", …" if len(names) > _EXAMPLES else ""
        yield (
            f"{len(names)} items ({', '.join(names[:_EXAMPLES])}{more}) are priced in {currency}, and"
            f" `rates` has none for it: their prices cannot be compared"
        )
    yield from masks.misfits(site.rules, site.money.compared(items))


def _items(latest: Mapping[str, Event]) -> tuple[list[Item], list[str]]:
    items: list[Item] = []
    unreadable: list[str] = []
    for name in sorted(latest):
        try:
            items.append(item_of(latest[name]))
        except BadInput:
            unreadable.append(name)
    return items, unreadable
