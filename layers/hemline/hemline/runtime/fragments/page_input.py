"""What a page states of itself: taken where it is right, cut where it is long, and the rest told.

A cart comes out of a session, an address from whoever wrote the link: neither may cost a visitor all
slots of the page. Every text has a bound, since rules read it and anybody may send it.
"""

from typing import Any

import msgspec

from hemline.model.decision import PageContext
from hemline.model.errors import BadInput
from hemline.model.ids import is_id

MOST_TEXT = 2048
"""Characters of an address, a referrer, a type or a version that are read."""
MOST_NAME = 128
"""Characters of an item's id and of a category."""
MOST_EXCLUDED = 500
"""Ids of a list."""
_AN_ID = "Ids are texts of 1 to 128 printable ASCII characters."


class PageInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the fragment will stand, as a page states it. null is as good as left out."""

    type: str | None = None
    url: str | None = None
    item: str | int | float | None = None
    category: str | int | float | None = None
    cart: list[Any] | None = None
    owned: list[Any] | None = None
    """What the visitor has for good: left out, but where a department shows all of itself."""
    seen: list[Any] | None = None
    """What the visitor was shown elsewhere and is to be shown no more: left out everywhere."""
    referrer: str | None = None
    """Where the visitor came to this page from."""
    app_version: str | None = None
    """Of the app that will show it, such as 2.3.0."""


class Taken:
    """Takes what is right, and remembers what was not."""

    def __init__(self) -> None:
        self.left_out: list[BadInput] = []

    def page(self, stated: PageInput, prefix: str, type_: str) -> PageContext:
        """`prefix` and `type_`: how the caller spells the fields, for what is told."""
        return PageContext(
            type=self._text(type_, stated.type),
            url=self._text(f"{prefix}url", stated.url),
            item=self._name(f"{prefix}item", stated.item),
            category=self._name(f"{prefix}category", stated.category),
            cart=self.ids(f"{prefix}cart", stated.cart, MOST_EXCLUDED),
            owned=self.ids(f"{prefix}owned", stated.owned, MOST_EXCLUDED),
            seen=self.ids(f"{prefix}seen", stated.seen, MOST_EXCLUDED),
            referrer=self._text(f"{prefix}referrer", stated.referrer),
            app_version=self._text(f"{prefix}app_version", stated.app_version),
        )

    def ids(self, field: str, stated: list[Any] | None, most: int) -> tuple[str, ...]:
        """The ids among what was stated, the first `most` of them."""
        if not stated:
            return ()
        found = [one for one in stated if isinstance(one, str) and is_id(one)]
        if len(found) < len(stated):
            at = next(
                n for n, one in enumerate(stated) if not isinstance(one, str) or not is_id(one)
            )
            left = len(stated) - len(found)
            reason = f"holds {left} that are no ids, the first at [{at}]: left out."
            self.left_out.append(BadInput(field, reason, _AN_ID))
        if len(found) > most:
            reason = f"holds {len(found)} ids: those after the first {most} are left out."
            self.left_out.append(BadInput(field, reason, f"Send at most {most}."))
        return tuple(found[:most])

    def _text(self, field: str, stated: str | None) -> str:
        if not stated:
            return ""
        if len(stated) > MOST_TEXT:
            reason = f"has {len(stated)} characters: those after the first {MOST_TEXT} are cut off."
            self.left_out.append(BadInput(field, reason, f"Send at most {MOST_TEXT}."))
        return stated[:MOST_TEXT]

    def _name(self, field: str, stated: object) -> str | None:
        if stated is None or (isinstance(stated, str) and len(stated) <= MOST_NAME):
            return stated
        reason = "is too long: left out." if isinstance(stated, str) else "is a number: left out."
        way_out = f"Send a text of at most {MOST_NAME} characters."
        self.left_out.append(BadInput(field, reason, way_out))
        return None
