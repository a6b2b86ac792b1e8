"""Training examples: lists that were shown, or next purchases, with features from before each list.

A `ReplayWorld` moves forward through the log. A list's features are made first; then its own events are
folded. A new edition is built whenever a `Turn` says so.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from hemline.decide.ranking.features.matrix import matrix
from hemline.learn.array_types import Floats, Ints
from hemline.model.durations import DAY_MS
from hemline.model.errors import BadInput
from hemline.model.events.event import InteractionLevel, Record
from models.replay import ReplayWorld, Rows

T = TypeVar("T")
_EDITIONS = 200
Turn = Callable[[int, int], bool]
"""(lists so far, epoch ms) → whether an edition is due."""
GAINS: Mapping[InteractionLevel, int] = {
    InteractionLevel.ENGAGED: 1,
    InteractionLevel.CARTED: 2,
    InteractionLevel.BOUGHT: 3,
}
"""Gain of a shown item, by the deepest interaction that followed within a day."""


class Example(NamedTuple):
    """One list of n candidates, with features and gains."""

    subject: str
    time: int
    """Epoch ms."""
    candidates: Ints
    """[n] item indices of the edition."""
    features: Floats
    """[n, FEATURES]"""
    gains: Ints
    """[n]"""
    wanted: int
    """Number of relevant items in all, candidates or not."""
    known: bool
    """The visitor had a history."""
    slot: str = ""


Answers = Mapping[tuple[str, str], Sequence[tuple[int, int]]]
"""(subject or token, item) → (time, gain) of each interaction."""


def answers(records: Sequence[Record]) -> Answers:
    """Clicks by the token of their list; carts and purchases by subject."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for record in records:
        event = record.event
        gain = GAINS.get(event.level) if event.level is not None else None
        if gain is None:
            continue
        source = event.token if gain == 1 else record.subject
        if source:
            for line in event.items():
                found[source, line.item].append((event.time, gain))
    return found


def shown_lists(
    world: ReplayWorld,
    records: Sequence[Record],
    turn: Turn,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Example]:
    """Every exposure of two or more items with a click, in the order of `records`."""
    known = answers(records)
    seen = 0
    for record in records:
        if record.event.type == "exposure":
            if turn(seen, record.event.time):
                world.build(record.event.time)
            seen += 1
            example = _shown(world, record, known)
            if example:
                yield example
        world.fold(record)
        tick()


def _shown(world: ReplayWorld, record: Record, known: Answers) -> Example | None:
    event = record.event
    names = [line.item for line in event.items()]
    gains = [_gain(known, record, name) for name in names]
    if not any(gains) or len(names) < 2:
        return None
    assert world.snapshot is not None
    index = world.snapshot.index
    kept = [i for i, name in enumerate(names) if name in index]
    candidates = np.array([index[names[i]] for i in kept], np.int32)
    seen = world.view(record.subject)
    return Example(
        record.subject,
        event.time,
        candidates,
        matrix(world.snapshot, seen, candidates, now=event.time),
        np.array([gains[i] for i in kept], np.int32),
        sum(gain > 0 for gain in gains),
        bool(len(seen.recent)),
        event.slot or "",
    )


def _gain(known: Answers, record: Record, item: str) -> int:
    event = record.event
    clicked = max((gain for _, gain in known.get((event.token or "", item), ())), default=0)
    if not clicked:
        return 0
    later = known.get((record.subject, item), ())
    deeper = (gain for time, gain in later if 0 <= time - event.time <= DAY_MS)
    return max(clicked, *deeper, 0)


def turns(records: Sequence[Record]) -> Turn:
    """A new edition every six hours or rarer, about 200 in all; for a log under two days, by lists."""
    times = [record.event.time for record in records]
    span = max(times, default=0) - min(times, default=0)
    if span < 2 * DAY_MS:
        lists = sum(record.event.type == "exposure" for record in records)
        return each(max(lists // _EDITIONS, 20))
    return every(max(DAY_MS // 4, span // _EDITIONS))


def every(milliseconds: int) -> Turn:
    """True at the first list of each span of the log's time."""
    last = -1

    def turned(_seen: int, time: int) -> bool:
        nonlocal last
        span = time // milliseconds
        moved, last = span != last, span
        return moved

    return turned


def each(lists: int) -> Turn:
    """True every so many lists, for logs that cover too little time."""
    return lambda seen, _time: seen % lists == 0


FEWEST_TEST_LISTS = 2
"""A standard error needs at least two."""


def split(found: Sequence[T], learnt: int, source: str) -> tuple[Sequence[T], Sequence[T]]:
    """The first `learnt` lists to train on, the rest to test on. Raises BadInput for too few."""
    return enough(found[:learnt], found[learnt:], source)


def enough(
    learnt: Sequence[T], judged: Sequence[T], source: str
) -> tuple[Sequence[T], Sequence[T]]:
    """Both, unchanged. Raises BadInput when `source` (a data set's name) has too few of either."""
    if learnt and len(judged) >= FEWEST_TEST_LISTS:
        return learnt, judged
    raise BadInput(
        "FILE",
        f"has {len(learnt)} lists to train on and {len(judged)} to test on.",
        f"Name the whole file of {source}.",
    )


def rows(examples: Sequence[Example]) -> Rows:
    """The examples (at least one) as the arrays that a trainer takes."""
    return Rows(
        np.concatenate([example.features for example in examples]),
        np.concatenate([example.gains for example in examples]),
        np.array([len(example.gains) for example in examples], np.int32),
    )
