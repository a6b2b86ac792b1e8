"""Hemline's cookies: their names, how to read them, and how to set or remove them.

Over TLS a name begins with `__Host-`: browsers accept it from this host only, for every path, so a
sibling subdomain cannot set one. Plain loopback cannot use that prefix and keeps the bare name. Over
TLS, cookies set earlier under the bare name are read until they are replaced. Does not interpret values.
"""

import re
from typing import NamedTuple

from hemline.model.durations import DAY_SECONDS
from hemline.runtime.http import HttpRequest

VISITOR_COOKIE = "hem_v"
CAPSULE_COOKIE = "hem_c"
HOST_PREFIX = "__Host-"
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?")
# Browsers cap a cookie's life at 400 days; a visitor who returns gets a new capsule each time.
_MAX_AGE = 395 * DAY_SECONDS


class Held(NamedTuple):
    """The values of one cookie in a request, unverified and not empty."""

    now: tuple[str, ...]
    """Under the current name for this scheme."""
    before: tuple[str, ...]
    """Under the old bare name, which any sibling subdomain can set; none on plain loopback."""


def held(request: HttpRequest, name: str) -> Held:
    """Every value of a cookie: the first of several may be stale or belong to somebody else."""
    found = request.cookies
    if _is_plain_loopback(request):
        return Held(found.get(name, ()), ())
    return Held(found.get(HOST_PREFIX + name, ()), found.get(name, ()))


def came(request: HttpRequest) -> bool:
    """Whether the request has any Hemline cookie, valid or not."""
    return any(any(held(request, name)) for name in (VISITOR_COOKIE, CAPSULE_COOKIE))


def handed(request: HttpRequest, name: str, value: str) -> tuple[str, ...]:
    """Set-Cookie values that store `value` and remove the cookie of the old name."""
    return (_set(request, _name(request, name), value, _MAX_AGE), *_moved(request, name))


def ended(request: HttpRequest, name: str) -> tuple[str, ...]:
    """Set-Cookie values that remove the cookie under both names."""
    return (_set(request, _name(request, name), "", 0), *_moved(request, name))


def _moved(request: HttpRequest, name: str) -> tuple[str, ...]:
    return (_set(request, name, "", 0),) if held(request, name).before else ()


def _name(request: HttpRequest, name: str) -> str:
    return name if _is_plain_loopback(request) else HOST_PREFIX + name


def _set(request: HttpRequest, name: str, value: str, seconds: int) -> str:
    # HttpOnly: no script can read it. SameSite=Lax: another site's form or fetch does not send it.
    found = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return found if _is_plain_loopback(request) else f"{found}; Secure"


def _is_plain_loopback(request: HttpRequest) -> bool:
    """Whether this is a laptop without TLS, where some browsers drop a Secure cookie."""
    plain = request.header("x-forwarded-proto") != "https"
    return plain and bool(_LOOPBACK.fullmatch(request.header("host")))
