"""The quarantine: lists, shows and, after a fix, replays records that could not be read or folded.

A replay passes the record to ingest as the stream would. A record that ingest applies, archives or may
not keep leaves quarantine. A record that still fails stays, with the new reason. A replay may be repeated
after an interruption or after a redelivery: profile and archive are sets, so nothing counts twice.
Never runs or formats a payload.
"""

import base64
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from hemline.model.errors import BadInput
from hemline.model.keys import QUARANTINE_PREFIX
from hemline.model.subject_status import DEFAULT_STATUS
from hemline.usecases.ingest.batch import IngestDeps, ingest_batch
from hemline.usecases.ingest.enforce_consent import judge
from hemline.usecases.ingest.fold import fold
from hemline.usecases.ingest.read import StreamRecord, by_profile, read
from hemline.usecases.ports import ObjectStore

STAYS = frozenset({"quarantined", "left"})
"""Ingest outcomes that leave a record in quarantine."""
_KEY = re.compile(QUARANTINE_PREFIX + r"(\d{4}-\d{2}-\d{2})/([^/]+)/(\d+)\.json")


class QuarantinedRecord(NamedTuple):
    """One record in quarantine."""

    key: str
    day: str
    shard: str
    sequence: str
    reason: str
    payload: bytes


class QuarantineReplay(msgspec.Struct, frozen=True):
    """The actual or predicted result of one replay; `outcome` is a key of ingest's OUTCOMES."""

    key: str
    outcome: str
    reason: str = ""
    """Why it stays."""

    @property
    def stays(self) -> bool:
        """Whether the record remains in quarantine."""
        return self.outcome in STAYS


class _Document(msgspec.Struct, frozen=True):
    reason: str
    payload: str


_decoder = msgspec.json.Decoder(_Document)


def listed(objects: ObjectStore) -> Iterator[QuarantinedRecord]:
    """All quarantined records, oldest day first."""
    for key in objects.keys(QUARANTINE_PREFIX):
        # Skips a record that was removed since the listing.
        if found := _kept(objects, key):
            yield found


def named(objects: ObjectStore, name: str) -> QuarantinedRecord:
    """The record with this key or sequence number. Raises BadInput unless exactly one matches."""
    keys = [name] if _KEY.fullmatch(name) else []
    if not keys and name.isdecimal():
        keys = [k for k in objects.keys(QUARANTINE_PREFIX) if k.endswith(f"/{name}.json")]
    found = [kept for key in keys if (kept := _kept(objects, key))]
    if len(found) != 1:
        what = "is not in quarantine." if not found else "is the number of several records."
        raise BadInput("key", what, "Use a key of: hemline quarantine list")
    return found[0]


def replay(kept: QuarantinedRecord, deps: IngestDeps, now: int) -> QuarantineReplay:
    """Pass the record to ingest; delete it unless it stays. `now` is epoch ms. Raises Unavailable."""
    result = ingest_batch([_source(kept)], deps, now)
    outcome = _outcome(result.counts)
    if outcome not in STAYS:
        deps.objects.delete(kept.key)
        return QuarantineReplay(kept.key, outcome)
    if outcome == "left":
        return QuarantineReplay(kept.key, outcome, "; ".join(result.faults))
    # Ingest wrote the record again under the same key: read the new reason.
    again = _kept(deps.objects, kept.key) or kept
    return QuarantineReplay(kept.key, outcome, again.reason)


def foresee(kept: QuarantinedRecord, deps: IngestDeps) -> QuarantineReplay:
    """The result that `replay` would have now; writes nothing. Raises Unavailable."""
    entries, poison, counts = read([_source(kept)], deps.site)
    if poison:
        return QuarantineReplay(kept.key, "quarantined", poison[0].reason)
    for group in by_profile(entries) if not counts["catalogue"] else ():
        stored = deps.people.read_profiles(group.site, [group.subject]).get(group.subject)
        judged = judge(group.entries, stored.standing if stored else DEFAULT_STATUS)
        mine = [entry for entry in judged.kept if entry.record.profiled]
        counts += judged.counts + Counter(archived=len(judged.kept) - len(mine))
        if mine:
            folded = fold(group._replace(entries=mine), stored)
            if folded.poison:
                return QuarantineReplay(kept.key, "quarantined", folded.poison[0].reason)
            counts += folded.counts
    return QuarantineReplay(kept.key, _outcome(counts))


def safe(text: str) -> str:
    """Text safe for a terminal: characters that move the cursor, hide or reorder text are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def readable(payload: bytes) -> str:
    """The payload as text safe to print; bytes that are not UTF-8 are escaped."""
    return safe(payload.decode("utf-8", "backslashreplace"))


def _outcome(counts: Mapping[str, int]) -> str:
    return next((name for name, count in counts.items() if count), "left")


def _source(kept: QuarantinedRecord) -> StreamRecord:
    # `arrived` is the quarantine day, so a record that stays is written under its existing key.
    day = datetime.strptime(kept.day, "%Y-%m-%d").replace(tzinfo=UTC)
    return StreamRecord(kept.shard, kept.sequence, kept.payload, int(day.timestamp() * 1000))


def _kept(objects: ObjectStore, key: str) -> QuarantinedRecord | None:
    place = _KEY.fullmatch(key)
    data = objects.get(key) if place else None
    if place is None or data is None:
        return None
    day, shard, sequence = place.groups()
    try:
        document = _decoder.decode(data)
        payload = base64.b64decode(document.payload, validate=True)
    except (msgspec.DecodeError, ValueError):
        # A damaged document is shown with its raw bytes as the payload.
        return QuarantinedRecord(key, day, shard, sequence, "the document itself is damaged", data)
    return QuarantinedRecord(key, day, shard, sequence, document.reason, payload)
