"""The caller of an account call, and the choices in its body. Ids come from verified tokens only.

Calls that change something are refused when a page of another site made them. A GET only reads and
sets no cookie, so it is answered.
"""

import re
from datetime import date

from pydantic import BaseModel, ConfigDict, ValidationError

from hemline.model.consent import Purpose
from hemline.model.errors import BadInput, TooLarge
from hemline.model.input.json_input import check_keys
from hemline.model.input.text import without_bom
from hemline.runtime.http import HttpRequest
from hemline.runtime.identity import Asker, asker_of
from hemline.runtime.origins import check_origin
from hemline.runtime.settings import Settings
from hemline.runtime.traits import traits_of
from hemline.usecases.people.account import AccountCaller, ExportPage

_MOST_BYTES = 4096
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHAPE = 'Send {"purposes": {"personalisation": true or false, …}}.'


class _Choices(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    analytics: bool = False
    personalisation: bool = False
    messaging: bool = False


class _Stated(BaseModel):
    """The body of PUT /v1/me/consent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    purposes: _Choices


def asker(request: HttpRequest, settings: Settings, now: int) -> tuple[Asker, AccountCaller]:
    """The verified caller. Raises BadToken, and CrossSite for a change made by another site's page."""
    found = asker_of(request, settings, now)
    if request.method != "GET":
        check_origin(request, settings.origins)
    country = traits_of(request).country
    return found, AccountCaller(found.visitor, found.user, found.opted_out, country)


def choices_of(request: HttpRequest) -> dict[Purpose, bool]:
    """Purpose → allowed, for the purposes in the body. Raises BadInput, TooLarge."""
    body = request.body()
    if len(body) > _MOST_BYTES:
        raise TooLarge("body", f"has {len(body)} bytes.", f"Send at most {_MOST_BYTES}.")
    body = without_bom(body)
    check_keys(body)
    try:
        stated = _Stated.model_validate_json(body)
    except ValidationError as error:
        raise _bad(error) from None
    said = stated.purposes.model_dump(exclude_unset=True)
    if not said:
        raise BadInput("purposes", "says nothing.", _SHAPE)
    return {Purpose(name): yes for name, yes in said.items()}


def _bad(error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"])) or "body"
    field = place.encode("ascii", "backslashreplace").decode()[:100]
    of_a_purpose = len(first["loc"]) > 1
    if first["type"] == "extra_forbidden":
        way_out = f"The purposes are {', '.join(Purpose)}." if of_a_purpose else _SHAPE
        return BadInput(field, "is not known.", way_out)
    if first["type"] == "json_invalid":
        return BadInput("body", "is not JSON.", _SHAPE)
    way_out = "Send true or false, or leave it out." if of_a_purpose else _SHAPE
    return BadInput(field, f"is wrong: {first['msg']}.", way_out)


def page_of(request: HttpRequest) -> ExportPage:
    """Which part of an export. Raises BadInput."""
    after = request.parameter("after")
    if after and not _is_day(after):
        raise BadInput("after", "is no day.", "Send what `next` of the last part says: YYYY-MM-DD.")
    return ExportPage(after or "")


def _is_day(text: str) -> bool:
    """A day of the calendar. After 2026-99-99 no day of that year follows, so an export looks complete."""
    try:
        return bool(_DAY.fullmatch(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False
