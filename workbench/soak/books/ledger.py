"""The books of the senders: what the door said it took, each event once, whatever was sent again.

Kept from the outside: built from what clients sent and what they were answered, never from the
stream or a store, so that it can be held against them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from hemline.model.consent import DEFAULTS
from hemline.model.events.event import BOT, ITEM_EVENT, Record, decode_record, encode_record
from hemline.usecases.ingest.collect import NOT_DURABLE
from workbench.soak.books.consent_history import Said
from workbench.soak.poison import SITE, PoisonRecord
from workbench.soak.visitors import EventCall, SentEvent, traits_of

AGAIN = "again"
"""The kind of a call that repeats what was not durable."""


SAID_AGAIN = "said again"
"""The kind of what an account call puts on the stream once more."""


class Put(NamedTuple):
    """A record of somebody with a story, as it was put on the stream at a tick; each copy for itself."""

    data: bytes
    tick: int
    sure: bool
    """False: it may not be there, since nobody answered."""

    @property
    def record(self) -> Record:
        """What it says."""
        return decode_record(self.data)


class Ledger:
    """`kept`: name of an event (subject and id) of each subject → its record, as it came first."""

    def __init__(self) -> None:
        self.said = Said()
        self.watched: set[str] = set()
        """Subjects with a story: what becomes of their events depends on when they were read."""
        self.puts: dict[str, list[Put]] = defaultdict(list)
        """Of the watched, by subject, all that was put."""
        self.submitted = 0
        """Events in all calls, and records put past the door."""
        self.copies: Counter[str] = Counter()
        """Accepted again, by the kind of call: an event that the door had accepted already."""
        self.rejected: Counter[str] = Counter()
        """Field or reason → events."""
        self.wrongly_taken = 0
        self.wrongly_refused = 0
        self.poison: dict[bytes, PoisonRecord] = {}
        self._subjects: dict[str, list[bytes]] = defaultdict(list)
        self._names: set[str] = set()
        self._again: dict[str, list[bytes]] = defaultdict(list)
        """Copies that may have a time of their own, by subject: of events sent without one."""

    @property
    def events(self) -> int:
        """Distinct events that were accepted."""
        return len(self._names)

    def answered(self, call: EventCall, kind: str, rejected: dict[int, str]) -> None:
        """A call and the door's answer to it: position → reason."""
        self.submitted += len(call.sent)
        turns = Counter[tuple[str, int]]()
        for index, sent in enumerate(call.sent):
            reason = rejected.get(index)
            record = _record(sent, call)
            # Of several states of one item in a call the last one counts: each is a millisecond later.
            if record.event.type == ITEM_EVENT and reason in {None, NOT_DURABLE}:
                turn = (record.subject, record.event.time)
                record = _later(record, turns[turn])
                turns[turn] += 1
            if reason is None:
                self._accepted(sent, call, kind, record)
            else:
                self._refused(sent, call, reason, record)

    def told(self, record: Record, *, sure: bool) -> None:
        """An account call put a record on the stream, or nobody answered whether it did."""
        if sure:
            self.submitted += 1
            self._booked(record, SAID_AGAIN)
        self._put(record, sure=sure)

    def poisoned(self, poison: PoisonRecord) -> None:
        """A record was put on the stream past the door."""
        self.submitted += 1
        self.poison[poison.data] = poison

    def figures(self) -> dict[str, int]:
        """What was sent, and what the door made of it."""
        return {
            "submitted": self.submitted,
            "events": self.events,
            **{name: self.copies[name] for name in sorted(self.copies)},
            "rejected": self.rejected.total(),
            "poison": len(self.poison),
        }

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def subjects(self) -> Iterator[tuple[str, list[Record]]]:
        """Who has a profile and no story, and their events, once for each time that one came with."""
        for subject, kept in self._subjects.items():
            if subject.startswith("i:") or subject in self.watched:
                continue
            records = map(decode_record, [*kept, *self._again.get(subject, ())])
            profiled = [record for record in records if record.profiled]
            if profiled:
                yield subject, profiled

    def records(self) -> Iterator[Record]:
        """Every event once, as it came first, of those without a story."""
        for subject, kept in self._subjects.items():
            if subject not in self.watched:
                yield from map(decode_record, kept)

    def names_of_watched(self) -> set[str]:
        """Of their events, those that were accepted."""
        found = (kept for subject, kept in self._subjects.items() if subject in self.watched)
        return {name_of(decode_record(data)) for kept in found for data in kept}

    def _refused(self, sent: SentEvent, call: EventCall, reason: str, record: Record) -> None:
        # What only the stream or the visitor's own wish can be the reason for is no mistake of the door.
        fine = not sent.right or _unwanted(call) or reason == NOT_DURABLE
        self.wrongly_refused += not fine
        self.rejected[reason.partition(":")[0]] += 1
        if reason == NOT_DURABLE:
            self._put(record, sure=False)

    def _accepted(self, sent: SentEvent, call: EventCall, kind: str, record: Record) -> None:
        refusable = _unwanted(call) and sent.event.type != ITEM_EVENT
        self.wrongly_taken += refusable or not sent.right
        timed = "time" in sent.wire and kind != AGAIN
        self._booked(record, kind, timed=timed)
        self._put(record, sure=True)

    def _booked(self, record: Record, kind: str, *, timed: bool = True) -> None:
        name = name_of(record)
        if name in self._names:
            self.copies[kind] += 1
            if not timed:
                self._again[record.subject].append(encode_record(record))
        else:
            self._names.add(name)
            self._subjects[record.subject].append(encode_record(record))

    def _put(self, record: Record, *, sure: bool) -> None:
        if record.subject in self.watched:
            self.puts[record.subject].append(Put(encode_record(record), self.said.tick(), sure))


def name_of(record: Record) -> str:
    """What tells events apart."""
    return f"{record.subject}|{record.event.id}"


def _unwanted(call: EventCall) -> bool:
    """Whether the caller lets nothing be done with what they send."""
    return call.caller.opted_out or {*DEFAULTS} <= call.refused


def _later(record: Record, by: int) -> Record:
    event = msgspec.structs.replace(record.event, time=record.event.time + by)
    stated = record.event.time if by else record.stated
    return msgspec.structs.replace(record, event=event, stated=stated)


def _record(sent: SentEvent, call: EventCall) -> Record:
    event = sent.event
    if "time" not in sent.wire:
        event = msgspec.structs.replace(event, time=call.at)
    traits = traits_of(sent.subject)
    flags = (BOT,) if call.caller.program else ()
    purposes = tuple(one for one in DEFAULTS if one not in call.refused)
    return Record(
        SITE,
        sent.subject,
        call.at,
        event,
        traits.country,
        traits.device,
        purposes=purposes,
        flags=flags,
        signed=call.caller.signed,
    )
