"""What caps count, in a profile: a function of the set of events, bounded, and it knows what it lost."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.learn.profile import alerts
from hemline.learn.profile.fold import Profile, decode, encode, fold, fold_counted, state_bytes
from hemline.learn.profile.join import joined
from hemline.model.errors import Refused
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.site.alert import MAX_TIMES

DAY = 86_400
SLOTS = ("bye", "cart", "hello-again", "five-percent", "newsletter", "x" * 128)


def record(
    name: str, second: int, slot: str = "bye", kind: str = "exposure", **more: Any
) -> Record:
    event = Event(name, kind, second * 1000, **more)
    return Record("demo", "v:1", second * 1000, event, capped=slot)


def kept(records: Sequence[Record]) -> bytes:
    return fold(Profile(), records).alerts


ONE = st.builds(
    record,
    st.integers(0, 200).map(str),
    st.one_of(st.integers(1, 40), st.integers(1, 2**33)),
    st.sampled_from(SLOTS),
    st.sampled_from(["exposure", "exposure", "click", "dismiss", "view"]),
)


def busy(seed: int) -> list[Record]:
    """More than is kept."""
    draw = Random(seed)
    kinds = ("exposure", "exposure", "click", "dismiss")
    return [
        record(f"{n}", draw.randrange(1, 200), draw.choice(SLOTS), draw.choice(kinds))
        for n in range(draw.randrange(60, 150))
    ]


LOGS = st.one_of(st.lists(ONE, max_size=30), st.integers(0, 10**6).map(busy))


def differs(log: list[Record], random: Random, cut: int) -> bool:
    whole = kept(log)
    shuffled = log + random.choices(log, k=len(log) // 2) if log else []
    random.shuffle(shuffled)
    first = decode(encode(fold(Profile(), shuffled[:cut])))
    rest = fold(Profile(), shuffled[cut:])
    made = (fold(first, shuffled[cut:]), joined(first, rest), joined(rest, first))
    return len(whole) > alerts.MAX_BYTES or any(one.alerts != whole for one in made)


@settings(max_examples=300)
@given(LOGS, st.randoms(use_true_random=False), st.integers(0, 150))
def test_any_order_any_repeats_any_pieces_and_any_join_give_the_same_bytes(
    log: list[Record], random: Random, cut: int
) -> None:
    assert not differs(log, random, cut)


def _truth(log: Sequence[Record], slot: str, *, answers: bool) -> list[int]:
    kinds = {"click", "dismiss"} if answers else {"exposure"}
    latest: dict[str, int] = {}
    for one in log:
        if one.capped == slot and one.event.type in kinds:
            second = min(one.event.time // 1000, 2**32 - 1)
            latest[one.event.id] = max(second, latest.get(one.event.id, 0))
    return sorted(latest.values(), reverse=True)


def missing(log: list[Record]) -> list[str]:
    """Slots of which something that a cap could count is missing after `known_since`."""
    packed = kept(log)
    since = alerts.known_since(packed)
    found = []
    for slot in SLOTS:
        seen, answered = (_truth(log, slot, answers=which) for which in (False, True))
        due = [s for s in seen if s >= since][:MAX_TIMES], [s for s in answered if s >= since][:1]
        told = alerts.history_of(packed, slot)
        if due != tuple([s for s in one if s >= since] for one in told):
            found.append(slot)
    return found


@settings(max_examples=300)
@given(LOGS)
def test_what_it_says_since_it_knows_is_all_there_is(log: list[Record]) -> None:
    """However busy the visitor is."""
    assert missing(log) == []


def test_the_checks_above_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    logs = [busy(seed) for seed in range(20)]
    monkeypatch.setattr(alerts, "known_since", lambda _packed: 0)
    assert any(missing(log) for log in logs)
    monkeypatch.setattr(alerts, "floor_of", lambda _packed: alerts.NOWHERE)
    assert any(differs(log, Random(1), 20) for log in logs)


def test_four_slots_of_usual_names_never_forget_anything() -> None:
    """The bound that docs/site-file.md states."""
    slots = [f"{n}".ljust(23, "x") for n in range(4)]
    log = [
        record(f"{slot} {kind} {day}", day * DAY, slot, kind)
        for day in range(1, 400)
        for slot in slots
        for kind in ("exposure", "dismiss")
    ]
    packed = kept(log)
    assert alerts.known_since(packed) == 0
    for slot in slots:
        told = alerts.history_of(packed, slot)
        assert told.exposures == [day * DAY for day in range(399, 399 - MAX_TIMES, -1)]
        assert told.answers == [399 * DAY]


def test_nothing_else_that_a_visitor_does_pushes_it_out() -> None:
    much = [
        Record("demo", "v:1", n, Event(f"b{n}", kind, n, lines=(OrderLine(f"{n}".rjust(60, "x")),)))
        for n in range(10**12, 10**12 + 400)
        for kind in ("exposure", "view", "purchase")
    ]
    old = [record("e1", 5), record("e2", 6, kind="dismiss")]
    profile = fold(fold(Profile(), old), much)
    assert alerts.history_of(profile.alerts, "bye") == ([5], [6])
    assert len(encode(profile)) <= 4096 - 256


def test_an_event_counts_once_at_its_latest_time_and_only_under_its_token() -> None:
    twice = [record("e", 5), record("e", 9), record("e", 7)]
    assert alerts.history_of(kept(twice), "bye").exposures == [9]
    assert kept([record("e", 5, slot="")]) == b""
    assert kept([record("e", 5, kind="view")]) == b""


def test_an_item_in_it_does_not_hide_it() -> None:
    both = fold(Profile(), [record("e", 5, lines=(OrderLine("p1"),))])
    assert alerts.history_of(both.alerts, "bye").exposures == [5]
    assert both.actions(2)[0].items == ("p1",)


def test_what_became_of_each_is_counted() -> None:
    log = [record(f"e{n}", 100 + n) for n in range(MAX_TIMES)]
    profile, counted = fold_counted(Profile(), log)
    assert counted == (MAX_TIMES, 0, 0, 0)
    more = [record("e3", 103), record("old", 1), record("new", 200), record("c", 5, kind="view")]
    assert fold_counted(profile, more)[1] == (1, 1, 1, 1)


def test_who_never_saw_a_capped_slot_has_the_bytes_of_before() -> None:
    plain = fold(Profile(), [record("e", 5, slot="", kind="view", item="p1")])
    assert encode(plain)[0] == 1
    assert encode(fold(plain, [record("e2", 6)]))[0] == 2
    assert state_bytes(plain) != state_bytes(fold(plain, [record("e2", 6)]))


@pytest.mark.parametrize("cut", [1, 3, 9, 14])
def test_what_is_torn_is_refused(cut: int) -> None:
    packed = kept([record("e1", 5), record("e2", 6, "cart", "dismiss")])
    alerts.check(packed)
    for torn in (packed[:-cut], packed + b"\1" * (cut % 10)):
        with pytest.raises(Refused):
            alerts.check(torn)
