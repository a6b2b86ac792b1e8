"""The one read of a decision: of the visitor only where a slot may look, and never without consent."""

import pytest

from hemline.model.decision import Visit
from hemline.model.errors import UnknownSlot
from hemline.model.site.slot import Slot
from hemline.usecases.ports import ServingRead
from hemline.usecases.serving.decide_page import Deps, decide
from tests.builders.editions import KEYS, NOW, SITE, build, catalogue
from tests.harness.deciding import ask, live

EDITION = build(catalogue(6), [Slot("shelf", personal=False), Slot("for-you")])


class Watched:
    """A table that remembers whom it was asked for."""

    def __init__(self) -> None:
        self.subjects: list[str | None] = []

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        self.subjects.append(subject)
        return ServingRead(None, None)


@pytest.mark.parametrize(
    ("slots", "consent", "read"),
    [
        (("for-you",), None, ["v:ann"]),
        (("for-you",), False, []),
        (("shelf", "for-you"), True, ["v:ann"]),
        (("shelf",), True, []),
    ],
)
def test_the_visitor_is_read_once_and_only_where_a_slot_may_look(
    slots: tuple[str, ...], consent: bool | None, read: list[str]
) -> None:
    table = Watched()
    deps = Deps(SITE, table, live(EDITION), KEYS, 0.05)
    decide(ask(*slots), Visit("v:ann", consent), deps, NOW)
    assert table.subjects == read


def test_nobody_is_read_for_a_slot_that_does_not_exist() -> None:
    table = Watched()
    deps = Deps(SITE, table, live(EDITION), KEYS, 0.05)
    with pytest.raises(UnknownSlot):
        decide(ask("nowhere"), Visit("v:ann", consent=True), deps, NOW)
    assert table.subjects == []


def test_a_slot_that_does_not_exist_is_told_beside_those_that_do() -> None:
    deps = Deps(SITE, Watched(), live(EDITION), KEYS, 0.05)
    known = next(iter(EDITION.header.slots)).name
    found = decide(ask("nowhere", known, "neither"), Visit("v:ann", consent=True), deps, NOW)
    assert list(found.fragments) == [known]
    assert [error.field for error in found.errors] == ["slots[0].name", "slots[2].name"]
    alone = decide(ask(known), Visit("v:ann", consent=True), deps, NOW)
    assert alone.fragments == found.fragments, "what does not exist changes nothing of the others"
    assert alone.errors == ()
