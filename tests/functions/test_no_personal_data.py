"""Canaries: what names a person goes through every function, and into no line that it writes.

At the loudest log level, with success, with every rejection, with stores that are missing or late, and
with faults of every layer whose message is nothing but canaries. What a function raises counts as a
line too: the Lambda runtime logs it.
"""

import base64
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import reduce
from types import ModuleType
from typing import Any, NoReturn

import jwt
import pytest

from hemline.adapters.aws import connect
from hemline.adapters.dynamodb import DynamoTable
from hemline.adapters.s3 import S3Objects
from hemline.learn import capsule
from hemline.learn.profile import Profile, encode, fold
from hemline.model.batch_signature import sign_batch
from hemline.model.edition import Pointer
from hemline.model.errors import BadInput, Conflict, NotDurable, Unavailable
from hemline.model.event import Event, Record, encode_record
from hemline.model.keys import edition_object
from hemline.model.slot import Slot
from hemline.runtime.guard import UnexpectedError
from hemline.runtime.identity import sign_visitor
from hemline.usecases.archive import append, line
from tests.support.clouds import REGION, Cloud
from tests.support.deciding import acts
from tests.support.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.support.functions import environment, event, load
from tests.support.rankers import linear
from workbench.cloud.delivery import Entry
from workbench.cloud.stream_events import Origin, kinesis_event
from workbench.cloud.template import Source
from workbench.forget.spellings import found_in, needles

pytestmark = [
    pytest.mark.cloud,
    # What Powertools says when a handler fails before it has counted anything.
    pytest.mark.filterwarnings("ignore:No application metrics"),
]

VISITOR, USER = "canary-visitor-4fX9qR", "canary-user@example.com"
CANARIES = {
    "visitor id": VISITOR,
    "user id": USER,
    "query": "canary-query-hair-loss",
    "property": "canary-property-8812",
    "email": "canary.mail@example.org",
    "event id": "canary-event-51aa",
    "address": "198.51.100.77",
    "user agent": "CanaryAgent/9.1",
    "authorization": "canary-bearer-zz19",
    "forged cookie": "canary-cookie-77.canary-signature",
    "page": "/canary-page/diagnosis",
    "cart": "canary-cart-item",
}
EVERYTHING = " ".join(CANARIES.values())
USER_SECRET = "a secret that the site signs its users with"


class Output:
    """All that a function writes or raises while a test looks on."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd
        self.lines: list[str] = []

    def run(self, call: Callable[[], object]) -> object:
        """Its answer, or None when it raised; the answer is the caller's and no line of a log."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the runtime logs whatever it is
            self.lines += traceback.format_exception(error)
            return None

    def text(self) -> str:
        out, err = self._capfd.readouterr()
        self.lines += [out, err]
        return "\n".join(self.lines)

    def names_nobody(self) -> str:
        """Everything that was written; fails when a canary is in it, however it is spelt."""
        text = self.text()
        for what, canary in CANARIES.items():
            assert not found_in(text.encode(), needles(canary)), f"{what}: {text}"
        return text


class Recorder(logging.Handler):
    """What any library logs, with everything that hangs on to the line."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.DEBUG)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.lines.append(f"{record.getMessage()} {vars(record)}")


@pytest.fixture(params=["DEBUG", "INFO", "ERROR"])
def output(
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Output]:
    monkeypatch.setenv("HEMLINE_USER_KEYS", f"k1:{USER_SECRET}")
    for name in ("POWERTOOLS_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"):
        monkeypatch.setenv(name, request.param)
    found, root = Output(capfd), logging.getLogger()
    recorder, before = Recorder(found), root.level
    root.addHandler(recorder)
    root.setLevel(request.param)
    yield found
    root.removeHandler(recorder)
    root.setLevel(before)


def raising(error: Exception) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


FAULTS = (
    KeyError(VISITOR),
    RuntimeError(EVERYTHING),
    TimeoutError(EVERYTHING),
    UnicodeDecodeError("utf-8", EVERYTHING.encode(), 0, 1, EVERYTHING),
    Conflict(f"profile of v:{VISITOR} is not at version 3"),
    BadInput("visitor", f"{VISITOR} is somebody else's."),
)


def user_token() -> str:
    """Signed as the site signs it."""
    now = int(time.time())
    claims = {"sub": USER, "iat": now, "exp": now + 600, "email": CANARIES["email"]}
    return jwt.encode(claims, USER_SECRET, algorithm="HS256", headers={"kid": "k1"})


def request(function: str, scenario: str, *, bearer: str = "", **changes: Any) -> dict[str, Any]:
    """An HTTP event that is full of canaries."""
    payload = event(function, scenario)
    payload["headers"] |= {
        "user-agent": CANARIES["user agent"],
        "x-forwarded-for": CANARIES["address"],
        "referer": f"https://shop.example{CANARIES['page']}",
    }
    payload["requestContext"]["http"] |= {
        "sourceIp": CANARIES["address"],
        "userAgent": CANARIES["user agent"],
    }
    if bearer:
        payload["headers"]["authorization"] = f"Bearer {bearer}"
    payload["cookies"] = [f"hem_v={sign_visitor(VISITOR, KEYS)}", "hem_c=" + _capsule()]
    return {**payload, **changes}


def _capsule() -> str:
    """The visitor's own last acts."""
    mine = capsule.Capsule(VISITOR)
    return capsule.encode(capsule.update(mine, [_record(f"v:{VISITOR}")]), KEYS)


def _record(subject: str) -> Record:
    about = {"note": CANARIES["property"], "mail": CANARIES["email"]}
    made = Event(CANARIES["event id"], "search", NOW, query=CANARIES["query"], properties=about)
    return Record(SITE, subject, NOW, made)


def _event(**changes: object) -> dict[str, object]:
    return {
        "id": CANARIES["event id"],
        "type": "search",
        "query": CANARIES["query"],
        "properties": {"mail": CANARIES["email"], "note": CANARIES["property"]},
        **changes,
    }


BODIES: dict[str, str] = {
    "good": json.dumps({"events": [_event(), _event(type="view", item=CANARIES["cart"])]}),
    "other type": json.dumps(_event(type=CANARIES["property"])),
    "other field": json.dumps({**_event(), CANARIES["property"]: 1}),
    "bad id": json.dumps(_event(id=CANARIES["email"] + " x")),
    "bad item": json.dumps(_event(item=CANARIES["email"] + " x")),
    "bad time": json.dumps(_event(time=CANARIES["email"])),
    "bad lines": json.dumps(_event(type="purchase", lines=[{CANARIES["email"]: 1}])),
    "bad token": json.dumps(_event(token=CANARIES["forged cookie"] + " ")),
    "no JSON": '{"events": [' + EVERYTHING,
    "other members": json.dumps({"events": [], CANARIES["email"]: 1}),
    "half a pair": '{"id":"'
    + CANARIES["event id"]
    + '","query":"\\ud800'
    + CANARIES["query"]
    + '"}',
    "not a number": '{"id":"'
    + CANARIES["event id"]
    + '","value":NaN,"query":"'
    + EVERYTHING
    + '"}',
}


def collect(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, stream: str = "") -> ModuleType:
    made = environment(cloud, stream=stream or cloud.make_stream(1))
    return load("collect", made, monkeypatch)


def test_collect_with_every_body(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = collect(emulator, monkeypatch)
    for text in BODIES.values():
        signed = request("collect", "batch", body=text)
        stamp = sign_batch(text.encode(), KEYS[0], time.time_ns() // 1_000_000)
        signed["headers"] = {**signed["headers"], "hemline-signature": stamp}
        forged = request("collect", "batch", body=text)
        forged["headers"] = {**forged["headers"], "hemline-signature": CANARIES["forged cookie"]}
        named = json.dumps({**json.loads(BODIES["good"])["events"][0], "user": USER})
        for payload in (
            request("collect", "batch", body=text),
            request("collect", "batch", body=text, cookies=["hem_v=" + CANARIES["forged cookie"]]),
            request("collect", "batch", body=text, isBase64Encoded=True),
            request("collect", "batch", body=text, bearer=CANARIES["authorization"]),
            request("collect", "batch", body=text, bearer=user_token()),
            {**signed, "body": text},
            {**forged, "body": named},
        ):
            assert output.run(lambda payload=payload: app.handler(payload, None))
    assert "Accepted" in output.names_nobody()


def test_collect_with_a_stream_that_is_missing_late_or_broken(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = collect(emulator, monkeypatch, "never-made")
    payload = request("collect", "batch", body=BODIES["good"])
    output.run(lambda: app.handler(payload, None))
    for error in (*FAULTS, NotDurable("throttled")):
        app.deps = app.deps._replace(stream=_Broken(error))
        output.run(lambda: app.handler(payload, None))
    assert "not durable" in output.names_nobody()


class _Broken:
    """A store of which every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        return raising(self._error)


SEAMS = {
    "collect": ("caller_of", "collect_events", "answer_of", "_report"),
    "fragments": ("ask_of", "visit_of", "decide", "answer_of", "_report"),
    "ingest": ("_records", "ingest_batch"),
    "publish": ("command_of", "_run", "_scheduled"),
    "sweep": ("sweep_on",),
    "account": ("account_in.asker", "account.export", "account_out.exported", "log"),
}


def loaded(name: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    names = {
        "stream": cloud.make_stream(1),
        "table": cloud.make_table(),
        "bucket": cloud.make_bucket(),
    }
    names["failed"] = names["bucket"]
    return load(name, environment(cloud, **names), monkeypatch)


def payload_for(name: str, seam: str) -> dict[str, Any]:
    if name == "ingest":
        return batch(encode_record(_record(f"v:{VISITOR}")))
    if name == "publish":
        return {**event("publish", "schedule" if seam == "_scheduled" else "command"), "site": SITE}
    if name == "sweep":
        return {}
    if name == "account":
        return account_call("GET /v1/me")
    return request(name, "batch" if name == "collect" else "page")


def account_call(route: str, body: str = "", bearer: str = "") -> dict[str, Any]:
    """A call that a browser makes from the site's own page."""
    payload = request("fragments", "page", bearer=bearer, routeKey=route, body=body)
    method, path = route.split(" ")
    payload["requestContext"]["http"] |= {"method": method, "path": path}
    return payload


@pytest.mark.parametrize(
    ("name", "seam"), [(name, seam) for name, seams in SEAMS.items() for seam in seams]
)
def test_a_fault_at_any_seam_fails_the_call_and_names_nobody(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output, name: str, seam: str
) -> None:
    app = loaded(name, emulator, monkeypatch)
    for error in FAULTS:
        if isinstance(error, BadInput | Conflict):
            continue  # ours, with words that are chosen; what they say goes to the caller
        *way, last = seam.split(".")
        monkeypatch.setattr(reduce(getattr, way, app), last, raising(error))
        assert output.run(lambda: app.handler(payload_for(name, seam), None)) is None
    text = output.names_nobody()
    assert text.count("UnexpectedError: KeyError at test_no_personal_data.py") >= 1
    assert "RuntimeError" in text


def test_account_with_every_call_and_every_refusal(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = loaded("account", emulator, monkeypatch)
    places = app.deps
    bodies = ["", json.dumps({"purposes": {"analytics": False}}), EVERYTHING]
    bodies += [json.dumps({"purposes": {CANARIES["email"]: True}}), json.dumps({USER: VISITOR})]
    for error in (None, *FAULTS, Unavailable("table", "throttled")):
        if error:
            broken = _Broken(error)
            app.deps = places._replace(people=broken, objects=broken, stream=broken)
            app.forgetting = app.forgetting._replace(people=broken, objects=broken)
        for bearer in ("", CANARIES["authorization"], user_token()):
            for route in ("GET /v1/me", "POST /v1/identify", "DELETE /v1/me"):
                call = account_call(route, bearer=bearer)
                output.run(lambda call=call: app.handler(call, None))
            for body in bodies:
                call = account_call("PUT /v1/me/consent", body, bearer)
                output.run(lambda call=call: app.handler(call, None))
    assert "answered" in output.names_nobody()


def batch(*payloads: bytes) -> dict[str, Any]:
    source = Source("Stream", "events", "ingest", 10, 0.0, -1, -1, True, True, None)
    entries = [
        Entry(str(number), f"v:{VISITOR}", data, time.time())
        for number, data in enumerate(payloads, 1)
    ]
    return kinesis_event(entries, Origin(source, "shardId-0", REGION))


def test_ingest_with_good_ones_poison_and_stores_that_fail(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = loaded("ingest", emulator, monkeypatch)
    good = [encode_record(_record(who)) for who in (f"v:{VISITOR}", f"u:{USER}")]
    poison = [
        good[0][:-1],
        EVERYTHING.encode(),
        good[0].replace(b'"received"', b'"' + VISITOR.encode()),
    ]
    assert output.run(lambda: app.handler(batch(*good, *poison, *good), None))
    places = app.deps
    for error in (*FAULTS, Unavailable("table", "throttled")):
        for name in ("people", "objects"):
            app.deps = places._replace(**{name: _Broken(error)})
            output.run(lambda: app.handler(batch(*good, *poison), None))
    monkeypatch.setattr("hemline.usecases.ingest_fold.profiles.fold_counted", raising(FAULTS[1]))
    app.deps = places
    output.run(lambda: app.handler(batch(*good), None))
    app.deps.pool.shutdown()
    text = output.names_nobody()
    assert "deliver again from here" in text


def fragments(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    names = {"table": cloud.make_table(), "bucket": cloud.make_bucket()}
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), names["table"])
    objects = S3Objects(connect("s3", region=REGION, endpoint=cloud.endpoint), names["bucket"])
    slots = [Slot(name, deadline_ms=1000) for name in ("hero", "for-you", "bestsellers")]
    history = acts(f"v:{VISITOR}", ["i1", "i5"])
    data, edition = build_file(catalogue(24), slots, history=history, ranker=linear(together=1.0))
    objects.put(edition_object(SITE, edition.digest), data)
    pointer = Pointer(edition.digest, NOW).signed(SITE, KEYS[0])
    table.swap_pointer(SITE, pointer, expected=None)
    blob = encode(fold(Profile(), history))
    table.write_profile(SITE, f"v:{VISITOR}", blob, expected=0)
    return load("fragments", environment(cloud, **names), monkeypatch)


PAGE = {
    "page": {"type": "search", "url": CANARIES["page"], "cart": [CANARIES["cart"]]},
    "slots": [{"name": "hero"}, {"name": "for-you"}, {"name": "bestsellers"}],
}
PAGES = {
    "good": PAGE,
    "unknown slot": {**PAGE, "slots": [{"name": CANARIES["property"]}]},
    "other field": {**PAGE, CANARIES["email"]: 1},
    "bad cart": {**PAGE, "page": {"cart": [CANARIES["email"] + " x"]}},
    "bad candidate": {**PAGE, "slots": [{"name": "hero", "candidates": [EVERYTHING]}]},
    "bad limit": {**PAGE, "slots": [{"name": "hero", "limit": CANARIES["email"]}]},
}


def test_fragments_on_every_rung_and_with_every_rejection(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = fragments(emulator, monkeypatch)
    seen = ""
    for page in PAGES.values():
        payload = request("fragments", "page", body=json.dumps(page))
        seen += str(output.run(lambda payload=payload: app.handler(payload, None)))
        for scenario, query in (
            ("slot-json", "item=i1&after=" + CANARIES["forged cookie"]),
            ("slot-json", "limit=" + CANARIES["email"]),
            ("slot-json", "explain=1"),
            ("slot-html", "exclude=" + CANARIES["cart"]),
        ):
            for bearer in ("", CANARIES["authorization"], user_token()):
                ask = request("fragments", scenario, bearer=bearer, rawQueryString=query)
                output.run(lambda ask=ask: app.handler(ask, None))
    places = app.deps
    for error in (*FAULTS, Unavailable("dynamodb", "timed out")):
        app.deps = places._replace(reader=_Broken(error))
        output.run(lambda: app.handler(request("fragments", "page"), None))
    text = output.names_nobody()
    assert "decided" in text
    token = json.loads(app.handler(request("fragments", "page"), None)["body"])
    for fragment in token["fragments"].values():
        assert fragment["token"] not in text


def test_publish_with_people_in_the_archive(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    app = loaded("publish", emulator, monkeypatch)
    rows = [line("s0", str(n), _record(who)) for n, who in enumerate((f"v:{VISITOR}", f"u:{USER}"))]
    append(app.places.objects, rows)
    site = event("publish", "site-file")
    for payload in (
        event("publish", "schedule"),
        {**site, "site": SITE},
        event("publish", "schedule"),
    ):
        output.run(lambda payload=payload: app.handler(payload, None))
    for error in FAULTS:
        monkeypatch.setattr("hemline.usecases.publish_edition.read_archive", raising(error))
        if not isinstance(error, BadInput | Conflict):
            output.run(lambda: app.handler({**site, "site": SITE}, None))
    assert "published" in output.names_nobody()


def test_a_fault_says_where_it_was_and_nothing_else() -> None:
    from hemline.runtime.guard import guarded  # noqa: PLC0415 - one place

    with pytest.raises(UnexpectedError) as told:
        guarded(raising(KeyError(VISITOR)))()
    assert str(told.value).startswith("KeyError at test_no_personal_data.py:")
    assert VISITOR not in "".join(traceback.format_exception(told.value))
    assert told.value.__context__ is None


@pytest.mark.parametrize("seeded", ["event", "base64", "exception"])
def test_a_function_that_logs_its_event_turns_these_tests_red(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], seeded: str
) -> None:
    app, output = collect(emulator, monkeypatch), Output(capfd)
    payload = request("collect", "batch", body=BODIES["good"])
    text = json.dumps(payload)

    def logging_it(event: dict[str, Any], context: object) -> object:
        if seeded == "exception":
            raise RuntimeError(event["cookies"])
        sys.stdout.write(text if seeded == "event" else base64.b64encode(text.encode()).decode())
        return context

    monkeypatch.setattr(app, "handler", logging_it)
    output.run(lambda: app.handler(payload, None))
    with pytest.raises(AssertionError):
        output.names_nobody()
