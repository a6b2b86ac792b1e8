"""Request traits from headers: only what a CDN can key on, and the header that each comes from."""

import re

from hemline.model.decision import Traits
from hemline.runtime.http import Request

_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"\s*([a-z]{2,3})(?![a-z])", re.IGNORECASE | re.ASCII)

VARY: dict[str, str] = {
    "trait.country": "CloudFront-Viewer-Country",
    "trait.device": "CloudFront-Is-Mobile-Viewer, CloudFront-Is-Tablet-Viewer, Sec-CH-UA-Mobile",
    "trait.language": "Accept-Language",
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
    )


def _device(request: Request) -> str:
    if request.header("cloudfront-is-tablet-viewer") == "true":
        return "tablet"
    mobile = request.header("cloudfront-is-mobile-viewer") == "true"
    return "mobile" if mobile or request.header("sec-ch-ua-mobile") == "?1" else "desktop"
