"""What a decision reads, and how widely its answer may therefore be shared.

Every fact is read through `Facts`. Each read is traced (name, scope, fingerprint); cache scope, ETag
and explanation are derived from the trace.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from hemline.model.decision import Scope


class Fact(NamedTuple):
    """A value and its fingerprint: bytes that differ whenever the value does."""

    value: Any
    fingerprint: bytes


Maker = Callable[[], Fact]
OTHERS = "*"
"""Key of the fallback maker. Its value is a function from name to Fact, for names without a maker."""

_SCOPES: Mapping[str, Scope] = {
    "site": Scope.EDITION,  # the brake: the same for everybody at one moment
    "clock": Scope.EDITION,  # the same for all at one moment; the slot's max_age bounds its staleness
    "page": Scope.TRAIT,  # part of the URL, so of every cache's key
    "trait": Scope.TRAIT,
    "visitor": Scope.VISITOR,
}
_PERSONAL_PAGE_FACTS = frozenset({"page.cart", "page.owned", "page.seen"})


@cache
def scope_of(name: str) -> Scope:
    """Scope by the name's first part. An unknown family counts as personal, the safe default."""
    if name in _PERSONAL_PAGE_FACTS:
        return Scope.VISITOR
    return _SCOPES.get(name.partition(".")[0], Scope.VISITOR)


class MissingFact(LookupError):  # noqa: N818 - named for what it says, as the errors are
    """The fact is not in this decision: not known, not consented to, or not allowed in this slot."""


class FactSource:
    """The facts of one request, each made at most once, shared by all slots of its page."""

    def __init__(self, makers: Mapping[str, Maker]) -> None:
        self._makers = makers
        self._made: dict[str, Fact] = {}

    def get(self, name: str) -> Fact:
        """The fact, made on first use. Raises MissingFact for an unknown name, and what its maker raises."""
        fact = self._made.get(name)
        if fact is None:
            maker = self._makers.get(name)
            fact = self._made[name] = self._other(name) if maker is None else maker()
        return fact

    def _other(self, name: str) -> Fact:
        maker = self._makers.get(OTHERS)
        if maker is None:
            raise MissingFact(name)
        found: Fact = maker().value(name)
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._makers


class TracedRead(NamedTuple):
    """One line of the trace; `fingerprint` is empty when the fact was not available."""

    name: str
    scope: Scope
    fingerprint: bytes


class Facts:
    """One slot's view of the facts. Reads are traced in order, once per name."""

    def __init__(self, source: FactSource, *, personal: bool) -> None:
        self._source, self.personal = source, personal
        self._reads: dict[str, TracedRead] = {}
        self.scope = Scope.EDITION
        """The widest scope read."""
        self.segments: dict[str, bool] = {}
        """Segment → whether the visitor is in it, as evaluated so far; the reads are in the trace."""
        self.unfinished: dict[str, None] = {}
        """Pattern searches that hit their step limit, one message each (a dict keeps the order)."""

    def read(self, name: str) -> Any:  # noqa: ANN401 - facts are of any type; readers know theirs
        """The value. Raises MissingFact; a slot that is not personal misses every visitor fact."""
        scope = scope_of(name)
        if scope is Scope.VISITOR and not self.personal:
            raise MissingFact(name)
        if name in self._reads:
            return self._source.get(name).value
        self.scope = max(self.scope, scope)
        try:
            fact = self._source.get(name)
        except BaseException:
            # Traced as well: that a visitor fact is unavailable is itself personal.
            self._reads[name] = TracedRead(name, scope, b"")
            raise
        self._reads[name] = TracedRead(name, scope, fact.fingerprint)
        return fact.value

    def read_or(self, name: str, default: Any) -> Any:  # noqa: ANN401 - as above
        """The value, or `default` when the fact is missing. Both are traced."""
        try:
            return self.read(name)
        except MissingFact:
            return default

    def offers(self, name: str) -> bool:
        """Whether the request has the fact. Untraced: use only for facts in every cache key."""
        return name in self._source

    def absorb(self, trace: tuple[TracedRead, ...]) -> None:
        """Add an earlier slot's reads: this slot's answer depends on that slot's."""
        for read in trace:
            self._reads.setdefault(read.name, read)
            self.scope = max(self.scope, read.scope)

    @property
    def trace(self) -> tuple[TracedRead, ...]:
        """What was read, in order."""
        return tuple(self._reads.values())

    def digest(self, *parts: bytes) -> bytes:
        """16-byte hash of `parts` and every read."""
        pieces = list(parts)
        for read in self._reads.values():
            pieces += (read.name.encode(), read.fingerprint)
        # Lengths first, so that two different lists of pieces never give the same bytes.
        lengths = ",".join([str(len(piece)) for piece in pieces])
        return hashlib.blake2b(b";".join((lengths.encode(), *pieces)), digest_size=16).digest()
