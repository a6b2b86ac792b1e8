"""Bad records that are put on the stream directly, and the quarantine reason that each must get."""

import random
from typing import NamedTuple

from hemline.model.events.event import Event, OrderLine, Record, encode_record
from hemline.usecases.ports import StreamEntry
from workbench.soak.visitors import START

SITE = "soak"


class PoisonRecord(NamedTuple):
    """A payload that must end in quarantine."""

    data: bytes
    reason: str
    """How the reason in its quarantine document must begin."""


def draw(rng: random.Random, number: int) -> tuple[StreamEntry, PoisonRecord]:
    """A random bad record. `number` makes its bytes unique, so that each can be found again."""
    kind = rng.choice(_KINDS)
    poison = PoisonRecord(kind.data.replace(b"NUMBER", b"%d" % number), kind.reason)
    return StreamEntry(f"junk-{rng.randrange(50)}", poison.data), poison


def _record(**changes: object) -> bytes:
    fields = {"site": SITE, "subject": "v:n1", "id": "NUMBER", "type": "view", "item": "thing-1"}
    one = {**fields, **changes}
    lines = (OrderLine(str(one["line"])),) if "line" in one else ()
    event = Event(str(one["id"]), str(one["type"]), START, str(one["item"]), lines=lines)
    return encode_record(Record(str(one["site"]), str(one["subject"]), START, event))


_KINDS = (
    PoisonRecord(b"{NUMBER", "DecodeError"),
    PoisonRecord(b"\xff NUMBER", "DecodeError"),
    PoisonRecord(b'{"site":"soak","number":NUMBER}', "ValidationError"),
    PoisonRecord(b'["NUMBER"]', "ValidationError"),
    PoisonRecord(b'{"site":"soak","NUMBER":' + b"[" * 20_000, "RecursionError"),
    PoisonRecord(_record(id="NUMBER").replace(b'"NUMBER"', b"NUMBER"), "ValidationError"),
    PoisonRecord(_record(site="elsewhere"), "site is not this stack's"),
    PoisonRecord(_record(site="../soak"), "site is not this stack's"),
    PoisonRecord(_record(subject="x:NUMBER"), "subject is not one of ours"),
    PoisonRecord(_record(subject="v:a b"), "subject is not one of ours"),
    PoisonRecord(_record(id="NUMBER\n"), "event.id is not one of ours"),
    PoisonRecord(_record(type="glance"), "event.type is not one of ours"),
    PoisonRecord(_record(item="thing 1"), "event.item is not one of ours"),
    PoisonRecord(_record(line="thing 1"), "event.lines is not one of ours"),
)
