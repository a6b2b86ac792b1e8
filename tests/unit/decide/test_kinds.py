"""The tables of slot kinds are complete: no kind lacks its row in any of them."""

from typing import get_args

from hemline.decide.kinds import BEHAVIOURS
from hemline.decide.templates import slot
from hemline.decide.templates.names import ROOTS
from hemline.model.site.kinds import ACTIONS, KINDS, Fills, KindName
from hemline.sitefile.schema import AnySlot


def test_every_kind_has_a_row_and_a_place_in_the_site_file() -> None:
    union = get_args(AnySlot)[0]
    in_the_file = [get_args(member)[1].tag for member in get_args(union)]
    assert list(KINDS) == list(get_args(KindName)) == in_the_file


def test_what_kinds_are_filled_with_has_a_behaviour_rule_actions_and_template_data() -> None:
    every = set(get_args(Fills))
    assert {kind.fills for kind in KINDS.values()} == every
    assert set(BEHAVIOURS) == set(ACTIONS) == every
    assert set(ROOTS) == {*KINDS, "any"}
    assert set(slot._DATA) == every


def test_a_kind_names_no_action_that_is_never_read() -> None:
    # Restrictions of items reach a variant by the item that it names, so `list` counts as well.
    for kind in KINDS.values():
        assert kind.actions <= ACTIONS[kind.fills] | ACTIONS["list"]
