"""The preview pass: the visitor to preview as, checked and built from command line options."""

import re
import time
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import available_timezones

from hemline.model.durations import MINUTE_MS
from hemline.model.errors import BadInput
from hemline.runtime.fragments.preview import Pass

_DEVICES = ("mobile", "tablet", "desktop")
_COUNTRY, _LANGUAGE = re.compile(r"[A-Z]{2}"), re.compile(r"[a-z]{2,3}")
_ID = re.compile(r"([uv]:)?[\x21-\x7e]{1,128}")


class PreviewOptions(NamedTuple):
    """The options as given. An empty one leaves the request's own value."""

    visitor: str = ""
    country: str = ""
    device: str = ""
    language: str = ""
    region: str = ""
    place: str = ""
    time_zone: str = ""
    at: str = ""
    segments: tuple[str, ...] = ()


def pass_for(stated: PreviewOptions, minutes: int) -> Pass:
    """A pass that is valid for `minutes` from now. Raises BadInput for an impossible value."""
    latitude, longitude = _place(stated.place)
    return Pass(
        until=time.time_ns() // 1_000_000 + minutes * MINUTE_MS,
        visitor=_fits("--visitor", _ID, stated.visitor, "u:NAME or a visitor's id").removeprefix(
            "v:"
        ),
        country=_fits("--country", _COUNTRY, stated.country.upper(), "two letters such as DE"),
        device=_one_of("--device", stated.device, _DEVICES),
        language=_fits("--language", _LANGUAGE, stated.language.lower(), "a language such as de"),
        region=stated.region,
        latitude=latitude,
        longitude=longitude,
        time_zone=_zone(stated.time_zone),
        segments=stated.segments,
        at=_moment(stated.at),
    )


def _fits(option: str, pattern: re.Pattern[str], text: str, example: str) -> str:
    if text and not pattern.fullmatch(text):
        raise BadInput(option, f"{text[:64]!r} is none.", f"Use {example}.")
    return text


def _one_of(option: str, text: str, known: tuple[str, ...]) -> str:
    if text and text not in known:
        raise BadInput(option, f"{text[:64]!r} is none.", f"Use {', '.join(known)}.")
    return text


def _zone(text: str) -> str:
    if text and text not in available_timezones():
        way_out = "Use a name such as Europe/London."
        raise BadInput("--time-zone", f"{text[:64]!r} is none.", way_out)
    return text


def _place(text: str) -> tuple[float | None, float | None]:
    if not text:
        return None, None
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        latitude = longitude = float("nan")
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise BadInput("--place", f"{text[:64]!r} is none.", "Use LATITUDE,LONGITUDE.")
    return latitude, longitude


def _moment(text: str) -> int:
    """Epoch ms; 0 when the text is empty."""
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        way_out = "Use such as '2026-12-24 18:00' (UTC) or '2026-12-24T18:00+01:00'."
        raise BadInput("--at", f"{text[:64]!r} is no time.", way_out) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1000
