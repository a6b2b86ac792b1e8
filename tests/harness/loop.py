"""The whole loop in one process: an HTTP origin, the real handlers, and a cloud's own stores.

What a browser and the event source mapping do is done here by hand: `ask` and `tell` speak HTTP,
`drain` hands what the stream holds to ingest.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import pytest
import urllib3

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.learn.profile.fold import decode, state_bytes
from hemline.model.site.site import Site
from hemline.runtime.identity import sign_visitor
from hemline.runtime.publish.wiring import check_ranker
from hemline.usecases.publishing.publish import Given, PublishDeps, Published, publish_edition
from tests.builders.editions import KEYS
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import environment, load
from workbench.cloud import payload
from workbench.cloud.payload import Arrival, GatewayRequest
from workbench.cloud.streams.delivery import DeliveryEntry
from workbench.cloud.streams.events import Origin, kinesis_event
from workbench.cloud.template import EventSource, Route

SITE = "shop"
_SHARDS = 2
_BATCH = 400
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0"


class Browser:
    """One visitor's cookie jar, as far as it matters here."""

    def __init__(self, visitor: str) -> None:
        self.cookies = {"hem_v": sign_visitor(visitor, KEYS)}

    def header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def take(self, response: urllib3.BaseHTTPResponse) -> None:
        for text in response.headers.getlist("set-cookie"):
            name, _, rest = text.partition("=")
            self.cookies[name] = rest.partition(";")[0]


class Loop:
    """A fresh site on `cloud`: table, stream, bucket, and the functions over them."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloud, self._monkeypatch = cloud, monkeypatch
        self._names = {
            "table": cloud.make_table(),
            "stream": cloud.make_stream(_SHARDS),
            "bucket": cloud.make_bucket(),
        }
        self.table = DynamoTable(self._connect("dynamodb"), self._names["table"])
        self.objects = S3Objects(self._connect("s3"), self._names["bucket"])
        self.places = PublishDeps(self.objects, self.table, KEYS, check_ranker)
        self._apps: dict[str, ModuleType] = {}
        self._iterators: dict[str, str] = {}
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(30.0))
        self.url = ""

    def _connect(self, service: str) -> Any:
        return connect(service, region=REGION, endpoint=self.cloud.endpoint)

    def app(self, name: str) -> ModuleType:
        if name not in self._apps:
            variables = environment(self.cloud, site=SITE, **self._names)
            self._apps[name] = load(name, variables, self._monkeypatch)
        return self._apps[name]

    def restart(self, name: str) -> None:
        """A cold start at the next call: it loads the live edition."""
        self._apps.pop(name, None)

    def publish(self, site: Site, built: int) -> Published:
        self.restart("fragments")
        given = Given(site, allow_removals=True)
        return publish_edition(SITE, self.places, built=built, given=given)

    def ask(self, browser: Browser, slot: str, query: str = "") -> dict[str, Any]:
        """One slot's fragment, as JSON."""
        headers = {"cookie": browser.header()}
        response = self._http.request(
            "GET", f"{self.url}/v1/fragments/{slot}{query}", headers=headers
        )
        assert response.status == 200, response.data
        fragment: dict[str, Any] = json.loads(response.data)["fragments"][slot]
        return fragment

    def tell(self, browser: Browser, *events: Mapping[str, object]) -> None:
        """Events as the page's own script sends them."""
        body = json.dumps({"events": events}).encode()
        headers = {"cookie": browser.header(), "content-type": "text/plain", "user-agent": BROWSER}
        headers |= {"origin": self.url, "sec-fetch-site": "same-origin"}
        response = self._http.request("POST", f"{self.url}/v1/events", body=body, headers=headers)
        assert response.status == 202, response.data
        browser.take(response)

    def drain(self) -> int:
        """Hand to ingest what came onto the stream since the last time; how many records."""
        return sum(self._drain(shard) for shard in self._shards())

    def states(self, subjects: Sequence[str]) -> dict[str, bytes]:
        """Every profile's state, without its marks of delivery; each one must exist."""
        stored = self.table.read_profiles(SITE, subjects)
        assert set(stored) == set(subjects)
        return {name: state_bytes(decode(one.blob)) for name, one in stored.items()}

    def _shards(self) -> list[str]:
        kinesis = self.cloud.boto("kinesis")
        found = kinesis.list_shards(StreamName=self._names["stream"])["Shards"]
        return [shard["ShardId"] for shard in found]

    def _drain(self, shard: str) -> int:
        kinesis, count = self.cloud.boto("kinesis"), 0
        iterator = (
            self._iterators.get(shard)
            or kinesis.get_shard_iterator(
                StreamName=self._names["stream"], ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        )
        while True:
            page = kinesis.get_records(ShardIterator=iterator, Limit=_BATCH)
            iterator = page["NextShardIterator"]
            if not page["Records"]:
                self._iterators[shard] = iterator
                return count
            self._ingest(shard, page["Records"])
            count += len(page["Records"])

    def _ingest(self, shard: str, records: list[dict[str, Any]]) -> None:
        event = kinesis_event([_entry(record) for record in records], _origin(shard))
        answer = self.app("ingest").handler(event, None)
        assert answer == {"batchItemFailures": []}

    def close(self) -> None:
        self._http.clear()
        ingest = self._apps.get("ingest")
        if ingest:
            ingest.deps.pool.shutdown()

    @contextmanager
    def serving(self) -> Iterator["Loop"]:
        """Answer on loopback for the length of the block."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            self.close()


def _handler(loop: Loop) -> type[BaseHTTPRequestHandler]:
    class Origin(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a connection each: none is left open at the end

        def do_GET(self) -> None:
            slot = self.path.partition("?")[0].removeprefix("/v1/fragments/")
            self._answer("fragments", Route("GET", "/v1/fragments/{slot}", "f"), {"slot": slot})

        def do_POST(self) -> None:
            self._answer("collect", Route("POST", "/v1/events", "c"), {})

        def _answer(self, function: str, route: Route, parameters: dict[str, str]) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = list(self.headers.items())
            request = GatewayRequest(
                self.command, path, query, headers, body, "127.0.0.1", "HTTP/1.1"
            )
            event = payload.event(request, route, parameters, Arrival("r1", datetime.now(UTC)))
            answer = loop.app(function).handler(json.loads(json.dumps(event)), None)
            found = payload.response(json.dumps(answer).encode())
            self.send_response(found.status)
            for name, value in found.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *_: object) -> None:
            """The test's own output is enough."""

    return Origin


def _entry(record: dict[str, Any]) -> DeliveryEntry:
    arrived = record["ApproximateArrivalTimestamp"].timestamp()
    return DeliveryEntry(record["SequenceNumber"], record["PartitionKey"], record["Data"], arrived)


def _origin(shard: str) -> Origin:
    source = EventSource("Stream", "events", "ingest", _BATCH, 0.0, -1, -1, True, True, None)
    return Origin(source, shard, REGION)
