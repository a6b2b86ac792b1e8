"""Parses a request for fragments from the query of a GET or the body of a POST. Errors name the field.

A bad value in the page's own data never refuses the request: see `page_input`. A mistake of the site's
developer (in the slots, a limit, the format) does.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from hemline.decide import cursor
from hemline.decide.fragment import Format
from hemline.decide.page import PageRequest
from hemline.model.decision import SlotRequest, Traits
from hemline.model.errors import BadInput, TooLarge
from hemline.model.input.json_input import check_keys, is_a_float, with_whole_numbers
from hemline.model.input.text import without_bom
from hemline.runtime.fragments.page_input import MOST_EXCLUDED, PageInput, Taken
from hemline.runtime.http import HttpRequest
from hemline.runtime.traits import traits_of

MOST_SLOTS = 20
MOST_ITEMS = 50
MOST_CANDIDATES = 200
MOST_CURSOR = cursor.MOST_CHARACTERS
MOST_BODY_BYTES = 64 * 1024


class SlotInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One slot that a page asks for. `candidates`: item ids of the caller, to rerank."""

    name: str
    limit: int | None = None
    candidates: list[Any] | None = None
    exclude: list[Any] | None = None
    after: str | None = None
    """The cursor of this slot's last answer; items shown before it are not repeated."""


class PageBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/fragments."""

    slots: tuple[SlotInput, ...]
    page: PageInput | None = None
    format: Format | None = None


_decoder = msgspec.json.Decoder(PageBody)


def page_request_of(request: HttpRequest) -> PageRequest:
    """The parsed request. Raises BadInput."""
    return _from_query(request) if request.method == "GET" else _from_body(request)


_FORMATS: Mapping[str, Format] = {"json": "json", "html": "html", "email": "email"}


def _from_query(request: HttpRequest) -> PageRequest:
    said = request.parameter
    form = said("format")
    form = "json" if form is None else form
    if form not in _FORMATS:
        raise BadInput("format", f"{form[:20]!r} is not known.", "Use json, html or email.")
    limit = said("limit")
    want = SlotInput(
        name=request.path.get("slot", ""),
        limit=None if limit is None else _number("limit", limit),
        exclude=_names(request, "exclude"),
        after=said("after"),
    )
    page = PageInput(
        type=said("page"),
        url=said("url"),
        item=said("item") or None,
        category=said("category") or None,
        owned=_names(request, "owned"),
        seen=_names(request, "seen"),
        referrer=said("referrer"),
        app_version=said("app_version"),
    )
    return _taken(PageBody((want,), page, _FORMATS[form]), traits_of(request), _IN_QUERY)


def _names(request: HttpRequest, name: str) -> list[Any]:
    """The ids of a list parameter, which may be repeated, separated by commas, or both."""
    values = request.parameters(name)
    return [part for value in values for part in value.split(",") if part]


def _from_body(request: HttpRequest) -> PageRequest:
    body = request.body()
    if len(body) > MOST_BODY_BYTES:
        raise TooLarge("body", f"has {len(body)} bytes.", f"Send at most {MOST_BODY_BYTES}.")
    body = without_bom(body)
    try:
        parsed = _decoded(body)
    except msgspec.ValidationError as error:
        # Imported here: only refusals need the texts, and the import would slow every cold start.
        from hemline.runtime.fragments.refusals import BODY  # noqa: PLC0415 - as above

        raise BODY.of(error) from None
    except RecursionError:
        raise BadInput("body", "is nested too deeply.", _SHAPE) from None
    except (msgspec.DecodeError, UnicodeError, ValueError):
        raise BadInput("body", "is not JSON.", _SHAPE) from None
    check_keys(body)
    return page_request_in(parsed, traits_of(request))


def page_request_in(body: PageBody, traits: Traits) -> PageRequest:
    """The request in a parsed body. Raises BadInput."""
    _check_slots(body.slots)
    return _taken(body, traits, _IN_BODY)


_SHAPE = 'Send {"page": {"type": …}, "slots": [{"name": …}]}.'


def _decoded(body: bytes) -> PageBody:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        again = with_whole_numbers(body) if is_a_float(error) else None
        if again is None:
            raise
        return _decoder.decode(again)


class _Spelling(NamedTuple):
    """How the caller spells the fields of a slot and of the page, for error messages."""

    slot: str
    page: str
    type: str


_IN_QUERY, _IN_BODY = _Spelling("", "", "page"), _Spelling("slots[{at}].", "page.", "page.type")


def _check_slots(wants: tuple[SlotInput, ...]) -> None:
    if not 1 <= len(wants) <= MOST_SLOTS:
        raise BadInput("slots", f"holds {len(wants)}.", f"Ask for 1 to {MOST_SLOTS}.")
    if len({want.name for want in wants}) != len(wants):
        raise BadInput("slots", "names a slot twice.", "Ask for each slot once.")


def _taken(asked: PageBody, traits: Traits, spelling: _Spelling) -> PageRequest:
    taken = Taken()
    wants = tuple(
        _slot(want, spelling.slot.format(at=at), taken) for at, want in enumerate(asked.slots)
    )
    page = taken.page(asked.page or PageInput(), spelling.page, spelling.type)
    return PageRequest(page, traits, wants, asked.format or "json", tuple(taken.left_out))


def _slot(want: SlotInput, prefix: str, taken: Taken) -> SlotRequest:
    if want.limit is not None and not 1 <= want.limit <= MOST_ITEMS:
        # The error does not quote the value: it may have thousands of digits.
        raise BadInput(f"{prefix}limit", "is out of range.", f"Use 1 to {MOST_ITEMS}.")
    after = want.after or ""
    if len(after) > MOST_CURSOR:
        raise BadInput(f"{prefix}after", "is too long.", f"Use at most {MOST_CURSOR}.")
    return SlotRequest(
        want.name,
        want.limit,
        taken.ids(f"{prefix}candidates", want.candidates, MOST_CANDIDATES),
        taken.ids(f"{prefix}exclude", want.exclude, MOST_EXCLUDED),
        after,
    )


def _number(field: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise BadInput(field, f"{text[:20]!r} is not a whole number.", f"Use 1 to {MOST_ITEMS}.")
    return int(text)
