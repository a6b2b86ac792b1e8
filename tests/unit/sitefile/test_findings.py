"""What a check and a comparison say, in words of the file; limits of whatever asks, not of rules alone."""

import pytest

from hemline.model.item import Item
from hemline.model.site.site import Site
from hemline.sitefile.accept import reviewed
from hemline.sitefile.reader import check
from hemline.sitefile.review.compare import changes
from hemline.usecases.sites.reach import ChangeReach
from workbench.publish import comparing

HEAD = "title: Shop\ncurrency: EUR\nconsent_default: true\n"
SLOT = "slots:\n  - {name: row, template: t}\n"
TEMPLATE = (
    "templates:\n  - name: t\n    html: |\n      <p>{{#fact.segment.s0}}x{{/fact.segment.s0}}</p>\n"
)
VARIANT = (
    "slots:\n  - {name: row, kind: content, variants: [{name: v, when: [{fact: segment.s0}]}]}\n"
)
RULE = "slots: [{name: row}]\nrules:\n  - {name: r, action: block, item: a, segments: [s0]}\n"


def chain(length: int) -> str:
    """Segments that each name the next; the last compares a fact."""
    one = [f"  - {{name: s{n}, when: [{{fact: segment.s{n + 1}}}]}}\n" for n in range(length - 1)]
    last = f"  - {{name: s{length - 1}, when: [{{fact: page.type, op: eq, value: home}}]}}\n"
    return "segments:\n" + "".join(one) + last


@pytest.mark.parametrize(
    "asks", [SLOT + TEMPLATE, VARIANT, RULE], ids=["template", "variant", "rule"]
)
@pytest.mark.parametrize(
    ("length", "says"), [(70, "comparisons with its segments; at most 64"), (40, "cannot be asked")]
)
def test_a_chain_that_serving_cannot_ask_is_told_of_whatever_asks_it(
    asks: str, length: int, says: str
) -> None:
    found = check(HEAD + asks + chain(length))
    assert found.site is None
    assert any(says in one.problem for one in found.findings)
    assert check(HEAD + asks + chain(10)).site, "a short one is fine: this test can fail"


# --- tastes that nobody can have

ITEMS = [Item("a", title="A", categories=("kitchen", "mugs")), Item("b", categories=("garden",))]
LIKED = "when: [{fact: visitor.affinity.%s, op: gt, value: 0.2}]}\n"
ASKS = {
    "a rule": "rules:\n  - {name: r, action: suppress, " + LIKED,
    "a segment": "segments:\n  - {name: s, " + LIKED,
    "a template": "templates:\n  - {name: t, html: '<p>{{fact.visitor.affinity.%s}}</p>'}\n",
}


@pytest.mark.parametrize("asks", ASKS.values(), ids=ASKS.keys())
@pytest.mark.parametrize(
    ("category", "code"),
    [("Nonsense", "missing-category"), ("mugs", "never-main"), ("kitchen", "")],
)
def test_a_taste_that_is_always_0_is_told(asks: str, category: str, code: str) -> None:
    found = reviewed([("", HEAD + "slots: [{name: row}]\n" + asks % category)], 0, ITEMS)
    codes = {one.code for one in found.findings} & {"missing-category", "never-main"}
    assert codes == ({code} if code else set())
    if code == "never-main":
        (told,) = [one for one in found.findings if one.code == code]
        assert told.way_out == "Items that have it count for kitchen: name that."


# --- names instead of numbers


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("slots:\n  - {name: row, limt: 3}\n", "f:5: slot row: limt: there is no such field"),
        ("slots:\n  - {limit: 3}\n", "f:5: slots[0].name: "),
        (
            "slots:\n  - {name: hero, kind: content, variants: [{name: rain, category: 3}]}\n",
            "f:5: slot hero, variant rain: category: ",
        ),
        ("segments:\n  - {name: s, when: []}\nslots: [{name: row}]\n", "f:5: segment s: when: "),
    ],
)
def test_a_finding_names_the_part_that_it_is_about(text: str, says: str) -> None:
    found = check(HEAD + text).findings
    assert any(one.text("f").startswith(says) for one in found), [one.text("f") for one in found]


def site(text: str) -> Site:
    found = check(HEAD + text)
    assert found.site is not None, found.findings
    return found.site


def test_a_difference_reads_as_the_file_does() -> None:
    old = site(
        "slots: [{name: row}]\nrules:\n  - {name: r, action: block, item: a, until: 2026-12-24}\n"
    )
    new = site(
        "time_zone: Europe/London\nconsent: {exceptions: [DE]}\nslots: [{name: row}]\nrules:\n"
        "  - {name: r, action: block, item: a, from: '2026-12-01 10:00', until: 2026-12-25,"
        " when: [{not: {any: [{fact: trait.country, op: in, value: [GB, FR]},"
        " {fact: cart.count, op: gt, value: 2}]}}]}\n"
    )  # fmt: skip
    text = "\n".join(comparing._change(ChangeReach(one)) for one in changes(old, new))
    for line in (
        "time_zone: UTC → Europe/London",
        "consent: the defaults → {exceptions: DE}",
        "from: none → 2026-12-01 10:00Z",
        "until: 2026-12-24 00:00Z → 2026-12-25 00:00Z",
        "when: none → not (any (trait.country in GB, FR, cart.count gt 2))",
    ):
        assert f"    {line}" in text
    for internal in ('"is"', '"own"', "since", "null", "179"):
        assert internal not in text
