"""An explanation says of each variant and each section why it stands where it does."""

import pytest

from hemline.model.brake import Brake, Stop
from hemline.model.decision import Visit
from hemline.model.errors import BadInput
from hemline.model.site.rule import Condition, Not, Rule
from hemline.model.site.slot import Slot, Variant
from hemline.usecases.receipts.explain import Explained, explain, why_not
from hemline.usecases.receipts.what_if import shown, what_if
from tests.builders.editions import catalogue
from tests.builders.receipts import World
from tests.harness.deciding import acts, ask
from workbench.receipts import tables

ANN = acts("v:ann", ["i1", "i5", "i9"])
GB, DE = Condition("trait.country", "eq", "GB"), Condition("trait.country", "eq", "DE")
DISTANT = Condition("page.type", "eq", "checkout")
VARIANTS = (
    Variant("sold-out", item="i7"),
    Variant("abroad", when=(Not(GB), DISTANT)),
    Variant("plain"),
    Variant("own", category="c1"),
)
HERO = Slot("hero", kind="content", variants=VARIANTS)
HOME = Slot("home", kind="layout", sections=("news", "c0", "c1", "help"))
ROW = Slot("row", limit=3)


def world(*rules: Rule) -> World:
    block = Rule("gone", "block", item="i7")
    made = World(catalogue(12), [HERO, HOME, ROW], history=ANN, site_rules=[block, *rules])
    made.arrive(ANN)
    return made


def told(here: World, slot: str, who: str = "v:ann") -> tuple[Explained, dict[str, str]]:
    fragment = here.decide(ask(slot), Visit(who, consent=True)).fragments[slot]
    found = explain(here.scene(fragment, who))
    assert found.choice
    return found, {one.name: one.why for one in found.choice.options}


def test_each_variant_has_its_reason() -> None:
    found, why = told(world(), "hero")
    assert found.choice
    assert [one.name for one in found.choice.options] == ["own", "sold-out", "abroad", "plain"]
    assert why == {
        "own": "shown: c1 is a category of the visitor's own",
        "sold-out": "its item may not appear",
        "abroad": 'its condition does not hold: not (trait.country eq "GB")',
        "plain": "own is nearer to the visitor",
    }


def test_without_history_the_first_is_shown_and_stands_before_the_others() -> None:
    _, why = told(world(), "hero", "v:new")
    assert why["plain"] == "shown: the first of those that may be shown"
    assert why["own"] == "plain stands before it"


def test_a_rule_that_chooses_is_named_at_what_it_chose_and_at_the_others() -> None:
    rules = [
        Rule("theirs", "variant", ("hero",), variant="plain"),
        Rule("never", "variant", ("hero",), variant="abroad", priority=5),
    ]
    found, why = told(world(*rules), "hero")
    assert why["plain"] == "shown: rule theirs (variant)"
    assert why["own"] == "rule theirs (variant) chose plain"
    assert found.choice
    assert {one.rule: one.did for one in found.choice.rules} == {
        "never": "named abroad, which is not what is shown",
        "theirs": "chose plain",
    }


def test_what_chance_chose_is_told_so() -> None:
    slot = Slot("hero", kind="content", variants=(Variant("a"), Variant("b")), explore=0.5)
    here = World(catalogue(4), [slot])
    _, why = told(here, "hero")
    assert sorted(text.partition(" ")[0] for text in why.values()) == ["a", "shown:"] or sorted(
        text.partition(" ")[0] for text in why.values()
    ) == ["b", "shown:"]
    assert all("by estimate or by chance" in text for text in why.values())


@pytest.mark.parametrize("slot", ["hero", "row"])
def test_a_rule_that_suppresses_a_slot_is_the_reason_of_all_of_it(slot: str) -> None:
    here = world(Rule("hide-it", "suppress", (slot,)))
    fragment = here.decide(ask(slot), Visit("v:ann", consent=True)).fragments[slot]
    found = explain(here.scene(fragment))
    effects = found.items.rules if found.items else found.choice.rules if found.choice else ()
    assert [(one.rule, one.action) for one in effects] == [("hide-it", "suppress")]
    name = "own" if slot == "hero" else "i1"
    assert why_not(here.scene(fragment), name).why == "rule hide-it (suppress)"


def test_what_a_brake_froze_is_told_so() -> None:
    here = world()
    here.stop(Brake("test", 1, (Stop("freeze", "eve", 1, "quiet", "hero"),)))
    _, why = told(here, "hero")
    assert why["plain"] == "frozen by the brake"


def test_each_section_has_its_place_then_and_now_and_why() -> None:
    rule = Rule("help-first", "reorder", ("home",), section="help", position=1)
    here = world(rule)
    found, why = told(here, "home")
    assert found.choice
    places = [(one.name, one.place, one.usual) for one in found.choice.options]
    assert places == [("help", 1, 4), ("c1", 2, 3), ("news", 3, 1), ("c0", 4, 2)]
    assert why["help"] == "rule help-first (reorder) puts it at place 1"
    assert why["c1"] == "the visitor's category number 1"
    assert why["news"] == "in its usual order, after what goes first"
    assert found.choice.rules[0].did == "put help at place 1"
    fragment = here.decide(ask("home"), Visit("v:ann", consent=True)).fragments["home"]
    changed = what_if(here.scene(fragment), {}, ["help-first"])
    assert (shown(changed.then).sections[0], shown(changed.now).sections[0]) == ("help", "c1")
    assert changed.differs == ("sections", "html")


def test_why_not_takes_variants_and_sections_and_names_what_there_is() -> None:
    here = world()
    page = here.decide(ask("hero", "home"), Visit("v:ann", consent=True)).fragments
    hero = here.scene(page["hero"])
    assert why_not(hero, "plain").why == "own is nearer to the visitor"
    assert why_not(here.scene(page["home"]), "help").why.startswith("in its usual order")
    with pytest.raises(BadInput, match="It has: own, sold-out, abroad, plain"):
        why_not(hero, "i1")


def test_a_table_tells_a_person_all_of_it() -> None:
    here = world(Rule("theirs", "variant", ("hero",), variant="plain"))
    found, _ = told(here, "hero")
    out = tables.console()
    with out.capture() as said:
        tables.explained(found, out, everything=False)
    for part in ("rules that held", "chose plain", "its item may not appear", "to choose from"):
        assert part in said.get(), part
