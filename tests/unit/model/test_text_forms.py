"""The same name in two Unicode forms, or with blanks around it, is one name: at every door."""

import json
import unicodedata
from typing import Any

import pytest

from hemline.decide.rules.masks import sections
from hemline.model.decision import PageContext
from hemline.model.events.event import Event
from hemline.model.events.schema import event_of, item_of, parse_event
from hemline.model.item import Item
from hemline.model.site.site import Site, decode_site, encode_site
from hemline.model.site.slot import Slot
from hemline.sitefile.reader import check
from tests.builders.editions import build, catalogue, with_fields
from tests.harness.deciding import ask, decide_for

NFC, NFD = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))
SITE = """
title: Case
currency: EUR
consent_default: true
slots: [{{name: top, personal: false, sources: [popular, new]}}]
rules: [{{name: cafe, action: exclude, {0}}}]
"""


def stated(properties: dict[str, Any]) -> Item:
    event = {"id": "i1", "type": "item", "item": "p1", "properties": properties}
    return item_of(parse_event(json.dumps(event).encode()))


def test_the_forms_of_this_test_differ() -> None:
    assert NFC != NFD


@pytest.mark.parametrize("form", [NFC, NFD, f" {NFD} "])
def test_an_item_says_the_same_in_every_form(form: str) -> None:
    item = stated(
        {
            "title": form,
            "kind": form,
            "categories": [form, "", "  ", NFC],
            "tags": [form, NFD],
            "attributes": {"é": form, "size": 3},
        }
    )
    assert (item.title, item.kind, item.categories, item.tags) == (NFC, NFC, (NFC,), (NFC,))
    assert item.attributes == {"é": NFC, "size": 3}


def test_an_item_of_an_archive_from_before_is_put_into_the_same_form() -> None:
    old = Event("i1", "item", 1, item="p1", properties={"categories": [f"{NFD} "], "tags": [NFD]})
    assert item_of(old) == Item("p1", categories=(NFC,), tags=(NFC,))


@pytest.mark.parametrize("form", [NFC, NFD, f"{NFC} "])
@pytest.mark.parametrize(
    "rule",
    [
        'attribute: category, value: "{}"',
        'attribute: category, op: in, value: ["{}"]',
        'where: [{{fact: item.tag, value: "{}"}}]',
        '"when": [{{fact: page.category, value: "{}"}}], attribute: category, value: "{}"',
    ],
)
def test_a_rule_means_the_items_of_either_form(rule: str, form: str) -> None:
    found = check(SITE.format(rule.format(form, form)))
    assert found.site, found.findings
    items = [stated({"categories": [name], "tags": [name]}) for name in (NFC, NFD, "Other")]
    (mask,) = sections(found.site.rules, items)["rule_mask"][2]
    assert f"{mask:08b}"[:3] == "110"


def test_the_shape_of_a_site_file_does_not_hang_on_the_form_of_its_texts() -> None:
    both = [check(SITE.format(f'attribute: "{form}", value: x')).site for form in (NFC, NFD)]
    assert both[0] == both[1] is not None


def test_a_site_that_was_compiled_before_means_the_same() -> None:
    slot = Slot("top", title=NFD)
    assert decode_site(encode_site(Site(slots=(slot,)))).slots[0].title == NFC


@pytest.mark.parametrize("form", [NFC, NFD, f" {NFC}"])
def test_a_page_names_its_category_in_either_form(form: str) -> None:
    items = [with_fields(i, categories=(NFC,)) if i.id == "i1" else i for i in catalogue(4)]
    slot = Slot("top", personal=False, sources=("category",))
    decided = decide_for(None, ask("top", category=form), build(items, [slot]), None)
    assert decided.fragments["top"].items == ("i1",)
    assert PageContext(category=form).category == form, "the page itself stays as it was sent"


def test_an_edition_from_before_answers_for_its_category_in_either_form() -> None:
    items = [with_fields(i, categories=(NFD,)) for i in catalogue(2)]
    slot = Slot("top", personal=False, sources=("category",))
    decided = decide_for(None, ask("top", category=NFC), build(items, [slot]), None)
    assert set(decided.fragments["top"].items) == {"i0", "i1"}


def test_a_query_is_kept_in_one_form() -> None:
    raw = json.dumps({"id": "1", "type": "search", "query": f" {NFD} au lait"}).encode()
    assert event_of(parse_event(raw), 1).query == f"{NFC} au lait"
