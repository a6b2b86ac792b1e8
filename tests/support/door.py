"""The HTTP functions behind the gateway's own translation, in this process: no socket, no clock, no AWS."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from hemline.adapters.memory import MemoryStream
from hemline.usecases.collect_events import CollectDeps
from hemline.usecases.decide_page import Deps
from tests.support.editions import KEYS, NOW, SITE
from tests.support.functions import load
from workbench.cloud import payload
from workbench.cloud.payload import Arrival, Request, Response
from workbench.cloud.template import Route

_ARRIVAL = Arrival("r1", datetime.fromtimestamp(NOW / 1000, UTC))
_ENVIRONMENT = {
    "HEMLINE_SITE": SITE,
    "HEMLINE_KEYS": KEYS[0].decode(),
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",  # nobody listens: what is not handed in cannot be had
    "AWS_REGION": "us-east-1",
}


class Door:
    """One origin: fragments that read from `deps`, and collect into a stream in memory."""

    def __init__(self, deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stream = MemoryStream()
        self.apps = {name: load(name, _ENVIRONMENT, monkeypatch) for name in _ROUTES}
        for app in self.apps.values():
            _stop_clock(app, monkeypatch)
        monkeypatch.setattr(self.apps["fragments"], "deps", deps)
        kept = CollectDeps(self.stream, SITE, lambda: "a-new-visitor")
        monkeypatch.setattr(self.apps["collect"], "deps", kept)

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """What the gateway would send; raises what a function raises, which would be a 500."""
        path, _, query = target.partition("?")
        name = "collect" if path == "/v1/events" else "fragments"
        slot = path.removeprefix("/v1/fragments").removeprefix("/")
        pairs = list((headers or {}).items())
        request = Request(method, path, query, pairs, body, "127.0.0.1", "HTTP/1.1")
        parameters = {"slot": unquote(slot)} if slot and name == "fragments" else {}
        event = payload.event(request, _ROUTES[name], parameters, _ARRIVAL)
        answer = self.apps[name].handler(json.loads(json.dumps(event)), None)
        return payload.response(json.dumps(answer).encode())


_ROUTES = {
    "fragments": Route("GET", "/v1/fragments/{slot}", "f"),
    "collect": Route("POST", "/v1/events", "c"),
}


def _stop_clock(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    # A minute that turns between two answers would be a difference that no visitor made.
    clock: Any = SimpleNamespace(time_ns=lambda: NOW * 1_000_000, perf_counter=lambda: 0.0)
    monkeypatch.setattr(app, "time", clock)


def header(response: Response, name: str) -> str:
    """The value, empty when it is not there."""
    return ", ".join(value for key, value in response.headers if key == name)
