"""A value as text for each context of a template: the one place where it is made harmless.

Values are plain data; what is none of text, number, flag, list or nothing shows as nothing.
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
"""What needs neither a look at its scheme nor escaping: most addresses are so."""
_encode = msgspec.json.Encoder().encode


def said(value: object) -> str:
    """Plain text: nothing for what is not there, numbers without a needless `.0`."""
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
    # As `escape(said(value))`; it is what most holes do, and a call costs as much as its work.
    text = value if value.__class__ is str else said(value)
    return text.translate(ENTITIES) if SPECIAL(text) else text


def _url(value: object) -> str:
    return escape(address(said(value)))


def address(text: str) -> str:
    """An address whose scheme runs nothing; `#` for every other."""
    return text if _PLAIN_URL(text) else safe_url(text.strip().replace(" ", "%20"))


def _part(value: object) -> str:
    text = said(value)
    # Between slashes these two would climb, whatever they are written as.
    return "" if text in {".", ".."} else quote(text, safe="", errors="replace")


def _srcset(value: object) -> str:
    # A blank would end the address, a comma the picture.
    return escape(address(said(value)).replace(",", "%2C"))


def _script(value: object) -> str:
    """A JSON value, which JavaScript reads as the same; nothing in it ends a script or a line."""
    text = _encode(_json(value)).decode()
    for found, written in _IN_SCRIPTS:
        text = text.replace(found, written)
    return f" {text} "


def _json(value: object) -> object:
    """What JSON can say of it."""
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
"""Context → what a value is written as there."""
