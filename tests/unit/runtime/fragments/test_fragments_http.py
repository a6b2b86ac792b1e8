"""Fragments over HTTP, without a network: what may be asked, what is kept, and by whom."""

import json
from typing import Any

import pytest

from hemline.adapters.memory import MemoryTable
from hemline.decide.fragment import Format
from hemline.decide.page import PageRequest
from hemline.model.errors import BadInput, TooLarge
from hemline.model.site.slot import Slot
from hemline.runtime.account.request import choices_of
from hemline.runtime.fragments.request import page_request_of
from hemline.runtime.fragments.response import answer_of
from hemline.runtime.http import HttpRequest, HttpResponse, problem
from hemline.runtime.traits import traits_of
from hemline.usecases.serving.decide_page import PageDecision
from tests.builders.editions import build, catalogue
from tests.harness.deciding import acts, ask, decide_for

SLOTS = [Slot("bestsellers", personal=False, sources=("popular",)), Slot("for-you")]
EDITION = build(catalogue(12), SLOTS, history=acts("v:ann", ["i1", "i2"]))


def asked(method: str = "GET", body: str = "", query: str = "", **headers: str) -> HttpRequest:
    return HttpRequest(
        {
            "requestContext": {"http": {"method": method}},
            "pathParameters": {"slot": "bestsellers"},
            "rawQueryString": query,
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
            "body": body,
        }
    )


def decided(question: PageRequest | None = None, edition: Any = EDITION) -> PageDecision:
    return decide_for(None, question or ask("bestsellers"), edition, MemoryTable())


def answer(request: HttpRequest, edition: Any = EDITION) -> HttpResponse:
    return answer_of(decided(edition=edition), request, "json", 1.0)


def test_a_get_that_read_no_visitor_fact_may_be_kept_by_all() -> None:
    assert answer(asked()).headers["Cache-Control"] == "public, max-age=60"


def test_what_a_body_asked_for_is_never_kept_since_no_cache_keys_on_a_body() -> None:
    found = answer(asked("POST"))
    assert found.headers["Cache-Control"] == "private, no-store"
    assert found.headers["Hemline-Scope"] == "trait"


@pytest.mark.parametrize("spelling", ["{}", 'W/{}, "other"', '"other",{}', "*"])
def test_who_has_this_answer_is_told_so(spelling: str) -> None:
    etag = answer(asked()).headers["ETag"]
    assert answer(asked(if_none_match=spelling.format(etag))).status == 304


@pytest.mark.parametrize("form", ["json", "html"])
def test_a_304_has_every_header_of_the_answer_that_it_stands_for(form: Format) -> None:
    question = ask("bestsellers", form=form)
    first = answer_of(decided(question), asked(), form, 1.0)
    held = asked(if_none_match=first.headers["ETag"])
    again = answer_of(decided(question), held, form, 1.0)
    assert (again.status, again.body, again.headers) == (304, b"", first.headers)
    assert "Content-Type" in again.headers


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0.1, en;q=0.9", "en"),
        ("*, de;q=0.5", "de"),
        (", fr", "fr"),
        ("de;q=0, en;q=0.001", "en"),
        ("de;q=0", ""),
        ("en;q=0.5, de;q=0.5", "en"),
        ("DE-at ; Q=0.3", "de"),
        ("english, gsw-CH;q=1.000", "gsw"),
        ("de;q=2, en;q=0.1", "en"),
        ("de;q=x", ""),
        ("en_GB", "en"),
        ("*", ""),
        ("", ""),
        (",".join(["*"] * 5000 + ["de"]), ""),
    ],
)
def test_the_language_is_the_dearest_that_the_browser_names(accepted: str, language: str) -> None:
    assert traits_of(asked(accept_language=accepted)).language == language


def test_a_post_is_never_not_modified() -> None:
    etag = answer(asked()).headers["ETag"]
    assert answer(asked("POST", if_none_match=etag)).status == 200


@pytest.mark.parametrize("held", ['"abc-gzip"', "-", "*", ""])
def test_without_an_edition_nothing_is_not_modified(held: str) -> None:
    found = answer(asked(if_none_match=held), edition=None)
    assert (found.status, found.headers["Cache-Control"]) == (200, "private, no-store")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("format=xml", "format"),
        ("after=" + "a" * 5000, "after"),
        ("limit=3&limit=4", "limit"),
        ("page=home&page=item", "page"),
        ("item=i1&item=i2", "item"),
        ("after=&after=x", "after"),
    ],
)
def test_a_mistake_in_a_query_is_named_as_the_query_spells_it(query: str, field: str) -> None:
    with pytest.raises(BadInput) as found:
        page_request_of(asked(query=query))
    assert (found.value.field, bool(found.value.way_out)) == (field, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"slots":[{"name":"for-you","limt":3}]}', "slots[0].limt"),
        ('{"slots":[{"name":"for-you"}],"page":{"itm":"i1"}}', "page.itm"),
        ('{"slots":[{"name":"for-you","limit":' + "9" * 4000 + "}]}", "slots[0].limit"),
        ('{"slots":[{"name":"for-you","limit":' + "9" * 5000 + "}]}", "slots[0].limit"),
        ('{"slots":' + "[" * 30_000 + "]" * 30_000 + "}", "slots[0]"),
        ('{"x":' + "[" * 30_000 + "]" * 30_000 + ',"slots":[]}', "x"),
        ('{"slots":[]}', "slots"),
        ('{"slots":[{"name":"a"},{"name":"a"}]}', "slots"),
        ('{"slots":[{"name":"a"}],"page":{"cart":"i1"}}', "page.cart"),
        ('{"slots":[{"name":"a"}],"slots":[{"name":"for-you"}]}', "slots"),
        ('{"slots":[{"name":"a","exclude":[],"exclude":["b"]}]}', "exclude"),
        ('{"slots":[{"name":"a","' + "x" * 9000 + '":1}]}', "slots[0]." + "x" * 64),
    ],
)
def test_a_mistake_in_a_body_is_named_and_not_sent_back_at_length(body: str, field: str) -> None:
    with pytest.raises(BadInput) as found:
        page_request_of(asked("POST", body))
    assert found.value.field == field
    assert len(str(found.value)) < 300


def test_a_byte_order_mark_before_a_body_is_no_part_of_it() -> None:
    body = '{"slots":[{"name":"for-you"}]}'
    assert page_request_of(asked("POST", f"\ufeff{body}")) == page_request_of(asked("POST", body))
    said = '{"purposes":{"analytics":false}}'
    assert choices_of(asked("PUT", f"\ufeff{said}")) == choices_of(asked("PUT", said))


def test_a_body_of_a_megabyte_is_too_large() -> None:
    with pytest.raises(TooLarge) as found:
        page_request_of(asked("POST", "x" * 1_000_000))
    assert problem(found.value).status == 413


def test_an_endless_slot_name_is_not_sent_back_at_length() -> None:
    with pytest.raises(BadInput) as found:
        decided(ask("x" * 60_000))
    assert len(json.dumps(str(found.value))) < 300


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de,en-US;q=0.7", "de"),
        ("en-GB", "en"),
        ("EN", "en"),
        ("fil;q=0.9", "fil"),
        (" nl", "nl"),
        ("*", ""),
        ("english", ""),
        ("", ""),
        ("\u017fv", ""),
    ],
)
def test_a_language_is_the_first_that_the_browser_names(header: str, language: str) -> None:
    assert traits_of(asked(accept_language=header)).language == language
