"""Why an item is shown, in words that are true: of what the visitor did, and of items without a title."""

from collections.abc import Sequence

import msgspec
import pytest

from hemline.decide.render import reasons
from hemline.learn.profile.fold import TYPES
from hemline.model.events.event import LEVEL_OF_EVENT, InteractionLevel
from hemline.model.item import Item
from hemline.model.site.slot import Slot
from tests.builders.editions import ScoreByPrice, build, catalogue, with_fields
from tests.harness.deciding import acts, ask, decide_for, table_with

SLOT = Slot("row", sources=("recent_together",), limit=4)
HISTORY = [one for n in range(9) for one in acts(f"v:{n}", ["i0", "i1", "i2"])]
DID = [kind for kind in TYPES if LEVEL_OF_EVENT[kind] is not InteractionLevel.SHOWN]


def items_with(title: str) -> list[Item]:
    """`i0` has this title."""
    first, *others = catalogue(6)
    return [with_fields(first, title=title), *others]


def said(items: Sequence[Item], *did: str) -> set[str]:
    """The reasons of what goes with `i0`, for a visitor who did this with it."""
    edition = build(items, [SLOT], history=HISTORY)
    mine = [one for n, kind in enumerate(did) for one in acts("v:x", ["i0"], kind, 1_000_000 + n)]
    found = decide_for("v:x", ask("row"), edition, table_with(mine), ScoreByPrice())
    body = msgspec.json.decode(found.fragments["row"].body)
    assert body["rung"] == "model"
    return {one["reason"] for one in body["items"] if one["id"] != "i0"}


@pytest.mark.parametrize("kind", DID)
def test_the_sentence_says_what_was_done(kind: str) -> None:
    deed = {"purchase": "bought", "add_to_cart": "picked", "wishlist": "picked"}
    assert said(items_with("A lamp"), kind) == {f"Because you {deed.get(kind, 'looked at')} A lamp"}


def test_the_deepest_deed_counts_whatever_came_last() -> None:
    lamp = items_with("A lamp")
    assert said(lamp, "purchase", "add_to_cart", "view") == {"Because you bought A lamp"}
    assert said(lamp, "add_to_cart", "view", "view") == {"Because you picked A lamp"}


@pytest.mark.parametrize("title", ["", " ", "\u00a0\t", "\u2003"])
@pytest.mark.parametrize("kind", ["view", "wishlist", "purchase"])
def test_an_item_without_a_title_is_not_named(title: str, kind: str) -> None:
    (sentence,) = said(items_with(title), kind)
    assert sentence.startswith("Because of what you ")
    assert sentence == sentence.strip()


def test_blanks_around_a_title_are_no_part_of_the_sentence() -> None:
    assert said(items_with(" A lamp\n"), "view") == {"Because you looked at A lamp"}


def test_this_finds_a_sentence_that_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded bug: as it was, of every item and deed."""
    monkeypatch.setattr(reasons, "_because", lambda _v, _i, title: f"Because you looked at {title}")
    assert said(items_with(""), "purchase") == {"Because you looked at "}
