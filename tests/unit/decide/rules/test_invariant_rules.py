"""Invariant 9: nothing appears against a rule, stock, schedule, cap, list or brake, on any rung."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given

from hemline.decide import content, cursor, fill_list, ladder, seen
from hemline.decide.brake import braked
from hemline.decide.ranking import rerank
from hemline.decide.ranking.candidates import NAMES
from hemline.decide.rules import eligibility, plan
from hemline.decide.rules.eligibility import Rules
from hemline.learn.profile import alerts
from tests.harness.search_depth import INVARIANT, finds
from tests.oracles.eligibility_oracle import against_law
from tests.strategies.request_cases import CASES, Case, cursors


def wrongs(case: Case) -> list[str]:
    """What stands on the page, or on its next one, and may not."""
    first = case.decide()
    found = against_law(case, first.fragments)
    on = cursors(first)
    more = case.decide(case.ask(on))
    found += [f"more: {why}" for why in against_law(case, more.fragments)]
    for name in on:
        again = set(more.fragments[name].items) & set(first.fragments[name].items)
        found += [f"more: {name} repeats {item}" for item in again]
    return found


@pytest.mark.invariant
@pytest.mark.timeout(7200)
@INVARIANT
@given(CASES)
def test_nothing_appears_that_may_not(case: Case) -> None:
    assert wrongs(case) == []


# ---- it is able to fail ----

_whole = ladder._sift


def _static_rung_unsifted(found: Any, eligible: Any) -> Any:
    static = found.sources == NAMES.index("static")
    return found if static.all() else _whole(found, eligible)


def _last_word_to_diversity(varied: Any, eligible: Any, limit: int) -> list[int]:
    arranged = rerank.rerank(varied, eligible, limit)
    return list(varied[:limit]) if eligible.caps else arranged


def _without_brake(slot: Any, _snapshot: Any, _facts: Any) -> Any:
    return braked(slot, _snapshot, _facts)._replace(blocked=np.empty(0, np.int32))


def _static_without_caps(slot: Any, *args: Any) -> Any:
    return static(msgspec.structs.replace(slot, frequency=None), *args)


def _without_answers(packed: bytes, slot: str) -> Any:
    return shown(packed, slot)._replace(answers=[])


static, shown = content.static, alerts.history_of


def _placed_anyhow(under: Any, eligible: Any) -> Any:
    pins = {**dict(eligible.pins), **dict(under.placed)}
    return eligible._replace(pins=tuple(sorted(pins.items())))


BUGS: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "the static rung is not sifted": (ladder, "_sift", _static_rung_unsifted),
    "diversity comes after caps": (fill_list, "rerank", _last_word_to_diversity),
    "a failed rule is no match": (plan.RulePlan, "_doubt", lambda *_: None),
    "sets of rules are forgotten": (Rules, "_restrict", lambda *_: None),
    "a page's caps are each slot's own": (fill_list, "caps_left", lambda *_: ()),
    "what is owned or seen comes": (seen, "_listed", lambda *_: ()),
    "what is blocked by hand comes": (fill_list, "braked", _without_brake),
    "a place by hand goes over what may be shown": (fill_list, "with_placed", _placed_anyhow),
    "a cursor is forgotten": (cursor, "items_of", lambda *_: np.empty(0, np.int32)),
    "a frequency cap is forgotten": (content, "_held", lambda *_: None),
    "the static rung does not count": (content, "static", _static_without_caps),
    "an answer is no reason to be quiet": (alerts, "history_of", _without_answers),
    "exposures are forgotten": (alerts, "history_of", lambda *_: ([], [])),
    "a pin goes over what may be shown": (
        eligibility,
        "pinned",
        lambda wanted, _allowed: tuple((at, item) for at, item in wanted if item >= 0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_it_turns_red_when(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BUGS[bug])
    assert finds(CASES, wrongs)
