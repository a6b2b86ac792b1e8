"""Escapes a value for each context of a template; the only place where template values are escaped.

Values are text, number, flag, list or None; any other type shows as nothing.
"""

import math
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec

from hemline.decide.render.markup import ENTITIES, SPECIAL, escape
from hemline.decide.render.web import safe_url
from hemline.model.site.template import EscapeContext

_PLAIN_URL = re.compile(r"(?:https?://|/)[A-Za-z0-9._~/?=%#+,;@!$()*:-]*", re.ASCII).fullmatch
"""Fast path: addresses that need neither a scheme check nor cleaning; most match."""
_encode = msgspec.json.Encoder().encode


def said(value: object) -> str:
    """Plain text: empty for None, numbers without a needless `.0`."""
    if value.__class__ is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value).removesuffix(".0")
    return value if isinstance(value, str) else ""


def _text(value: object) -> str:
    # Inlined `escape(said(value))`: most holes do this, and a call costs as much as the work.
    text = value if value.__class__ is str else said(value)
    return text.translate(ENTITIES) if SPECIAL(text) else text


def _url(value: object) -> str:
    return escape(address(said(value)))


def address(text: str) -> str:
    """The address if its scheme runs no code, else `#`."""
    return text if _PLAIN_URL(text) else safe_url(text.strip().replace(" ", "%20"))


def _part(value: object) -> str:
    text = said(value)
    # As a path segment these two would climb, even percent-encoded.
    return "" if text in {".", ".."} else quote(text, safe="", errors="replace")


def _srcset(value: object) -> str:
    # A blank would end the address, a comma the picture.
    return escape(address(said(value)).replace(",", "%2C"))


def _script(value: object) -> str:
    """A JSON value that is also JavaScript; nothing in it ends a script or a line."""
    text = _encode(_json(value)).decode()
    for found, written in _IN_SCRIPTS:
        text = text.replace(found, written)
    return f" {text} "


def _json(value: object) -> object:
    """The value as JSON can hold it; None for anything else."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_json(one) for one in value]
    return value if isinstance(value, bool | int) else None


_IN_SCRIPTS = (
    ("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"),
    ("\u2028", "\\u2028"), ("\u2029", "\\u2029"),
)  # fmt: skip

ESCAPES: Mapping[EscapeContext, Callable[[object], str]] = {
    "text": _text,
    "attribute": _text,
    "url": _url,
    "part": _part,
    "srcset": _srcset,
    "script": _script,
}
"""Context → its escape function."""
