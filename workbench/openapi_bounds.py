"""What the fragments function checks by hand, so that it can say the way out, as JSON Schema.

The structs that it decodes with do not say these bounds; the published contract must.
"""

from typing import Any

from hemline.model.ids import ID_PATTERN
from hemline.runtime.fragments_in import (
    MOST_CANDIDATES,
    MOST_CHARACTERS,
    MOST_CURSOR,
    MOST_EXCLUDED,
    MOST_ITEMS,
    MOST_SLOTS,
)

Schema = dict[str, Any]

LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}
TEXT = {"type": "string", "maxLength": MOST_CHARACTERS}
_OPTIONAL_TEXT = {"anyOf": [TEXT, {"type": "null"}], "default": None}


def _ids(most: int) -> Schema:
    found = {"type": "string", "pattern": ID_PATTERN}
    return {"type": "array", "items": found, "maxItems": most, "default": []}


BOUNDS: dict[str, dict[str, Schema]] = {
    "PageBody": {"slots": {"minItems": 1, "maxItems": MOST_SLOTS}},
    "SlotRequest": {
        "limit": {"anyOf": [LIMIT, {"type": "null"}]},
        "candidates": _ids(MOST_CANDIDATES),
        "exclude": _ids(MOST_EXCLUDED),
        "after": {"maxLength": MOST_CURSOR},
    },
    "Page": {"item": _OPTIONAL_TEXT, "category": _OPTIONAL_TEXT}
    | {name: _ids(MOST_EXCLUDED) for name in ("cart", "owned", "seen")},
}
"""Schema → property → what is added to it."""

EXCLUDED = rf"^([\x21-\x2b\x2d-\x7e]{{1,128}}(,|$)|,){{0,{MOST_EXCLUDED}}}$"
"""Item ids with commas between them."""
