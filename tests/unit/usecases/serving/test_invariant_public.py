"""Invariant 1: what depended on a visitor is never publicly cacheable, on any path, errors and 304s included.

A cache keys on the URL and on what Vary names. So of two requests that agree on these, either the first
is not answered publicly, or the second gets the very same bytes, status and headers, whatever else
differs: who asks, consent, the capsule, the browser, a table that does not answer, the other traits.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given

from hemline.decide.facts import facts
from hemline.decide.facts.facts import MissingFact
from hemline.decide.render import reasons
from hemline.decide.templates import slot
from hemline.model.decision import Scope
from hemline.runtime import http
from hemline.runtime.fragments import preview, response
from hemline.runtime.http import HttpResponse
from hemline.runtime.traits import VARY
from tests.harness.http_functions import Door, header
from tests.harness.search_depth import INVARIANT, finds
from tests.strategies.request_pairs import PASSERS, Desk, Passers, of_traits, of_visitor
from workbench.cloud.payload import Response

PRIVATE = "private, no-store"


@contextmanager
def a_desk() -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        door = Door(None, patch)  # type: ignore[arg-type] # each request brings its own
        for told in ("log", "metric"):
            # A hundred thousand answers' lines are for nobody.
            patch.setattr(door.apps["fragments"], told, lambda *_, **__: None)
        yield Desk(door)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with a_desk() as found:
        yield found


def is_public(answer: Response) -> bool:
    return header(answer, "cache-control") != PRIVATE


def wrongs(desk: Desk, passers: Passers) -> list[str]:
    """What a shared cache would make of it, that it must not."""
    sent = of_traits(passers.case.traits)
    answer = desk.ask(passers, sent | of_visitor(passers.case, passers.agent))
    return [*_never(passers, answer), *_leaks(desk, passers, answer)]


def _never(passers: Passers, answer: Response) -> Iterator[str]:
    if answer.status >= 500:
        yield f"answered {answer.status}"
    if header(answer, "set-cookie"):
        yield "sets a cookie"
    if not is_public(answer):
        return
    if answer.status not in {200, 304}:
        yield f"a public {answer.status}"
    if header(answer, "hemline-scope") not in {"edition", "trait"}:
        yield "public and of a visitor"
    if passers.way not in {"get", "again", "any", "more"}:
        yield f"public, though asked by {passers.way}"


def _leaks(desk: Desk, passers: Passers, kept: Response) -> Iterator[str]:
    """Of what is kept: whether it is what another visitor would have got."""
    if not is_public(kept):
        return
    keyed = {name.strip().lower() for name in header(kept, "vary").split(",")}
    mine, theirs = of_traits(passers.case.traits), of_traits(passers.other.traits)
    sent = {name: value for name, value in mine.items() if name in keyed}
    sent |= {name: value for name, value in theirs.items() if name not in keyed}
    who, stage, fresh, consent, table, agent, _ = passers.other
    other = passers.case._replace(who=who, stage=stage, fresh=fresh, consent=consent, table=table)
    own = desk.ask(_asked_of(passers, other), sent | of_visitor(other, agent))
    if own != kept:
        yield f"kept {kept}, another visitor's is {own}"


def _asked_of(passers: Passers, case: Any) -> Passers:
    # A cursor stands in the URL: the second asks with the first one's.
    return passers if passers.way == "more" else passers._replace(case=case)


@pytest.mark.invariant
@pytest.mark.timeout(7200)
@INVARIANT
@given(PASSERS)
def test_what_a_cache_keeps_is_what_everybody_would_have_got(desk: Desk, passers: Passers) -> None:
    assert wrongs(desk, passers) == []


@given(PASSERS)
def test_not_modified_says_the_same_headers_as_the_answer_that_it_stands_for(
    desk: Desk, passers: Passers
) -> None:
    # A ranker that fails now and then makes another answer, and is no mistake of the second one's.
    case = passers.case._replace(ranker="good")
    sent = of_traits(case.traits) | of_visitor(case, passers.agent)
    first, again = (desk.ask(passers._replace(case=case, way=w), sent) for w in ("get", "again"))
    assert (first.status, again.status, again.body) == (200, 304, b"")
    names = ("cache-control", "vary", "etag", "hemline-scope", "hemline-edition", "hemline-rung")
    assert [header(again, n) for n in names] == [header(first, n) for n in names]


# ---- it is able to fail ----


def _past_the_facts(_snapshot: Any, facts: Any, items: Any) -> list[str]:
    try:
        return [str(facts._source.get("visitor.seed").value)] * len(items)
    except MissingFact:
        return [""] * len(items)


def _public(statuses: set[int]) -> Callable[..., HttpResponse]:
    def made(status: int, body: bytes = b"", headers: Any = None, *rest: Any) -> HttpResponse:
        kept = {"Cache-Control": "public, max-age=60"} if status in statuses else {}
        return HttpResponse(status, body, {**(headers or {}), **kept}, *rest)

    return made


def _template_past_the_facts(facts: Any, *_: Any) -> Callable[[str], object]:
    def read(name: str) -> object:
        try:
            return facts._source.get(name).value
        except Exception:  # noqa: BLE001 - as the one whose place it takes
            return None

    return read


class _EveryName(dict[str, str]):
    def __missing__(self, _name: str) -> str:
        return "Accept"


OPEN = {"Cache-Control": "public, max-age=60"}
BUGS: dict[str, list[tuple[object, str, Any]]] = {
    "a reason in a public slot reads the visitor past the facts": [
        (reasons, "REASONS", {**reasons.REASONS, "popular": _past_the_facts})
    ],
    "a template reads the visitor past the facts": [(slot, "_reader", _template_past_the_facts)],
    "a visitor fact is taken for a trait": [
        (facts, "scope_of", lambda _name: Scope.TRAIT),
        (response, "VARY", _EveryName(VARY)),
    ],
    "a 304 forgets that it is private": [(response, "HttpResponse", _public({304}))],
    "an answer to a body forgets it": [(response, "PRIVATE", OPEN)],
    "an error forgets it": [(http, "PRIVATE", OPEN)],
    "a preview forgets it": [(preview, "PRIVATE", OPEN)],
    "Vary leaves out a header": [(response, "VARY", dict.fromkeys(VARY, "Accept"))],
}


@pytest.mark.parametrize("bug", BUGS)
def test_it_turns_red_when(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_desk() as desk:
        for place, name, wrong in BUGS[bug]:
            monkeypatch.setattr(place, name, wrong)
        assert finds(PASSERS, lambda passers: wrongs(desk, passers))


@pytest.mark.parametrize("way", ["get", "again", "any", "more"])
def test_it_is_about_something(desk: Desk, way: str) -> None:
    """Each way is public for some, and private for others."""
    ways = PASSERS.map(lambda passers: passers._replace(way=way))

    def asked(passers: Passers) -> Response:
        sent = of_traits(passers.case.traits) | of_visitor(passers.case, passers.agent)
        return desk.ask(passers, sent)

    assert finds(ways, lambda passers: is_public(asked(passers)))
    assert finds(ways, lambda passers: not is_public(asked(passers)))
