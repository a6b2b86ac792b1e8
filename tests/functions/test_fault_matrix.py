"""Each dependency of what visitors call, in each trouble, cold and warm: never a 5xx for a fragment.

The real handlers, the emulator, and a gate before each of its services. Latencies are written into the
report and decide nothing but this: an answer comes before Lambda would have ended the function.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.events.event import decode_record
from hemline.model.subject_status import DEFAULT_STATUS
from hemline.runtime.identity import sign_visitor
from hemline.runtime.limits import MARGIN
from hemline.usecases.ports import PersonItem
from hemline.usecases.serving.edition_load import Here
from tests.builders.editions import KEYS, SITE
from tests.builders.template import timeouts
from tests.faults.calls import (
    HISTORY,
    NAMES,
    Answered,
    Days,
    as_ann,
    batch,
    call,
    look,
    wrong_collected,
    wrong_fragments,
)
from tests.faults.resolver import Resolver
from tests.faults.services import HANG, REFUSE, TROUBLES, world
from tests.faults.waiting import until
from tests.harness.clouds import Cloud
from tests.harness.functions import event

pytestmark = pytest.mark.cloud

WARM_CALLS = 40


def cells(*services: str) -> list[tuple[str, str]]:
    found = [(service, trouble) for service in services for trouble in TROUBLES]
    return [*found, (NAMES, HANG), (NAMES, REFUSE)]


@pytest.fixture
def days(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    resolver = Resolver(monkeypatch)
    with world(emulator) as where:
        yield Days(where, monkeypatch, resolver)
        resolver.heal()


# --- fragments ------------------------------------------------------------------------------


def serves(app: Any, edition: str, page: dict[str, Any]) -> bool:
    look(app)
    return bool(call(app, page).body["edition"] == edition)


@pytest.mark.parametrize(("service", "trouble"), cells("dynamodb", "s3"))
def test_a_fragment_is_never_a_5xx(
    days: Days, service: str, trouble: str, record_property: Callable[[str, object], None]
) -> None:
    old = days.publish(24)
    days.table.write_profile(SITE, "v:ann", encode(fold(Profile(), HISTORY)), expected=0)
    warm = days.function("fragments")
    page = as_ann("fragments", "slot-json")
    assert call(warm, page).body["edition"] == old[:16]
    new = days.publish(12, expected=old)
    days.turn_bad(service, trouble)
    found = []
    for number in range(WARM_CALLS):
        if number % 10 == 0:
            look(warm)
        found.append(call(warm, page))
    began = time.perf_counter()
    cold = days.function("fragments", cold=True)
    start = time.perf_counter() - began
    first = [call(cold, page) for _ in range(5)]
    assert wrong_fragments(found, {old[:16], new[:16]}) == []
    assert wrong_fragments(first, {"", new[:16]}) == []
    assert start + first[0].seconds < timeouts()["fragments"] - MARGIN
    days.heal()
    for app in (warm, cold):
        until(partial(serves, app, new[:16], page), 20)
    slowest = sorted(one.seconds for one in found)
    for name, seconds in (
        ("warm p50", slowest[len(slowest) // 2]),
        ("warm worst", slowest[-1]),
        ("cold start", start),
        ("cold first", first[0].seconds),
    ):
        record_property(f"{name} ms", round(1000 * seconds, 1))


def test_an_edition_that_is_loaded_within_the_request_is_found(days: Days) -> None:
    """The seeded bug: as it was, a visitor's request loads the new edition itself."""
    old = days.publish(24)
    warm = days.function("fragments")
    days.publish(12, expected=old)
    days.turn_bad("s3", HANG)
    warm.deps.live._begin = Here
    warm.deps.live._objects._client.timeouts = warm.deps.live._objects._client.timeouts._replace(
        read=timeouts()["fragments"]
    )
    look(warm)
    assert wrong_fragments([call(warm, as_ann("fragments", "slot-json"))], {old[:16]})


# --- collect --------------------------------------------------------------------------------


def together(*calls: Callable[[], Answered]) -> list[Answered]:
    """At once: most of the time they wait."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda one: one(), calls))


@pytest.mark.parametrize(("service", "trouble"), cells("kinesis"))
def test_collect_says_202_only_when_it_is_durable_and_else_503_in_time(
    days: Days, service: str, trouble: str
) -> None:
    warm = days.function("collect")
    assert call(warm, batch("before")).status == 202
    cold = days.function("collect", cold=True)
    days.turn_bad(service, trouble)
    found = together(lambda: call(warm, batch("warm")), lambda: call(cold, batch("cold")))
    days.heal()
    held = {decode_record(data).event.id for _, data in days.world.cloud.records(days.world.stream)}
    for name, one in zip(("warm", "cold"), found, strict=True):
        assert wrong_collected(one, name, held) == []
    if service != NAMES:
        assert [one.status for one in found] == [503, 503]
    assert call(cold, batch("after")).status == 202


def test_a_202_for_what_no_stream_holds_would_be_found() -> None:
    said = Answered(202, {}, {"accepted": 3, "rejected": []}, 0.1)
    assert wrong_collected(said, "x", set())
    assert wrong_collected(said._replace(status=500), "x", set())


# --- account --------------------------------------------------------------------------------

SCENARIOS = ("consent", "export", "forget")


def wrong_accounted(found: Answered) -> list[str]:
    if found.seconds > timeouts()["account"] - MARGIN:
        return [f"{found.seconds:.1f} s"]
    if found.status == 503:
        return [] if int(found.headers["Retry-After"]) > 0 else ["no word of when"]
    return [] if found.status < 500 else [f"{found.status}"]


@pytest.mark.parametrize(("service", "trouble"), cells("dynamodb", "s3", "kinesis"))
def test_account_does_what_it_says_or_says_503_in_time(
    days: Days, service: str, trouble: str
) -> None:
    apps = [days.function("account") for _ in SCENARIOS]
    visitors = [f"{name}-{at}" for at in ("warm", "cold") for name in SCENARIOS]

    def payload(visitor: str) -> dict[str, Any]:
        cookies = [f"hem_v={sign_visitor(visitor, KEYS)}"]
        return {**event("account", visitor.partition("-")[0]), "cookies": cookies}

    for app in apps:
        assert call(app, payload("consent-before")).status == 200
    apps += [days.function("account", cold=True) for _ in SCENARIOS]
    days.turn_bad(service, trouble)
    pairs = zip(apps, visitors, strict=True)
    found = together(*(lambda a=app, v=who: call(a, payload(v)) for app, who in pairs))
    days.heal()
    for visitor, one in zip(visitors, found, strict=True):
        assert wrong_accounted(one) == [], visitor
        if one.status == 200 and visitor.startswith("consent"):
            kept = days.table.read_part(SITE, f"v:{visitor}", PersonItem.PROFILE)
            assert kept
            assert kept.standing != DEFAULT_STATUS
    if service == "dynamodb":
        assert {one.status for one in found} == {503}
