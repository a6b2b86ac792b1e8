"""Calls of a crowd through a cache, several at a time, and what was wrong with their answers."""

import http.client
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.caches.requests import PUBLIC, Call, Crowd, foreign
from tests.caches.world import World

THREADS = 4
_PATIENCE = 30.0


class Reply(NamedTuple):
    """An answer as the user has it."""

    status: int
    headers: dict[str, str]
    """Names in lower case; repeats joined by a comma."""
    body: str

    @property
    def hit(self) -> bool:
        """The cache answered by itself."""
        return self.headers.get("x-cache", "").lower() in {
            "hit",
            "stale",
            "updating",
            "revalidated",
        }


class Client:
    """One connection that stays open, as a browser's does."""

    def __init__(self, port: int) -> None:
        self._port, self._connection = port, http.client.HTTPConnection("127.0.0.1", port)

    def ask(self, call: Call) -> Reply | None:
        """Its answer; None where the user hung up, or the answer ended in the middle."""
        connection = self._connection
        connection.timeout = _PATIENCE
        try:
            connection.putrequest(call.method, call.path, skip_accept_encoding=True)
            for name, value in call.headers.items():
                connection.putheader(name, value)
            if call.method in {"POST", "PUT"}:
                connection.putheader("Content-Length", str(len(call.body)))
            connection.endheaders(call.body or None)
            if call.cut_off:
                connection.close()
                return None
            return self._read(connection.getresponse())
        except (http.client.HTTPException, OSError):
            connection.close()
            return None

    def _read(self, response: http.client.HTTPResponse) -> Reply:
        text = response.read().decode(errors="replace")
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        return Reply(response.status, headers, text)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@dataclass
class Found:
    """What a run came to."""

    wrong: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    """Statuses, and `plain` and `hit`: requests for what is public, and those that the cache answered."""

    @property
    def hit_ratio(self) -> float:
        """Of plain requests for what is public."""
        return self.kinds["hit"] / max(1, self.kinds["plain"])


class Run:
    """A crowd before one cache; `expected` is what everybody gets, as the origin itself says it."""

    def __init__(self, world: World, port: int, origin: int, *, assembles: bool) -> None:
        self._world, self._port, self._assembles = world, port, assembles
        self._expected = {path: self._of(origin, path).body for path in (*PUBLIC, "/")}

    def _of(self, port: int, path: str) -> Reply:
        client = Client(port)
        reply = client.ask(Call("", "GET", path, {}))
        client.close()
        assert reply
        assert reply.status == 200, reply
        return reply

    def walk(self, crowd: Crowd, requests: int) -> Found:
        """So many calls, and a look at what is kept after them."""
        found = Found()
        calls = [crowd.call() for _ in range(requests)]
        parts = [calls[at::THREADS] for at in range(THREADS)]
        threads = [threading.Thread(target=self._part, args=(part, crowd, found)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client = Client(self._port)
        for path in self._expected:
            self._one(client, Call("", "GET", path, {}, plain=True), crowd, found)
        client.close()
        return found

    def _part(self, calls: list[Call], crowd: Crowd, found: Found) -> None:
        client = Client(self._port)
        for call in calls:
            self._one(client, call, crowd, found)
        client.close()

    def _one(self, client: Client, call: Call, crowd: Crowd, found: Found) -> None:
        reply = client.ask(call)
        if reply is None and call.plain:
            # It shared an answer of the origin with somebody for whom that ended in the middle.
            reply = client.ask(call)
        if reply is None:
            found.kinds["none"] += 1
            if call.plain:
                found.wrong.append(f"{call}: no answer")
            return
        found.kinds[str(reply.status)] += 1
        if "etag" in reply.headers:
            crowd.etags[2:] = [*crowd.etags[-30:], reply.headers["etag"]]
        found.wrong += [
            f"{call.method} {call.path} of {call.user}: {w}" for w in self._judge(call, reply)
        ]
        if call.plain and call.path != "/":
            found.kinds.update({"plain": 1, "hit": reply.hit})

    def _judge(self, call: Call, reply: Reply) -> list[str]:
        told = f"{json.dumps(reply.headers)} {reply.body}"
        wrong = [f"saw {one}" for one in foreign(self._world, call.user, told.replace('\\"', '"'))]
        kept = reply.headers.get("cache-control", "")
        if "set-cookie" in reply.headers and (reply.hit or "no-store" not in kept):
            wrong.append(f"a cookie that others may get: {kept!r}")
        if reply.hit and (reply.status >= 400 or "private" in kept) and not self._assembled(call):
            wrong.append(f"kept: {reply.status} {kept!r}")
        if call.plain and not self._is_right(call, reply):
            wrong.append(f"not what everybody gets: {reply.status} {reply.body[:200]!r}")
        return wrong

    def _assembled(self, call: Call) -> bool:
        return self._assembles and call.path.partition("?")[0] == "/"

    def _is_right(self, call: Call, reply: Reply) -> bool:
        expected = self._expected[call.path]
        if not self._assembled(call):
            return (reply.status, reply.body) == (200, expected)
        lead, *includes = expected.split("<esi:include")
        slots = [f'data-hem-slot="{slot}"' in reply.body for slot in ("for-you", "bestsellers")]
        private = "no-store" in reply.headers.get("cache-control", "")
        fragments = reply.body.count("hem-fragment") == len(includes)
        return reply.body.startswith(lead) and all(slots) and fragments and private
