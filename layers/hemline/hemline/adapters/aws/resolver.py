"""Resolves one host in the background and keeps the last good addresses.

The system's resolver takes no deadline: where nobody answers it, it is silent for 5 s and more. So it
runs in a thread, a call waits for it no longer than it may, and a host that was found once is never
waited for again unless what is known is old.

    fresh ── 30 s ──► kept: used as it is, looked up again beside ── 5 min ──► old: half of the time
                                                                      is waited for a new one first
"""

import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from hemline.adapters.background import Background

_FRESH, _OLD = 30.0, 300.0
"""Seconds since they were looked up. AWS moves its addresses, and keeps the old ones for a while."""
_AGAIN = 2.0
"""Seconds after which a lookup that is still silent is joined by another one."""
_MOST = 4
"""Lookups at a time; the resolver ends each by itself."""


class Address(NamedTuple):
    """Where to connect to, as the socket module wants it."""

    family: int
    where: Any


class Addresses:
    """Of one host; shared by threads, which may each look it up when nobody has yet."""

    def __init__(self, host: bytes, port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._host, self._port, self._clock = host, port, clock
        self._found: list[Address] = []
        self._shunned: dict[Address, float] = {}
        self._since = self._began = 0.0
        self._lookups: list[Background[None]] = []
        self._literal = _is_literal(host)

    def get(self, seconds: float) -> list[Address]:
        """At least one; `seconds` is the longest wait. Raises OSError: not found, or not in time."""
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
        """Marks an address as unreachable: it is tried last, and the host is resolved again."""
        self._shunned[address] = self._clock()
        self._found = self._in_order(self._found)
        self.expire()

    def expire(self) -> None:
        """What is known may be used, and is looked up again at the next call."""
        self._since = min(self._since, self._clock() - _FRESH)

    def _lookup(self) -> Background[None]:
        """The one that runs, or a new one."""
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
        """As the resolver has them, but where nobody answered, last."""
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
