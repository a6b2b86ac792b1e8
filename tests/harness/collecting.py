"""The door with a stream behind it, in memory: who calls, what comes back, and what the stream then holds."""

import json
from collections.abc import Sequence
from typing import Any

from hemline.adapters.memory import MemoryStream
from hemline.model.consent import Policy
from hemline.model.decision import Traits
from hemline.model.errors import Unavailable
from hemline.model.events.event import Record, decode_record
from hemline.usecases.ingest.collect import Caller, CollectDeps, collect_events
from hemline.usecases.ingest.collected import Collected
from hemline.usecases.ports import StreamEntry

NOW = 1_780_000_000_000
ANN = Caller("v:ann", traits=Traits("GB", "mobile", "en"))
SERVER = Caller(signed=True)


class Leaky(MemoryStream):
    """Refuses the entries at `holes`."""

    def __init__(self, *holes: int) -> None:
        super().__init__()
        self.holes = holes

    def put(self, entries: Sequence[StreamEntry]) -> list[str | None]:
        held = [e for at, e in enumerate(entries) if at not in self.holes]
        super().put(held)
        return ["throttled" if at in self.holes else None for at in range(len(entries))]


class Absent(MemoryStream):
    """There is no stream yet."""

    def put(self, entries: Sequence[StreamEntry]) -> list[str | None]:
        raise Unavailable("kinesis", "ResourceNotFoundException")


def collect(
    *events: dict[str, Any],
    caller: Caller = ANN,
    stream: MemoryStream | None = None,
    consent: bool = True,
) -> tuple[Collected, list[Record]]:
    stream = stream if stream is not None else MemoryStream()
    deps = CollectDeps(stream, "demo", lambda: "fresh", Policy(consent))
    found = collect_events(json.dumps({"events": events}).encode(), caller, deps, NOW)
    assert found.accepted + len(found.rejected) == len(events)
    assert found.accepted == len(stream.entries)
    assert [r.index for r in found.rejected] == sorted({r.index for r in found.rejected})
    return found, [decode_record(entry.data) for entry in stream.entries]
