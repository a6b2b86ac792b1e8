"""Frequency caps: an alert is shown so often and no more, and not at all where nobody can count."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.rules import frequency
from hemline.decide.token import Token, decode
from hemline.learn.profile import capsule
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.brake import Brake, Stop
from hemline.model.decision import Rung, Scope, Visit
from hemline.model.events.event import Event, Record
from hemline.model.site.alert import Frequency, Opens
from hemline.model.site.slot import Slot, Variant
from hemline.model.token_header import CAPPED
from hemline.usecases.receipts.explain import explain
from hemline.usecases.receipts.replay import replay
from tests.builders.editions import KEYS, NOW, SITE, build, catalogue
from tests.builders.receipts import World, receipt
from tests.harness.deciding import Broken, ask, decide_for, table_with

DAY = 86_400_000
CAP = Frequency(times=2, days=7, quiet_days=30)
LEAVING = Slot(
    "leaving",
    kind="alert",
    variants=(Variant("wait", {"headline": "Before you go"}),),
    fallback=("wait",),
    frequency=CAP,
    opens=Opens("exit", 5),
)
ITEMS = catalogue(6)
EDITION = build(ITEMS, [LEAVING])


def seen(*days_ago: float, kind: str = "exposure", slot: str = "leaving") -> list[Record]:
    times = [int(NOW - days * DAY) for days in days_ago]
    return [
        Record(SITE, "v:ann", time, Event(f"{kind}{slot}{time}", kind, time), capped=slot)
        for time in times
    ]


def shown(*history: Record, recent: Any = (), table: Any = None, **more: Any) -> Any:
    fragments = decide_for(
        more.pop("subject", "v:ann"),
        ask("leaving", form=more.pop("form", "json")),
        more.pop("edition", EDITION),
        table or (table_with(history) if history else table_with(seen(400))),
        recent=recent,
        **more,
    ).fragments
    return fragments["leaving"]


def is_there(fragment: Any) -> bool:
    return json.loads(fragment.body)["variant"] is not None


@pytest.mark.parametrize(
    ("history", "there"),
    [
        ([], True),
        (seen(1), True),
        (seen(1, 2), False),
        (seen(1, 8), True),
        (seen(1, 6.99), False),
        (seen(1, 2, slot="another"), True),
        (seen(29, kind="dismiss"), False),
        (seen(29, kind="click"), False),
        (seen(31, kind="dismiss"), True),
        (seen(1, 1, 1), True),
    ],
)
def test_it_is_shown_so_often_and_no_more(history: list[Record], there: bool) -> None:
    fragment = shown(*history)
    assert is_there(fragment) is there
    assert fragment.scope is Scope.VISITOR
    assert fragment.rung is (Rung.POPULAR if there else Rung.SEGMENT)
    assert not fragment.reasons if there else fragment.reasons[0].startswith("frequency: ")


def test_the_very_next_request_obeys_by_the_capsule_alone() -> None:
    acts = seen(0.001, 0.0001)
    kept = capsule.records(capsule.update(capsule.Capsule("v:ann"), acts), SITE)
    assert is_there(shown(recent=kept[:1]))
    assert not is_there(shown(recent=kept))
    assert not is_there(shown(*acts[:1], recent=kept)), "what the stream brought is a repeat"


@pytest.mark.parametrize(
    "unknown", [{"consent": False}, {"subject": None}, {"table": Broken()}, {"table": "torn"}]
)
def test_where_nobody_can_count_it_is_not_shown(unknown: dict[str, Any]) -> None:
    if unknown.get("table") == "torn":
        unknown = {"table": table_with(seen(400))}
        unknown["table"].write_profile(SITE, "v:ann", b"\xff torn", expected=1)
    fragment = shown(**unknown)
    assert (is_there(fragment), fragment.rung) == (False, Rung.STATIC)
    assert "frequency: not known" in fragment.reasons[0]
    # The slot without a cap shows it to everybody.
    free = build(ITEMS, [msgspec.structs.replace(LEAVING, frequency=None)])
    assert is_there(shown(edition=free, **unknown))


def test_what_fell_out_of_the_profile_may_have_been_an_exposure() -> None:
    many = [one for n in range(40) for one in seen(6 + n / 1000, slot=f"campaign-{n}-{'x' * 20}")]
    fragment = shown(*many)
    assert not is_there(fragment)
    assert "how many is not known" in fragment.reasons[0]
    older = [one for n in range(40) for one in seen(90 + n, slot=f"campaign-{n}-{'x' * 20}")]
    assert is_there(shown(*older))


def test_a_frozen_slot_shows_nothing_whatever_it_is_frozen_to() -> None:
    world = World(ITEMS, [LEAVING])
    world.arrive(seen(20))
    question, visit = ask("leaving"), Visit("v:ann", None)
    assert is_there(world.decide(question, visit).fragments["leaving"])
    world.stop(Brake(SITE, 1, (Stop("freeze", "ops", NOW, "a test", "leaving", ("wait",)),)))
    assert not is_there(world.decide(question, visit).fragments["leaving"])


def test_the_answer_says_when_to_open_and_its_token_that_it_counts() -> None:
    fragment = shown()
    assert json.loads(fragment.body)["opens"] == {"at": "exit", "seconds": 5}
    token: Token = decode(json.loads(fragment.body)["token"], KEYS)
    assert token.rung & CAPPED
    nothing = shown(*seen(1, 2))
    assert "opens" not in json.loads(nothing.body)
    assert not decode(json.loads(nothing.body)["token"], KEYS).rung & CAPPED


def test_it_is_explained_and_replayed_whether_shown_or_not() -> None:
    world = World(ITEMS, [LEAVING])
    world.arrive(seen(1))
    later = capsule.records(capsule.update(capsule.Capsule("v:ann"), seen(0.1)), SITE)
    for recent, there in ((), True), (tuple(later), False):
        fragment = world.decide(ask("leaving"), Visit("v:ann", None, recent)).fragments["leaving"]
        world.arrive(seen(0.1))
        scene = world.scene(fragment)
        assert is_there(fragment) is there
        assert replay(scene).differences == ()
        told = explain(scene)
        assert bool(told.variant) is there
        assert there or told.left == ("frequency: seen 2 times in 7 days, 2 at most",)
        read = {fact.name: fact for fact in told.facts}["visitor.alert.leaving"]
        assert (read.scope, len(read.value["exposures"])) == ("visitor", 1 if there else 2)
    assert receipt(fragment).slot == "leaving"


@given(
    st.lists(st.tuples(st.integers(0, 40 * 24), st.sampled_from(["exposure", "click", "dismiss"]))),
    st.integers(1, 8),
    st.integers(1, 40),
    st.integers(0, 40),
)
def test_however_it_was_seen_before_a_shown_one_is_within_its_cap(
    log: list[tuple[int, str]], times: int, days: int, quiet: int
) -> None:
    records = [
        Record(SITE, "v:ann", at, Event(f"e{n}", kind, at), capped="leaving")
        for n, (hours, kind) in enumerate(log)
        for at in (NOW - NOW % 60_000 - hours * 3_600_000,)
    ]
    profile = fold(Profile(), records)
    cap = Frequency(times, days, quiet)
    seen_now = {n: at for n, (at, kind) in enumerate(log) if kind == "exposure" and at < days * 24}
    answered = [at for at, kind in log if kind != "exposure" and at < quiet * 24]
    due = len(seen_now) < times and not answered
    assert len(encode(profile)) < 4096
    assert bool(_why(profile, cap)) is not due


def _why(profile: Profile, cap: Frequency) -> str:
    from hemline.learn.profile import alerts  # noqa: PLC0415 - of this check alone

    told = alerts.history_of(profile.alerts, "leaving")
    value = {
        "exposures": [second * 1000 for second in told.exposures],
        "answers": [second * 1000 for second in told.answers],
        "known_since": alerts.known_since(profile.alerts) * 1000,
    }

    class Plain:
        def read(self, name: str) -> Any:
            return value if name == "visitor.alert.leaving" else NOW - NOW % 60_000

    return frequency.why_not("leaving", cap, Plain())  # type: ignore[arg-type] # facts enough
