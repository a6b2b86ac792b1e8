"""The stores of the running stack: as places to scan, and as the dependencies of forget and sweep."""

from functools import partial
from typing import Any

from hemline.model.errors import Refused
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.people.forget_archive import SweepDeps
from hemline.usecases.people.forget_person import ForgetDeps
from hemline.usecases.ports import PersonItem
from workbench import laptop, stores
from workbench.cloud.resources import client
from workbench.forget import scan
from workbench.forget.scan import Place
from workbench.laptop import Running

PREFIXES = (
    "archive/",
    "quarantine/",
    "editions/",
    "brakes/",
    "sites/",
    "models/",
    "forgotten/",
    "sweeps/",
)
"""Prefixes of the data bucket that are reported one by one; everything else in it is one more place."""
_SAVED = "cloud/state/"
"""What the emulator saved when it last stopped; it is out of date while the stack runs."""
_STATE = ("cloud/objects/", "cloud/emulator.log", "run.json", "checkpoints.json", "lock", "secret")
"""Paths in the state folder that may hold visitors' data; environments and builds do not."""


def places(stack: Running) -> list[Place]:
    """Every place where an id may be stored."""
    data, failed = stores.objects(stack), stores.failed(stack)
    state = laptop.state()
    return [
        Place("table", partial(scan.table, _client("dynamodb", stack), stack.table)),
        *[Place(f"data bucket {name}", partial(scan.bucket, data, name)) for name in PREFIXES],
        Place("data bucket, all else", partial(scan.bucket, data, but=PREFIXES)),
        Place("failed batches", partial(scan.bucket, failed)),
        Place("stream", partial(scan.stream, _client("kinesis", stack), stack.stream)),
        Place("state folder", partial(scan.folder, state, _STATE)),
        Place("saved state", partial(scan.folder, state, (_SAVED,), "when the stack stops")),
    ]


def forget_deps(stack: Running) -> ForgetDeps:
    """Dependencies of `forget`, with the stream's actual retention and not the template's."""
    kinesis = _client("kinesis", stack)
    summary = kinesis.describe_stream_summary(StreamName=stack.stream)["StreamDescriptionSummary"]
    hours = int(summary["RetentionPeriodHours"])
    return ForgetDeps(stores.table(stack), stores.objects(stack), hours)


def known(stack: Running, subject: str) -> bool:
    """Whether anything is stored of `subject`, a tombstone included. True if the archive is unreadable."""
    table = stores.table(stack)
    # A forgotten person has a tombstone in the table, and the archive reader skips them: table first.
    if any(table.read_part(stack.site, subject, part) for part in PersonItem):
        return True
    try:
        events = read_archive(stores.objects(stack), stack.site)
        return any(one.record.subject == subject for one in events)
    except Refused:
        return True


def sweep_deps(stack: Running) -> SweepDeps:
    """Dependencies of `sweep`: both buckets."""
    return SweepDeps(stack.site, stores.objects(stack), stores.failed(stack))


def _client(service: str, stack: Running) -> Any:  # noqa: ANN401 - boto3 has no types of its own
    return client(service, stack.cloud, stack.region)
