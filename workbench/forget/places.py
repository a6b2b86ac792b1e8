"""The stores of the running stack as places to look through, and as what forgetting needs."""

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
"""Of the data bucket, each told for itself; whatever else is in it is a place of its own."""
_SAVED = "cloud/state/"
"""What the emulator saved when it last stopped; while it runs, the truth is in the places above."""
_STATE = ("cloud/objects/", "cloud/emulator.log", "run.json", "checkpoints.json", "lock", "secret")
"""Of the state folder; environments and builds beside these hold no visitor's data."""


def places(stack: Running) -> list[Place]:
    """Every store, the small and the large."""
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
    """As the stream really keeps its records, whatever the template says."""
    kinesis = _client("kinesis", stack)
    summary = kinesis.describe_stream_summary(StreamName=stack.stream)["StreamDescriptionSummary"]
    hours = int(summary["RetentionPeriodHours"])
    return ForgetDeps(stores.table(stack), stores.objects(stack), hours)


def known(stack: Running, subject: str) -> bool:
    """Whether there is anything of `subject`, a tombstone too; what cannot be read may be of them."""
    table = stores.table(stack)
    # Who is forgotten keeps a tombstone: the archive, which passes them over, is not asked then.
    if any(table.read_part(stack.site, subject, part) for part in PersonItem):
        return True
    try:
        events = read_archive(stores.objects(stack), stack.site)
        return any(one.record.subject == subject for one in events)
    except Refused:
        return True


def sweep_deps(stack: Running) -> SweepDeps:
    """Both buckets."""
    return SweepDeps(stack.site, stores.objects(stack), stores.failed(stack))


def _client(service: str, stack: Running) -> Any:  # noqa: ANN401 - boto3 has no types of its own
    return client(service, stack.cloud, stack.region)
