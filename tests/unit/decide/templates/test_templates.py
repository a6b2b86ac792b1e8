"""A slot with a template: what it shows, what it reads and who may share it; replay and explanation go on."""

import sys
from typing import Any

import pytest

from hemline.decide.facts import facts as facts_module
from hemline.decide.facts.facts import Facts
from hemline.decide.templates.render import LinkedProgram
from hemline.model.decision import Fragment, Scope, SlotRequest, Visit
from hemline.model.errors import BadInput
from hemline.model.site.rule import Condition, Segment
from hemline.model.site.slot import Slot, Variant
from hemline.model.site.template import Template
from hemline.usecases.receipts.explain import explain
from hemline.usecases.receipts.replay import replay
from hemline.usecases.receipts.what_if import what_if
from tests.builders.editions import ScoreByPrice, build, catalogue, with_fields
from tests.builders.receipts import World
from tests.harness.deciding import Broken, acts, ask, decide_for, table_with
from workbench import children

ITEMS = [
    with_fields(item, attributes={"brand": "Orla"}, tags=("new",)) for item in catalogue(12, 3)
]
ANN = acts("v:ann", ["i1", "i2"])
BEN = acts("v:ben", ["i5", "i6"], "purchase")
TABLE = table_with(ANN, BEN)
SEGMENTS = (
    Segment("keen", (Condition("visitor.count.click", "ge", 1),)),
    Segment("brits", (Condition("trait.country", "eq", "GB"),)),
)
CARDS = (
    "<h2>{{slot.title}}</h2><ol>{{#items}}<li data-item='{{id}}' class='c{{position}}'>"
    '<a href="{{url}}">{{title}}</a> {{price_text}} {{attributes.brand}} {{reason}}'
    "{{#categories}}<i>{{.}}</i>{{/categories}}{{#tags}}<b>{{.}}</b>{{/tags}}</li>{{/items}}</ol>"
)


def fragment(template: str, slot: Slot, subject: str | None = None, **kwargs: Any) -> Fragment:
    """A slot's HTML through the whole decision."""
    named = Slot(
        **{n: getattr(slot, n) for n in slot.__struct_fields__} | {"template": "t"}
    )  # the template's name is always the same
    edition = build(ITEMS, [named], templates=[Template("t", template)], segments=SEGMENTS)
    question = ask(SlotRequest(slot.name), form=kwargs.pop("form", "html"), **kwargs)
    return decide_for(subject, question, edition, TABLE, consent=True).fragments[slot.name]


def html(*args: Any, **kwargs: Any) -> str:
    return fragment(*args, **kwargs).html.decode()


ROW = Slot("row", title="Cups & more", limit=2, sources=("popular",), fallback=("i3", "i4"))
PUBLIC = Slot("top", limit=2, sources=("popular",), personal=False, fallback=("i3", "i4"))
HERO = Slot("hero", kind="content", variants=(Variant("v", {"headline": "Hi <b>", "url": "/x"}),))
HOME = Slot("home", kind="layout", sections=("a", "b"))


def test_a_list_is_shown_card_by_card() -> None:
    shown = html(CARDS, ROW)
    assert shown.startswith("<h2>Cups &amp; more</h2><ol><li data-item='i")
    assert shown.count("<li") == 2
    for part in ("class='c1'", "class='c2'", "Orla", "<b>new</b>", "<i>c", '<a href="/items/i'):
        assert part in shown


def test_a_variant_an_alert_and_a_layout_have_theirs() -> None:
    variant = (
        '<p class="{{variant.name}}">{{variant.fields.headline}}{{variant.fields.nothing}}</p>'
    )
    assert html(variant, HERO) == '<p class="v">Hi &lt;b&gt;</p>'
    alert = Slot("hey", kind="alert", variants=HERO.variants)
    assert html(variant, alert) == '<p class="v">Hi &lt;b&gt;</p>'
    assert (
        html("{{#sections}}<hr data-s='{{.}}'>{{/sections}}", HOME)
        == "<hr data-s='a'><hr data-s='b'>"
    )


def test_nothing_to_show_leaves_the_page_as_it_is() -> None:
    nobody = Slot("hey", kind="alert", variants=(
        Variant("v", when=(Condition("trait.country", "eq", "DE"),)),))  # fmt: skip
    assert html("<p>{{variant.name}}</p>", nobody) == ""
    empty = Slot("row", sources=("together",), limit=2)
    question = ask(SlotRequest("row", candidates=("nothing",)), form="html")
    edition = build(ITEMS, [with_fields(empty, template="t")], templates=[Template("t", CARDS)])
    assert decide_for(None, question, edition, TABLE).fragments["row"].html == b""


def test_json_and_email_have_no_template_and_read_none_of_its_facts() -> None:
    template = "{{fact.trait.city}}" + CARDS
    for form in ("json", "email"):
        told = fragment(template, PUBLIC, form=form)
        assert "trait.city" not in told.traits
        assert b"<ol>" not in told.html


def test_a_slot_without_a_template_answers_as_before_to_the_byte() -> None:
    other = Slot("other", template="t", limit=1)
    plain = build(ITEMS, [ROW])
    beside = build(ITEMS, [ROW, other], templates=[Template("t", CARDS)])
    question = ask("row", form="html")
    one = decide_for(None, question, plain, TABLE).fragments["row"]
    two = decide_for(None, question, beside, TABLE).fragments["row"]
    assert one.html == two.html
    assert bytes(plain.raw("templates")) == b""


def test_what_a_template_reads_decides_who_may_share_it() -> None:
    assert fragment("{{slot.name}}", HERO).scope is Scope.EDITION
    trait = fragment("{{fact.trait.city}}", HERO)
    assert (trait.scope, trait.traits) == (Scope.TRAIT, ("trait.city",))
    assert fragment("{{fact.visitor.known}}", HERO, "v:ann").scope is Scope.VISITOR
    brits = "{{#fact.segment.brits}}GB{{/fact.segment.brits}}"
    assert fragment(brits, HERO).scope is Scope.TRAIT
    keen = "{{#fact.segment.keen}}keen{{/fact.segment.keen}}{{^fact.segment.keen}}not{{/fact.segment.keen}}"
    assert (html(keen, HERO, "v:ann"), html(keen, HERO, "v:ben")) == ("keen", "not")
    assert fragment(keen, HERO, "v:ann").scope is Scope.VISITOR


def test_a_fact_behind_a_section_that_is_not_taken_is_not_read() -> None:
    template = "{{#fact.trait.region}}{{fact.visitor.known}}{{/fact.trait.region}}"
    assert fragment(template, HERO, "v:ann").scope is Scope.TRAIT


def test_the_etag_follows_the_facts() -> None:
    one, two = (fragment("{{fact.trait.country}}", HOME, country=c) for c in ("GB", "FR"))
    assert (one.html, two.html) == (b"GB", b"FR")
    assert one.etag != two.etag


def test_without_consent_a_template_knows_nothing_of_the_visitor() -> None:
    edition = build(ITEMS, [with_fields(HOME, template="t")], templates=[
        Template("t", "{{#fact.visitor.known}}known{{/fact.visitor.known}}"
                      "{{#fact.page.cart}}{{.}}{{/fact.page.cart}}")])  # fmt: skip
    question = ask("home", form="html", cart=("i1",))
    told = decide_for("v:ann", question, edition, TABLE, consent=False).fragments["home"]
    assert told.html == b""
    told = decide_for("v:ann", question, edition, TABLE, consent=True).fragments["home"]
    assert told.html == b"knowni1"


def test_a_profile_that_is_not_to_be_had_is_reported_and_shown_as_nothing() -> None:
    edition = build(ITEMS, [with_fields(HOME, template="t")],
                    templates=[Template("t", "<b>{{fact.visitor.lifetime_value}}</b>")])  # fmt: skip
    decided = decide_for("v:ann", ask("home", form="html"), edition, Broken(), consent=True)
    told = decided.fragments["home"]
    assert told.html == b"<b></b>"
    assert any(reason.startswith("template: ") for reason in told.reasons)
    assert told.scope is Scope.VISITOR


def test_a_template_that_fails_leaves_the_default_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bytes:
        raise ValueError

    monkeypatch.setattr(LinkedProgram, "render", fails)
    told = fragment(CARDS, ROW)
    assert told.html.startswith(b'<h2 class="hem-title">')
    assert "template: ValueError" in told.reasons


def test_a_site_without_templates_imports_nothing_of_them() -> None:
    code = "import sys, hemline.decide.page; print([m for m in sys.modules if 'template' in m])"
    done = children.run(
        [sys.executable, "-c", code], capture=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


VISITOR_FACTS = [
    "fact.visitor.known", "fact.visitor.lifetime_value", "fact.visitor.affinity.c1",
    "fact.visitor.count.click", "fact.segment.keen", "fact.cart.count", "fact.visitor.days_since_last",
]  # fmt: skip


def leaks() -> list[str]:
    """What of a visitor gets into a public slot whose template was never checked."""
    found = []
    for name in VISITOR_FACTS:
        template = f"{{{{#{name}}}}}[{{{{{name}}}}}]{{{{/{name}}}}}"
        for slot in (PUBLIC, with_fields(HOME, personal=False), with_fields(HERO, personal=False)):
            made = {
                who: fragment(template, slot, who, cart=("i1",)) for who in (None, "v:ann", "v:ben")
            }
            same = len({(one.html, one.etag) for one in made.values()}) == 1
            if not same or any(b"[" in one.html for one in made.values()):
                found.append(f"{slot.name}: {name}")
            if any(one.scope is Scope.VISITOR for one in made.values()):
                found.append(f"{slot.name}: {name} makes it private")
    return found


def test_a_public_slot_shows_nobody_whatever_its_template_asks() -> None:
    assert not leaks()


def test_it_turns_red_when_a_public_slot_can_read_the_visitor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = Facts.__init__
    monkeypatch.setattr(
        Facts, "__init__", lambda self, source, **_: plain(self, source, personal=True)
    )
    assert leaks()


def test_it_turns_red_when_a_visitor_fact_is_taken_for_a_trait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts_module, "scope_of", lambda _: Scope.TRAIT)
    assert leaks()


TELLING = (
    "{{#fact.visitor.returning}}again {{/fact.visitor.returning}}{{fact.trait.country}}"
    "{{#fact.segment.keen}} keen{{/fact.segment.keen}} {{fact.visitor.count.click}}" + CARDS
)


def world() -> World:
    slots = (with_fields(ROW, template="t", sources=("your_categories", "popular"), limit=4),
             with_fields(HOME, template="h"))  # fmt: skip
    templates = [
        Template("t", TELLING),
        Template("h", "{{#sections}}{{.}}{{/sections}}{{fact.trait.city}}"),
    ]
    made = World(ITEMS, slots, history=[*ANN, *BEN], ranker=ScoreByPrice(), templates=templates,
                 segments=SEGMENTS)  # fmt: skip
    made.arrive(ANN)
    return made


@pytest.mark.parametrize("subject", [None, "v:ann", "v:new"])
@pytest.mark.parametrize("consent", [None, True, False])
def test_replay_gives_the_same_bytes(subject: str | None, consent: bool | None) -> None:
    here = world()
    decided = here.decide(ask("row", "home", form="html"), Visit(subject, consent))
    here.arrive(acts("v:ann", ["i9"], "view"))
    for told in decided.fragments.values():
        again = replay(here.scene(told, subject or ""))
        assert not again.differences
        assert (again.fragment.html, again.fragment.body) == (told.html, told.body)


def test_an_explanation_names_the_facts_that_the_template_read() -> None:
    here = world()
    told = here.decide(ask("row", form="html"), Visit("v:ann", True)).fragments["row"]
    read = {one.name: one for one in explain(here.scene(told, "v:ann")).facts}
    assert read["visitor.count.click"].value == 2
    assert read["visitor.count.click"].scope == "visitor"
    assert read["trait.country"].value == "GB"


def test_what_if_shows_the_template_with_another_fact() -> None:
    here = world()
    told = here.decide(ask("row", form="html"), Visit("v:ann", True)).fragments["row"]
    found = what_if(here.scene(told, "v:ann"), {"trait.country": "DE"}, ())
    assert (b"GB keen" in found.then.html, b"DE keen" in found.now.html) == (True, True)


def test_a_template_that_does_not_compile_is_not_published() -> None:
    with pytest.raises(BadInput, match="template t, line 2"):
        build(
            ITEMS,
            [with_fields(HOME, template="t")],
            templates=[Template("t", "<b>\n{{nothing}}</b>")],
        )
