"""Who is asking, as far as it can be verified, and what they consented to, from one request."""

from typing import NamedTuple

from hemline.learn import capsule
from hemline.model.decision import Visit
from hemline.model.errors import NotAllowed
from hemline.model.ids import is_id
from hemline.model.signed import sign, verify
from hemline.runtime.http import Request

VISITOR_COOKIE = "hem_v"
CAPSULE_COOKIE = "hem_c"
_PURPOSE = "visitor"


class Visitor(NamedTuple):
    """`subject` is None when nobody verifiable asks; `opted_out` is the browser's own signal."""

    subject: str | None
    opted_out: bool


def sign_visitor(visitor_id: str, keys: tuple[bytes, ...]) -> str:
    """The value of the cookie `hem_v`, and of the header `Hemline-Visitor` for apps."""
    return sign(_PURPOSE, visitor_id.encode(), keys[0])


def visitor_of(request: Request, keys: tuple[bytes, ...]) -> Visitor:
    """Cookie first, then header. A forged or foreign id is as good as none: it never raises."""
    opted_out = request.header("sec-gpc").strip() == "1"
    text = request.cookies.get(VISITOR_COOKIE) or request.header("hemline-visitor")
    return Visitor(_subject(text, keys) if text else None, opted_out)


def visit_of(request: Request, site: str, keys: tuple[bytes, ...]) -> Visit:
    """What a decision may know of the visitor. The browser's opt-out outweighs everything."""
    visitor = visitor_of(request, keys)
    kept = capsule_of(request, keys)
    refused = visitor.opted_out or (kept is not None and kept.consent is False)
    if refused:
        return Visit(visitor.subject, consent=False)
    if kept is None or not capsule.belongs(kept, visitor.subject):
        return Visit(visitor.subject, consent=None)
    recent = tuple(capsule.records(kept, site))
    return Visit(visitor.subject, consent=kept.consent, recent=recent)


def capsule_of(request: Request, keys: tuple[bytes, ...]) -> capsule.Capsule | None:
    """The capsule cookie, when it is one of ours; a forged one is as good as none."""
    text = request.cookies.get(CAPSULE_COOKIE)
    try:
        return capsule.decode(text, keys) if text else None
    except NotAllowed:
        return None


def _subject(text: str, keys: tuple[bytes, ...]) -> str | None:
    try:
        visitor_id = verify(_PURPOSE, text, keys).decode("ascii", "replace")
    except NotAllowed:
        return None
    return f"v:{visitor_id}" if is_id(visitor_id) else None
