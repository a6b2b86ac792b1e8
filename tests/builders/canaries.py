"""Canaries: what names a person, given to every function, and looked for in all that it writes."""

import json
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import jwt
import pytest

from hemline.learn.profile import capsule
from hemline.model.errors import BadInput, Conflict
from hemline.model.events.event import Event, Record
from hemline.runtime.identity import sign_visitor
from tests.builders.editions import KEYS, NOW, SITE
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import environment, event, load
from workbench.cloud.streams.delivery import DeliveryEntry
from workbench.cloud.streams.events import Origin, kinesis_event
from workbench.cloud.template import EventSource
from workbench.forget.spellings import found_in, needles

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
    payload["cookies"] = [
        f"__Host-hem_v={sign_visitor(VISITOR, KEYS)}",
        "__Host-hem_c=" + _capsule(),
    ]
    return {**payload, **changes}


def _capsule() -> str:
    """The visitor's own last acts."""
    mine = capsule.Capsule(VISITOR)
    return capsule.encode(capsule.update(mine, [record_of(f"v:{VISITOR}")]), KEYS)


def record_of(subject: str) -> Record:
    about: dict[str, object] = {"note": CANARIES["property"], "mail": CANARIES["email"]}
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


def collect(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, stream: str = "") -> Any:
    made = environment(cloud, stream=stream or cloud.make_stream(1))
    return load("collect", made, monkeypatch)


class Broken:
    """A store of which every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        return raising(self._error)


def loaded(name: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    names = {
        "stream": cloud.make_stream(1),
        "table": cloud.make_table(),
        "bucket": cloud.make_bucket(),
    }
    names["failed"] = names["bucket"]
    return load(name, environment(cloud, **names), monkeypatch)


def account_call(route: str, body: str = "", bearer: str = "") -> dict[str, Any]:
    """A call that a browser makes from the site's own page."""
    payload = request("fragments", "page", bearer=bearer, routeKey=route, body=body)
    method, path = route.split(" ")
    payload["requestContext"]["http"] |= {"method": method, "path": path}
    return payload


def batch(*payloads: bytes) -> dict[str, Any]:
    source = EventSource("Stream", "events", "ingest", 10, 0.0, -1, -1, True, True, None)
    entries = [
        DeliveryEntry(str(number), f"v:{VISITOR}", data, time.time())
        for number, data in enumerate(payloads, 1)
    ]
    return kinesis_event(entries, Origin(source, "shardId-0", REGION))
