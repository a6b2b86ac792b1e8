"""The page's own input: valid values are used, long ones are cut, and invalid ones are reported.

The cart comes from a session and the URL from the author of a link, so a bad value must not cost the
visitor the slots of the page. Every text is bounded, since rules read it and anybody can send it.
"""

from typing import Any

import msgspec

from hemline.model.decision import PageContext
from hemline.model.errors import BadInput
from hemline.model.ids import is_id

MOST_TEXT = 2048
"""Characters of a URL, referrer, page type or app version that are kept."""
MOST_NAME = 128
"""Characters of an item id or a category; longer ones are left out."""
MOST_EXCLUDED = 500
"""Ids in a list."""
_AN_ID = "Ids are texts of 1 to 128 printable ASCII characters."


class PageInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page that shows the fragment, as the caller describes it. null is the same as absent."""

    type: str | None = None
    url: str | None = None
    item: str | int | float | None = None
    category: str | int | float | None = None
    cart: list[Any] | None = None
    owned: list[Any] | None = None
    """Item ids that the visitor owns: left out of personal slots, except of a category's full list."""
    seen: list[Any] | None = None
    """Item ids that the visitor has seen elsewhere: left out of all personal slots."""
    referrer: str | None = None
    """URL of the page before this one."""
    app_version: str | None = None
    """Version of the app that shows the page, such as 2.3.0."""


class Taken:
    """Takes the valid values and collects an error for each value that it left out or cut."""

    def __init__(self) -> None:
        self.left_out: list[BadInput] = []

    def page(self, stated: PageInput, prefix: str, type_: str) -> PageContext:
        """The valid part of `stated`. `prefix` and `type_`: the caller's field names, for the errors."""
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
        """The first `most` valid ids of the list."""
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
