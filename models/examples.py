"""Examples to learn from: lists that were shown, or next purchases, each with what was known before it.

A world is walked forward through the log. Before a list is seen its features are taken; then its own
events are folded. An edition is built anew at every turn of the log's clock.
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
"""What a shown item is worth by the deepest thing that followed within a day."""


class Example(NamedTuple):
    """One list: n candidates, what was known of them, and what they turned out to be worth."""

    subject: str
    time: int
    candidates: Ints
    features: Floats
    """[n, FEATURES]"""
    gains: Ints
    """[n]"""
    wanted: int
    """How many relevant items there were in all, candidates or not."""
    known: bool
    """The visitor had a history."""
    slot: str = ""


Answers = Mapping[tuple[str, str], Sequence[tuple[int, int]]]
"""(subject or token, item) → (time, gain) of what was done to it."""


def answers(records: Sequence[Record]) -> Answers:
    """Clicks by the token of their list; carts and purchases by who and when."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for record in records:
        event = record.event
        gain = GAINS.get(event.deed) if event.deed is not None else None
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
    """Every exposure of two or more items that was answered, in the order of `records`."""
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
    """A new edition every six hours of the log or rarer, some 200 in all; by lists if its clock stands."""
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
    """True every so many lists, for logs whose clock says nothing."""
    return lambda seen, _time: seen % lists == 0


FEWEST_JUDGED = 2
"""Lists that a standard error can be said of."""


def split(found: Sequence[T], learnt: int, source: str) -> tuple[Sequence[T], Sequence[T]]:
    """The first `learnt` lists, and the rest to judge on. Raises BadInput when one of them is too short."""
    return enough(found[:learnt], found[learnt:], source)


def enough(
    learnt: Sequence[T], judged: Sequence[T], source: str
) -> tuple[Sequence[T], Sequence[T]]:
    """Both as they are. Raises BadInput where `source` (a data set's name) holds too few of either."""
    if learnt and len(judged) >= FEWEST_JUDGED:
        return learnt, judged
    raise BadInput(
        "FILE",
        f"has {len(learnt)} lists to learn from and {len(judged)} to judge on.",
        f"Name the whole file of {source}.",
    )


def rows(examples: Sequence[Example]) -> Rows:
    """Those examples, at least one, as the arrays that a trainer takes."""
    return Rows(
        np.concatenate([example.features for example in examples]),
        np.concatenate([example.gains for example in examples]),
        np.array([len(example.gains) for example in examples], np.int32),
    )
