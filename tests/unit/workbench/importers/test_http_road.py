"""The importer's side of the front door: it signs, waits, sends again only what was not durable."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from hemline.model.errors import HemlineError, Unavailable
from hemline.model.events.batch_signature import check_batch
from hemline.usecases.ingest.collected import Rejected
from workbench.importers import importing
from workbench.importers.http_road import HttpRoad, SentBatch
from workbench.importers.wire import Batch, Unreadable, WireEvents

KEY = b"a key for tests that is long enough"
THREE = Batch(0, (b'{"id":"a"}', b'{"id":"b"}', b'{"id":"c"}'))
Answer = tuple[int, dict[str, Any]]


class Door:
    """Answers from a list, the last one for ever; keeps what it was sent."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.bodies, self.pauses = list(answers), list[list[str]](), list[float]()

    def send(self, batch: Batch) -> SentBatch:
        with _serving(self) as url, closing(HttpRoad(url, KEY, sleep=self.pauses.append)) as road:
            return road.send(batch)


@contextmanager
def _serving(door: Door) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            stamp = self.headers["hemline-signature"]
            check_batch(stamp, body, (KEY,), int(stamp[2:].partition(",")[0]))
            door.bodies.append([event["id"] for event in json.loads(body)["events"]])
            status, answer = door.answers.pop(0) if len(door.answers) > 1 else door.answers[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """The test's own output is enough."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rejected(index: int, reason: str) -> dict[str, Any]:
    return {"index": index, "id": "abc"[index], "reason": reason}


def test_a_batch_that_is_taken_is_sent_once() -> None:
    door = Door((202, {"accepted": 3, "rejected": []}))
    assert door.send(THREE) == SentBatch(3, [])
    assert door.bodies == [["a", "b", "c"]]
    assert door.pauses == []


def test_what_is_not_durable_is_sent_again_alone_and_positions_stay_the_files() -> None:
    door = Door(
        (503, {"accepted": 1, "rejected": [rejected(0, "item: no"), rejected(2, "not_durable")]}),
        (503, {"accepted": 0, "rejected": [{"index": 0, "id": "c", "reason": "not_durable"}]}),
        (202, {"accepted": 0, "rejected": [{"index": 0, "id": "c", "reason": "price: no"}]}),
    )
    sent = door.send(THREE)
    assert door.bodies == [["a", "b", "c"], ["c"], ["c"]]
    assert sent.accepted == 1
    assert [(one.index, one.reason) for one in sent.rejected] == [(0, "item: no"), (2, "price: no")]


def test_a_door_that_is_down_is_tried_again_with_growing_pauses() -> None:
    door = Door((502, {}), (503, {}), (500, {}), (202, {"accepted": 3, "rejected": []}))
    assert door.send(THREE).accepted == 3
    assert door.bodies == [["a", "b", "c"]] * 4
    assert door.pauses == sorted(door.pauses)
    assert len(door.pauses) == 3


def test_a_door_that_stays_shut_is_given_up_and_says_why() -> None:
    door = Door((503, {}))
    with pytest.raises(Unavailable, match=r"answered 503; gave up after 8 tries"):
        door.send(THREE)


def test_nobody_at_the_address_is_said_in_words() -> None:
    road = HttpRoad("http://127.0.0.1:1", KEY, sleep=lambda _: None)
    with closing(road), pytest.raises(Unavailable, match="did not answer"):
        road.send(THREE)


def test_a_wrong_key_stops_the_import_at_once() -> None:
    door = Door((401, {"title": "Not allowed", "detail": "Hemline-Signature does not verify"}))
    with pytest.raises(HemlineError, match="answered 401: Hemline-Signature does not verify"):
        door.send(THREE)
    assert len(door.bodies) == 1


def test_a_call_of_which_all_are_wrong_is_an_answer() -> None:
    door = Door(
        (400, {"title": "x", "rejected": [rejected(n, "type: is not known.") for n in range(3)]})
    )
    assert len(door.send(THREE).rejected) == 3


def test_one_event_that_is_too_large_is_one_rejected_event() -> None:
    door = Door((413, {"title": "Too large", "detail": "body: is larger than 256 kB."}))
    (one,) = door.send(THREE.only([0])).rejected
    assert one.reason == "body: is larger than 256 kB."


def test_the_report_counts_every_event_and_shows_the_first_examples() -> None:
    class Road:
        def send(self, batch: Batch) -> SentBatch:
            wrong = Rejected(0, "x", "item: no")
            return SentBatch(len(batch.events) - 1, [wrong])

        def close(self) -> None:
            """Nothing to close."""

    bad = [Unreadable(f"line {n}", "is no JSON") for n in range(5)]
    report = importing.run(WireEvents([*bad, b"{}", b"{}"]), Road())
    assert (report.read, report.accepted, report.rejected) == (7, 1, 6)
    assert report.reasons == {"is no JSON": 5, "item: no": 1}
    assert report.examples["is no JSON"] == ["line 0", "line 1", "line 2"]
    assert report.lines()[1] == "5 rejected: is no JSON (line 0, line 1, line 2, …)"
