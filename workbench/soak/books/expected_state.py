"""What must, may and must not be kept of people with a story: the books, worked out after all is said.

For each record that was put: which purposes are certain to be left to it, and which may be, by what its
person refused while it was read, and again if the whole stream was replayed. Reads no store.
"""

from collections import defaultdict
from functools import cache
from typing import NamedTuple

from hemline.model.consent import Purpose
from hemline.model.events.event import Record
from workbench.soak.books.consent_history import NOTHING, Purposes
from workbench.soak.books.ledger import Ledger, Put, name_of

_PERSONAL = Purpose.PERSONALISATION.value


class Fate(NamedTuple):
    """Of one record: the purposes that it is certainly kept for, and those that it may be."""

    record: Record
    sure: Purposes
    possible: Purposes
    forgotten: bool


class ExpectedRecord(NamedTuple):
    """What a profile holds: certainly, and perhaps."""

    sure: list[Record]
    maybe: list[Record]

    @property
    def exact(self) -> bool:
        """Nothing was on its way while its person changed their mind."""
        return not self.maybe


class Fates:
    """`replayed`: the whole stream was read once more, when everything had been said."""

    def __init__(self, ledger: Ledger, *, replayed: bool) -> None:
        self.said, self._now = ledger.said, ledger.said.now()
        self._replayed = replayed
        self._refusals = cache(self.said.refusals)
        self.by_name: dict[str, list[Fate]] = defaultdict(list)
        self._by_subject: dict[str, list[Fate]] = defaultdict(list)
        for subject, puts in ledger.puts.items():
            for fate in map(self._fate, puts):
                self._by_subject[subject].append(fate)
                self.by_name[name_of(fate.record)].append(fate)

    def must(self) -> set[str]:
        """Names of events that must be in the archive."""
        return {name for name, fates in self.by_name.items() if any(one.sure for one in fates)}

    def may(self) -> set[str]:
        """Names of those that may be, the former among them."""
        return {name for name, fates in self.by_name.items() if any(one.possible for one in fates)}

    def forgotten(self) -> set[str]:
        """Names of events of a past that is forgotten."""
        return {name for name, fates in self.by_name.items() if all(o.forgotten for o in fates)}

    def in_doubt(self) -> set[str]:
        """Names of events that were on their way while their person changed their mind."""
        return self.may() - self.must()

    def explains(self, found: Record) -> bool:
        """Whether a line of the archive is a record that was put, for no more and no less than it may."""
        told = {*found.purposes}
        return any(
            one.sure - {_PERSONAL} <= told <= one.possible and _sent(one.record) == _sent(found)
            for one in self.by_name[name_of(found)]
        )

    def kept(self, *subjects: str) -> ExpectedRecord:
        """What a profile of these people's events holds."""
        fates = [fate for subject in subjects for fate in self._by_subject.get(subject, ())]
        fates = [fate for fate in fates if fate.record.profiled]
        sure = {_which(one.record): one.record for one in fates if _PERSONAL in one.sure}
        maybe = [
            one.record
            for one in fates
            if _PERSONAL in one.possible and _which(one.record) not in sure
        ]
        return ExpectedRecord(list(sure.values()), maybe)

    def refused(self, subject: str) -> Purposes:
        """What they refuse, now that all is said."""
        return self._refusals(subject, self._now)[0]

    def _fate(self, put: Put) -> Fate:
        record = put.record
        if self.said.forgets(record):
            return Fate(record, NOTHING, NOTHING, forgotten=True)
        told, windows = frozenset(record.purposes), [self.said.window(put.tick)]
        windows += [self._now] if self._replayed else []
        found = [self._refusals(record.subject, window) for window in windows]
        sure = NOTHING.union(*(told - maybe for _, maybe in found)) if put.sure else NOTHING
        return Fate(record, sure, NOTHING.union(*(told - no for no, _ in found)), forgotten=False)


def _sent(record: Record) -> tuple[object, ...]:
    """What its sender can know of it; the door may note more."""
    return (
        record.subject,
        record.received,
        record.event,
        record.country,
        record.device,
        record.flags,
    )


def _which(record: Record) -> tuple[str, int]:
    """What tells events apart in a profile: the same one at another time is another action."""
    return record.event.id, record.event.time
