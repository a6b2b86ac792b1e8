"""The publish function on its scenarios, with a real table and bucket of the emulator."""

import json
from typing import Any

import msgspec
import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.model import keys
from hemline.model.edition import Edition, unpack
from hemline.model.errors import BadInput, Conflict
from hemline.model.events.event import Event, OrderLine, Record
from hemline.usecases.ingest.archive import append, line
from tests.builders.editions import KEYS
from tests.builders.rankers import linear
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import environment, event, load

pytestmark = pytest.mark.cloud

SITE = "demo"
NOW = 1_700_000_000_000


class Stack:
    """A table and a bucket, and the function over them."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        names = {"table": cloud.make_table(), "bucket": cloud.make_bucket()}
        self.table = DynamoTable(_connect("dynamodb", cloud), names["table"])
        self.objects = S3Objects(_connect("s3", cloud), names["bucket"])
        self.app: Any = load("publish", environment(cloud, site=SITE, **names), monkeypatch)

    def call(self, scenario: str, **more: object) -> dict[str, Any]:
        # The tests' time is long ago.
        anyway = {"live_anyway": True} if "built" in more else {}
        found: dict[str, Any] = self.app.handler(event("publish", scenario) | anyway | more, None)
        return found

    def live(self) -> Edition:
        pointer = self.table.read_pointer(SITE)
        assert pointer is not None
        pointer.check(SITE, KEYS)
        data = self.objects.get(keys.edition_object(SITE, pointer.digest))
        assert data is not None
        return unpack(data, site=SITE, digest=pointer.digest)

    def archive(self, *records: Record, shard: str = "shard-0") -> None:
        append(self.objects, [line(shard, str(n), record) for n, record in enumerate(records, 1)])


def _connect(service: str, cloud: Cloud) -> Any:
    return connect(service, region=REGION, endpoint=cloud.endpoint)


@pytest.fixture
def stack(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(emulator, monkeypatch)


def item(name: str) -> Record:
    made = Event(f"item-{name}", "item", NOW, item=name, properties={"title": name, "price": 3.5})
    return Record(SITE, f"i:{name}", NOW, made)


def bought(who: str, *names: str) -> Record:
    lines = tuple(OrderLine(name) for name in names)
    return Record(SITE, f"v:{who}", NOW, Event(f"{who}-1", "purchase", NOW, lines=lines))


def test_a_site_file_is_checked_kept_and_published(stack: Stack) -> None:
    stack.archive(item("mug"), item("jug"), bought("ann", "mug", "jug"))
    result = stack.call("site-file", built=NOW)
    edition = stack.live()
    assert result["swapped"] is True
    assert (result["edition"], result["items"], result["counted"]) == (edition.digest, 2, 3)
    assert edition.header.title == "Harbour Goods"
    assert [slot.name for slot in edition.header.slots] == ["for-you"]
    assert stack.objects.get(keys.edition_site(SITE, edition.digest)) is not None


def test_the_schedule_publishes_what_came_since(stack: Stack) -> None:
    stack.archive(item("mug"))
    first = stack.call("site-file", built=NOW)
    stack.archive(bought("ann", "mug"), shard="shard-1")
    second = stack.call("schedule")
    assert (second["swapped"], second["counted"]) == (True, 2)
    assert stack.live().digest == second["edition"] != first["edition"]
    assert stack.live().header.watermarks == {"shard-0": "1", "shard-1": "1"}
    assert stack.call("command")["swapped"] is False


def test_what_programs_did_is_left_out_and_reported_as_a_metric(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    program = msgspec.structs.replace(bought("crawler", "mug"), flags=("bot",))
    stack.archive(item("mug"), bought("ann", "mug"), program, bought("bob", "never-there"))
    result = stack.call("site-file", built=NOW)
    assert (result["counted"], result["flagged"]) == (2, {"bot": 1, "unknown": 1})
    assert [note.split(" (")[0].rsplit(": ", 1)[1] for note in result["notes"]] == [
        "1 events flagged bot",
        "1 events flagged unknown",
    ]
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metrics,) = [line for line in said if "_aws" in line]
    assert (metrics["FlaggedBot"], metrics["FlaggedUnknown"]) == ([1.0], [1.0])
    assert "crawler" not in str(said)


def test_an_idle_site_is_not_folded_again_and_any_change_ends_that(stack: Stack) -> None:
    stack.archive(item("mug"))
    stack.call("site-file", built=NOW)
    stack.call("schedule")
    idle = {"swapped": False, "idle": True}
    assert stack.call("schedule") == idle
    stack.archive(bought("ann", "mug"), shard="shard-1")
    assert stack.call("schedule")["counted"] == 2
    assert stack.call("schedule") == idle
    stack.objects.put(keys.ranker_object(SITE, "ranker.onnx"), b"other bytes")
    assert "refused" in stack.call("schedule")["notes"][0]
    renamed = event("publish", "site-file")["site_file"].replace("Harbour Goods", "Renamed")
    stack.call("site-file", site_file=renamed)
    stack.archive(bought("bob", "mug"), shard="shard-2")
    assert stack.call("schedule")["swapped"] is True
    assert stack.live().header.title == "Renamed"
    assert stack.call("schedule") == idle


def test_a_stored_ranker_goes_into_the_edition_only_when_it_loads(stack: Stack) -> None:
    onnx, card = linear(price=1.0)
    stack.objects.put(keys.ranker_object(SITE, "ranker.onnx"), onnx)
    stack.objects.put(keys.ranker_object(SITE, "ranker.json"), card)
    assert stack.call("site-file")["ranker"] == "stored"
    stack.objects.put(keys.ranker_object(SITE, "ranker.onnx"), onnx[:-1])
    stack.archive(item("mug"))
    result = stack.call("command")
    assert result["ranker"] == "kept"
    assert "the stored ranker is refused" in result["notes"][0]
    assert bytes(stack.live().raw("ranker_onnx")) == onnx


def test_a_site_file_with_mistakes_changes_nothing_and_names_them_all(stack: Stack) -> None:
    with pytest.raises(BadInput, match=r"2 mistakes:\nsite file:2: currency: .*\nsite file:6: "):
        stack.call("site-file-with-mistakes")
    assert not list(stack.objects.keys("sites/"))
    assert stack.table.read_pointer(SITE) is None


def test_a_rollback_makes_the_edition_before_live(stack: Stack) -> None:
    first = stack.call("site-file", built=NOW)
    stack.archive(item("mug"))
    stack.call("command", built=NOW + 1)
    assert stack.call("rollback")["edition"] == first["edition"] == stack.live().digest


def test_the_schedule_leaves_a_rollback_alone_until_somebody_publishes(stack: Stack) -> None:
    first = stack.call("site-file", built=NOW)
    stack.archive(item("mug"))
    stack.call("command", built=NOW + 1)
    stack.call("rollback")
    assert stack.call("schedule") == {"swapped": False, "held": True}
    assert stack.live().digest == first["edition"]
    again = stack.call("command")
    assert stack.live().digest == again["edition"] != first["edition"]
    stack.archive(bought("ann", "mug"), shard="shard-1")
    assert stack.call("schedule")["swapped"] is True


def test_a_stack_without_a_site_file_waits_for_it(stack: Stack) -> None:
    assert "no site file yet" in stack.call("schedule")["waits"]
    with pytest.raises(BadInput, match="no site file yet"):
        stack.call("command")


def test_a_command_for_another_site_or_with_unknown_members_is_refused(stack: Stack) -> None:
    with pytest.raises(BadInput, match="another-shop is not served here"):
        stack.call("another-site")
    with pytest.raises(BadInput, match="bulit: is not a known field"):
        stack.call("command", bulit=1)


def test_a_publish_that_was_overtaken_is_told_and_fails_no_invocation(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.call("site-file", built=NOW)
    stack.archive(item("mug"))
    swap = DynamoTable.swap_pointer

    def after_another(self: DynamoTable, site: str, pointer: Any, *, expected: str | None) -> None:
        swap(self, site, pointer.signed(site, KEYS[0]), expected=expected)  # the other one
        swap(self, site, pointer, expected=expected)

    monkeypatch.setattr(DynamoTable, "swap_pointer", after_another)
    assert "another publish of demo was faster" in stack.call("schedule")["lost"]


def test_a_swap_is_refused_by_the_table_itself(stack: Stack) -> None:
    stack.call("site-file", built=NOW)
    pointer = stack.table.read_pointer(SITE)
    assert pointer is not None
    with pytest.raises(Conflict):
        stack.table.swap_pointer(SITE, pointer, expected="0" * 64)


def test_a_site_file_that_takes_silence_for_something_else_than_the_stack_is_refused(
    stack: Stack,
) -> None:
    stack.archive(item("mug"))
    stack.call("site-file", built=NOW)
    before = stack.live().digest
    asks_first = event("publish", "site-file")["site_file"].replace(
        "consent_default: true", "consent_default: false"
    )
    with pytest.raises(BadInput, match="ConsentDefault=false"):
        stack.call("site-file", site_file=asks_first)
    assert stack.live().digest == before
    stack.app.settings = stack.app.settings._replace(consent_default=False)
    assert "ConsentDefault=true" in stack.call("schedule")["waits"]
    assert stack.call("site-file", site_file=asks_first, built=NOW)["swapped"] is True
    assert stack.live().header.consent_default is False


def test_half_a_site_file_is_refused_unless_the_command_says_that_it_is_meant(stack: Stack) -> None:
    whole = event("publish", "site-file")["site_file"] + "end: true\n"
    stack.call("site-file", site_file=whole, built=NOW)
    stack.archive(item("mug"))
    half = whole.removesuffix("end: true\n")
    with pytest.raises(BadInput, match=r"does not end with `end: true`.*allow_removals"):
        stack.call("site-file", site_file=half, built=NOW + 1)
    assert stack.call("schedule")["swapped"] is True, "the schedule goes on with the live one"
    assert stack.call("site-file", site_file=half, allow_removals=True)["swapped"] is True


def test_an_edition_of_another_day_goes_live_only_when_that_is_said(stack: Stack) -> None:
    stack.call("site-file")
    for built, reason in (
        (NOW, r"days ago.*live_anyway"),
        (NOW * 4, "still to come"),
        (NOW * 9**9, "ms is still"),
    ):
        with pytest.raises(BadInput, match=reason):
            stack.call("command", built=built, live_anyway=False)
    with pytest.raises(BadInput, match="still to come"):
        stack.call("command", built=NOW * 4)
    stack.archive(item("mug"))
    assert stack.call("command", built=NOW)["built"] == NOW
