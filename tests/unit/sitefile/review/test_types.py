"""A rule that compares text with numbers never means what it says: the check tells it."""

import pytest

from hemline.model.item import Item
from hemline.model.site.rule import Condition, Operand, Operator, Rule
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.sitefile.review.site import Against, review
from tests.builders.editions import NOW

NUMBERS = [Item(f"n{n}", attributes={"rating": n + 0.5}, tags=("2024",)) for n in range(3)]
TEXTS = [Item(f"t{n}", attributes={"rating": f"{n}.5"}, tags=("2024",)) for n in range(3)]


def told(rule: Rule, items: list[Item]) -> list[str]:
    site = Site(title="A", currency="EUR", slots=(Slot("top"),), rules=(rule,))
    return [one.problem for one in review(site, Against(NOW, items)) if one.code == "type"]


def rule(op: Operator, value: Operand, attribute: str = "rating") -> Rule:
    return Rule("one", "exclude", attribute=attribute, op=op, value=value)


@pytest.mark.parametrize(
    ("op", "value"), [("le", 3.5), ("eq", 2.5), ("ne", 1), ("in", [1, 2.5]), ("between", [1, 2])]
)
def test_a_number_held_against_texts_is_told(op: Operator, value: Operand) -> None:
    (problem,) = told(rule(op, value), [*TEXTS, *NUMBERS])
    assert problem == (
        "it compares rating with a number, and 3 of 6 values in the catalogue are text."
    )
    assert not told(rule(op, value), NUMBERS)


@pytest.mark.parametrize(("op", "value"), [("eq", "2.5"), ("in", ["1.5"]), ("starts_with", "2")])
def test_a_text_held_against_numbers_is_told(op: Operator, value: Operand) -> None:
    (problem,) = told(rule(op, value), NUMBERS)
    assert "compares rating with text" in problem
    assert not told(rule(op, value), TEXTS)


def test_a_condition_in_where_is_looked_at_too() -> None:
    where = (Condition("item.rating", "le", 3.5),)
    assert told(Rule("one", "exclude", where=where), TEXTS)
    assert not told(Rule("one", "exclude", where=where), NUMBERS)


def test_a_tag_of_digits_is_text() -> None:
    assert told(rule("eq", 2024, "tag"), NUMBERS)
    assert not told(rule("eq", "2024", "tag"), NUMBERS)


def test_a_date_is_held_against_texts_and_epoch_milliseconds_alike() -> None:
    both = [
        Item("a", attributes={"drop": 1_772_360_100_000}),
        Item("b", attributes={"drop": "2026-03-01"}),
    ]
    assert not told(rule("ge", "2026-01-01", "drop"), both)
