"""The brake on a running table: set by the command, obeyed by a warm function at its next look."""

import json
from typing import Any

import pytest
from typer.testing import Result

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.edition import Pointer
from hemline.model.errors import BadInput, Conflict
from hemline.model.keys import edition_object
from hemline.model.site.slot import Slot
from hemline.usecases.serving.editions import FOLLOW_SECONDS
from tests.builders.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.builders.rankers import linear
from tests.harness.clouds import REGION, Cloud
from tests.harness.commands import hemline
from tests.harness.deciding import acts
from tests.harness.functions import environment, event, load
from workbench.laptop import Running

pytestmark = pytest.mark.cloud

SLOTS = [Slot("for-you", limit=8, fallback=("i1",), deadline_ms=1000)]


@pytest.fixture
def names(stack: Running) -> dict[str, str]:
    return {"table": stack.table, "bucket": stack.bucket}


@pytest.fixture
def app(emulator: Cloud, names: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    data, edition = build_file(
        catalogue(24), SLOTS, history=acts("v:x", ["i1", "i5", "i9"]), ranker=linear(together=1.0)
    )
    table = DynamoTable(
        connect("dynamodb", region=REGION, endpoint=emulator.endpoint), names["table"]
    )
    objects = S3Objects(connect("s3", region=REGION, endpoint=emulator.endpoint), names["bucket"])
    objects.put(edition_object(SITE, edition.digest), data)
    table.swap_pointer(SITE, Pointer(edition.digest, NOW).signed(SITE, KEYS[0]), expected=None)
    return load("fragments", environment(emulator, **names), monkeypatch)


def brake(*arguments: str) -> Result:
    return hemline("brake", *arguments)


def shown(app: Any, *, later: float = 0.0) -> list[str]:
    """Item ids of the slot, asked `later` seconds after the function's last look."""
    looked = app.deps.live._looked
    if later and looked is not None:
        app.deps.live._looked = looked - later
    answer = app.handler(event("fragments", "slot-json"), None)
    fragment = json.loads(answer["body"])["fragments"]["for-you"]
    return [item["id"] for item in fragment["items"]]


def test_a_warm_function_obeys_within_five_seconds_and_no_earlier_than_its_next_look(
    app: Any,
) -> None:
    first = shown(app)
    assert brake("set", "block", first[0], "--why", "recalled").exit_code == 0
    assert shown(app) == first, "the pointer was just looked at: no read for nothing"
    assert first[0] not in shown(app, later=5)
    assert FOLLOW_SECONDS < 5
    brake("clear", "block", first[0], "--why", "mended")
    assert shown(app, later=5) == first


def test_an_item_is_put_in_a_place_within_five_seconds_and_on_the_record(app: Any) -> None:
    first = shown(app)
    put = brake(
        "set", "place", "for-you/2", "--shows", first[-1], "--why", "on air", "--who", "ann"
    )
    assert put.exit_code == 0
    assert not put.stderr
    assert shown(app, later=5)[1] == first[-1]
    (stop,) = json.loads(brake("show", "--json").stdout)["stops"]
    assert (stop["who"], stop["why"], stop["name"]) == ("ann", "on air", "for-you/2")
    assert brake("clear", "place", "for-you/2", "--why", "off air").exit_code == 0
    assert shown(app, later=5) == first


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("for-you", "--shows", "i3"), "name"),
        (("for-you/0", "--shows", "i3"), "name"),
        (("for-you/101", "--shows", "i3"), "name"),
        (("for-you/²", "--shows", "i3"), "name"),
        (("for-you/1",), "shows"),
        (("for-you/1", "--shows", "i3,i4"), "shows"),
    ],
)
def test_a_place_is_one_position_and_one_item(
    app: Any, arguments: tuple[str, ...], field: str
) -> None:
    del app
    with pytest.raises(BadInput) as raised:
        brake("set", "place", *arguments, "--why", "typo")
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("name", "item", "told"),
    [
        ("for-yuo/1", "i3", "no list for-yuo"),
        ("for-you/99", "i3", "shows"),
        ("for-you/1", "gone", "no item gone"),
    ],
)
def test_what_is_doubtful_about_a_place_is_said_and_stops_nothing(
    app: Any, name: str, item: str, told: str
) -> None:
    del app
    found = brake("set", "place", name, "--shows", item, "--why", "in haste")
    assert found.exit_code == 0
    assert told in found.stderr


def test_a_function_that_starts_under_a_brake_obeys_from_its_first_answer(
    emulator: Cloud, app: Any, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shown(app)
    brake("set", "block", first[0], "--why", "recalled")
    fresh = load("fragments", environment(emulator, **names), monkeypatch)
    assert first[0] not in shown(fresh)


def test_who_when_and_why_are_shown_now_and_in_the_log(app: Any) -> None:
    brake("set", "freeze", "for-you", "--shows", "i3,i4", "--why", "odd row", "--who", "ann")
    now = json.loads(brake("show", "--json").stdout)
    assert now["version"] == 1
    assert now["stops"][0] | {"at": 0} == {
        "kind": "freeze",
        "who": "ann",
        "at": 0,
        "why": "odd row",
        "name": "for-you",
        "shows": ["i3", "i4"],
    }
    assert shown(app, later=5) == ["i3", "i4"]
    brake("clear", "--why", "fine again", "--who", "ben")
    changes = json.loads(brake("show", "--log", "--json").stdout)["changes"]
    assert [(c["act"], c["who"]) for c in changes] == [("set", "ann"), ("clear", "ben")]
    said = brake("show", "--log").stdout
    assert "set freeze for-you  by ann: odd row" in said
    assert "clear all  by ben: fine again" in said
    assert brake("show").stdout == "nothing is stopped\n"


def test_an_edition_is_pinned_by_its_first_digits_and_one_that_is_not_there_is_not(
    app: Any,
) -> None:
    digest = app.deps.live.engine.snapshot.digest
    assert digest in brake("set", "pin", digest[:8], "--why", "the new one is odd").stdout
    with pytest.raises(BadInput, match="0 editions start with"):
        brake("set", "pin", "f" * 64, "--why", "typo")


def test_a_name_that_the_edition_does_not_have_is_said(app: Any) -> None:
    result = brake("set", "block", "nowhere", "--why", "just in case")
    assert result.exit_code == 0
    assert "no item nowhere" in result.stderr


def test_the_table_lets_one_of_two_writers_in(emulator: Cloud, names: dict[str, str]) -> None:
    table = DynamoTable(
        connect("dynamodb", region=REGION, endpoint=emulator.endpoint), names["table"]
    )
    assert table.read_brake(SITE) is None
    table.swap_brake(SITE, "one", expected=0)
    for stale in (0, 2):
        with pytest.raises(Conflict):
            table.swap_brake(SITE, "lost", expected=stale)
    table.swap_brake(SITE, "two", expected=1)
    assert table.read_brake(SITE) == "two"
    found = table.read_for_serving(SITE, "v:ann", pointer=True, timeout=5)
    assert (found.profile, found.pointer, found.brake) == (None, None, "two")
