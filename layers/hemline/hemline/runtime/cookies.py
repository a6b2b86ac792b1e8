"""The cookies that we hand out: their names, what comes back under them, and how one is replaced or ended.

Over TLS a name begins with `__Host-`: browsers then take it from this host alone, for every path, so
that no sibling subdomain can put its own beside it. Plain loopback cannot have that, and keeps the bare
name. Over TLS what was handed out under the bare name before is read until it is replaced.
Knows no meaning of a value.
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
    """Values that came along for one cookie, none of them verified; empty ones left out."""

    now: tuple[str, ...]
    """Under the name that we hand out on this scheme."""
    before: tuple[str, ...]
    """Under the bare name, which any sibling subdomain can set; none on plain loopback."""


def held(request: HttpRequest, name: str) -> Held:
    """Every value of a cookie: of several with one name, the first may be stale or somebody else's."""
    found = request.cookies
    if _is_plain_loopback(request):
        return Held(found.get(name, ()), ())
    return Held(found.get(HOST_PREFIX + name, ()), found.get(name, ()))


def came(request: HttpRequest) -> bool:
    """Whether any cookie of ours came along, valid or not."""
    return any(any(held(request, name)) for name in (VISITOR_COOKIE, CAPSULE_COOKIE))


def handed(request: HttpRequest, name: str, value: str) -> tuple[str, ...]:
    """Set-Cookie values that keep `value` in the browser, and take the old name's away."""
    return (_set(request, _name(request, name), value, _MAX_AGE), *_moved(request, name))


def ended(request: HttpRequest, name: str) -> tuple[str, ...]:
    """Set-Cookie values that take a cookie away, under both names."""
    return (_set(request, _name(request, name), "", 0), *_moved(request, name))


def _moved(request: HttpRequest, name: str) -> tuple[str, ...]:
    return (_set(request, name, "", 0),) if held(request, name).before else ()


def _name(request: HttpRequest, name: str) -> str:
    return name if _is_plain_loopback(request) else HOST_PREFIX + name


def _set(request: HttpRequest, name: str, value: str, seconds: int) -> str:
    # No script reads it, and no other site's page sends it.
    found = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return found if _is_plain_loopback(request) else f"{found}; Secure"


def _is_plain_loopback(request: HttpRequest) -> bool:
    """A laptop without TLS, where some browsers would drop a Secure cookie."""
    plain = request.header("x-forwarded-proto") != "https"
    return plain and bool(_LOOPBACK.fullmatch(request.header("host")))
