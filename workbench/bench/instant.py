"""A fake DynamoDB and S3 that answers at once, in its own process, so that only our side is measured.

It stores items as they are sent and supports only the calls of the two ingest variants, with the one
condition that Hemline uses. A full emulator takes milliseconds, in which the CPU caches go cold, and
the figures would be about that.

`python -m workbench.bench.instant` prints its port and serves until its input ends.
"""

import json
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from workbench import children

Item = dict[str, Any]
_items: dict[tuple[str, str, str], Item] = {}


def _place(table: str, key: Mapping[str, Any]) -> tuple[str, str, str]:
    return table, key["pk"]["S"], key["sk"]["S"]


def _get(asked: Item) -> Item:
    found = _items.get(_place(asked["TableName"], asked["Key"]))
    return {"Item": found} if found else {}


def _put(asked: Item) -> Item:
    _items[_place(asked["TableName"], asked["Item"])] = asked["Item"]
    return {}


def _update(asked: Item) -> Item | None:
    place, values = _place(asked["TableName"], asked["Key"]), asked["ExpressionAttributeValues"]
    if _items.get(place, {}).get("v") != values.get(":e"):
        return None
    _items[place] = {**asked["Key"], "b": values[":b"], "v": values[":v"]}
    return {}


def _batch(asked: Item) -> Item:
    ((table, wanted),) = asked["RequestItems"].items()
    found = [_items.get(_place(table, key)) for key in wanted["Keys"]]
    return {"Responses": {table: [item for item in found if item]}, "UnprocessedKeys": {}}


def _statement(asked: Item) -> Item:
    """Run a PartiQL statement as our adapter writes it: an INSERT, or SETs with a condition."""
    text, values = asked["Statement"], asked["Parameters"]
    table = text.split('"', 2)[1]
    if text.startswith("INSERT"):
        item = dict(zip(re.findall(r"'(\w+)': \?", text), values, strict=True))
        held = _items.setdefault(_place(table, item), item)
        return {} if held is item else _refused("DuplicateItem")
    sets, _, where = text.partition(" WHERE ")
    names = [re.findall(r'"(\w+)"=\?', part) for part in (sets, where)]
    new = dict(zip(names[0], values, strict=False))
    held = dict(zip(names[1], values[len(new) :], strict=True))
    place = _place(table, held)
    if _items.get(place, {}).get("v") != held["v"]:
        return _refused("ConditionalCheckFailed")
    _items[place] |= new
    return {}


def _refused(code: str) -> Item:
    return {"Error": {"Code": code, "Message": "the version is another"}}


_CALLS: Mapping[str, Callable[[Item], Item | None]] = {
    "GetItem": _get,
    "PutItem": _put,
    "UpdateItem": _update,
    "BatchGetItem": _batch,
    "BatchExecuteStatement": lambda asked: {
        "Responses": [_statement(s) for s in asked["Statements"]]
    },
}


class _Connection(socketserver.StreamRequestHandler):
    """Handles DynamoDB calls by their target header; a call without one puts an object, and is ignored."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while self.rfile.readline():
            fields: dict[str, str] = {}
            while line := self.rfile.readline().strip():
                name, _, value = line.decode().partition(":")
                fields[name.lower()] = value.strip()
            if fields.get("expect"):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self.rfile.read(int(fields.get("content-length", "0")))
            target = fields.get("x-amz-target", "").rpartition(".")[2]
            if target:
                self._answer(_CALLS[target](json.loads(body)))
            else:
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    def _answer(self, found: Item | None) -> None:
        status = HTTPStatus.OK if found is not None else HTTPStatus.BAD_REQUEST
        refused = {"__type": "ConditionalCheckFailedException", "message": "the version is another"}
        body = json.dumps(refused if found is None else found).encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # The default backlog of 5 would delay the first connections of the ingest threads.
    request_queue_size = 64


def main() -> None:
    """Serve until standard input ends, that is, until the parent is gone."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


@contextmanager
def running() -> Iterator[str]:
    """Run the store for the length of the block; yields its endpoint."""
    with children.start(
        [sys.executable, "-m", "workbench.bench.instant"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    main()
