"""What a page states of itself never costs it its fragments: it is taken, cut or left out, and told."""

import json
from typing import Any

import pytest

from hemline.adapters.memory import MemoryTable
from hemline.decide.page import PageRequest
from hemline.model.site.slot import Slot
from hemline.runtime.fragments.request import page_request_of
from hemline.runtime.fragments.response import answer_of
from tests.builders.editions import build, catalogue
from tests.harness.deciding import acts, decide_for
from tests.unit.runtime.fragments.test_fragments_http import asked

SLOTS = [Slot("bestsellers", personal=False, sources=("popular",)), Slot("for-you")]
EDITION = build(catalogue(12), SLOTS, history=acts("v:ann", ["i1", "i2"]))
MANY = [f"i{n}" for n in range(501)]


def posted(page: Any, **slot: Any) -> PageRequest:
    slots = [{"name": "bestsellers", **slot}, {"name": "for-you"}]
    return page_request_of(asked("POST", json.dumps({"page": page, "slots": slots})))


def told(question: PageRequest) -> dict[str, str]:
    return {error.field: str(error) for error in question.left_out}


@pytest.mark.parametrize("name", ["cart", "owned", "seen"])
@pytest.mark.parametrize(
    ("stated", "taken", "says"),
    [
        (MANY, MANY[:500], "501 ids: those after the first 500"),
        (["i1", 7, "i2"], ["i1", "i2"], "1 that are no ids, the first at [1]"),
        (["i1", "a b", "", "é", "x" * 129], ["i1"], "4 that are no ids"),
        ([None, True, 1.5, [], {"id": "i1"}, "i3"], ["i3"], "5 that are no ids"),
        ([None, *MANY], MANY[:500], "those after"),
        (["i1", "i1"], ["i1", "i1"], ""),
        (None, [], ""),
        ([], [], ""),
    ],
)  # fmt: skip
def test_of_a_list_what_is_right_is_taken_and_the_rest_told(
    name: str, stated: Any, taken: list[str], says: str
) -> None:
    question = posted({name: stated})
    assert list(getattr(question.page, name)) == taken
    found = told(question)
    assert set(found) == ({f"page.{name}"} if says else set())
    assert says in found.get(f"page.{name}", "")


@pytest.mark.parametrize(("name", "most"), [("exclude", 500), ("candidates", 200)])
def test_a_slots_lists_are_taken_as_the_pages_are(name: str, most: int) -> None:
    question = posted(None, **{name: [5, *MANY]})
    assert list(getattr(question.slots[0], name)) == MANY[:most]
    assert [error.field for error in question.left_out] == [f"slots[0].{name}"] * 2


@pytest.mark.parametrize("name", ["type", "url", "referrer", "app_version"])
def test_every_text_that_a_rule_reads_has_a_bound(name: str) -> None:
    question = posted({name: "a" * 2048 + "b" * 55_000})
    assert getattr(question.page, name) == "a" * 2048
    assert (
        "has 57048 characters: those after the first 2048 are cut off"
        in told(question)[f"page.{name}"]
    )
    assert not posted({name: "a" * 2048}).left_out


@pytest.mark.parametrize("stated", ["x" * 129, 12345, 1.5])
@pytest.mark.parametrize("name", ["item", "category"])
def test_an_item_that_can_be_none_is_left_out_and_told(name: str, stated: Any) -> None:
    question = posted({name: stated, "type": "item"})
    assert (getattr(question.page, name), question.page.type) == (None, "item")
    assert "left out. Send a text of at most 128" in told(question)[f"page.{name}"]


def test_null_is_as_good_as_left_out() -> None:
    names = ("type", "url", "item", "category", "cart", "owned", "seen", "referrer", "app_version")
    body = {
        "page": dict.fromkeys(names),
        "format": None,
        "slots": [{"name": "for-you", "limit": None, "exclude": None, "candidates": None, "after": None}],
    }  # fmt: skip
    plain = page_request_of(asked("POST", '{"slots":[{"name":"for-you"}]}'))
    assert page_request_of(asked("POST", json.dumps(body))) == plain
    assert page_request_of(asked("POST", '{"page":null,"slots":[{"name":"for-you"}]}')) == plain


def test_a_whole_number_may_have_a_point() -> None:
    assert posted({}, limit=16.0).slots[0].limit == 16


def test_all_slots_of_a_page_with_a_bad_cart_are_answered_and_the_cart_is_told_beside_them() -> (
    None
):
    request = asked("POST", "")
    question = posted({"cart": [f"x{n}" for n in range(501)] + [5, None], "url": "/" + "x" * 9000})
    answer = answer_of(decide_for(None, question, EDITION, MemoryTable()), request, "json", 1.0)
    document = json.loads(answer.body)
    assert (answer.status, set(document["fragments"])) == (200, {"bestsellers", "for-you"})
    assert all(fragment["items"] for fragment in document["fragments"].values())
    fields = [error["field"] for error in document["errors"]]
    assert fields == ["page.url", "page.cart", "page.cart"]
    assert all(error["way_out"] and error["status"] == 400 for error in document["errors"])
    assert answer.headers["Hemline-Errors"] == ", ".join(fields)
    assert len(json.dumps(document["errors"])) < 1000, "it repeats what was sent"


def test_without_an_edition_it_is_told_too() -> None:
    decided = decide_for(None, posted({"cart": [5]}), None, MemoryTable())
    assert [error.field for error in decided.errors] == ["page.cart"]


def test_a_fragment_as_markup_tells_it_in_a_header() -> None:
    request = asked(query="format=html&exclude=a%20b,i1&url=" + "x" * 3000)
    question = page_request_of(request)
    answer = answer_of(decide_for(None, question, EDITION, MemoryTable()), request, "html", 1.0)
    assert (answer.status, answer.headers["Hemline-Errors"]) == (200, "exclude, url")
    assert question.slots[0].exclude == ("i1",)


@pytest.mark.parametrize(
    "query",
    ["exclude=a&exclude=b", "exclude=a,b", "exclude=a&exclude=,b", "exclude=a&exclude=&exclude=b,"],
)
def test_a_list_in_a_query_is_all_that_was_said_of_it(query: str) -> None:
    assert page_request_of(asked(query=query)).slots[0].exclude == ("a", "b")
    for name in ("owned", "seen"):
        page = page_request_of(asked(query=query.replace("exclude", name))).page
        assert getattr(page, name) == ("a", "b")


def test_an_item_that_was_excluded_in_either_parameter_is_not_shown() -> None:
    first = json.loads(_shown("").body)["fragments"]["bestsellers"]["items"]
    gone = [one["id"] for one in first[:2]]
    answer = _shown("&".join(f"exclude={name}" for name in gone))
    left = [one["id"] for one in json.loads(answer.body)["fragments"]["bestsellers"]["items"]]
    assert left
    assert not set(gone) & set(left)


def _shown(query: str) -> Any:
    request = asked(query=query)
    return answer_of(
        decide_for(None, page_request_of(request), EDITION, MemoryTable()), request, "json", 1.0
    )
