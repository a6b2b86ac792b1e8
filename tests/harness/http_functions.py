"""The HTTP functions behind the gateway's own translation, in this process: no socket, no clock, no AWS.

As an origin that a test asks itself, and as an application of WSGI for a library that asks.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from hemline.adapters.memory import MemoryObjects, MemoryStream, MemoryTable
from hemline.model.consent import Policy
from hemline.usecases.ingest.collect import CollectDeps
from hemline.usecases.people.account import AccountDeps
from hemline.usecases.people.forget_person import ForgetDeps
from hemline.usecases.serving.decide_page import Deps
from tests.builders.editions import KEYS, NOW, SITE
from tests.harness.functions import load
from workbench.cloud import payload
from workbench.cloud.payload import Arrival, GatewayRequest, Response
from workbench.cloud.template import Route

_ARRIVAL = Arrival("r1", datetime.fromtimestamp(NOW / 1000, UTC))
_ENVIRONMENT = {
    "HEMLINE_SITE": SITE,
    "HEMLINE_KEYS": KEYS[0].decode(),
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",  # nobody listens: what is not handed in cannot be had
    "AWS_REGION": "us-east-1",
    "HEMLINE_USER_KEYS": f"1:{'u' * 32}",
}


class Door:
    """One origin: fragments that read from `deps`, and collect into a stream in memory."""

    def __init__(self, deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stream, self.people, objects = MemoryStream(), MemoryTable(), MemoryObjects()
        self.apps = {
            name: load(name, _ENVIRONMENT, monkeypatch)
            for name in ("fragments", "collect", "account")
        }
        for app in self.apps.values():
            _stop_clock(app, monkeypatch)
        monkeypatch.setattr(self.apps["fragments"], "deps", deps)
        kept = CollectDeps(self.stream, SITE, lambda: "a-new-visitor")
        monkeypatch.setattr(self.apps["collect"], "deps", kept)
        account = AccountDeps(
            SITE, self.people, objects, self.stream, lambda: "another", Policy(), lambda: 0.0
        )
        monkeypatch.setattr(self.apps["account"], "deps", account)
        monkeypatch.setattr(
            self.apps["account"], "forgetting", ForgetDeps(self.people, objects, 24)
        )

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """What the gateway would send; raises what a function raises, which would be a 500."""
        path, _, query = target.partition("?")
        name = _OTHERS.get(path, "fragments")
        slot = path.removeprefix("/v1/fragments").removeprefix("/")
        pairs = list((headers or {}).items())
        request = GatewayRequest(method, path, query, pairs, body, "127.0.0.1", "HTTP/1.1")
        parameters = {"slot": unquote(slot)} if slot and name == "fragments" else {}
        route = Route(method, "/v1/fragments/{slot}" if parameters else path, name)
        event = payload.event(request, route, parameters, _ARRIVAL)
        answer = self.apps[name].handler(json.loads(json.dumps(event)), None)
        return payload.response(json.dumps(answer).encode())

    def wsgi(
        self, environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]
    ) -> Iterable[bytes]:
        """The same, as an application (PEP 3333)."""
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        target = environ["REQUEST_URI"].partition("?")[0] + "?" + environ["QUERY_STRING"]
        answer = self.ask(environ["REQUEST_METHOD"], target, headers, body)
        start(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
        return [answer.body]


_OTHERS = {
    "/v1/events": "collect",
    **dict.fromkeys(("/v1/identify", "/v1/me", "/v1/me/consent"), "account"),
}
"""Path → its function, where that is not fragments."""


def _stop_clock(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    # A minute that turns between two answers would be a difference that no visitor made.
    clock: Any = SimpleNamespace(time_ns=lambda: NOW * 1_000_000, perf_counter=lambda: 0.0)
    monkeypatch.setattr(app, "time", clock)


def header(response: Response, name: str) -> str:
    """The value, empty when it is not there."""
    return ", ".join(value for key, value in response.headers if key == name)
