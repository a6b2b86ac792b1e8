"""The preview header: whoever holds one sees a page as somebody else, explained; nothing counts.

`Hemline-Preview` is signed for the purpose and ends; it is for the people of the site, never for a
page. Loaded when a request carries one, and not before.
"""

import msgspec

from hemline.decide.page import Ask
from hemline.model.decision import Traits, Visit
from hemline.model.errors import NotAllowed
from hemline.model.signed import sign, verify
from hemline.runtime.fragments_in import ask_of
from hemline.runtime.fragments_out import json_of
from hemline.runtime.http import PRIVATE, Answer, Request
from hemline.runtime.identity import visit_of
from hemline.runtime.settings import Settings
from hemline.usecases.decide_page import Deps
from hemline.usecases.preview import preview

HEADER = "hemline-preview"
_PURPOSE = "preview"


class Pass(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom to be and until when (epoch ms); what is empty stays as the request has it."""

    until: int
    visitor: str = ""
    country: str = ""
    device: str = ""
    language: str = ""


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


def answer(request: Request, deps: Deps, settings: Settings, now: int) -> Answer:
    """The page as the header's holder asks for it. Raises what is wrong with header or request."""
    text = request.header(HEADER)
    if not text:
        raise NotAllowed("explain=1 is for holders of a preview header: see `hemline preview`")
    held = pass_of(text, deps.keys, now)
    ask = _as_held(ask_of(request), held)
    visit = Visit(f"v:{held.visitor}", consent=None) if held.visitor else None
    found = preview(ask, visit or visit_of(request, settings, now), deps, now)
    body = json_of(found.decided)
    if request.query.get("explain") == "1":
        body = b'%b,"explain":%b}' % (body[:-1], msgspec.json.encode(found.explanations))
    headers = {**PRIVATE, "Content-Type": "application/json", "Hemline-Scope": "visitor"}
    return Answer(200, body, headers)


def _as_held(ask: Ask, held: Pass) -> Ask:
    traits = {name: getattr(held, name) or getattr(ask.traits, name) for name in _TRAITS}
    return ask._replace(traits=msgspec.structs.replace(ask.traits, **traits))


_TRAITS = tuple(name for name in Traits.__struct_fields__ if name in Pass.__struct_fields__)
