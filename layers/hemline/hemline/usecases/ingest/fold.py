"""Folds one profile's part of a batch, counts the outcomes, and returns records that fail to fold."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hemline.learn.profile import fold as profiles
from hemline.learn.profile.fold import FoldCounts, Profile
from hemline.model.errors import Refused
from hemline.usecases.ingest.read import Group, StreamedEvent, UnreadableRecord
from hemline.usecases.ports import Stored


class Folded(NamedTuple):
    """The folded profile, the outcome counts, and the records for quarantine."""

    blob: bytes | None
    """None: nothing to write."""
    counts: Counter[str]
    poison: Sequence[UnreadableRecord] = ()


def fold(group: Group, stored: Stored | None, *, mark: str = "") -> Folded:
    """Fold the group's events into `stored`. Pure.

    `mark` names the shard's watermark in the profile; the default is the shard's own name.
    """
    try:
        old = profiles.decode(stored.blob) if stored and stored.blob else Profile()
    except Refused as error:
        # Keep the profile as it is: another version of this code may read it; the archive has its events.
        poison = [
            UnreadableRecord(entry.source, f"its profile: {error}") for entry in group.entries
        ]
        return Folded(None, Counter(quarantined=len(poison)), poison)
    shard = mark or group.entries[0].source.shard
    known = int(old.watermarks.get(shard, "-1"))
    again = [entry for entry in group.entries if entry.number <= known]
    new = [entry for entry in group.entries if entry.number > known]
    profile, repeated, poison = _fold_entries(old, again)
    profile, fresh, more = _fold_entries(profile, new)
    poison += more
    counts = Counter(
        applied=fresh.kept + fresh.not_kept + repeated.kept,
        duplicates=fresh.repeated,
        late=fresh.late,
        redelivered=repeated.repeated + repeated.late + repeated.not_kept,
        quarantined=len(poison),
    )
    if profile == old:
        return Folded(None, counts, poison)
    marked = profiles.with_watermark(profile, shard, str(group.entries[-1].number))
    return Folded(profiles.encode(marked), counts, poison)


def _fold_entries(
    profile: Profile, entries: Sequence[StreamedEvent]
) -> tuple[Profile, FoldCounts, list[UnreadableRecord]]:
    if not entries:
        return profile, FoldCounts(), []
    try:
        return *profiles.fold_counted(profile, [entry.record for entry in entries]), []
    except Exception:  # noqa: BLE001 - whatever a record does to the fold, it must not block its shard
        return _fold_singly(profile, entries)


def _fold_singly(
    profile: Profile, entries: Sequence[StreamedEvent]
) -> tuple[Profile, FoldCounts, list[UnreadableRecord]]:
    """Fold records one by one; those that raise are returned for quarantine."""
    total, poison = FoldCounts(), []
    for entry in entries:
        try:
            profile, counted = profiles.fold_counted(profile, [entry.record])
        except Exception as error:  # noqa: BLE001 - as above
            poison.append(UnreadableRecord(entry.source, f"fold: {type(error).__name__}"))
        else:
            total = FoldCounts(*map(sum, zip(total, counted, strict=True)))
    return profile, total, poison
