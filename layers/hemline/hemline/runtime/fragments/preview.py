"""The preview header: its holder sees a page as another visitor would, with explanations; nothing counts.

`Hemline-Preview` is signed for this purpose and expires. It is for the site's staff and must not be put
into a page. This module is imported only when a request has the header.
"""

import msgspec

from hemline.decide.page import PageRequest
from hemline.model.decision import Traits, Visit
from hemline.model.errors import NotAllowed
from hemline.model.signed import sign, verify
from hemline.runtime.fragments.request import page_request_of
from hemline.runtime.fragments.response import html_of, json_of
from hemline.runtime.http import PRIVATE, HttpRequest, HttpResponse
from hemline.runtime.identity import visit_of
from hemline.runtime.settings import Settings
from hemline.usecases.receipts.preview import preview
from hemline.usecases.serving.decide_page import Deps

HEADER = "hemline-preview"
_PURPOSE = "preview"


class Pass(msgspec.Struct, frozen=True, omit_defaults=True):
    """The visitor to preview as. Empty fields keep the request's values. `until`: expiry, epoch ms."""

    until: int
    visitor: str = ""
    country: str = ""
    device: str = ""
    language: str = ""
    region: str = ""
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = ""
    segments: tuple[str, ...] = ()
    """Segments of the site file that the visitor is in."""
    at: int = 0
    """Time to preview at, epoch ms; 0: now."""


_encode = msgspec.json.Encoder(order="deterministic").encode
_decoder = msgspec.json.Decoder(Pass)


def mint(held: Pass, keys: tuple[bytes, ...]) -> str:
    """The header's value."""
    return sign(_PURPOSE, _encode(held), keys[0])


def pass_of(text: str, keys: tuple[bytes, ...], now: int) -> Pass:
    """The pass in a header's value. Raises NotAllowed when its signature is bad or it has expired."""
    try:
        held = _decoder.decode(verify(_PURPOSE, text, keys))
    except (msgspec.DecodeError, UnicodeError):
        raise NotAllowed("this preview is of another version") from None
    if held.until <= now:
        raise NotAllowed("this preview has ended: make another one with `hemline preview`")
    return held


def answer(request: HttpRequest, deps: Deps, settings: Settings, now: int) -> HttpResponse:
    """The page as the pass's visitor sees it. Raises NotAllowed for the header, BadInput for the request."""
    text = request.header(HEADER)
    if not text:
        raise NotAllowed("explain=1 is for holders of a preview header: see `hemline preview`")
    held = pass_of(text, deps.keys, now)
    ask = as_held(page_request_of(request), held)
    visit = Visit(_subject(held.visitor), consent=None) if held.visitor else None
    known = visit or visit_of(request, settings, now)
    found = preview(ask, known, deps, held.at or now, held.segments)
    headers = {**PRIVATE, "Content-Type": "application/json", "Hemline-Scope": "visitor"}
    if request.parameter("explain") == "1":
        body = json_of(found.decided)
        body = b'%b,"explain":%b}' % (body[:-1], msgspec.json.encode(found.explanations))
        return HttpResponse(200, body, headers)
    if ask.format == "html" and request.method == "GET":
        headers["Content-Type"] = "text/html; charset=utf-8"
        return HttpResponse(200, html_of(*found.decided.fragments.values()), headers)
    return HttpResponse(200, json_of(found.decided), headers)


def _subject(visitor: str) -> str:
    """`u:NAME` is a signed-in user; anything else is a visitor."""
    return visitor if visitor.startswith(("u:", "v:")) else f"v:{visitor}"


def as_held(ask: PageRequest, held: Pass) -> PageRequest:
    """The request with the pass's traits in place of its own."""
    stated = {n: value for n in _TRAITS if (value := getattr(held, n)) not in _UNSAID}
    # With another country, the request's region, city, coordinates and time zone would be wrong.
    here = Traits(device=ask.traits.device, language=ask.traits.language)
    base = here if held.country else ask.traits
    return ask._replace(traits=msgspec.structs.replace(base, **stated))


_UNSAID = ("", None)
_TRAITS = tuple(name for name in Traits.__struct_fields__ if name in Pass.__struct_fields__)
