"""Training lists for a site without exposures: the candidates before a purchase, and what was bought."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hemline.decide.facts.facts import Fact, Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.candidates import generate
from hemline.decide.ranking.features.matrix import matrix
from hemline.decide.ranking.visitor import VisitorView
from hemline.learn.array_types import Ints
from hemline.model.events.event import InteractionLevel, OrderLine, Record
from hemline.model.site.slot import Slot
from models.examples import Example, Turn
from models.replay import ReplayWorld

SLOT = Slot("next", sources=("own", "recent_together", "your_categories", "trending", "popular"))
"""A slot with every source that needs no page."""


def offered(snapshot: Snapshot, seen: VisitorView) -> Ints:
    """The candidates that the product would give the ranker in SLOT for this visitor."""
    known = {
        "visitor.recent": lambda: Fact(seen.recent.tolist(), b""),
        "visitor.categories": lambda: Fact(seen.categories.tolist(), b""),
    }
    facts = Facts(FactSource(known), personal=True)
    return generate(SLOT, snapshot, facts, personal=bool(len(seen.recent))).items


def next_lists(
    world: ReplayWorld,
    records: Sequence[Record],
    turn: Turn,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Example]:
    """One list for each purchase by a visitor with a history, if a bought item is a candidate."""
    seen = 0
    for record in records:
        if record.event.level is InteractionLevel.BOUGHT:
            if turn(seen, record.event.time):
                world.build(record.event.time)
            seen += 1
            example = next_list(world, record, record.event.items())
            if example.known and example.gains.any():
                yield example
        world.fold(record)
        tick()


def next_list(world: ReplayWorld, record: Record, lines: Sequence[OrderLine]) -> Example:
    """The candidates just before `record`, with gain 1 for those in `lines`."""
    snapshot, seen = world.snapshot, world.view(record.subject)
    assert snapshot is not None, "build an edition first"
    candidates = offered(snapshot, seen)
    taken = {line.item for line in lines}
    now = record.event.time
    return Example(
        record.subject,
        now,
        candidates,
        matrix(snapshot, seen, candidates, now=now),
        np.array([snapshot.item_ids[i] in taken for i in candidates], np.int32),
        len(taken),
        bool(len(seen.recent)),
    )
