"""The expected state of people with a story: which of their records must, may and must not be kept.

For each record on the stream it says for which purposes it is certainly kept and for which possibly. That
follows from what its person refused while it was read, in the first pass and in a replay. Reads no store.
"""

from collections import defaultdict
from functools import cache
from typing import NamedTuple

from hemline.model.consent import Purpose
from hemline.model.events.event import Record
from workbench.soak.books.consent_history import NOTHING, Purposes
from workbench.soak.books.ledger import Ledger, Put, name_of

_PERSONAL = Purpose.PERSONALISATION.value


class ExpectedRecord(NamedTuple):
    """What must become of one record."""

    record: Record
    sure: Purposes
    """It is certainly kept for these."""
    possible: Purposes
    """It may be kept for these, `sure` included."""
    forgotten: bool
    """It belongs to a forgotten past and must be gone."""


class ExpectedProfile(NamedTuple):
    """The records that a profile certainly holds, and those that it may hold."""

    sure: list[Record]
    maybe: list[Record]

    @property
    def exact(self) -> bool:
        """Whether no record is in doubt."""
        return not self.maybe


class ExpectedState:
    """The expectation for all records. `replayed`: the stream was read again after all account calls."""

    def __init__(self, ledger: Ledger, *, replayed: bool) -> None:
        self.history, self._now = ledger.history, ledger.history.now()
        self._replayed = replayed
        self._refusals = cache(self.history.refusals)
        self.by_name: dict[str, list[ExpectedRecord]] = defaultdict(list)
        self._by_subject: dict[str, list[ExpectedRecord]] = defaultdict(list)
        for subject, puts in ledger.puts.items():
            for record in map(self._expect, puts):
                self._by_subject[subject].append(record)
                self.by_name[name_of(record.record)].append(record)

    def must(self) -> set[str]:
        """Names of events that must be in the archive."""
        return {name for name, records in self.by_name.items() if any(one.sure for one in records)}

    def may(self) -> set[str]:
        """Names of events that may be in the archive, those of `must` included."""
        return {
            name for name, records in self.by_name.items() if any(one.possible for one in records)
        }

    def forgotten(self) -> set[str]:
        """Names of events that belong to a forgotten past."""
        return {name for name, records in self.by_name.items() if all(o.forgotten for o in records)}

    def in_doubt(self) -> set[str]:
        """Names of events that were read while their person's consent changed."""
        return self.may() - self.must()

    def explains(self, found: Record) -> bool:
        """Whether an archived record is one that was put, with a permitted set of purposes."""
        told = {*found.purposes}
        return any(
            one.sure - {_PERSONAL} <= told <= one.possible and _sent(one.record) == _sent(found)
            for one in self.by_name[name_of(found)]
        )

    def kept(self, *subjects: str) -> ExpectedProfile:
        """The expected content of a profile made of these subjects' events."""
        records = [record for subject in subjects for record in self._by_subject.get(subject, ())]
        records = [record for record in records if record.record.profiled]
        sure = {_which(one.record): one.record for one in records if _PERSONAL in one.sure}
        maybe = [
            one.record
            for one in records
            if _PERSONAL in one.possible and _which(one.record) not in sure
        ]
        return ExpectedProfile(list(sure.values()), maybe)

    def refused(self, subject: str) -> Purposes:
        """Purposes refused after all account calls."""
        return self._refusals(subject, self._now)[0]

    def _expect(self, put: Put) -> ExpectedRecord:
        record = put.record
        if self.history.forgets(record):
            return ExpectedRecord(record, NOTHING, NOTHING, forgotten=True)
        told, windows = frozenset(record.purposes), [self.history.window(put.tick)]
        windows += [self._now] if self._replayed else []
        found = [self._refusals(record.subject, window) for window in windows]
        sure = NOTHING.union(*(told - maybe for _, maybe in found)) if put.sure else NOTHING
        return ExpectedRecord(
            record, sure, NOTHING.union(*(told - no for no, _ in found)), forgotten=False
        )


def _sent(record: Record) -> tuple[object, ...]:
    """The fields that the sender knows; collect may add others."""
    return (
        record.subject,
        record.received,
        record.event,
        record.country,
        record.device,
        record.flags,
    )


def _which(record: Record) -> tuple[str, int]:
    """Identity of an event in a profile: the same id at another time is another action."""
    return record.event.id, record.event.time
