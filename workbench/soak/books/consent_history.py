"""The history of consent, links and forgetting, kept from calls and their answers alone.

Time is counted in ticks, one for each step. A call takes from one tick to another. While it runs, the
state before it and the state after it are both possible. A record is likewise read at some tick of a
window. So each question has two answers: what is certain, and what is possible.

The rules are those of docs/consent.md, identity.md and forgetting.md. No code under test is called.
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


class Timeline(Generic[T]):
    """The values of one thing over time, each with the span of the call that set it."""

    def __init__(self, first: T) -> None:
        self._steps = [(Span(0, 0), first)]

    @property
    def now(self) -> T:
        """The value since the last change."""
        return self._steps[-1][1]

    def change(self, span: Span, value: T) -> None:
        """Add a change, later than all before."""
        self._steps.append((span, value))

    def possible(self, window: Span) -> list[T]:
        """All values that it may have had in the window."""
        # A value may still hold until the call that replaces it has ended.
        ends = [span.end for span, _ in self._steps[1:]] + [EVER]
        steps = zip(self._steps, ends, strict=True)
        return [
            value
            for (span, value), end in steps
            if span.begin <= window.end and end >= window.begin
        ]


class ConsentHistory:
    """Who refused, linked and was forgotten when. `forgotten_at`: subject → epoch ms of forgetting."""

    def __init__(self) -> None:
        self.forgotten_at: dict[str, int] = {}
        self.joined: set[str] = set()
        """Users (bare ids) who signed in on some device since they were last forgotten."""
        self._tick = 0
        self._refused: dict[str, Timeline[Purposes]] = {}
        self._ties: dict[str, dict[str, Timeline[bool]]] = defaultdict(dict)
        """User → visitor → whether they are one person, bare ids."""
        self._cut: set[tuple[str, str]] = set()
        self._reads: list[Span] = []

    def tick(self) -> int:
        """Count one step."""
        self._tick += 1
        return self._tick

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A block in which everything that is on the stream by now is read."""
        begin = self.tick()
        yield
        self._reads.append(Span(begin, self.tick()))

    def window(self, tick: int) -> Span:
        """The span in which a record is read that was put at `tick`."""
        at = bisect_right(self._reads, tick, key=lambda span: span.end)
        span, after = [*self._reads[at : at + 2], Span(tick, EVER), Span(tick, EVER)][:2]
        # Put during a read, it may have been in time for that one or only for the next.
        return span if span.begin >= tick else Span(tick, after.end)

    # --- changes

    def set_consent(self, subject: str, choices: Mapping[str, bool], span: Span) -> None:
        """A consent call. Purposes left out keep their state."""
        yes = {purpose for purpose, fine in choices.items() if fine}
        own = self._own(subject)
        own.change(span, own.now - yes | (choices.keys() - yes))

    def link(self, visitor: str, user: str, span: Span, *, on: bool = True) -> None:
        """Link two bare ids, or unlink them (`on` False): an unlinked pair never links again."""
        self._ties[user].setdefault(visitor, Timeline(first=False)).change(span, on)
        self.joined.add(user)
        if not on:
            self._cut.add((visitor, user))

    def forget(self, subject: str, at: int, span: Span) -> list[str]:
        """Forget a subject, a user with all linked devices. Returns all who are forgotten."""
        bare, gone = subject[2:], [subject]
        if subject.startswith("u:"):
            # A refusal outlives the data. It keeps its full extent, those of the devices included.
            self._own(subject).change(span, self.refusals(subject, Span(span.end, span.end))[0])
            gone += [f"v:{one}" for one in self.visitors(bare)]
            self.joined.discard(bare)
            self._cut = {pair for pair in self._cut if pair[1] != bare}
        for visitor in (one[2:] for one in gone if one.startswith("v:")):
            for user in self.users(visitor):
                self._ties[user][visitor].change(span, value=False)
        self.forgotten_at.update(dict.fromkeys(gone, at))
        return gone

    # --- questions

    def own(self, subject: str) -> Purposes:
        """Purposes refused by the subject itself, after the last answered call."""
        return self._own(subject).now

    def visitors(self, user: str) -> list[str]:
        """Visitors linked to a user now, bare ids."""
        return sorted(visitor for visitor, tie in self._ties[user].items() if tie.now)

    def users(self, visitor: str) -> list[str]:
        """Users linked to a visitor now, bare ids."""
        return sorted(u for u, ties in self._ties.items() if visitor in ties and ties[visitor].now)

    def may_link(self, visitor: str, user: str) -> bool:
        """Whether signing in links the two; else the device gets a new id."""
        others = {*self.users(visitor)} - {user}
        return (
            f"v:{visitor}" not in self.forgotten_at
            and not others
            and (visitor, user) not in self._cut
        )

    def refusals(self, subject: str, window: Span) -> tuple[Purposes, Purposes]:
        """Purposes refused all through a window, and those possibly refused at some tick in it."""
        found = [self._possible(subject, window)]
        ties = self._ties.get(subject[2:], {}) if subject.startswith("u:") else {}
        for visitor, tie in ties.items():
            states = tie.possible(window)
            if any(states):
                sure, maybe = self._possible(f"v:{visitor}", window)
                found.append((sure if all(states) else NOTHING, maybe))
        return NOTHING.union(*(sure for sure, _ in found)), NOTHING.union(*(m for _, m in found))

    def now(self) -> Span:
        """A window of one tick, after all changes so far."""
        tick = self.tick()
        return Span(tick, tick)

    def forgets(self, record: Record) -> bool:
        """Whether a record must be gone. A visitor is forgotten for good, a user only up to that time."""
        at = self.forgotten_at.get(record.subject)
        if at is None:
            return False
        past = min(record.received, record.event.time) <= at
        return past or record.subject.startswith("v:")

    def _possible(self, subject: str, window: Span) -> tuple[Purposes, Purposes]:
        states = self._own(subject).possible(window)
        return _common(states), NOTHING.union(*states)

    def _own(self, subject: str) -> Timeline[Purposes]:
        return self._refused.setdefault(subject, Timeline(NOTHING))


def _common(states: Iterable[Purposes]) -> Purposes:
    first, *rest = states
    return first.intersection(*rest)
