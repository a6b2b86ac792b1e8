"""Decides whether a page of another site made a browser call. Does not look at what the call does.

The check does not depend on cookies: SameSite keeps them out of another site's form, but the answer to
that form would set new ones. `Origin` and `Sec-Fetch-Site` name the page. Without both, the question is
whether another site's page could have made the call at all.
"""

from hemline.model.errors import CrossSite
from hemline.model.events.agent import is_program
from hemline.runtime.http import HttpRequest

_FORM_TYPES = {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}
"""Content types that a page may send to any origin without a preflight: those of an HTML form."""
_TYPED = "none"
"""`Sec-Fetch-Site` of the address bar, a bookmark or an extension: no page made the call."""


def check_origin(request: HttpRequest, origins: tuple[str, ...]) -> None:
    """Raises CrossSite when a page of another site made the call, or may have made it."""
    if is_cross_site(request, origins):
        raise CrossSite("a page of another site may not do this in a visitor's name")


def is_cross_site(request: HttpRequest, origins: tuple[str, ...]) -> bool:
    """False for calls from the API's own origin, from `origins`, and from programs; else True.

    A sibling subdomain counts as another site: somebody else may control its pages.
    """
    origin, site = request.header("origin"), request.header("sec-fetch-site")
    # A page cannot forge same-origin. It counts first: behind a CDN our host differs from the page's.
    if origin in origins or site == "same-origin":
        return False
    if site not in {"", _TYPED}:
        return True
    if origin:
        return not _is_own(origin, request)
    return not site and _may_be_a_form(request, origins)


def _is_own(origin: str, request: HttpRequest) -> bool:
    """Whether `origin` is the one that was called. An http page is never the origin of an https call."""
    scheme, _, host = origin.partition("://")
    tls = request.header("x-forwarded-proto") == "https"
    return host == request.header("host") and not (tls and scheme != "https")


def _may_be_a_form(request: HttpRequest, origins: tuple[str, ...]) -> bool:
    """Whether an old browser's form could have made a call without `Origin` and `Sec-Fetch-Site`.

    A form cannot send another content type, none at all, one of our headers or a program's user agent.
    Only a script can, and a script of another site needs a preflight or sends its `Origin`.
    """
    kind = request.header("content-type").partition(";")[0].strip().lower()
    if kind not in _FORM_TYPES or request.method != "POST" or _has_own_header(request):
        return False
    # Old browsers send no Origin but do send Referer, unless the page forbids it.
    page = "/".join(request.header("referer").split("/", 3)[:3])
    return page not in origins and not (page and _is_own(page, request))


def _has_own_header(request: HttpRequest) -> bool:
    bearer = request.header("authorization")[:7].lower() == "bearer "
    return (
        bearer
        or bool(request.header("hemline-visitor"))
        or is_program(request.header("user-agent"))
    )
