"""Request traits from headers: only what a CDN can key on, and the header that each comes from."""

import re

from hemline.model.decision import Traits
from hemline.runtime.http import Request

_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"\s*([a-z]{2,3})(?![a-z])", re.IGNORECASE | re.ASCII)
_MOST_CHARACTERS = 100

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
"""Trait fact → the headers it was read from, for caches that honour Vary. (CloudFront does not: its
cache policy has to name them.)"""


def traits_of(request: Request) -> Traits:
    """Empty strings for what is not known. Device: `mobile`, `tablet` or `desktop`."""
    country = request.header("cloudfront-viewer-country").upper()
    language = _LANGUAGE.match(request.header("accept-language"))
    return Traits(
        country=country if _COUNTRY.fullmatch(country) else "",
        device=_device(request),
        language=language.group(1).lower() if language else "",
        region=_text(request, "cloudfront-viewer-country-region"),
        city=_text(request, "cloudfront-viewer-city"),
        latitude=_degrees(request, "cloudfront-viewer-latitude", 90),
        longitude=_degrees(request, "cloudfront-viewer-longitude", 180),
        time_zone=_text(request, "cloudfront-viewer-time-zone"),
    )


def _text(request: Request, header: str) -> str:
    value = request.header(header)
    return value if len(value) <= _MOST_CHARACTERS else ""


def _degrees(request: Request, header: str, most: int) -> float | None:
    """None for what is no number of degrees."""
    try:
        degrees = float(request.header(header)[:_MOST_CHARACTERS])
    except ValueError:
        return None
    return degrees if -most <= degrees <= most else None


def _device(request: Request) -> str:
    if request.header("cloudfront-is-tablet-viewer") == "true":
        return "tablet"
    mobile = request.header("cloudfront-is-mobile-viewer") == "true"
    return "mobile" if mobile or request.header("sec-ch-ua-mobile") == "?1" else "desktop"
