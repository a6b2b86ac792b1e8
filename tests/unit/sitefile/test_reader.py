"""A site file says everything that is wrong with it at once, with the line to go to."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.model.errors import Refused
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.site import Site, decode_site, encode_site
from hemline.model.site.slot import Slot, Variant
from hemline.sitefile.reader import Finding, check, read
from hemline.sitefile.schema import SiteModel

GUIDE = Path(__file__).resolve().parents[3] / "docs/site-file.md"

GOOD = """\
title: Harbour Goods
currency: EUR
consent_default: false
slots:
  - name: for-you
    title: For you
    limit: 6
    sources: [recent_together, popular]
    fallback: [mug-1]
  - name: top
    personal: false
  - name: hero
    kind: content
    variants:
      - name: rain
        fields: {headline: Out in the rain, url: /c/coats}
        when:
          - {fact: trait.country, op: in, value: [GB, "NO"]}
        category: coats
      - name: plain
    fallback: [plain]
  - name: back
    kind: alert
    variants: [{name: hello}]
  - name: home
    kind: layout
    sections: [row, hero]
rules:
  - {name: first, action: pin, item: mug-1, position: 2, slots: [for-you]}
  - {name: never, action: block, item: mug-2}
  - {name: cheap, action: filter, attribute: price, op: lt, value: 40}
  - {name: mixed, action: cap, count: 3}
"""


def findings(text: str) -> list[Finding]:
    checked = check(text)
    assert (checked.site is None) == bool(checked.findings)
    return checked.findings


def test_a_good_file_becomes_the_models_structs() -> None:
    site, wrong = check(GOOD)
    assert wrong == []
    assert site is not None
    assert (site.title, site.currency, site.consent_default) == ("Harbour Goods", "EUR", False)
    assert site.slots[0] == Slot(
        "for-you",
        title="For you",
        limit=6,
        sources=("recent_together", "popular"),
        fallback=("mug-1",),
    )
    assert site.slots[2].variants[0] == Variant(
        "rain",
        {"headline": "Out in the rain", "url": "/c/coats"},
        (Condition("trait.country", "in", ["GB", "NO"]),),
        "coats",
    )
    assert site.slots[4].sections == ("row", "hero")
    assert site.rules[0] == Rule("first", "pin", ("for-you",), item="mug-1", position=2)
    assert site.rules[2] == Rule("cheap", "filter", attribute="price", op="lt", value=40)


def test_a_public_slot_that_names_no_sources_gets_none_that_read_the_visitor() -> None:
    site, _ = check(GOOD)
    assert site is not None
    assert site.slots[1].sources == ("trending", "popular")


def test_the_compiled_site_reads_back_as_it_was() -> None:
    site, _ = check(GOOD)
    assert site is not None
    assert decode_site(encode_site(site)) == site
    with pytest.raises(Refused):
        decode_site(b'{"slots": [{}]}')


def test_every_mistake_is_reported_in_one_go_with_its_line() -> None:
    text = GOOD.replace("limit: 6", "limt: 6").replace("kind: layout", "kind: lay")
    text = text.replace("currency: EUR", "currency: eur").replace("action: block", "action: blok")
    found = findings(text)
    assert [f.line for f in found] == [2, 7, 25, 30]
    assert [f.field for f in found] == ["currency", "slots[0].limt", "slots[4]", "rules[1]"]
    assert "Did you mean `limit`?" in found[1].way_out


def test_what_is_right_is_read_although_something_else_is_wrong() -> None:
    text = GOOD.replace("limit: 6", "limt: 6").replace(
        "slots: [for-you]", "slots: [for-you, nowhere]"
    )
    text = text.replace("name: cheap", "name: never").replace("currency: EUR", "currency: 12")
    readable, found = read([("shop.yaml", text)])
    assert [f.line for f in found] == [2, 7, 29, 31]
    assert {f.file for f in found} == {"shop.yaml"}
    assert readable is not None
    assert [slot.name for slot in readable.site.slots] == ["top", "hero", "back", "home"]
    # Its place in the file, although the first slot is not there.
    assert readable.finding(("slots", 0, "name"), "x", "y")[:2] == (10, "slots[1].name")


def test_a_folder_of_files_is_one_site() -> None:
    head, rules = GOOD.split("rules:\n")
    readable, found = read([("a.yaml", head), ("b.yaml", f"# rules\nrules:\n{rules}")])
    assert (readable and readable.site, found) == (check(GOOD).site, [])
    _, found = read(
        [("a.yaml", head), ("b.yaml", f"rules:\n{rules}".replace("cap, count: 3", "cup"))]
    )
    assert next(f.text("") for f in found).startswith("b.yaml:5: rule ")
    _, found = read([("a.yaml", head), ("b.yaml", "title: Again\nslots: [{name: for-you}]")])
    assert [(f.file, f.line, f.field) for f in found] == [("b.yaml", 1, "title")]
    more = "slots:\n  - {name: extra}\n  - {name: for-you}\n"
    _, found = read([("a.yaml", head), ("b.yaml", more)])
    assert [(f.file, f.line, f.field) for f in found] == [("b.yaml", 3, "slots[6].name")]


def test_a_date_needs_no_quotes() -> None:
    plain, quoted = (
        check(GOOD.replace("item: mug-2", f"item: mug-2, until: {date}"))
        for date in ("2026-12-24", "'2026-12-24'")
    )
    assert plain.site is not None
    assert plain.site == quoted.site
    assert plain.site.rules[1].until == 1_798_070_400_000


def test_a_finding_reads_as_an_editor_wants_it() -> None:
    (found,) = findings(GOOD.replace("position: 2", "position: 0"))
    assert found.text("shop/site.yaml").startswith("shop/site.yaml:29: rule first: position: ")


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        ("title: Harbour Goods\n", "", "title", "missing"),
        ("limit: 6", "limit: six", "slots[0].limit", "a whole number, not `six`"),
        ("limit: 6", "limit: 1000", "slots[0].limit", "less than or equal to 100"),
        ("consent_default: false", "consent_default: 1", "consent_default", "true or false"),
        ('"NO"]', "NO]", "slots[2].variants[0].when[0].value", "quote words such as no"),
        ("op: in", "op: gt", "slots[2].variants[0].when[0]", "needs a number"),
        ("value: 40", "value: [40]", "rules[2]", "needs a number"),
        ("trait.country", "trait.contry", "slots[2].variants[0].when[0].fact", "Did you mean"),
        ("/c/coats", "'javascript:alert(1)'", "slots[2].variants[0].fields", "http(s) address"),
        ("headline: Out in the rain", "headline: 12", "slots[2].variants[0].fields.headline", "quotes"),
        ("fallback: [plain]", "fallback: [plane]", "slots[2].fallback[0]", "One of: rain, plain."),
        ("- name: top", "- name: for-you", "slots[1].name", "stands here twice"),
        ("slots: [for-you]", "slots: [for-me]", "rules[0].slots[0]", "there is no slot for-me"),
        ("name: never", "name: first", "rules[1].name", "stands here twice"),
        ("    personal: false", "    personal: false\n    sources: [own]", "slots[1].sources[0]", "own"),
        ("    limit: 6", "    limit: 6\n    limit: 7", "slots[0].limit", "stands here twice"),
        ("    limit: 6", "    limit: 6\n    goal: smile", "slots[0].goal", "add_to_cart"),
        ("    limit: 6", "    limit: 6\n    variants: []", "slots[0].variants", "no such field"),
        ("    kind: alert", "    kind: alert\n    frequency: {times: 0}", "slots[3].frequency.times", "1"),
        ("    kind: alert", "    kind: alert\n    frequency: {times: 9}", "slots[3].frequency.times", "8"),
        ("    kind: alert", "    kind: alert\n    frequency: {time: 1}", "slots[3].frequency.time", "times"),
        ("    kind: alert", "    kind: alert\n    frequency: {}\n    personal: false",
         "slots[3].frequency", "personal: true"),
        ("    kind: alert", "    kind: alert\n    opens: {at: idle}", "slots[3].opens", "seconds: 30"),
        ("    kind: alert", "    kind: alert\n    opens: {at: leaving}", "slots[3].opens.at", "exit"),
        ("    fallback: [plain]", "    fallback: [plain]\n    frequency: {}", "slots[2].fallback", "never"),
        ("    fallback: [plain]", "    opens: {at: load}\n    fallback: [plain]", "slots[2].opens", "such"),
        ("    limit: 6", "    limit: 6\n    frequency: {}", "slots[0].frequency", "no such field"),
        ("title: Harbour Goods", "title: !!binary aGk=", "title", "quotes"),
        ("slots: [for-you]", "slots: [top], when: [{fact: visitor.known, value: true}]",
         "rules[0].when[0].fact", "personal"),
    ],
)  # fmt: skip
def test_each_mistake_names_its_field_and_the_way_out(
    old: str, new: str, field: str, says: str
) -> None:
    assert old in GOOD
    (found,) = findings(GOOD.replace(old, new, 1))
    assert found.field == field
    assert says in found.text("site.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: [1",
        "a: &a [*a]",
        "x: " + "[" * 50_000,
        "? [a]\n: 1",
        "a: !!python/object:x.Y {}",
    ],
)
def test_what_is_no_site_file_at_all_is_a_finding_too(text: str) -> None:
    assert findings(text)


def test_aliases_cannot_fill_the_memory() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 10):
        bomb += f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n"
    (found,) = findings(bomb)
    assert "too much" in found.problem


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_text_makes_the_check_raise(text: str) -> None:
    findings(text)


@given(st.sampled_from(GOOD.splitlines()), st.text(" -:[]{}&*!|>'\"%@`,?#abz01\n", max_size=12))
def test_no_damage_to_a_good_file_makes_the_check_raise(line: str, damage: str) -> None:
    checked = check(GOOD.replace(line, line[: len(line) // 2] + damage, 1))
    assert isinstance(checked.site, Site) or checked.findings


def test_the_guides_file_is_a_good_one() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert findings(example) == []


def test_the_guide_names_every_field_and_no_other() -> None:
    schema = SiteModel.model_json_schema()
    known = set(schema["properties"]).union(
        *(m.get("properties", ()) for m in schema["$defs"].values())
    )
    rows = re.findall(r"^\| (`[^|]+) \|", GUIDE.read_text(), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert told == known
