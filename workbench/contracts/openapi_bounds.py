"""What the fragments function checks by hand, so that it can say the way out, as JSON Schema.

The structs that it decodes with do not say these bounds; the published contract must. What a page states
of itself has none that a call would fail for: what is not taken is told in `errors`.
"""

from typing import Any

from hemline.runtime.fragments.page_input import MOST_EXCLUDED, MOST_NAME, MOST_TEXT
from hemline.runtime.fragments.request import MOST_CANDIDATES, MOST_CURSOR, MOST_ITEMS, MOST_SLOTS

Schema = dict[str, Any]

LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}
CURSOR = {"type": "string", "maxLength": MOST_CURSOR}
_TOLD = "what is more, or none, is left out and told in errors"
NAME = f"at most {MOST_NAME} characters: one that is longer is left out and told in errors"
TEXT = f"at most {MOST_TEXT} characters are read: one that is longer is cut and told in errors"


def id_list_text(most: int) -> str:
    """What is said of a list of ids."""
    return f"at most {most} ids, each of 1 to 128 printable ASCII characters: {_TOLD}"


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
"""Schema → property → what is added to it."""
