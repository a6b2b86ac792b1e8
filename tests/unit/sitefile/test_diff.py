"""A comparison of two site files names every difference, and counts visitors as decisions would."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hemline.decide.engine import Engine
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.rules.eligibility import Rules
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.site.rule import Condition, Rule, Segment
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot, Variant
from hemline.sitefile.reader import check
from hemline.sitefile.review.compare import changes
from hemline.usecases.sites.reach import Reach, Sides, change_reaches, share, slots
from hemline.usecases.sites.recent_visitors import SampleSize, VisitorSample, sample
from tests.builders.editions import NOW, SITE, build, catalogue
from workbench import cli
from workbench.seed import demo_events

DAY = 86_400_000
GB = (Condition("trait.country", "eq", "GB"),)
ROW, TOP = (
    Slot("row", limit=3, sources=("popular",)),
    Slot("top", limit=3, personal=False, sources=("popular",)),
)
OLD = Site("Shop", "EUR", slots=(ROW, TOP), rules=(Rule("b", "block", item="i1"),))


def click(who: str, item: str, country: str, time: int = NOW - DAY) -> Record:
    event = Event(f"{who}{item}{time}", "click", time, item=item, lines=(OrderLine(item),))
    return Record(SITE, f"v:{who}", time, event, country=country, device="mobile")


HISTORY = [
    *(click(f"gb{n}", "i2", "GB") for n in range(3)),
    *(click(f"de{n}", "i3", "DE") for n in range(5)),
    # Here before, and once more: returning at the second moment.
    click("back", "i3", "FR", NOW - 3 * DAY),
    click("back", "i2", "FR"),
    # Too long ago to be a recent visitor.
    click("old", "i2", "GB", NOW - 40 * DAY),
]


def people(most: int = 100) -> VisitorSample:
    return sample(HISTORY, {"i2": "c2", "i3": "c3"}, SampleSize(most))


def sides(new: Site, old: Site = OLD) -> Sides:
    return Sides(old, new, (engine(old), engine(new)))


def engine(site: Site) -> Engine:
    made = build(catalogue(8), site.slots, site_rules=site.rules, history=HISTORY)
    snapshot = Snapshot(made)
    return Engine(snapshot, Rules(snapshot), None)


def reach_of(rule: Rule, segments: tuple[Segment, ...] = ()) -> Reach:
    new = Site("Shop", "EUR", slots=OLD.slots, rules=(*OLD.rules, rule), segments=segments)
    (one,) = [t for t in change_reaches(sides(new), people()) if t.change.name == rule.name]
    assert one.reach is not None
    return one.reach


def test_every_difference_is_named() -> None:
    new = Site(
        "Shop",
        "GBP",
        slots=(Slot("row", limit=4, sources=("popular",)), Slot("extra")),
        rules=(Rule("c", "cap"), Rule("b", "block", item="i2")),
    )
    found = [(c.kind, c.name, c.what, [f.field for f in c.fields]) for c in changes(OLD, new)]
    assert found == [
        ("site", "Shop", "changed", ["currency"]),
        ("slot", "row", "changed", ["limit"]),
        ("slot", "extra", "added", []),
        ("slot", "top", "removed", []),
        ("rule", "c", "added", []),
        ("rule", "b", "changed", ["item"]),
    ]
    assert changes(OLD, OLD) == []
    two = Site(rules=(Rule("a", "cap"), Rule("b", "cap")))
    assert [c.what for c in changes(two, Site(rules=two.rules[::-1]))] == ["moved"]


@pytest.mark.parametrize(
    ("rule", "touched"),
    [
        (Rule("r", "cap"), 9),
        (Rule("r", "cap", when=GB), 3),
        (Rule("r", "cap", when=(Condition("page.category", "eq", "c3"),)), 6),
        (Rule("r", "cap", when=(Condition("visitor.returning", "eq", value=True),)), 1),
        (Rule("r", "cap", when=(Condition("trait.country", "eq", "US"),)), 0),
        (Rule("r", "cap", segments=("brits",)), 3),
        # A slot that is not personal knows no visitor, so the rule never holds there.
        (Rule("r", "cap", ("top",), when=(Condition("visitor.returning", "eq", value=True),)), 0),
        # Its dates do not count: a rule of next month has a reach too.
        (Rule("r", "cap", when=GB, since=NOW + 30 * DAY), 3),
    ],
)
def test_a_rule_reaches_those_for_whom_it_would_have_held(rule: Rule, touched: int) -> None:
    assert reach_of(rule, (Segment("brits", GB),)) == Reach(touched / 9, 0.0)


def test_what_the_archive_does_not_tell_is_not_guessed() -> None:
    found = reach_of(Rule("r", "cap", when=(Condition("page.url", "eq", "/"),)))
    assert (found.share, found.why) == (None, "the archive does not tell page.url")
    inside = Segment("home", (Condition("page.url", "eq", "/"),))
    found = reach_of(Rule("r", "cap", segments=("home",)), (inside,))
    assert found.why == "the archive does not tell page.url"


def test_a_slot_counts_who_would_be_shown_something_else() -> None:
    rules = (*OLD.rules, Rule("r", "block", ("row",), item="i3", when=GB))
    found = slots(sides(Site("Shop", "EUR", slots=OLD.slots, rules=rules)), people(), NOW)
    assert [(one.slot, one.reach.share) for one in found] == [("row", 3 / 9), ("top", 0.0)]
    # Those who look at i3 are not shown it anyway.
    later = (*OLD.rules, Rule("r", "block", ("row",), item="i3", since=NOW + DAY))
    new = Site("Shop", "EUR", slots=OLD.slots, rules=later)
    assert [one.reach.share for one in slots(sides(new), people(), NOW)] == [0.0, 0.0]
    assert slots(sides(new), people(), NOW + 2 * DAY)[0].reach.share == 4 / 9


def test_a_changed_variant_counts_those_who_get_it() -> None:
    def hero(name: str) -> Site:
        variants = (Variant(name, when=GB), Variant("plain"))
        return Site("Shop", "EUR", slots=(Slot("hero", kind="content", variants=variants),))

    found = slots(sides(hero("new"), hero("old")), people(), NOW)
    assert [one.reach.share for one in found] == [3 / 9]


def test_the_sample_repeats_and_states_its_error() -> None:
    few = people(4)
    assert few == people(4)
    assert (len(few.visitors), few.population) == (4, 9)
    found = share(1, few)
    assert found.share == 0.25
    assert found.error == pytest.approx(math.sqrt(0.3 * 0.7 / 3 * (1 - 4 / 9)))
    none = share(0, few).error
    assert none is not None
    assert none > 0.1
    assert share(0, VisitorSample((), 0, 14)).share is None


LATER = 1_790_000_000_000
"""In 2026, when the demo's whole catalogue is out."""
SITE_FILE = Path(__file__).resolve().parents[3] / "workbench/demo/site.yaml"


def test_the_command_compares_two_files_over_a_history(tmp_path: Path) -> None:
    history = tmp_path / "events.jsonl"
    history.write_bytes(b"\n".join(bytes(e) for e in demo_events(LATER, 40)))
    changed = tmp_path / "new.yaml"
    text = SITE_FILE.read_text()
    assert check(text).site is not None
    changed.write_text(text.replace("    count: 3\n", "    count: 1\n", 1))
    arguments = ["site", "diff", str(SITE_FILE), str(changed), "--events", str(history), "--json"]
    arguments += ["--at", "2026-09-21T13:30:00", "--visitors", "20"]
    result = CliRunner().invoke(cli.build(), arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [one["change"]["name"] for one in found["changes"]] == ["not-one-shelf"]
    assert found["changes"][0]["reach"]["share"] == 1.0
    assert found["sample"]["visitors"] == 20 <= found["sample"]["population"]
    touched = {one["slot"]: one["reach"]["share"] for one in found["slots"]}
    assert touched["hero"] == touched["category"] == 0.0
    assert touched["for-you"] > 0.0
    same = CliRunner().invoke(cli.build(), [*arguments[:3], str(SITE_FILE), *arguments[4:6]])
    assert "nothing differs" in same.stdout
