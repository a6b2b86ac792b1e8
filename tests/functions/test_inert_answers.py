"""No JSON answer of any function is markup to what pastes it into a page, as ESI processors do."""

import ast
import json
from collections.abc import Callable
from typing import Any

import pytest

from hemline.model.item import Item
from hemline.model.site.slot import Slot, Variant
from hemline.runtime import http
from tests.builders.editions import build_file
from tests.functions.test_fragments import Stack, stack
from tests.harness.account_harness import Desk
from tests.harness.clouds import Cloud
from tests.harness.deciding import acts
from tests.harness.functions import ROOT, environment, event, load

pytestmark = pytest.mark.cloud
__all__ = ["stack"]

ESI = '<esi:include src="/v1/me"/>&'
Answer = dict[str, Any]


def inert(answer: Answer) -> Any:
    """The document, once it is sure that nothing of it is markup."""
    assert answer["headers"]["Content-Type"].endswith("json")
    assert not set("<>&") & set(answer["body"]), answer["body"]
    return json.loads(answer["body"])


@pytest.fixture
def fragments(stack: Stack) -> Callable[..., Answer]:
    items = [
        Item(f"i{at}", title=ESI, url=f"/i{at}?a=1&b=<2>", categories=(ESI,)) for at in range(4)
    ]
    slots = [
        Slot("list", personal=False, sources=("popular",), title=ESI),
        Slot("words", kind="content", variants=(Variant("a", {"headline": ESI, "cta": ESI}),)),
    ]
    stack.publish(*build_file(items, slots, history=acts("v:ann", ["i1"])))
    app = stack.function()

    def call(scenario: str, **changes: Any) -> Answer:
        found: Answer = app.handler({**event("fragments", scenario), **changes}, None)
        return found

    return call


@pytest.mark.parametrize("form", ["json", "html", "email"])
def test_fragments_say_it_and_are_not_it(fragments: Callable[..., Answer], form: str) -> None:
    wanted = {"slots": [{"name": "list"}, {"name": "words"}, {"name": ESI}], "format": form}
    answer = inert(fragments("page", body=json.dumps(wanted)))
    assert ESI in answer["fragments"]["words"]["variant"]["fields"]["headline"]
    assert ESI in answer["errors"][0]["detail"]
    one = fragments("slot-json", pathParameters={"slot": "words"}, rawQueryString="")
    assert inert(one)["fragments"]["words"]["variant"]["fields"]["headline"] == ESI


@pytest.mark.parametrize(
    "changes",
    [
        {"pathParameters": {"slot": ESI}},
        {"rawQueryString": "format=%3Cb%3E%26"},
        {"rawQueryString": "limit=%3Cb%3E%26"},
        {"rawQueryString": "explain=1&x=%3Cb%3E"},
    ],
    ids=["slot", "format", "limit", "explain"],
)
def test_refusals_of_fragments_too(fragments: Callable[..., Answer], changes: Answer) -> None:
    answer = fragments("slot-json", **changes)
    assert answer["statusCode"] >= 400
    inert(answer)


def test_refusals_of_single_events_too(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    app = load("collect", environment(emulator, stream=emulator.make_stream(1)), monkeypatch)
    one = {"id": "<e>&", "type": "view", "item": "i1", ESI: 1}
    answer = app.handler({**event("collect", "batch"), "body": json.dumps(one)}, None)
    found = inert(answer)
    assert found["rejected"][0]["id"] == "<e>&"
    assert ESI[:20] in found["rejected"][0]["reason"]


def test_a_person_s_own_data_and_their_mistakes_too(desk: Desk) -> None:
    desk.remember(*acts("u:<ann>&", ["<i1>&"]))
    assert inert(desk("export", user="<ann>&"))["subject"] == "u:<ann>&"
    assert inert(desk("identify", user="<ann>&"))["user"] == "<ann>&"
    inert(desk("consent", user="<ann>&"))
    payload = {**event("account", "consent"), "body": json.dumps({"purposes": {ESI: True}})}
    assert inert(desk.app.handler(payload, None))["field"] == f"purposes.{ESI}"


def test_functions_write_answers_in_one_place_alone() -> None:
    """What builds an answer by hand would pass all of the above by: there is no such place."""
    found = set()
    for folder in ("functions", "layers/hemline/hemline"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and node.value == "statusCode":
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == {"layers/hemline/hemline/runtime/http.py"}


def test_an_answer_that_is_markup_is_found_out(
    fragments: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "inert", lambda document: document)
    with pytest.raises(AssertionError):
        test_refusals_of_fragments_too(fragments, {"pathParameters": {"slot": ESI}})
