"""Each dependency of what visitors call, in each trouble, cold and warm: never a 5xx for a fragment.

The real handlers, the emulator, and a gate before each of its services. Latencies are written into the
report and decide nothing but this: an answer comes before Lambda would have ended the function.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from hemline.adapters.aws import connect
from hemline.adapters.dynamodb import DynamoTable
from hemline.adapters.s3 import S3Objects
from hemline.learn.profile import Profile, encode, fold
from hemline.model.edition import Pointer
from hemline.model.event import decode_record
from hemline.model.keys import edition_object
from hemline.model.slot import Slot
from hemline.model.standing import FRESH
from hemline.runtime.identity import sign_visitor
from hemline.runtime.limits import MARGIN
from hemline.usecases.ports import Part
from tests.support.bad_days import HANG, REFUSE, TROUBLES, World, world
from tests.support.clouds import REGION, Cloud
from tests.support.deciding import acts
from tests.support.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.support.functions import event, load
from tests.support.rankers import linear
from tests.support.resolver import Resolver
from tests.support.template import timeouts
from tests.support.waiting import until

pytestmark = pytest.mark.cloud

HISTORY = acts("v:ann", ["i1", "i5", "i9"])
SLOTS = [Slot("for-you", limit=4), Slot("bestsellers", personal=False, sources=("popular",))]
NAMES = "dns"
"""The resolver as a dependency: it has no answers of its own to spoil."""
WARM_CALLS = 40


def cells(*services: str) -> list[tuple[str, str]]:
    found = [(service, trouble) for service in services for trouble in TROUBLES]
    return [*found, (NAMES, HANG), (NAMES, REFUSE)]


class Answered(NamedTuple):
    """What a call came to; `seconds` until it did."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    seconds: float


def call(app: ModuleType, payload: dict[str, Any]) -> Answered:
    began = time.perf_counter()
    answer = app.handler(payload, None)
    took = time.perf_counter() - began
    return Answered(
        answer["statusCode"], answer["headers"], json.loads(answer["body"] or "{}"), took
    )


class Days:
    """The world, and how a day in it goes bad."""

    def __init__(self, where: World, monkeypatch: pytest.MonkeyPatch, resolver: Resolver) -> None:
        self.world, self.resolver, self._monkeypatch = where, resolver, monkeypatch
        endpoint = where.cloud.endpoint
        self.table = DynamoTable(connect("dynamodb", region=REGION, endpoint=endpoint), where.table)
        self.objects = S3Objects(connect("s3", region=REGION, endpoint=endpoint), where.bucket)

    def function(self, name: str) -> ModuleType:
        return load(name, self.world.variables, self._monkeypatch)

    def turn_bad(self, service: str, trouble: str) -> None:
        if service == NAMES:
            self.resolver.trouble = "silent" if trouble == HANG else "sorry"
        else:
            self.world.gates[service].trouble = trouble

    def heal(self) -> None:
        self.world.heal()
        self.resolver.heal()

    def publish(self, items: int, expected: str | None = None) -> str:
        data, edition = build_file(
            catalogue(items), SLOTS, history=HISTORY, ranker=linear(together=1.0)
        )
        self.objects.put(edition_object(SITE, edition.digest), data)
        pointer = Pointer(edition.digest, NOW).signed(SITE, KEYS[0])
        self.table.swap_pointer(SITE, pointer, expected=expected)
        return edition.digest


@pytest.fixture
def days(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    resolver = Resolver(monkeypatch)
    with world(emulator) as where:
        yield Days(where, monkeypatch, resolver)
        resolver.heal()


def as_ann(function: str, scenario: str) -> dict[str, Any]:
    return {**event(function, scenario), "cookies": [f"hem_v={sign_visitor('ann', KEYS)}"]}


# --- fragments ------------------------------------------------------------------------------


def wrong_fragments(found: list[Answered], editions: set[str]) -> list[str]:
    late = timeouts()["fragments"] - MARGIN
    faults = [f"status {one.status}" for one in found if one.status != 200]
    faults += [f"{one.seconds:.1f} s" for one in found if one.seconds > late]
    shown = {one.body["edition"] for one in found if one.status == 200}
    return faults + sorted(f"edition {other!r}" for other in shown - editions)


def look(app: ModuleType) -> None:
    """The next request brings pointer and brake, as one does every few seconds."""
    app.deps.live._looked = None


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
    cold = days.function("fragments")
    start = time.perf_counter() - began
    first = [call(cold, page) for _ in range(5)]
    assert wrong_fragments(found, {old[:16], new[:16]}) == []
    assert wrong_fragments(first, {"", new[:16]}) == []
    assert start + first[0].seconds < timeouts()["fragments"] - MARGIN
    days.heal()
    for app in (warm, cold):
        until(lambda app=app: (look(app), call(app, page))[1].body["edition"] == new[:16], 20)
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
    from hemline.usecases.edition_load import Here  # noqa: PLC0415 - of this test alone

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


def batch(name: str) -> dict[str, Any]:
    payload = as_ann("collect", "batch")
    return {**payload, "body": payload["body"].replace("0190f1c2", name)}


def wrong_collected(found: Answered, name: str, held: set[str]) -> list[str]:
    if found.seconds > timeouts()["collect"] - MARGIN:
        return [f"{found.seconds:.1f} s"]
    if found.status == 503:
        return [] if int(found.headers["Retry-After"]) > 0 else ["no word of when"]
    if found.status != 202:
        return [f"{found.status}"]
    sent = {one["id"] for one in json.loads(batch(name)["body"])["events"]}
    lost = sent - {one["id"] for one in found.body["rejected"]} - held
    return [f"not durable: {one}" for one in lost]


@pytest.mark.parametrize(("service", "trouble"), cells("kinesis"))
def test_collect_says_202_only_when_it_is_durable_and_else_503_in_time(
    days: Days, service: str, trouble: str
) -> None:
    warm, cold = days.function("collect"), days.function("collect")
    assert call(warm, batch("before")).status == 202
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
    apps += [days.function("account") for _ in SCENARIOS]
    days.turn_bad(service, trouble)
    pairs = zip(apps, visitors, strict=True)
    found = together(*(lambda a=app, v=who: call(a, payload(v)) for app, who in pairs))
    days.heal()
    for visitor, one in zip(visitors, found, strict=True):
        assert wrong_accounted(one) == [], visitor
        if one.status == 200 and visitor.startswith("consent"):
            kept = days.table.read_part(SITE, f"v:{visitor}", Part.PROFILE)
            assert kept
            assert kept.standing != FRESH
    if service == "dynamodb":
        assert {one.status for one in found} == {503}
