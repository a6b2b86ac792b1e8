"""A reproducible sample of recent visitors from the archive, as decisions would have seen them.

What the archive does not hold of a page (its URL, its type, the cart, the language) is not made up:
KNOWN_FACTS names what it does hold, so that a question about anything else can be declined.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.decision import PageContext, Traits, Visit
from hemline.model.durations import DAY_MS
from hemline.model.events.event import Record
from hemline.model.ids import hash64
from hemline.usecases.ports import ServingRead, Stored

KNOWN_FACTS = ("clock.", "visitor.", "page.item", "page.category", "trait.country", "trait.device")
"""Facts, or beginnings of their names, that the archive can tell."""


class Moment(NamedTuple):
    """One event of a visitor, as the request before it: what was known then; `now` in epoch ms."""

    page: PageContext
    traits: Traits
    visit: Visit
    serving_read: ServingRead
    now: int


class VisitorSample(NamedTuple):
    """`visitors`: each one's last moments, oldest first; `population`: how many there were in all."""

    visitors: Sequence[Sequence[Moment]]
    population: int
    days: int


class SampleSize(NamedTuple):
    """How many visitors of how many last days, and how many moments of each."""

    visitors: int = 500
    days: int = 14
    moments: int = 5


def sample(
    records: Sequence[Record], categories: Mapping[str, str], wanted: SampleSize
) -> VisitorSample:
    """Visitors of the last days before the newest event; `categories`: item → its main category.

    Chosen by a hash of who they are, so that the same archive gives the same sample.
    """
    people = [record for record in records if record.profiled]
    since = max((record.event.time for record in people), default=0) - wanted.days * DAY_MS
    recent = {record.subject for record in people if record.event.time >= since}
    chosen = set(heapq.nsmallest(wanted.visitors, recent, key=hash64))
    histories: dict[str, list[Record]] = defaultdict(list)
    for record in people:
        if record.subject in chosen:
            histories[record.subject].append(record)
    visitors = [
        _moments(histories[who], categories, since, wanted.moments) for who in sorted(chosen)
    ]
    return VisitorSample(visitors, len(recent), wanted.days)


def _moments(
    history: Iterable[Record], categories: Mapping[str, str], since: int, most: int
) -> list[Moment]:
    ordered = sorted(history, key=lambda record: (record.event.time, record.event.id))
    first = max(sum(record.event.time < since for record in ordered), len(ordered) - most)
    profile = fold(Profile(), [record for record in ordered[:first] if record.profiled])
    found = []
    for record in ordered[first:]:
        found.append(_moment(record, profile, categories))
        if record.profiled:
            profile = fold(profile, [record])
    return found


def _moment(record: Record, profile: Profile, categories: Mapping[str, str]) -> Moment:
    lines = record.event.items()
    item = lines[0].item if len(lines) == 1 else None
    page = PageContext(item=item, category=categories.get(item or ""))
    traits = Traits(country=record.country, device=record.device)
    visit = Visit(record.subject, record.profiled)
    serving_read = ServingRead(None if profile.empty else Stored(encode(profile), 1), None)
    return Moment(page, traits, visit, serving_read, record.event.time)
