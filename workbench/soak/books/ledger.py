"""The ledger of the senders: what the collect endpoint accepted, each event once, however often sent.

It is built from calls and their answers only, never from the stream or a store, so that these can be
compared with it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from hemline.model.consent import DEFAULTS
from hemline.model.events.event import BOT, ITEM_EVENT, Record, decode_record, encode_record
from hemline.usecases.ingest.collect import NOT_DURABLE
from workbench.soak.books.consent_history import ConsentHistory
from workbench.soak.poison import SITE, PoisonRecord
from workbench.soak.visitors import EventCall, SentEvent, traits_of

RETRY = "again"
"""Kind of a call that repeats events that were not durable."""
ACCOUNT_COPY = "said again"
"""Kind of a record that an account call puts on the stream again. A name in the report."""


class Put(NamedTuple):
    """One put of a record of a person with a story; copies are separate puts."""

    data: bytes
    """The encoded record."""
    tick: int
    """When it was put, in ticks of the consent history."""
    sure: bool
    """False: the put was not acknowledged, so the record may not be on the stream."""

    @property
    def record(self) -> Record:
        """The decoded record."""
        return decode_record(self.data)


class Ledger:
    """Accepted events by subject, copies, rejections and bad records.

    Records are kept encoded, or a million would not fit in memory.
    """

    def __init__(self) -> None:
        self.history = ConsentHistory()
        self.watched: set[str] = set()
        """Subjects with a story: which of their events are kept depends on when they were read."""
        self.puts: dict[str, list[Put]] = defaultdict(list)
        """Watched subject → every put of a record of theirs."""
        self.submitted = 0
        """Events in all calls, and records put directly on the stream."""
        self.copies: Counter[str] = Counter()
        """Kind of call → events accepted again."""
        self.rejected: Counter[str] = Counter()
        """Field or reason → events."""
        self.wrongly_taken = 0
        """Events accepted that should have been refused."""
        self.wrongly_refused = 0
        """Events refused that should have been accepted."""
        self.poison: dict[bytes, PoisonRecord] = {}
        self._subjects: dict[str, list[bytes]] = defaultdict(list)
        self._names: set[str] = set()
        self._again: dict[str, list[bytes]] = defaultdict(list)
        """Subject → copies of events sent without a time: each may have got a time of its own."""

    @property
    def events(self) -> int:
        """Distinct events that were accepted."""
        return len(self._names)

    def answered(self, call: EventCall, kind: str, rejected: dict[int, str]) -> None:
        """Record a call and its answer. `rejected`: position in the call → reason."""
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

    def account_record(self, record: Record, *, sure: bool) -> None:
        """Record a put by an account call. Not `sure`: it was not acknowledged."""
        if sure:
            self.submitted += 1
            self._count(record, ACCOUNT_COPY)
        self._put(record, sure=sure)

    def poisoned(self, poison: PoisonRecord) -> None:
        """Record a bad record that was put directly on the stream."""
        self.submitted += 1
        self.poison[poison.data] = poison

    def figures(self) -> dict[str, int]:
        """Counts of what was sent and how it was answered, for the report."""
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
        """Subjects that have a profile and no story, with their events, each once for each time it had."""
        for subject, kept in self._subjects.items():
            if subject.startswith("i:") or subject in self.watched:
                continue
            records = map(decode_record, [*kept, *self._again.get(subject, ())])
            profiled = [record for record in records if record.profiled]
            if profiled:
                yield subject, profiled

    def records(self) -> Iterator[Record]:
        """The first record of every event of subjects without a story."""
        for subject, kept in self._subjects.items():
            if subject not in self.watched:
                yield from map(decode_record, kept)

    def names_of_watched(self) -> set[str]:
        """Names of the accepted events of watched subjects."""
        found = (kept for subject, kept in self._subjects.items() if subject in self.watched)
        return {name_of(decode_record(data)) for kept in found for data in kept}

    def _refused(self, sent: SentEvent, call: EventCall, reason: str, record: Record) -> None:
        # The stream was not durable, or the visitor refused: then the refusal is right.
        fine = not sent.right or _unwanted(call) or reason == NOT_DURABLE
        self.wrongly_refused += not fine
        self.rejected[reason.partition(":")[0]] += 1
        if reason == NOT_DURABLE:
            self._put(record, sure=False)

    def _accepted(self, sent: SentEvent, call: EventCall, kind: str, record: Record) -> None:
        refusable = _unwanted(call) and sent.event.type != ITEM_EVENT
        self.wrongly_taken += refusable or not sent.right
        timed = "time" in sent.wire and kind != RETRY
        self._count(record, kind, timed=timed)
        self._put(record, sure=True)

    def _count(self, record: Record, kind: str, *, timed: bool = True) -> None:
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
            self.puts[record.subject].append(Put(encode_record(record), self.history.tick(), sure))


def name_of(record: Record) -> str:
    """The identity of an event: subject and id."""
    return f"{record.subject}|{record.event.id}"


def _unwanted(call: EventCall) -> bool:
    """Whether the caller refuses every purpose, so that nothing of the call may be kept."""
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
