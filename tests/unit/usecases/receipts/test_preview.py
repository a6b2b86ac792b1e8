"""A preview reads no more of a visitor than their own request would."""

import pytest

from hemline.model.decision import Visit
from hemline.model.errors import BadInput
from hemline.model.events.event import Event, Record
from hemline.model.site.alert import Frequency, Opens
from hemline.model.site.rule import Condition, Rule, Segment
from hemline.model.site.slot import Slot, Variant
from hemline.usecases.ports import ServingRead
from hemline.usecases.receipts import preview as module
from hemline.usecases.serving.decide_page import Deps
from tests.builders.editions import KEYS, NOW, SITE, build, catalogue
from tests.harness.deciding import acts, ask, live, table_with

SLOTS = (Slot("for-you"),)


CAPPED = Slot(
    "leaving",
    kind="alert",
    variants=(Variant("wait", {"headline": "Wait"}),),
    frequency=Frequency(times=1, days=7, quiet_days=30),
    opens=Opens("exit", 5),
)
NEAR = Segment("near", (Condition("trait.country", "eq", "DE"),))


class Watched:
    """A table that remembers whom it was asked about."""

    def __init__(self) -> None:
        self.table = table_with(acts("v:ann", ["i1"]))
        self.asked: list[str | None] = []

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        self.asked.append(subject)
        return self.table.read_for_serving(site, subject, pointer=pointer, timeout=timeout)


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


def test_whoever_is_in_a_segment_of_the_site_file_is_previewed_at_any_time() -> None:
    loyal = Segment("loyal", (Condition("visitor.count.purchase", "ge", 3),))
    seen = Rule("theirs", "exclude", item="i1", segments=("loyal",))
    night = Rule("night", "exclude", item="i2", until=NOW - 60_000)
    edition = build(catalogue(6), SLOTS, segments=(loyal,), site_rules=[seen, night])
    deps = Deps(SITE, table_with(), live(edition), KEYS, 0.05)

    def items(now: int, *segments: str) -> set[str]:
        found = module.preview(ask("for-you"), Visit("v:new", True), deps, now, segments)
        return set(found.decided.fragments["for-you"].items)

    assert {"i1", "i2"} <= items(NOW)
    assert items(NOW) - items(NOW, "loyal") == {"i1"}
    assert items(NOW) - items(NOW - 180_000) == {"i2"}
    with pytest.raises(BadInput, match="It has: loyal"):
        items(NOW, "nowhere")


@pytest.mark.parametrize("consent", [None, False])
@pytest.mark.parametrize("default", [True, False])
def test_a_segment_shows_an_alert_with_a_cap_whoever_looks(
    consent: bool | None, *, default: bool
) -> None:
    """Where nobody can count, nothing is shown: so a preview by segment never showed any."""
    edition = build(catalogue(6), [CAPPED], segments=(NEAR,), consent_default=default)
    table = Watched()
    deps = Deps(SITE, table, live(edition), KEYS, 0.05)
    found = module.preview(ask("leaving"), Visit(None, consent), deps, NOW, ["near"])
    assert b'"name":"wait"' in found.decided.fragments["leaving"].body
    assert table.asked == [None], "nobody is read"
    nobody = module.preview(ask("leaving"), Visit(None, consent), deps, NOW)
    assert b'"variant":null' in nobody.decided.fragments["leaving"].body
    assert "not known" in nobody.explanations["leaving"].left[0]


def test_a_visitor_who_is_named_is_previewed_with_their_own_cap() -> None:
    edition = build(catalogue(6), [CAPPED], segments=(NEAR,))
    time = NOW - 60_000
    shown = Record(SITE, "v:ann", time, Event("e", "exposure", time), capped="leaving")
    deps = Deps(SITE, table_with([shown]), live(edition), KEYS, 0.05)
    found = module.preview(ask("leaving"), Visit("v:ann", None), deps, NOW, ["near"])
    assert b'"variant":null' in found.decided.fragments["leaving"].body
    assert found.explanations["leaving"].left[0].startswith("frequency: seen 1 times")
