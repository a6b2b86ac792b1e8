"""The preview header: whoever holds one sees a page as somebody else, explained; nothing counts.

`Hemline-Preview` is signed for the purpose and ends; it is for the people of the site, never for a
page. Loaded when a request carries one, and not before.
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
    """Whom to be and until when (epoch ms); what is empty stays as the request has it."""

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
    """Of the site file: as whoever is in them."""
    at: int = 0
    """Epoch ms of the time that it is; 0: now."""


_encode = msgspec.json.Encoder(order="deterministic").encode
_decoder = msgspec.json.Decoder(Pass)


def mint(held: Pass, keys: tuple[bytes, ...]) -> str:
    """The header's value."""
    return sign(_PURPOSE, _encode(held), keys[0])


def pass_of(text: str, keys: tuple[bytes, ...], now: int) -> Pass:
    """Raises NotAllowed unless it is one of ours and not over."""
    try:
        held = _decoder.decode(verify(_PURPOSE, text, keys))
    except (msgspec.DecodeError, UnicodeError):
        raise NotAllowed("this preview is of another version") from None
    if held.until <= now:
        raise NotAllowed("this preview has ended: make another one with `hemline preview`")
    return held


def answer(request: HttpRequest, deps: Deps, settings: Settings, now: int) -> HttpResponse:
    """The page as the header's holder asks for it. Raises what is wrong with header or request."""
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
    """`u:NAME` is a signed-in user; all else a visitor."""
    return visitor if visitor.startswith(("u:", "v:")) else f"v:{visitor}"


def as_held(ask: PageRequest, held: Pass) -> PageRequest:
    """The request with the traits of whom the pass is."""
    stated = {n: value for n in _TRAITS if (value := getattr(held, n)) not in _UNSAID}
    # Whoever is in another country is in none of the request's places either.
    here = Traits(device=ask.traits.device, language=ask.traits.language)
    base = here if held.country else ask.traits
    return ask._replace(traits=msgspec.structs.replace(base, **stated))


_UNSAID = ("", None)
_TRAITS = tuple(name for name in Traits.__struct_fields__ if name in Pass.__struct_fields__)
