"""The quarantined records of one person, for their export. A bounded best-effort scan.

A record that does not parse as JSON with a subject is excluded: its owner is unknown, and text that
names a person may belong to somebody else.
"""

import base64
import binascii
from collections.abc import Callable, Collection, Iterator

import msgspec

from hemline.model.keys import QUARANTINE_PREFIX
from hemline.usecases.people.forget_register import Forgetting
from hemline.usecases.ports import ObjectStore

MOST = 1000
"""Records scanned per export: quarantine is normally almost empty."""
ALSO_KEPT = (
    "for some days, events that are on their way into the archive: they are shown here once there",
    "what could not be read, or was given up as a batch: it goes in time, or when you are forgotten",
)
"""What an export cannot show, though it may be stored."""


class _When(msgspec.Struct):
    time: int = 0


class _Who(msgspec.Struct):
    site: str
    subject: str
    received: int = 0
    event: _When = msgspec.field(default_factory=_When)


class _Document(msgspec.Struct):
    reason: str
    payload: str


_who = msgspec.json.Decoder(_Who)
_document = msgspec.json.Decoder(_Document)


def export_quarantined(
    objects: ObjectStore, site: str, theirs: Collection[str], more: Callable[[], bool]
) -> dict[str, object]:
    """Their quarantined records, by day; not `complete` after MOST looked at, or when `more` ends."""
    forgetting, found = Forgetting(objects, site), list[object]()
    for looked, key in enumerate(objects.keys(QUARANTINE_PREFIX)):
        if looked >= MOST or not more():
            return {"from": "quarantine", "records": found, "complete": False}
        found += _described(key, objects.get(key), site, theirs, forgetting)
    return {"from": "quarantine", "records": found, "complete": True}


def _described(
    key: str, data: bytes | None, site: str, theirs: Collection[str], forgetting: Forgetting
) -> Iterator[dict[str, object]]:
    try:
        document = _document.decode(data or b"")
        payload = base64.b64decode(document.payload, validate=True)
        who = _who.decode(payload)
        record: object = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError, binascii.Error, ValueError):
        return
    time = min(who.received, who.event.time)
    if who.site == site and who.subject in theirs and not forgetting.forgets(who.subject, time):
        day = key.removeprefix(QUARANTINE_PREFIX).partition("/")[0]
        yield {"day": day, "reason": document.reason, "record": record}
