"""The API on one origin and somebody else's pages on others, for a real browser to visit both.

The functions run in this process behind the gateway's own translation, so that a test can seed a bug in
them; table, stream and bucket are the emulator's. `127.0.0.1` and `localhost` are two sites to a browser, and
two ports of one host are two origins of one site, as sibling subdomains are: cookies go to both.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.edition import Pointer
from hemline.model.events.event import Record, decode_record
from hemline.model.keys import edition_object
from hemline.model.site.slot import Slot
from tests.builders.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.harness.account_harness import KEY
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import ROOT, environment, load
from workbench.background_server import drain_loop, run_in_background
from workbench.cloud.gateway import application
from workbench.cloud.payload import GatewayRequest
from workbench.cloud.pool import InvokeResult
from workbench.cloud.template import load as load_template
from workbench.laptop import free_ports

FUNCTIONS = {
    "CollectFunction": "collect",
    "AccountFunction": "account",
    "FragmentsFunction": "fragments",
}


@dataclass
class Sites:
    """Origins, and what lies behind the API."""

    shop: str
    """The API's own origin, with a page of its own at `/`."""
    foreign: str
    """Another site."""
    sibling: str
    """Another origin of the same site, to which the shop's cookies go."""
    friend: str
    """A third one, named in AllowedOrigins."""
    cloud: Cloud
    stream: str
    table: DynamoTable
    apps: Mapping[str, ModuleType]
    answers: list[tuple[str, int, list[str]]] = field(default_factory=list)
    """Route, status and cookies of all that the functions answered."""
    tls: bool = False
    """Whether calls are said to come over TLS, as everywhere but on a laptop."""

    def held(self) -> list[Record]:
        """Every event that the stream holds."""
        return [decode_record(data) for _, data in self.cloud.records(self.stream)]


@contextlib.contextmanager
def two_sites(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    """All of it, for the length of the block."""
    ports = free_ports(3)
    friend = f"http://127.0.0.1:{ports[2]}"
    names = {
        "stream": cloud.make_stream(1),
        "table": cloud.make_table(),
        "bucket": cloud.make_bucket(),
    }
    variables = environment(cloud, **names) | {
        "HEMLINE_ORIGINS": friend,
        "HEMLINE_USER_KEYS": f"1:{KEY.secret.decode()}",
    }
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), names["table"])
    _publish(cloud, table, names["bucket"])
    apps = {name: load(name, variables, monkeypatch) for name in FUNCTIONS.values()}
    origins = (
        f"http://127.0.0.1:{ports[0]}",
        f"http://localhost:{ports[1]}",
        f"http://127.0.0.1:{ports[1]}",
        friend,
    )
    sites = Sites(*origins, cloud, names["stream"], table, apps)

    @contextlib.asynccontextmanager
    async def served() -> AsyncIterator[Sites]:
        async with contextlib.AsyncExitStack() as stack:
            for port, app in zip(ports, (_shop(sites), _pages(sites), _pages(sites)), strict=True):
                await stack.enter_async_context(_listening(app, port))
            yield sites

    with run_in_background(served) as found:
        yield found


def _publish(cloud: Cloud, table: DynamoTable, bucket: str) -> None:
    data, edition = build_file(catalogue(8), [Slot("for-you", limit=4, deadline_ms=1000)])
    objects = S3Objects(connect("s3", region=REGION, endpoint=cloud.endpoint), bucket)
    objects.put(edition_object(SITE, edition.digest), data)
    pointer = Pointer(edition.digest, NOW).signed(SITE, KEYS[0])
    table.swap_pointer(SITE, pointer, expected=None)


@contextlib.asynccontextmanager
async def _listening(app: web.Application, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    # `localhost` may be ::1 to a browser before it is 127.0.0.1.
    doors = [socket.create_server(("127.0.0.1", port))]
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):
            doors.append(socket.create_server(("::1", port), family=socket.AF_INET6))
    for door in doors:
        await web.SockSite(runner, door).start()
    yield
    for door in doors:
        await drain_loop(door)
    await runner.cleanup()


def _shop(sites: Sites) -> web.Application:
    parameters = {"AllowedOrigins": sites.friend}
    stack = load_template(
        ROOT / "template.yaml", region=REGION, secret="s" * 32, parameters=parameters
    )
    invoked = {route.function: _invoke(sites, route.function) for route in stack.routes}
    page = [web.get("/", _page)]

    def edge(request: GatewayRequest) -> GatewayRequest:
        proto = ("X-Forwarded-Proto", "https" if sites.tls else "http")
        return request._replace(headers=[*request.headers, proto])

    return application(stack, invoked, lambda _source, _text: None, page, edge)


def _invoke(sites: Sites, function: str) -> Any:
    async def invoke(payload: bytes) -> InvokeResult:
        event = json.loads(payload)
        app = sites.apps[FUNCTIONS[function]]
        answer = await asyncio.to_thread(app.handler, event, None)
        sites.answers.append(
            (event["routeKey"], answer["statusCode"], list(answer.get("cookies", ())))
        )
        return InvokeResult(json.dumps(answer).encode())

    return invoke


def _pages(sites: Sites) -> web.Application:
    """Somebody else's pages: an empty one, and one that sends whoever comes on to the API."""

    async def onward(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(sites.shop + request.query["to"])

    app = web.Application()
    app.add_routes([web.get("/", _page), web.route("*", "/onward", onward)])
    return app


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>a page</title>", content_type="text/html")
