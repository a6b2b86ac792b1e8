"""A request for fragments, from the query of a GET or the body of a POST, with the field at fault named."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from hemline.decide import cursor
from hemline.decide.fragment import Format
from hemline.decide.page import Ask
from hemline.model.decision import Page, SlotRequest
from hemline.model.errors import BadInput, TooLarge
from hemline.model.ids import is_id
from hemline.model.text import unmarked
from hemline.runtime.http import Request
from hemline.runtime.traits import traits_of

MOST_SLOTS = 20
MOST_ITEMS = 50
MOST_CANDIDATES = 200
MOST_EXCLUDED = 500
MOST_CHARACTERS = 128
MOST_CURSOR = cursor.MOST_CHARACTERS
MOST_BODY_BYTES = 64 * 1024


class PageBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/fragments."""

    slots: tuple[SlotRequest, ...]
    page: Page = Page()
    format: Format = "json"


_decoder = msgspec.json.Decoder(PageBody)


def ask_of(request: Request) -> Ask:
    """What is asked for. Raises BadInput."""
    return _from_query(request) if request.method == "GET" else _from_body(request)


_FORMATS: Mapping[str, Format] = {"json": "json", "html": "html", "email": "email"}


def _from_query(request: Request) -> Ask:
    query = request.query
    form = query.get("format", "json")
    if form not in _FORMATS:
        raise BadInput("format", f"{form[:20]!r} is not known.", "Use json, html or email.")
    want = SlotRequest(
        name=request.path.get("slot", ""),
        limit=_number("limit", query["limit"]) if "limit" in query else None,
        exclude=_names(query, "exclude"),
        after=query.get("after", ""),
    )
    page = Page(
        type=query.get("page", ""),
        item=query.get("item") or None,
        category=query.get("category") or None,
        owned=_names(query, "owned"),
        seen=_names(query, "seen"),
        url=query.get("url", ""),
        referrer=query.get("referrer", ""),
        app_version=query.get("app_version", ""),
    )
    ask = Ask(page, traits_of(request), (want,), _FORMATS[form])
    return _checked(ask, _IN_QUERY)


def _names(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part for part in query.get(name, "").split(",") if part)


def _from_body(request: Request) -> Ask:
    body = request.body()
    if len(body) > MOST_BODY_BYTES:
        raise TooLarge("body", f"has {len(body)} bytes.", f"Send at most {MOST_BODY_BYTES}.")
    try:
        parsed = _decoder.decode(unmarked(body))
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise BadInput(path.strip("`").removeprefix("$.") or "body", f"{reason}.", _SHAPE) from None
    except RecursionError:
        raise BadInput("body", "is nested too deeply.", _SHAPE) from None
    except (msgspec.DecodeError, UnicodeError, ValueError):
        raise BadInput("body", "is not JSON.", _SHAPE) from None
    _check_slots(parsed.slots)
    return _checked(Ask(parsed.page, traits_of(request), parsed.slots, parsed.format), _IN_BODY)


_SHAPE = 'Send {"page": {"type": …}, "slots": [{"name": …}]}.'


class _Spelling(NamedTuple):
    """How the caller spells a field of a slot and of the page, so that mistakes are found."""

    slot: str
    page: str


_IN_QUERY, _IN_BODY = _Spelling("", ""), _Spelling("slots[{at}].", "page.")


def _check_slots(wants: tuple[SlotRequest, ...]) -> None:
    if not 1 <= len(wants) <= MOST_SLOTS:
        raise BadInput("slots", f"holds {len(wants)}.", f"Ask for 1 to {MOST_SLOTS}.")
    if len({want.name for want in wants}) != len(wants):
        raise BadInput("slots", "names a slot twice.", "Ask for each slot once.")


def _checked(ask: Ask, spelling: _Spelling) -> Ask:
    for at, want in enumerate(ask.slots):
        _check_slot(spelling.slot.format(at=at), want)
    for name, value in (("item", ask.page.item), ("category", ask.page.category)):
        if value is not None and len(value) > MOST_CHARACTERS:
            raise BadInput(spelling.page + name, "is too long.", f"Use at most {MOST_CHARACTERS}.")
    for name in ("cart", "owned", "seen"):
        _check_ids(f"{spelling.page}{name}", getattr(ask.page, name), MOST_EXCLUDED)
    return ask


def _check_slot(prefix: str, want: SlotRequest) -> None:
    if want.limit is not None and not 1 <= want.limit <= MOST_ITEMS:
        # Not sent back: it may have thousands of digits.
        raise BadInput(f"{prefix}limit", "is out of range.", f"Use 1 to {MOST_ITEMS}.")
    if len(want.after) > MOST_CURSOR:
        raise BadInput(f"{prefix}after", "is too long.", f"Use at most {MOST_CURSOR}.")
    _check_ids(f"{prefix}candidates", want.candidates, MOST_CANDIDATES)
    _check_ids(f"{prefix}exclude", want.exclude, MOST_EXCLUDED)


def _check_ids(field: str, names: tuple[str, ...], most: int) -> None:
    if len(names) > most:
        raise BadInput(field, f"holds {len(names)} ids.", f"Send at most {most}.")
    for at, name in enumerate(names):
        if not is_id(name):
            raise BadInput(
                f"{field}[{at}]", "is not an id.", "Ids are 1 to 128 printable ASCII characters."
            )


def _number(field: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise BadInput(field, f"{text[:20]!r} is not a whole number.", f"Use 1 to {MOST_ITEMS}.")
    return int(text)
