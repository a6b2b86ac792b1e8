"""Request traits from headers: only those that a CDN can put in its cache key."""

import re

from hemline.model.decision import Traits
from hemline.runtime.http import HttpRequest

_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(
    r"([a-z]{2,3})(?![a-z])[^;]*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?",
    re.IGNORECASE | re.ASCII,
)
"""One entry of Accept-Language: the primary language, and its weight q from 0 to 1."""
_MOST_CHARACTERS = 100  # of a header's value; a longer text counts as unknown
_MOST_LANGUAGES = 20  # entries of Accept-Language that are read

_LATITUDE, _LONGITUDE = "CloudFront-Viewer-Latitude", "CloudFront-Viewer-Longitude"
_ZONE = "CloudFront-Viewer-Time-Zone"

VARY: dict[str, str] = {
    "trait.country": "CloudFront-Viewer-Country",
    "trait.device": "CloudFront-Is-Mobile-Viewer, CloudFront-Is-Tablet-Viewer, Sec-CH-UA-Mobile",
    "trait.language": "Accept-Language",
    "trait.region": "CloudFront-Viewer-Country-Region",
    "trait.city": "CloudFront-Viewer-City",
    "trait.lat": _LATITUDE,
    "trait.lon": _LONGITUDE,
    "trait.place": f"{_LATITUDE}, {_LONGITUDE}",
    "trait.time_zone": _ZONE,
    "trait.hour": _ZONE,
    "trait.weekday": _ZONE,
    "trait.date": _ZONE,
    "trait.season": f"{_ZONE}, {_LATITUDE}, CloudFront-Viewer-Country",
}
"""Trait fact → the headers that it is read from, for caches that honour Vary. CloudFront does not: its
cache policy has to name them."""


def traits_of(request: HttpRequest) -> Traits:
    """Unknown texts are empty, unknown degrees None. Device: `mobile`, `tablet` or `desktop`."""
    country = request.header("cloudfront-viewer-country").upper()
    return Traits(
        country=country if _COUNTRY.fullmatch(country) else "",
        device=_device(request),
        language=_language(request.header("accept-language")),
        region=_text(request, "cloudfront-viewer-country-region"),
        city=_text(request, "cloudfront-viewer-city"),
        latitude=_degrees(request, "cloudfront-viewer-latitude", 90),
        longitude=_degrees(request, "cloudfront-viewer-longitude", 180),
        time_zone=_text(request, "cloudfront-viewer-time-zone"),
    )


def _language(accepted: str) -> str:
    """The language of the highest weight, the first of equals (RFC 9110, 12.5.4). `*` is ignored."""
    dearest, most = "", 0.0
    for entry in accepted.split(",", _MOST_LANGUAGES)[:_MOST_LANGUAGES]:
        named = _LANGUAGE.fullmatch(entry.strip())
        weight = float(named.group(2) or 1) if named else 0.0
        if named and weight > most:
            dearest, most = named.group(1).lower(), weight
    return dearest


def _text(request: HttpRequest, header: str) -> str:
    value = request.header(header)
    return value if len(value) <= _MOST_CHARACTERS else ""


def _degrees(request: HttpRequest, header: str, most: int) -> float | None:
    """None when it is not a number from -`most` to `most`."""
    try:
        degrees = float(request.header(header)[:_MOST_CHARACTERS])
    except ValueError:
        return None
    return degrees if -most <= degrees <= most else None


def _device(request: HttpRequest) -> str:
    if _says(request, "cloudfront-is-tablet-viewer", "true"):
        return "tablet"
    mobile = _says(request, "cloudfront-is-mobile-viewer", "true")
    return "mobile" if mobile or _says(request, "sec-ch-ua-mobile", "?1") else "desktop"


def _says(request: HttpRequest, header: str, word: str) -> bool:
    """Whether the value is `word`. The gateway joins repeats with a comma; all must be `word` then."""
    value = request.header(header)
    return value == word or {part.strip() for part in value.split(",", 4)} == {word}
