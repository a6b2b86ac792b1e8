"""What is flagged: kept, counted nowhere, and whatever the order of the history, the same."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.learn.statistics.abuse import clean, survey
from hemline.model.durations import DAY_MS, MINUTE_MS
from hemline.model.events.abuse import FLAGS, AbuseLimits
from hemline.model.events.event import Record, fault_of
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.sitefile import reader
from hemline.usecases.ingest.archive import append, line, read_archive
from hemline.usecases.publishing.build import count
from hemline.usecases.publishing.publish import Given, PublishDeps, Published, publish_edition
from hemline.usecases.publishing.ranker import Tried
from tests.builders.editions import KEYS
from tests.harness.streams import NOW, SITE, record

SMALL = AbuseLimits(per_minute=3, per_day=8, early_seconds=2)


def item(name: str) -> Record:
    made = record("v:x", f"item-{name}", type="item", item=name, properties={"title": name})
    return msgspec.structs.replace(made, subject=f"i:{name}")


def flags(records: list[Record], limits: AbuseLimits = SMALL) -> dict[str, tuple[str, ...]]:
    suspects = survey(records, limits)
    return {r.event.id: found for r in records if (found := suspects.flags(r))}


def burst(subject: str, events: int, *, apart: int = 0, since: int = NOW) -> list[Record]:
    return [record(subject, f"{subject}{n}", time=since + n * apart) for n in range(events)]


def test_a_minute_with_too_many_events_of_one_visitor_is_flagged_as_a_whole() -> None:
    people = [one for who in "abcdef" for one in burst(f"v:{who}", 3)]
    assert flags([*people, *burst("v:z", 4)]) == {f"v:z{n}": ("rate",) for n in range(4)}


def test_a_day_with_too_many_events_is_flagged_though_no_minute_is() -> None:
    day = NOW - NOW % DAY_MS
    spread = burst("v:z", 9, apart=MINUTE_MS, since=day)
    assert set(flags(spread).values()) == {("rate",)}
    assert flags(burst("v:z", 9, apart=3 * 3_600_000, since=day)) == {}


def backlog(events: int, **more: object) -> list[Record]:
    """Received at once, of a different hour each."""
    return [
        record("v:z", f"l{n}", time=NOW - n * 3_600_000, received=NOW, **more)
        for n in range(1, events + 1)
    ]


LATE = AbuseLimits(per_minute=3, per_day=1000, late_per_minute=6, late_per_day=20)


def test_who_spreads_made_up_times_is_flagged_by_when_the_events_came() -> None:
    assert flags(backlog(6), LATE) == {}, "a phone that was without a network"
    assert flags(backlog(7), LATE) == {f"l{n}": ("rate",) for n in range(1, 8)}
    live = [record("v:z", f"now{n}", time=NOW) for n in range(3)]
    assert flags([*live, *backlog(6)], LATE) == {}, "what happened just now came in time"


def test_late_events_of_a_whole_day_are_counted_too() -> None:
    day = NOW - NOW % DAY_MS
    slow = [
        msgspec.structs.replace(one, received=day + n * MINUTE_MS)
        for n, one in enumerate(backlog(60))
        if one.event.time < day
    ]
    assert len(slow) > 20
    assert set(flags(slow, LATE)) == {one.event.id for one in slow}
    assert flags(slow[:20], LATE) == {}


def test_a_site_s_own_server_may_tell_of_years_at_once() -> None:
    signed = [msgspec.structs.replace(one, signed=True) for one in backlog(50)]
    assert flags(signed, LATE) == {}


def test_twenty_thousand_clicks_of_one_instant_are_no_person_s_whatever_their_times() -> None:
    apart = 390 * DAY_MS // 20_000
    made_up = [
        record("v:z", f"c{n}", type="click", time=NOW - n * apart, received=NOW)
        for n in range(20_000)
    ]
    assert len(flags(made_up, AbuseLimits())) > 19_900


def test_a_catalogue_is_no_visitor() -> None:
    assert flags([item(f"p{n}") for n in range(50)]) == {}


def click(time: int, token: str | None = "t1", who: str = "v:a", **more: object) -> Record:
    return record(who, f"click{time}{who}", type="click", time=time, token=token, **more)


def shown(time: int = NOW, token: str = "t1", who: str = "v:a") -> Record:
    return record(who, f"shown{time}", type="exposure", time=time, token=token)


def test_a_click_in_what_nobody_had_seen_by_then_is_flagged() -> None:
    assert list(flags([click(NOW)]).values()) == [("unseen",)]
    assert flags([shown(), click(NOW)]) == {}
    assert flags([shown(), click(NOW - 2000)]) == {}
    assert list(flags([shown(), click(NOW - 2001)]).values()) == [("unseen",)]
    assert flags([shown(NOW + 9000), shown(NOW), click(NOW)]) == {}
    assert list(flags([shown(token="t2"), click(NOW)]).values()) == [("unseen",)]


def test_a_browser_s_click_in_a_slot_without_its_token_is_flagged_whatever_was_shown() -> None:
    made_up = click(NOW, token=None, slot="row")
    assert list(flags([made_up]).values()) == [("unseen",)]
    assert list(flags([shown(), made_up]).values()) == [("unseen",)]
    assert flags([msgspec.structs.replace(made_up, signed=True)]) == {}


def test_a_click_outside_of_fragments_or_on_what_somebody_else_saw_is_none_of_that() -> None:
    assert flags([click(NOW, token=None)]) == {}, "a link of the page's own"
    assert flags([shown(who="v:b"), click(NOW)]) == {}


def test_a_dwell_cannot_last_longer_than_its_fragment_was_in_sight() -> None:
    def dwell(duration: int, token: str | None = "t1") -> Record:
        return record("v:a", "d", type="dwell", time=NOW + 10_000, token=token, duration=duration)

    assert flags([shown(), dwell(12_000)]) == {}
    assert flags([shown(), dwell(12_001)]) == {"d": ("dwell",)}
    assert flags([shown(), dwell(99_999, token=None)]) == {}
    assert flags([dwell(99_999)]) == {}


def test_a_purchase_of_nothing_that_was_ever_in_the_catalogue_is_flagged() -> None:
    bought = record("v:a", "b", type="purchase", item="p9")
    assert flags([bought, item("p1")]) == {"b": ("unknown",)}
    assert flags([bought, item("p9")]) == {}
    assert flags([bought]) == {}, "a history without a catalogue says nothing"


def test_the_flags_of_the_door_come_first_and_all_are_known() -> None:
    seen = msgspec.structs.replace(click(NOW), flags=("bot",))
    assert flags([seen]) == {seen.event.id: ("bot", "unseen")}
    assert {flag for found in flags([seen]).values() for flag in found} <= FLAGS.keys()


def test_a_flag_of_another_version_leaves_its_event_out_all_the_same() -> None:
    seen = msgspec.structs.replace(record("v:a", "e"), flags=("solar",))
    assert fault_of(seen) is None
    result, _ = published([item("p1"), seen], SMALL)
    assert (result.counted, result.flagged) == (1, {"solar": 1})
    for junk in (("Bot",), ("a b",), ("a" * 33,), ("a",) * 9):
        assert fault_of(msgspec.structs.replace(seen, flags=junk)) == "flags is not one of ours"


def random_history(rng: random.Random) -> list[Record]:
    kinds = ("exposure", "click", "dwell", "view", "purchase")
    found = [item(f"p{n}") for n in range(2)]
    for n in range(rng.randint(1, 60)):
        kind, time = rng.choice(kinds), NOW + rng.randrange(4 * MINUTE_MS)
        more = {"token": rng.choice((None, "t1", "t2")), "duration": rng.randrange(MINUTE_MS)}
        found.append(
            record(rng.choice(("v:a", "v:b")), f"e{n}", type=kind, time=time,
                   item=f"p{rng.randrange(4)}", **more)
        )  # fmt: skip
    return found


Judge = Callable[[list[Record]], dict[str, tuple[str, ...]]]


def order_shows(judge: Judge, seeds: range) -> bool:
    for seed in seeds:
        rng = random.Random(seed)
        history = random_history(rng)
        mixed = rng.sample(history, len(history))
        if judge(history) != judge(mixed):
            return True
    return False


@given(st.integers(0, 2**32))
@settings(max_examples=80)
def test_any_order_gives_the_same_flags(seed: int) -> None:
    assert not order_shows(flags, range(seed, seed + 1))


def test_the_property_sees_a_judge_that_goes_by_the_order_of_arrival() -> None:
    @dataclass
    class Naive:
        seen: set[str] = field(default_factory=set)

        def flags(self, one: Record) -> tuple[str, ...]:
            if one.event.type == "exposure":
                self.seen.add(one.event.token or "")
            return ("unseen",) * (one.event.type == "click" and one.event.token not in self.seen)

    def naive(records: list[Record]) -> dict[str, tuple[str, ...]]:
        judge = Naive()
        return {r.event.id: found for r in records if (found := judge.flags(r))}

    assert order_shows(naive, range(50))


# --- left out of what is counted ------------------------------------------------------------


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_what_is_counted_is_as_if_what_is_flagged_had_never_been(seed: int) -> None:
    history = random_history(random.Random(seed))
    suspects = survey(history, SMALL)
    without = [one for one in history if not suspects.flags(one)]
    counted, alone = count(history, suspects.flags), count(without)
    assert counted.events == alone.events == len(without)
    assert clean(history, SMALL) == without
    assert counted.items == alone.items
    daily = counted.statistics.daily(), alone.statistics.daily()
    assert [part.tolist() for part in daily[0]] == [part.tolist() for part in daily[1]]


def test_the_door_s_flags_count_without_a_survey_too() -> None:
    seen = msgspec.structs.replace(record("v:a", "e"), flags=("bot",))
    counted = count([seen, record("v:a", "f")])
    assert (counted.events, counted.flagged) == (1, {"bot": 1})


def published(records: list[Record], limits: AbuseLimits) -> tuple[Published, MemoryObjects]:
    objects = MemoryObjects()
    append(objects, [line("s0", str(n), one) for n, one in enumerate(records, start=1)])
    places = PublishDeps(objects, MemoryTable(), KEYS, lambda _onnx, _card: Tried(()))
    given = Given(Site("Shop", "EUR", slots=(Slot("all"),), abuse=limits))
    return publish_edition(SITE, places, built=NOW, given=given), objects


def test_a_publish_leaves_them_out_says_so_and_keeps_them() -> None:
    people = burst("v:a", 2)
    programs = burst("v:z", 5)
    result, objects = published([item("p1"), *people, *programs], SMALL)
    assert (result.counted, result.flagged) == (3, {"rate": 5})
    assert any("5 events flagged rate" in note for note in result.notes)
    assert len(list(read_archive(objects, SITE))) == 8
    clean_one, _ = published([item("p1"), *people], SMALL)
    assert (clean_one.counted, clean_one.flagged, clean_one.notes) == (3, {}, ())


def test_limits_are_the_site_s() -> None:
    result, _ = published([item("p1"), *burst("v:z", 5)], AbuseLimits(per_minute=5))
    assert (result.counted, result.flagged) == (6, {})


HEAD = "title: T\ncurrency: EUR\nconsent_default: true\nslots: [{name: row}]\n"


def test_the_site_file_sets_them() -> None:
    site, findings = reader.check(HEAD + "abuse: {per_minute: 60, early_seconds: 0}\n")
    assert findings == []
    assert site is not None
    assert site.abuse == AbuseLimits(per_minute=60, early_seconds=0)
    plain, _ = reader.check(HEAD)
    assert plain is not None
    assert plain.abuse == AbuseLimits()


@pytest.mark.parametrize("text", ["{per_minute: 0}", "{per_day: -1}", "{early_seconds: 1.5}"])
def test_a_limit_that_is_none_is_a_mistake(text: str) -> None:
    _, findings = reader.check(HEAD + f"abuse: {text}\n")
    assert [one.field for one in findings] == ["abuse." + text[1:].partition(":")[0]]


def test_what_may_not_be_used_for_analytics_is_counted_and_learnt_from_nowhere() -> None:
    private = record("v:a", "mine", purposes=("personalisation",))
    told = record("v:b", "ours", purposes=("analytics",))
    assert count([private, told]).events == 1
    assert clean([private, told], SMALL) == [told]
