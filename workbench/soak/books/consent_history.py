"""What people said and asked for, and when, by their own books: made from calls and answers alone.

Time here is a count of what happened one after another (ticks). A call takes from one tick to another,
and what it brings about is certain only outside of it: while it runs, both hold. Likewise a record
is read at some time in a window. So each question has two answers: what is certain, and what may be.

The rules are those of docs/consent.md, identity.md and forgetting.md; no code under test is asked.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, NamedTuple, TypeVar

from hemline.model.events.event import Record

T = TypeVar("T")
Purposes = frozenset[str]
NOTHING: Purposes = frozenset()
EVER = 1 << 62
"""A tick that never comes."""


class Span(NamedTuple):
    """From one tick to another, both included."""

    begin: int
    end: int


class Course(Generic[T]):
    """One thing that changes: what it was, and each change with the call that brought it about."""

    def __init__(self, first: T) -> None:
        self._steps = [(Span(0, 0), first)]

    @property
    def now(self) -> T:
        """Since the last change."""
        return self._steps[-1][1]

    def change(self, span: Span, value: T) -> None:
        """Later than all before."""
        self._steps.append((span, value))

    def possible(self, window: Span) -> list[T]:
        """All that it may have been in the window."""
        ends = [span.end for span, _ in self._steps[1:]] + [EVER]
        steps = zip(self._steps, ends, strict=True)
        return [
            value
            for (span, value), end in steps
            if span.begin <= window.end and end >= window.begin
        ]


class Said:
    """`graves`: subject → epoch ms until when they are forgotten."""

    def __init__(self) -> None:
        self.graves: dict[str, int] = {}
        self.joined: set[str] = set()
        """Users (bare ids) who signed in on some device since they were last forgotten."""
        self._tick = 0
        self._refused: dict[str, Course[Purposes]] = {}
        self._ties: dict[str, dict[str, Course[bool]]] = defaultdict(dict)
        """User → visitor → whether they are one person, bare ids."""
        self._cut: set[tuple[str, str]] = set()
        self._reads: list[Span] = []

    def tick(self) -> int:
        """The next one."""
        self._tick += 1
        return self._tick

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All that is on the stream by now is read in here, and nothing of it afterwards."""
        begin = self.tick()
        yield
        self._reads.append(Span(begin, self.tick()))

    def window(self, tick: int) -> Span:
        """When a record is read that was put at `tick`."""
        at = bisect_right(self._reads, tick, key=lambda span: span.end)
        span, after = [*self._reads[at : at + 2], Span(tick, EVER), Span(tick, EVER)][:2]
        # Put while something was read, it may have been in time for that, or not.
        return span if span.begin >= tick else Span(tick, after.end)

    # --- what was brought about

    def say(self, subject: str, choices: Mapping[str, bool], span: Span) -> None:
        """What is left out stays as it was."""
        yes = {purpose for purpose, fine in choices.items() if fine}
        own = self._own(subject)
        own.change(span, own.now - yes | (choices.keys() - yes))

    def tie(self, visitor: str, user: str, span: Span, *, on: bool = True) -> None:
        """Two bare ids are one person from now on, or two again, and for good."""
        self._ties[user].setdefault(visitor, Course(first=False)).change(span, on)
        self.joined.add(user)
        if not on:
            self._cut.add((visitor, user))

    def bury(self, subject: str, at: int, span: Span) -> list[str]:
        """Forgotten: a user with all devices. Who is, from now on."""
        bare, gone = subject[2:], [subject]
        if subject.startswith("u:"):
            # A refusal outlives its owner's data, as it counted: with those of the devices.
            self._own(subject).change(span, self.refusals(subject, Span(span.end, span.end))[0])
            gone += [f"v:{one}" for one in self.visitors(bare)]
            self.joined.discard(bare)
            self._cut = {pair for pair in self._cut if pair[1] != bare}
        for visitor in (one[2:] for one in gone if one.startswith("v:")):
            for user in self.users(visitor):
                self._ties[user][visitor].change(span, value=False)
        self.graves.update(dict.fromkeys(gone, at))
        return gone

    # --- what holds

    def own(self, subject: str) -> Purposes:
        """What they refuse themselves, as they were answered last."""
        return self._own(subject).now

    def visitors(self, user: str) -> list[str]:
        """Bare ids that are one with a user now."""
        return sorted(visitor for visitor, tie in self._ties[user].items() if tie.now)

    def users(self, visitor: str) -> list[str]:
        """Bare ids that a visitor is one with now."""
        return sorted(u for u, ties in self._ties.items() if visitor in ties and ties[visitor].now)

    def free_for(self, visitor: str, user: str) -> bool:
        """Whether signing in makes the two one person; else the device gets a new id."""
        others = {*self.users(visitor)} - {user}
        return f"v:{visitor}" not in self.graves and not others and (visitor, user) not in self._cut

    def refusals(self, subject: str, window: Span) -> tuple[Purposes, Purposes]:
        """What they refuse all through a window, and what they may refuse at some time in it."""
        found = [self._possible(subject, window)]
        ties = self._ties.get(subject[2:], {}) if subject.startswith("u:") else {}
        for visitor, tie in ties.items():
            states = tie.possible(window)
            if any(states):
                sure, maybe = self._possible(f"v:{visitor}", window)
                found.append((sure if all(states) else NOTHING, maybe))
        return NOTHING.union(*(sure for sure, _ in found)), NOTHING.union(*(m for _, m in found))

    def now(self) -> Span:
        """A window of this moment, after all that was ever brought about."""
        tick = self.tick()
        return Span(tick, tick)

    def forgets(self, record: Record) -> bool:
        """A visitor is dead for good; a user's past is, and they may come back."""
        at = self.graves.get(record.subject)
        if at is None:
            return False
        past = min(record.received, record.event.time) <= at
        return past or record.subject.startswith("v:")

    def _possible(self, subject: str, window: Span) -> tuple[Purposes, Purposes]:
        states = self._own(subject).possible(window)
        return _common(states), NOTHING.union(*states)

    def _own(self, subject: str) -> Course[Purposes]:
        return self._refused.setdefault(subject, Course(NOTHING))


def _common(states: Iterable[Purposes]) -> Purposes:
    first, *rest = states
    return first.intersection(*rest)
