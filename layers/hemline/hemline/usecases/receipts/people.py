"""Link histories: which visitors a user was linked to over time, with their logs.

A user's profile is a join, so a receipt of theirs needs the logs of the visitors who were linked then.
The archive names a visitor by alias; the log is the one of the subject with that alias.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hemline.decide.token import SubjectReference
from hemline.learn.profile.fold import Profile, fold, with_watermark
from hemline.model.events.event import Record
from hemline.model.keys import alias
from hemline.usecases.ingest.archive import Archived, read_archive
from hemline.usecases.ingest.follow import mark_of
from hemline.usecases.ports import ObjectStore
from hemline.usecases.serving.visitor_context import watermark_fingerprint

MARK = 4
"""Bytes of a place in the stream, and of an act."""
Logs = Mapping[str, Sequence[Archived]]
"""Subject of a linked visitor → their log."""


class Built(NamedTuple):
    """A profile up to the watermarks of a token, and records of shards without a watermark."""

    base: Profile
    loose: Sequence[Record]


def link_histories(site: str, objects: ObjectStore, theirs: Sequence[Archived]) -> tuple[Logs, ...]:
    """Every set of linked visitors that this user ever had, the newest first, each with their logs."""
    sets = _over_time(theirs)
    wanted = frozenset().union(*sets)
    logs: dict[str, list[Archived]] = defaultdict(list)
    if wanted:
        aliases: dict[str, str] = {}
        for one in read_archive(objects, site, repeats=True):
            subject = one.record.subject
            known = aliases.setdefault(subject, alias(site, subject))
            if known in wanted and one.record.profiled:
                logs[subject].append(one)
    return tuple(
        {subject: log for subject, log in logs.items() if alias(site, subject) in linked}
        for linked in sets
    )


def _over_time(theirs: Sequence[Archived]) -> list[frozenset[str]]:
    linked, found = frozenset[str](), [frozenset[str]()]
    events = (one.record.event for one in theirs if one.record.event.type == "identify")
    for event in events:
        visitor = frozenset({str(event.properties.get("visitor"))})
        cut = event.properties.get("linked") is False
        linked = linked - visitor if cut else linked | visitor
        found.append(linked)
    return list(dict.fromkeys(reversed(found)))


def built(reference: SubjectReference, own: Sequence[Archived], others: Logs, site: str) -> Built:
    """The profile, as far as the token's watermarks say which events of each log it contains."""
    marks = set(cut(reference.watermarks))
    base, loose = Profile(), list[Record]()
    for name, events in _by_mark(own, others, site):
        events.sort(key=lambda one: int(one.sequence))
        ends = [
            at for at, e in enumerate(events) if watermark_fingerprint(name, e.sequence) in marks
        ]
        if not ends:
            loose += [one.record for one in events]
            continue
        base = fold(base, [one.record for one in events[: ends[-1] + 1]])
        base = with_watermark(base, name, events[ends[-1]].sequence)
    return Built(base, loose)


def _by_mark(
    own: Sequence[Archived], others: Logs, site: str
) -> Iterable[tuple[str, list[Archived]]]:
    """Name of a mark → the events that it counts: a shard, or a shard of a linked visitor."""
    found: dict[str, list[Archived]] = defaultdict(list)
    for one in own:
        found[one.shard].append(one)
    for subject, log in others.items():
        for one in log:
            found[mark_of(one.shard, site, subject)].append(one)
    return found.items()


def cut(packed: bytes) -> list[bytes]:
    """Splits packed fingerprints of MARK bytes."""
    return [packed[at : at + MARK] for at in range(0, len(packed), MARK)]
