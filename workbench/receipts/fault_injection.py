"""What goes wrong in a share of a throw-away site's decisions: a brake, a ranker, a deadline, a table.

Each receipt says itself what its decision met (`kinds_of`); what is drawn here is only that it may.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.token import UNREAD, RecordedRequest, Token, fact_name
from hemline.learn.array_types import Floats
from hemline.model.brake import Kind, Stop
from hemline.model.errors import Unavailable
from hemline.usecases.ports import ServingRead
from hemline.usecases.serving.decide_page import Deps

SHARE = 0.3
"""Of all pages: something fails."""
BRAKED = 0.4
"""Of all stretches of a history: something is stopped by hand."""
KINDS = ("under a brake", "ranker failed", "ranker late", "profile unreadable")
BRAKE, FAILED, LATE, UNREADABLE = KINDS


class _Fails:
    """A ranker out of order; `nonsense` when it answers all the same."""

    feature_names = FEATURES

    def __init__(self, *, nonsense: bool) -> None:
        self._nonsense = nonsense

    def score(self, matrix: Floats) -> Floats:
        """Raises, or NaN."""
        if self._nonsense:
            return np.full(len(matrix), np.nan, np.float32)
        raise RuntimeError("out of order")


class _Gone:
    """A table that does not answer."""

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        """Raises Unavailable."""
        del site, subject, pointer, timeout  # the port asks for them
        raise Unavailable("table", "no answer in time")


class Trouble(NamedTuple):
    """What one page meets; nothing by default."""

    kind: str = ""
    nonsense: bool = False

    @contextmanager
    def met(self, deps: Deps) -> Iterator[Deps]:
        """The collaborators in that state, for as long as one page takes."""
        live, well = deps.live, deps.live.engine
        assert well is not None, "an edition was published"
        if self.kind == FAILED:
            live.engine = well._replace(ranker=_Fails(nonsense=self.nonsense))
        try:
            yield _STATES.get(self.kind, _as_ever)(deps)
        finally:
            live.engine = well


def _as_ever(deps: Deps) -> Deps:
    return deps


def _late(deps: Deps) -> Deps:
    seconds = count()
    return deps._replace(clock=lambda: float(next(seconds)))


def _unreadable(deps: Deps) -> Deps:
    return deps._replace(reader=_Gone())


_STATES: dict[str, Callable[[Deps], Deps]] = {LATE: _late, UNREADABLE: _unreadable}


def drawn(draw: random.Random) -> Trouble:
    """For one page."""
    if draw.random() >= SHARE:
        return Trouble()
    return Trouble(draw.choice([FAILED, LATE, UNREADABLE]), nonsense=draw.random() < 0.5)


def stops(draw: random.Random, snapshot: Snapshot, at: int) -> Sequence[Stop]:
    """For a stretch of the history, none for most; `at` epoch ms."""
    if draw.random() >= BRAKED:
        return ()
    items, slots = draw.sample(snapshot.item_ids, 3), draw.choice(sorted(snapshot.slots))
    named: dict[Kind, tuple[str, tuple[str, ...]]] = {
        "block": (items[0], ()),
        "freeze": (slots, tuple(items[1:])),
        "place": (f"{slots}/1", tuple(items[1:2])),
        "no-ranker": ("", ()),
        "no-exploration": ("", ()),
    }
    kinds = draw.sample(list(named), draw.randint(1, 2))
    return [Stop(kind, "ops", at, "a drill", *named[kind]) for kind in kinds]


def kinds_of(token: Token, trouble: Trouble, *, stopped: bool) -> tuple[str, ...]:
    """What the decision of a receipt met, of KINDS."""
    read = token.request.given if isinstance(token.request, RecordedRequest) else ()
    found = [BRAKE] if stopped and any(fact_name(n) == "site.brake" for n, _ in read) else []
    found += [trouble.kind] if token.broken and trouble.kind in {FAILED, LATE} else []
    unread = token.whose is not None and token.whose.flags & UNREAD
    return tuple([*found, UNREADABLE] if unread else found)
