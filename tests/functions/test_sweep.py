"""The sweep function on its schedule, with real buckets of the emulator."""

import gzip
import json
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.s3 import S3Objects
from hemline.usecases.ingest.archive import append, line, read_archive
from hemline.usecases.people import forget_archive
from hemline.usecases.people.forget_register import enter
from tests.builders.template import TEMPLATE
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import environment, load
from tests.harness.streams import NOW, record
from workbench.cloud.template import load as template

pytestmark = pytest.mark.cloud
SITE = "demo"
GONE, STAYS = "v:gone-4fX9", "v:stays-7pQ2"


class Stack:
    """The function and both buckets, with two people in the archive."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        names = {"bucket": cloud.make_bucket(), "failed": cloud.make_bucket()}
        cloud.boto("s3").put_bucket_versioning(
            Bucket=names["bucket"], VersioningConfiguration={"Status": "Enabled"}
        )
        settings = {**environment(cloud, **names), "HEMLINE_SITE": SITE}
        self.app: ModuleType = load("sweep", settings, monkeypatch)
        client = connect("s3", region=REGION, endpoint=cloud.endpoint)
        self.objects = S3Objects(client, names["bucket"])
        for number in range(6):
            rows = [(2 * number, GONE), (2 * number + 1, STAYS)]
            append(self.objects, [line("s", str(n), record(who, f"e{n}")) for n, who in rows])

    def call(self, *left_ms: int) -> dict[str, Any]:
        times = iter((300_000, *left_ms))  # the first look is for the calls' budget
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: next(times))
        found: dict[str, Any] = self.app.handler({"detail-type": "Scheduled Event"}, context)
        return found

    def bytes(self) -> bytes:
        found = [self.objects.get_version(v) or b"" for v in self.objects.versions("archive/")]
        return b"".join(gzip.decompress(data) for data in found)


@pytest.fixture
def stack(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(emulator, monkeypatch)


def test_without_anybody_to_forget_it_does_nothing(stack: Stack) -> None:
    assert stack.call() == {
        "looked": 0,
        "cleaned": 0,
        "deleted": 0,
        "settled": 0,
        "waiting": 0,
        "done": True,
        "unreadable": (),
    }


def test_it_goes_on_while_there_is_time_and_the_next_call_ends_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forget_archive.sweep, "__kwdefaults__", {"most": 2})
    monkeypatch.setattr(forget_archive.sweep_on, "__kwdefaults__", {"most": 2})
    enter(stack.objects, SITE, GONE, NOW, NOW + 1)
    first = stack.call(200_000, 60_000)
    assert (first["done"], first["cleaned"]) == (False, 2)
    assert GONE.encode() in stack.bytes()
    second = stack.call(*[200_000] * 9)
    assert (second["done"], second["settled"], second["waiting"]) == (True, 1, 0)
    assert GONE.encode() not in stack.bytes()
    assert [one.record.subject for one in read_archive(stack.objects, SITE)] == [STAYS] * 6
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [one["Forgetting"] for one in lines if "Forgetting" in one] == [1, 0]


def test_what_cannot_be_read_is_an_error_in_the_log(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.objects.put("archive/demo/2026-01-01/s/1-1-0.jsonl.gz", b"damaged")
    enter(stack.objects, SITE, GONE, NOW, NOW + 1)
    assert stack.call()["waiting"] == 1
    (error,) = [text for text in capsys.readouterr().out.splitlines() if '"ERROR"' in text]
    assert "1-1-0.jsonl.gz" in error


def test_it_may_reach_what_it_sweeps_and_has_no_road_from_outside() -> None:
    stack = template(TEMPLATE, region="us-east-1", secret="s" * 32, parameters={})
    assert [s.seconds for s in stack.schedules if s.function == "SweepFunction"] == [6 * 3600]
    assert not [route for route in stack.routes if route.function == "SweepFunction"]
    variables = stack.functions["SweepFunction"].environment
    assert variables["HEMLINE_FAILED"] == stack.sources[0].destination
