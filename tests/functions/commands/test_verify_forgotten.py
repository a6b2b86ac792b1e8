"""`hemline verify-forgotten` finds an id in every store and every part of it; after forgetting, nowhere."""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.kinesis import KinesisStream
from hemline.model.errors import BadInput
from hemline.model.events.event import encode_record
from hemline.model.keys import QUARANTINE_PREFIX
from hemline.usecases.ingest.batch import IngestDeps, ingest_batch
from hemline.usecases.people.forget_register import Forgetting
from hemline.usecases.people.link import LinkDeps, link
from hemline.usecases.ports import PersonItem, StreamEntry
from tests.harness.clouds import REGION, Cloud
from tests.harness.commands import standing
from tests.harness.streams import SITE, Serial, delivered, record
from workbench import laptop, stores
from workbench.cli import build
from workbench.forget.verify import verify
from workbench.laptop import Running

pytestmark = pytest.mark.cloud

PHONE, OTHER, USER = "Zk3-9xQ_4rT7uW2yB5nM8c", "Other-visitor-5tY7uI9o", "ada+1@example.com"
HERS = (f"v:{PHONE}", f"u:{USER}")


@pytest.fixture
def stack(emulator: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Running]:
    """Fresh stores, announced as a running stack is."""
    bucket = emulator.make_bucket()
    emulator.boto("s3").put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    changes = {"site": SITE, "stream": emulator.make_stream(2), "failed": emulator.make_bucket()}
    with standing(emulator, tmp_path, monkeypatch, bucket=bucket, **changes) as found:
        yield found


def deps(stack: Running) -> IngestDeps:
    return IngestDeps(SITE, stores.table(stack), stores.objects(stack), Serial())


def live(stack: Running) -> None:
    """Two people who do things: stream, archive, profiles, quarantine, a batch that was given up."""
    people = LinkDeps(SITE, stores.table(stack), lambda: "never-needed")
    link(PHONE, USER, people)
    now = time.time_ns() // 1_000_000
    events = [
        record(who, f"e{number}", received=now, time=now)
        for number, who in enumerate((*HERS, f"v:{OTHER}") * 2)
    ]
    client = connect("kinesis", region=REGION, endpoint=stack.cloud)
    put = [StreamEntry(one.subject, encode_record(one)) for one in events]
    assert KinesisStream(client, stack.stream).put(put) == [None] * len(events)
    batch = [delivered(number, one) for number, one in enumerate(events, 1)]
    batch.append(delivered(99, encode_record(events[0])[:-2]))
    for _ in range(2):
        assert not ingest_batch(batch, deps(stack), now).failures
    data = [
        {"kinesis": {"partitionKey": one.subject, "data": base64.b64encode(one.data).decode()}}
        for one in (SimpleNamespace(subject=e.subject, data=encode_record(e)) for e in events)
    ]
    document = json.dumps({"payload": json.dumps({"Records": data})})
    stores.failed(stack).put("aws/lambda/m/s/1", document.encode())


def call(*arguments: str) -> Any:
    return CliRunner().invoke(build(), [*arguments, "--json"])


def places(found: Any) -> set[str]:
    return {one["place"] for one in found}


@pytest.mark.parametrize("name", [PHONE, USER], ids=["visitor", "user"])
def test_after_forgetting_and_a_sweep_nothing_is_found_and_others_are(
    stack: Running, name: str
) -> None:
    live(stack)
    before = call("verify-forgotten", name)
    assert before.exit_code == 1, before.output
    stored = {"table", "data bucket archive/", "data bucket quarantine/", "failed batches"}
    assert places(json.loads(before.stdout)["found"]) >= stored - (
        {"data bucket quarantine/"} if name == USER else set()
    )
    assert places(json.loads(before.stdout)["going"]) == {"stream"}
    assert call("forget", USER, "--user").exit_code == 0
    assert call("verify-forgotten", name).exit_code == 1, "the bytes wait for the sweep"
    swept = call("sweep", "--most", "1")
    assert swept.exit_code == 0, swept.output
    assert json.loads(swept.stdout)["waiting"] == 2
    after = call("verify-forgotten", name)
    verdict = json.loads(after.stdout)
    assert (after.exit_code, verdict["found"]) == (0, []), after.output
    assert places(verdict["going"]) == {"stream"}, "which keeps a record until it goes by itself"
    assert "tombstone" in verdict["notes"][0]
    assert call("verify-forgotten", name, "--strict").exit_code == 1
    assert {one["place"] for one in verdict["looked"] if one["pieces"]} >= {"table", "stream"}
    others = json.loads(call("verify-forgotten", OTHER).stdout)
    assert places(others["found"]) >= {"data bucket archive/", "failed batches"}


Plant = Callable[[Running, Any], None]


def _item(**attributes: Any) -> Plant:
    def plant(stack: Running, boto: Any) -> None:
        keys = {"pk": {"S": "demo|x"}, "sk": {"S": "profile"}}
        boto("dynamodb").put_item(TableName=stack.table, Item={**keys, **attributes})

    return plant


def _object(key: str, data: bytes) -> Plant:
    return lambda stack, _: stores.objects(stack).put(key, data)


def _overwritten(stack: Running, _: Any) -> None:
    for data in (PHONE.encode(), b""):
        stores.objects(stack).put("editions/demo/notes/1.json", data)


def _deleted(stack: Running, _: Any) -> None:
    stores.objects(stack).put("editions/demo/x.hem", b"\0" + PHONE.encode())
    stores.objects(stack).delete("editions/demo/x.hem")


def _key(stack: Running, boto: Any) -> None:
    boto("dynamodb").put_item(
        TableName=stack.table, Item={"pk": {"S": f"demo|v:{PHONE}"}, "sk": {"S": "profile"}}
    )


def _saved(name: str) -> Plant:
    def plant(_: Running, __: Any) -> None:
        path = laptop.state() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PHONE)

    return plant


PLANTS: dict[str, Plant] = {
    "table": _item(note={"S": f"about v:{PHONE}"}),
    "table ": _item(b={"B": b"\1\2" + gzip.compress(PHONE.encode())}),
    "table  ": _item(m={"M": {"a": {"L": [{"S": PHONE.encode().hex()}]}}}),
    "table   ": _key,
    "table    ": lambda stack, _: stores.table(stack).write_profile(
        SITE, f"u:{PHONE}", b"their history", expected=0
    ),
    "data bucket archive/": _object(
        "archive/demo/d/s/1-1-0.jsonl.gz", gzip.compress(PHONE.encode())
    ),
    "data bucket quarantine/": _object(
        f"{QUARANTINE_PREFIX}d/s/1.json",
        json.dumps({"payload": base64.b64encode(b"xx" + PHONE.encode()).decode()}).encode(),
    ),
    "data bucket editions/": _overwritten,
    "data bucket editions/ ": _deleted,
    "data bucket brakes/": _object("brakes/demo/1.txt", base64.urlsafe_b64encode(PHONE.encode())),
    "data bucket sites/": _object("sites/demo/site.json", json.dumps({"a": PHONE}).encode()),
    "data bucket models/": _object("models/demo/ranker.json", PHONE.encode()),
    "data bucket forgotten/": _object("forgotten/other/a.json", PHONE.encode()),
    "data bucket sweeps/": _object("sweeps/other.json", PHONE.encode()),
    "data bucket, all else": _object(f"exports/{PHONE}.json", b"{}"),
    "failed batches": lambda stack, _: stores.failed(stack).put("a", PHONE.encode()),
    "state folder": _saved("cloud/emulator.log"),
}


@pytest.mark.parametrize("place", PLANTS)
def test_it_is_found_wherever_it_lies(stack: Running, emulator: Cloud, place: str) -> None:
    PLANTS[place](stack, emulator.boto)
    verdict = verify(stack, PHONE, lambda _: None)
    assert {one.place for one in verdict.found} == {place.strip()}, verdict.found


def test_what_the_emulator_has_saved_goes_when_it_stops(stack: Running) -> None:
    _saved("cloud/state/dynamodb.json")(stack, None)
    verdict = verify(stack, f"v:{PHONE}", lambda _: None)
    assert verdict.found == ()
    assert [(one.place, one.goes) for one in verdict.going] == [
        ("saved state", "when the stack stops")
    ]


def test_what_goes_by_itself_is_not_called_found_and_the_last_line_says_what_waits(
    stack: Running,
) -> None:
    live(stack)
    assert call("forget", USER, "--user").exit_code == 0
    assert call("sweep").exit_code == 0
    done = CliRunner().invoke(build(), ["verify-forgotten", PHONE])
    assert done.exit_code == 0, done.output
    told = done.stdout.splitlines()
    waiting = [line for line in told if line.startswith("  still in stream: ")]
    assert waiting
    assert "FOUND" not in done.stdout
    assert told[-1].startswith(f"clean but for {len(waiting)} hits going by themselves")
    assert all("; goes 20" in line for line in waiting)
    strict = CliRunner().invoke(build(), ["verify-forgotten", PHONE, "--strict"])
    assert (strict.exit_code, strict.stdout.splitlines()[-1][:6]) == (1, "found:")
    assert json.loads(call("verify-forgotten", PHONE).stdout)["outcome"] == told[-1]


def test_what_stays_is_called_found_with_how_often(stack: Running) -> None:
    live(stack)
    done = CliRunner().invoke(build(), ["verify-forgotten", PHONE])
    hits = done.stdout.count("FOUND in ")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == f"found: {hits} hits that nothing takes away by itself"


def test_an_empty_stack_is_clean_and_says_what_was_looked_at(stack: Running) -> None:
    done = CliRunner().invoke(build(), ["verify-forgotten", PHONE])
    assert done.exit_code == 0, done.output
    assert "this id was not forgotten" in done.stdout
    assert done.stdout.splitlines()[-1] == "clean"
    assert PHONE not in done.output


@pytest.mark.parametrize(
    "arguments", [("forget", PHONE), ("forget", PHONE, "--user", "--visitor"), ("forget", "a b")]
)
def test_a_bad_call_changes_nothing(stack: Running, arguments: tuple[str, ...]) -> None:
    assert call(*arguments).exit_code != 0
    assert not Forgetting(stores.objects(stack), SITE)


@pytest.mark.parametrize(
    "arguments",
    [(f"v:{PHONE}",), (f"v:{PHONE}", "--visitor"), (PHONE, "--visitor")],
    ids=["spelt as shown", "spelt twice", "bare"],
)
def test_a_person_is_forgotten_however_their_id_is_spelt(
    stack: Running, arguments: tuple[str, ...]
) -> None:
    live(stack)
    done = call("forget", *arguments)
    assert (done.exit_code, json.loads(done.stdout)["known"]) == (0, True), done.output
    assert Forgetting(stores.objects(stack), SITE).forgets(f"v:{PHONE}", 0)
    assert not Forgetting(stores.objects(stack), SITE).forgets(f"v:v:{PHONE}", 0)


def test_an_id_that_contradicts_the_call_forgets_nobody(stack: Running) -> None:
    done = CliRunner().invoke(build(), ["forget", f"v:{PHONE}", "--user"])
    assert isinstance(done.exception, BadInput)
    assert PHONE not in str(done.exception)
    assert not Forgetting(stores.objects(stack), SITE)


def test_a_slip_in_an_id_is_told_and_its_tombstone_stands(stack: Running) -> None:
    live(stack)
    done = CliRunner().invoke(build(), ["forget", "no-such-user", "--user"])
    assert done.exit_code == 1
    assert "the id is unknown" in done.stdout
    assert Forgetting(stores.objects(stack), SITE).forgets("u:no-such-user", 0)
    again = call("forget", "u:no-such-user")
    assert (again.exit_code, json.loads(again.stdout)["known"]) == (0, True), "a tombstone stands"


def test_who_is_in_the_archive_alone_is_known(stack: Running) -> None:
    now = time.time_ns() // 1_000_000
    told = record("u:reader", "e1", received=now, time=now, purposes=("analytics",))
    assert not ingest_batch([delivered(1, told)], deps(stack), now).failures
    assert not stores.table(stack).read_part(SITE, "u:reader", PersonItem.PROFILE)
    assert call("forget", "u:reader").exit_code == 0
