"""Fault injection for a sandbox site: a brake, a failing ranker, a missed deadline, a dead table.

A fault is drawn for a page; whether a decision met it is read from its receipt (`kinds_of`).
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
"""Share of pages with a fault."""
BRAKE_SHARE = 0.4
"""Share of batches of the history during which an operator has stopped something."""
KINDS = ("under a brake", "ranker failed", "ranker late", "profile unreadable")
BRAKE, FAILED, LATE, UNREADABLE = KINDS


class _FailingRanker:
    """A ranker that raises, or with `nonsense` answers NaN."""

    feature_names = FEATURES

    def __init__(self, *, nonsense: bool) -> None:
        self._nonsense = nonsense

    def score(self, matrix: Floats) -> Floats:
        """NaN for every row, or RuntimeError."""
        if self._nonsense:
            return np.full(len(matrix), np.nan, np.float32)
        raise RuntimeError("out of order")


class _UnreachableTable:
    """A table that does not answer."""

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        """Raises Unavailable."""
        del site, subject, pointer, timeout  # the port asks for them
        raise Unavailable("table", "no answer in time")


class InjectedFault(NamedTuple):
    """The fault of one page; none by default."""

    kind: str = ""
    """One of KINDS, or empty."""
    nonsense: bool = False
    """The ranker answers NaN instead of raising."""

    @contextmanager
    def applied(self, deps: Deps) -> Iterator[Deps]:
        """The dependencies with this fault, for a `with` block that decides one page."""
        live, well = deps.live, deps.live.engine
        assert well is not None, "an edition was published"
        if self.kind == FAILED:
            live.engine = well._replace(ranker=_FailingRanker(nonsense=self.nonsense))
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
    return deps._replace(reader=_UnreachableTable())


_STATES: dict[str, Callable[[Deps], Deps]] = {LATE: _late, UNREADABLE: _unreadable}


def draw_fault(draw: random.Random) -> InjectedFault:
    """Draw the fault of one page."""
    if draw.random() >= SHARE:
        return InjectedFault()
    return InjectedFault(draw.choice([FAILED, LATE, UNREADABLE]), nonsense=draw.random() < 0.5)


def draw_stops(draw: random.Random, snapshot: Snapshot, at: int) -> Sequence[Stop]:
    """Draw the brake for one batch of the history, none for most; `at` epoch ms."""
    if draw.random() >= BRAKE_SHARE:
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


def kinds_of(token: Token, fault: InjectedFault, *, stopped: bool) -> tuple[str, ...]:
    """Kinds of fault that the decision of a receipt met."""
    read = token.request.given if isinstance(token.request, RecordedRequest) else ()
    found = [BRAKE] if stopped and any(fact_name(n) == "site.brake" for n, _ in read) else []
    found += [fault.kind] if token.broken and fault.kind in {FAILED, LATE} else []
    unread = token.whose is not None and token.whose.flags & UNREAD
    return tuple([*found, UNREADABLE] if unread else found)
