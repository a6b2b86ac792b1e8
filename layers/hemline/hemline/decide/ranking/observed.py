"""How a slot of items was filled: the record that an observer of a decision gets, once per slot."""

from collections.abc import Callable
from typing import NamedTuple

from hemline.decide.facts.facts import Facts
from hemline.decide.ladder import Step
from hemline.decide.ranking.explore import Explored
from hemline.decide.rules.eligibility import Eligibility
from hemline.learn.array_types import Ints
from hemline.model.decision import SlotRequest
from hemline.model.site.slot import Slot


class Chosen(NamedTuple):
    """The steps of one slot, in order; item indices throughout."""

    slot: Slot
    """The slot as decided, with the brake applied."""
    slot_request: SlotRequest
    facts: Facts
    taken: tuple[int, ...]
    """Item indices that earlier slots of the page show."""
    blocked: Ints
    """Item indices that the brake blocks."""
    eligible: Eligibility
    step: Step
    varied: list[int]
    """The ranking after diversity and exploration."""
    explored: Explored | None
    shown: list[int]


Watch = Callable[[Chosen], None]
