"""A preview reads no more of a visitor than their own request would."""

import pytest

from hemline.model.decision import Visit
from hemline.model.slot import Slot
from hemline.usecases import preview as module
from hemline.usecases.decide_page import Deps
from hemline.usecases.ports import Hot
from tests.support.deciding import acts, ask, live, table_with
from tests.support.editions import KEYS, NOW, SITE, build, catalogue

SLOTS = (Slot("for-you"),)


class Watched:
    """A table that remembers whom it was asked about."""

    def __init__(self) -> None:
        self.table = table_with(acts("v:ann", ["i1"]))
        self.asked: list[str | None] = []

    def read_hot(self, site: str, subject: str | None, *, pointer: bool, timeout: float) -> Hot:
        self.asked.append(subject)
        return self.table.read_hot(site, subject, pointer=pointer, timeout=timeout)


@pytest.mark.parametrize(
    ("consent", "default", "read"),
    [(True, False, True), (None, True, True), (None, False, False), (False, True, False)],
)
def test_a_visitor_who_does_not_consent_is_not_read_for_a_preview_either(
    consent: bool | None, *, default: bool, read: bool
) -> None:
    edition = build(catalogue(6), SLOTS, consent_default=default)
    table = Watched()
    deps = Deps(SITE, table, live(edition), KEYS, 0.05)
    module.preview(ask("for-you"), Visit("v:ann", consent), deps, NOW)
    assert table.asked == ["v:ann" if read else None]
