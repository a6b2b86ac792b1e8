"""Whether a page of another site made a browser call. Knows no meaning of the call.

Judged whether or not a cookie came along: SameSite holds a cookie back from another site's form, and the
answer to that form would set new ones. What the browser says of the page tells (`Origin`,
`Sec-Fetch-Site`); where it says neither, whether another site's page could have made the call at all.
"""

from hemline.model.errors import CrossSite
from hemline.model.events.agent import is_program
from hemline.runtime.http import HttpRequest

_FORM_TYPES = {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}
"""Content types that a page may send anywhere without asking: those of an HTML form."""
_TYPED = "none"
"""`Sec-Fetch-Site` of the address bar, a bookmark, an extension: no page asked for it."""


def check_origin(request: HttpRequest, origins: tuple[str, ...]) -> None:
    """Raises CrossSite for a call that a page of another site made, or may have made."""
    if is_cross_site(request, origins):
        raise CrossSite("a page of another site may not do this in a visitor's name")


def is_cross_site(request: HttpRequest, origins: tuple[str, ...]) -> bool:
    """Whether it is no call of our own pages, of those of `origins`, or of what is no browser.

    A sibling subdomain is another site here: who may write a page there is not known.
    """
    origin, site = request.header("origin"), request.header("sec-fetch-site")
    # No page can make a browser say same-origin; behind a CDN the host that we see is not the page's.
    if origin in origins or site == "same-origin":
        return False
    if site not in {"", _TYPED}:
        return True
    if origin:
        return not _is_own(origin, request)
    return not site and _may_be_a_form(request, origins)


def _is_own(origin: str, request: HttpRequest) -> bool:
    """Whether it is the origin that was called. A page without TLS is never that of a call with it."""
    scheme, _, host = origin.partition("://")
    tls = request.header("x-forwarded-proto") == "https"
    return host == request.header("host") and not (tls and scheme != "https")


def _may_be_a_form(request: HttpRequest, origins: tuple[str, ...]) -> bool:
    """Of a call that says nothing of a page: whether an old browser's form could have made it.

    No form sends another content type, none at all, a header of ours or a program's user agent: that
    takes a script, and a script of another site cannot without a preflight, or it says its `Origin`.
    """
    kind = request.header("content-type").partition(";")[0].strip().lower()
    if kind not in _FORM_TYPES or request.method != "POST" or _has_own_header(request):
        return False
    # Old browsers without Origin do send the page's address, unless that page forbids it.
    page = "/".join(request.header("referer").split("/", 3)[:3])
    return page not in origins and not (page and _is_own(page, request))


def _has_own_header(request: HttpRequest) -> bool:
    bearer = request.header("authorization")[:7].lower() == "bearer "
    return (
        bearer
        or bool(request.header("hemline-visitor"))
        or is_program(request.header("user-agent"))
    )
