"""Invariant 2: the same receipt and the same edition give the same bytes, whatever went wrong then."""

from functools import cache
from itertools import count
from typing import Any

import pytest
from hypothesis import given

from hemline.decide import learned_choice
from hemline.decide.facts.facts import Fact
from hemline.decide.page import PageRequest
from hemline.decide.render import reasons
from hemline.decide.token import RecordedRequest, decode, stopped_of
from hemline.model.decision import Fragment, PageContext
from hemline.usecases.receipts import people, receipts
from hemline.usecases.receipts.explain import explain
from hemline.usecases.receipts.receipts import (
    DecisionInputs,
    Sources,
    brake_digest,
    decision_inputs,
    sources_at_once,
)
from hemline.usecases.receipts.replay import replay
from hemline.usecases.serving.decide_page import PageDecision
from tests.builders.editions import KEYS, SITE, ScoreByPrice
from tests.builders.receipts import signed
from tests.builders.visitors import ARCHIVE, SUBJECTS
from tests.harness.search_depth import INVARIANT, finds
from tests.strategies import sites
from tests.strategies.request_cases import CASES, Case, cursors


@cache
def _archived() -> Sources:
    brakes = {brake_digest(brake): brake for brake in sites.BRAKES}
    names = [name for name in SUBJECTS if name]
    plain = sources_at_once(SITE, ARCHIVE, KEYS, lambda *_: ScoreByPrice(), names)
    return plain._replace(brake=brakes.__getitem__)


def scene(case: Case, fragment: Fragment, question: PageRequest) -> DecisionInputs:
    """Everything that a decision read, found again from its token; the profile went on meanwhile."""
    token = decode(signed(fragment), KEYS, site=SITE, now=case.now)
    here = _archived()._replace(engine=lambda _: sites.engine(case.site))
    return decision_inputs(
        token, here, None if isinstance(token.request, RecordedRequest) else question
    )


def _sent(fragment: Fragment) -> tuple[object, ...]:
    """All that leaves the function; reasons are for its log, and name what failed then."""
    return fragment.body, fragment.html, fragment.etag, fragment.scope, fragment.max_age


def unequal(case: Case) -> list[str]:
    """Slots, of the page and of its next one, whose receipt does not give the same bytes."""
    asked = case.ask()
    first = case.decide(asked)
    wrong = [why for name in first.fragments for why in _differs(case, first, asked, name)]
    last = case.site.made[-1].name
    told = explain(scene(case, first.fragments[last], asked))
    if (told.rung, told.scope) != (first.fragments[last].rung, first.fragments[last].scope.word):
        wrong.append(f"{last}: explained as {told.rung}, {told.scope}")
    asked = case.ask(cursors(first))
    return wrong + _differs(case, case.decide(asked), asked, last)


def _differs(case: Case, decided: PageDecision, asked: PageRequest, name: str) -> list[str]:
    fragment = decided.fragments[name]
    again = replay(scene(case, fragment, asked))
    if again.differences or _sent(again.fragment) != _sent(fragment):
        return [f"{name}: {again.differences}"]
    return []


@pytest.mark.invariant
@pytest.mark.timeout(7200)
@INVARIANT
@given(CASES)
def test_the_same_receipt_gives_the_same_bytes(case: Case) -> None:
    assert unequal(case) == []


# ---- it is able to fail ----

_ticks = count()


def _past_the_facts(_slot: Any, facts: Any) -> str:
    return "|".join(str(facts._source.get(f).value) for f in ("page.url", "trait.language"))


BUGS: dict[str, tuple[object, str, Any]] = {
    "a replay ignores the brake": (receipts, "brake_fact", lambda _: {}),
    "a replay forgets that the ranker failed": (receipts, "_LATE", ""),
    "a replay reads the profile that was unreadable": (receipts, "UNREAD", 0),
    "a replay forgets the acts of the capsule": (receipts, "_acts", lambda *_: ()),
    "a replay reads the profile as it is now": (people, "cut", lambda _: []),
    "a replay forgets what was withheld": (receipts, "_withheld", lambda: Fact((), b"[]")),
    "a variant is drawn by what was not read": (learned_choice, "seed_of", _past_the_facts),
    "chance leaks into an answer": (
        reasons,
        "REASONS",
        {**reasons.REASONS, "popular": lambda *a: [f"Seen {next(_ticks)} times" for _ in a[-1]]},
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_it_turns_red_when(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _archived()
    monkeypatch.setattr(*BUGS[bug])
    assert finds(CASES, unequal)


def test_a_brake_is_found_again_when_the_request_was_too_long_for_the_token() -> None:
    owned = tuple(f"long-gone-{number}-{'x' * 60}" for number in range(12))
    case = Case(sites.Site((0, 0, 0, 4), (), 0, True), brake=1, page=PageContext(owned=owned))
    tokens = [decode(signed(one), KEYS) for one in case.decide().fragments.values()]
    assert any(isinstance(token.request, bytes) and stopped_of(token.request) for token in tokens)
    assert unequal(case) == []
