"""JSON Schema bounds for what the fragments function checks itself, in order to explain the error.

The structs do not state these bounds, but the published contract must. A page's own fields never make a
call fail: values that are ignored or cut are reported in `errors`.
"""

from typing import Any

from hemline.runtime.fragments.page_input import MOST_EXCLUDED, MOST_NAME, MOST_TEXT
from hemline.runtime.fragments.request import MOST_CANDIDATES, MOST_CURSOR, MOST_ITEMS, MOST_SLOTS

Schema = dict[str, Any]

LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}
CURSOR = {"type": "string", "maxLength": MOST_CURSOR}
_REPORTED = "others are ignored and reported in errors"
NAME = f"at most {MOST_NAME} characters: a longer one is ignored and reported in errors"
TEXT = f"at most {MOST_TEXT} characters are read: a longer one is cut and reported in errors"


def id_list_text(most: int) -> str:
    """The description of a list of ids."""
    return f"at most {most} ids, each of 1 to 128 printable ASCII characters: {_REPORTED}"


def _described(says: str, *names: str) -> dict[str, Schema]:
    return {name: {"description": says} for name in names}


BOUNDS: dict[str, dict[str, Schema]] = {
    "PageBody": {"slots": {"minItems": 1, "maxItems": MOST_SLOTS}},
    "SlotInput": {
        "limit": {"anyOf": [LIMIT, {"type": "null"}]},
        "after": {"anyOf": [CURSOR, {"type": "null"}]},
        **_described(id_list_text(MOST_CANDIDATES), "candidates"),
        **_described(id_list_text(MOST_EXCLUDED), "exclude"),
    },
    "PageInput": {
        **_described(id_list_text(MOST_EXCLUDED), "cart", "owned", "seen"),
        **_described(NAME, "item", "category"),
        **_described(TEXT, "type", "url", "referrer", "app_version"),
    },
}
"""Schema → property → the keywords to add to it."""
