"""Whether a page of another site made a browser call in a visitor's name. Knows no meaning of the call.

The visitor's cookie comes along by itself, and only what the browser says of the page tells who asks.
"""

from hemline.model.errors import CrossSite
from hemline.runtime.http import Request
from hemline.runtime.identity import VISITOR_COOKIE

_OWN_PAGES = {"same-origin", "none", ""}
"""`Sec-Fetch-Site` of our own pages, of the address bar, and of what is no browser."""


def check_origin(request: Request, origins: tuple[str, ...]) -> None:
    """Raises CrossSite for what changes something with the cookie and comes from a foreign page."""
    if VISITOR_COOKIE not in request.cookies:
        return  # nothing came along by itself: a token or a header was put there by whoever calls
    origin, site = request.header("origin"), request.header("sec-fetch-site")
    # No page can make a browser say same-origin; behind a CDN the host that we see is not the page's.
    if origin in origins or site == "same-origin":
        return
    ours = not origin or origin.partition("://")[2] == request.header("host")
    if not ours or site not in _OWN_PAGES:
        raise CrossSite("a page of another site may not do this in a visitor's name")
