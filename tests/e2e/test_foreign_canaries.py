"""Warm functions, one visitor after another, requests cut off anywhere: nobody sees another's data.

Each visitor owns items that nobody else has: their canaries. Beyond looking for those, every answer
must be to the byte the one that a cold function gives. A request is cut off as Lambda's end of time
does it, in the middle of whatever runs: at a drawn number of Python calls, so that a run repeats.
"""

import copy
import json
import random
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from hemline.decide.facts.facts import FactSource
from hemline.learn.profile import capsule
from hemline.runtime.identity import sign_visitor
from hemline.usecases.serving.visitor_context import VisitorContext
from tests.builders.editions import KEYS
from tests.caches.world import OWN, SLOTS, World
from tests.harness.deciding import acts
from tests.harness.functions import event

VISITORS = [f"visitor-{n}" for n in range(24)]
CUT_OFF, EVENTS = 0.15, 0.1
"""Shares of the requests."""
Answer = dict[str, Any]
pytestmark = [
    # Cut off while a generator is being closed: Python says so and goes on.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class CutOff(BaseException):
    """The time was up: no handler of errors may see it."""


class Warm(World):
    """Two functions that stay warm, and what each visitor's answers are in cold ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch, VISITORS)
        self.fragments, self.collect = self.function("fragments"), self.function("collect")


def canaries(visitor: str) -> list[str]:
    first = VISITORS.index(visitor) * OWN
    return [f"i{n}" for n in range(first, first + OWN)]


def page(visitor: str, kind: str) -> Answer:
    """A visitor's request for a slot or a page, with their own cart and capsule."""
    payload = event("fragments", "slot-json" if kind == "slot" else "page")
    mine = canaries(visitor)
    kept = capsule.update(capsule.Capsule(f"v:{visitor}"), acts(f"v:{visitor}", mine[:2]))
    payload["cookies"] = [f"__Host-hem_v={sign_visitor(visitor, KEYS)}"]
    if kind == "slot":
        payload["cookies"].append(f"__Host-hem_c={capsule.encode(kept, KEYS)}")
        payload["pathParameters"] = {"slot": "yours"}
        payload["rawQueryString"] = f"exclude={mine[0]}"
    else:
        slots = [{"name": slot.name} for slot in SLOTS]
        payload["body"] = json.dumps({"page": {"cart": mine[-1:]}, "slots": slots, "format": kind})
    return payload


def events_of(visitor: str) -> Answer:
    payload = event("collect", "batch")
    views = [
        {"id": f"{item}-{visitor}", "type": "view", "item": item} for item in canaries(visitor)
    ]
    payload["cookies"] = [f"__Host-hem_v={sign_visitor(visitor, KEYS)}"]
    payload["body"] = json.dumps({"events": views})
    return payload


KINDS = ("slot", "json", "html")


def said(answer: Answer) -> Answer:
    """All of an answer but how long it took."""
    told = copy.deepcopy(answer)
    told["headers"].pop("Server-Timing", None)
    return told


def cut_off(handler: Callable[[Answer, None], Answer], payload: Answer, after: int) -> bool:
    """Call it, and end it at its `after`-th Python call; whether it ended before."""
    calls = 0

    def count(_frame: FrameType, what: str, _argument: object) -> None:
        nonlocal calls
        calls += what == "call"
        if calls == after:
            raise CutOff

    sys.setprofile(count)
    try:
        handler(payload, None)
    except CutOff:
        return False
    finally:
        sys.setprofile(None)
    return True


def foreign(visitor: str, shown: str) -> set[str]:
    """Canaries of others in an answer's text."""
    others = {item for name in VISITORS if name != visitor for item in canaries(name)}
    return {item for item in others if f'"{item}"' in shown}


def walk(world: Warm, requests: int, seed: int) -> Iterator[str]:
    """Requests of drawn visitors; each yields what was wrong with it, nothing when it was right."""
    rng = random.Random(seed)
    expected = {
        (name, kind): said(world.function("fragments").handler(page(name, kind), None))
        for name in VISITORS
        for kind in KINDS
    }
    for _ in range(requests):
        visitor, kind = rng.choice(VISITORS), rng.choice(KINDS)
        if rng.random() < CUT_OFF:
            cut_off(world.fragments.handler, page(visitor, kind), rng.randrange(1, 700))
            cut_off(world.collect.handler, events_of(visitor), rng.randrange(1, 200))
        elif rng.random() < EVENTS:
            yield wrong_cookie(visitor, world.collect.handler(events_of(visitor), None))
        else:
            answer = said(world.fragments.handler(page(visitor, kind), None))
            odd = foreign(visitor, answer["body"])
            changed = answer != expected[visitor, kind]
            yield f"{visitor} saw {odd}" if odd else f"{visitor}: not as when cold" * changed


def wrong_cookie(visitor: str, answer: Answer) -> str:
    """The capsule that collect hands out is the caller's own, with their own acts."""
    cookie = next(c for c in answer["cookies"] if c.startswith("__Host-hem_c="))
    kept = capsule.decode(cookie.partition("=")[2].partition(";")[0], KEYS)
    acted = {item for act in kept.actions for item, _ in act.lines}
    fine = capsule.belongs_to(kept, f"v:{visitor}") and acted <= set(canaries(visitor))
    return "" if fine else f"{visitor} got another's capsule"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Warm:
    return Warm(monkeypatch)


def test_alternating_visitors_on_warm_functions_see_nobody_else(world: Warm) -> None:
    assert not [wrong for wrong in walk(world, 3000, seed=1) if wrong][:3]


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_requests_show_no_foreign_canary(world: Warm) -> None:
    assert not [wrong for wrong in walk(world, 100_000, seed=2) if wrong][:3]


def test_facts_that_stay_on_a_warm_function_are_found(
    world: Warm, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    original = FactSource.__init__

    def leaky(self: FactSource, makers: dict[str, Any]) -> None:
        for name in [name for name in makers if name.startswith("visitor.")]:
            makers[name] = kept.setdefault(name, makers[name])
        original(self, makers)

    monkeypatch.setattr(FactSource, "__init__", leaky)
    assert any(walk(world, 50, seed=1))


def test_a_profile_that_outlives_a_request_cut_off_is_found(
    world: Warm, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Any] = []
    original = VisitorContext.profile

    def leaky(self: VisitorContext) -> Any:
        held.append(self)
        found = original(held[0])
        held.clear()  # never reached when the request was cut off before
        return found

    monkeypatch.setattr(VisitorContext, "profile", leaky)
    assert any(walk(world, 600, seed=1))


def test_a_request_that_is_cut_off_really_is(world: Warm) -> None:
    payload = page(VISITORS[0], "html")
    assert not cut_off(world.fragments.handler, payload, 60)
    assert cut_off(world.fragments.handler, payload, 10**9)


def test_every_visitor_sees_their_own_canaries_and_so_an_answer_of_their_own(world: Warm) -> None:
    answers = {name: said(world.fragments.handler(page(name, "json"), None)) for name in VISITORS}
    for name, answer in answers.items():
        assert any(f'"{item}"' in answer["body"] for item in canaries(name))
    assert len({answer["body"] for answer in answers.values()}) == len(VISITORS)
