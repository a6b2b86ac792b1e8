"""Resolves one host in the background and keeps the last good addresses.

The system's resolver takes no deadline: without a DNS answer it blocks for 5 s and more. So it runs in a
thread, and a call waits no longer than its own deadline. Once the host is resolved, calls use the known
addresses and wait only when these are old.

    fresh ── 30 s ──► kept: used at once, refreshed in the background ── 5 min ──► old: a call first
                                                              waits half of its time for a new lookup
"""

import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from hemline.adapters.background import Background

_FRESH, _OLD = 30.0, 300.0
"""Seconds since the lookup. AWS changes its addresses, but keeps the old ones working for a while."""
_AGAIN = 2.0
"""Seconds after which a second lookup starts beside one that has not answered."""
_MOST = 4
"""Concurrent lookups; a lookup cannot be cancelled, the resolver ends it by itself."""


class Address(NamedTuple):
    """Where to connect to, as the socket module wants it."""

    family: int
    where: Any


class Addresses:
    """The addresses of one host. Threads share it; on first use several may start a lookup each."""

    def __init__(self, host: bytes, port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._host, self._port, self._clock = host, port, clock
        self._found: list[Address] = []
        self._shunned: dict[Address, float] = {}
        self._since = self._began = 0.0
        self._lookups: list[Background[None]] = []
        self._literal = _is_literal(host)

    def get(self, seconds: float) -> list[Address]:
        """One or more addresses, best first; waits at most `seconds`. Raises OSError: none, or too late."""
        age = self._clock() - self._since
        if self._found and (age < _FRESH or self._literal):
            return self._found
        if self._literal:  # an IP address needs no lookup
            self._look()
            return self._found
        lookup = self._lookup()
        if not self._found or age > _OLD:
            lookup.wait(seconds / 2 if self._found else seconds)
        if self._found:
            return self._found
        if lookup.done:
            lookup.result()  # raises why
        raise TimeoutError("the resolver did not answer in time")

    def failed(self, address: Address) -> None:
        """Marks an address as unreachable: it moves to the end, and the next call starts a lookup."""
        self._shunned[address] = self._clock()
        self._found = self._in_order(self._found)
        self.expire()

    def expire(self) -> None:
        """Ends the fresh period: the next call uses the known addresses and starts a lookup."""
        self._since = min(self._since, self._clock() - _FRESH)

    def _lookup(self) -> Background[None]:
        """The newest running lookup, or a new one."""
        running = [one for one in self._lookups if not one.done]
        now = self._clock()
        if not running or (now - self._began > _AGAIN and len(running) < _MOST):
            self._began = now
            running.append(Background(self._look))
        self._lookups = running
        return running[-1]

    def _look(self) -> None:
        found = socket.getaddrinfo(self._host, self._port, 0, socket.SOCK_STREAM)
        addresses = dict.fromkeys(Address(family, where) for family, *_, where in found)
        self._shunned = {a: at for a, at in self._shunned.items() if a in addresses}
        self._found = self._in_order(addresses)
        self._since = self._clock()

    def _in_order(self, addresses: Iterable[Address]) -> list[Address]:
        """In the resolver's order, but with recently failed addresses last (the sort is stable)."""
        now = self._clock()
        return sorted(addresses, key=lambda one: now - self._shunned.get(one, -_OLD) < _OLD)


def _is_literal(host: bytes) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.decode())
        except OSError:
            continue
        return True
    return False
