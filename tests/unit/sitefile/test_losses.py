"""Half a site file is often well-formed; it is known by its missing end mark, or by what it lacks."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from hemline.model.errors import BadInput
from hemline.model.site.rule import Rule
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.sitefile.accept import reviewed
from hemline.sitefile.reader import check
from hemline.sitefile.review import losses
from hemline.sitefile.review.losses import refuse_losses
from workbench.laptop import ROOT

DEMO = (ROOT / "workbench/demo/site.yaml").read_text(encoding="utf-8")
HEAD = "title: Shop\ncurrency: EUR\nconsent_default: true\n"
SLOTS = "slots:\n  - {name: row, limit: 3}\n"


def site(text: str) -> Site:
    found, findings = check(text)
    assert found is not None, findings
    return found


def passes(before: Site, text: str) -> bool:
    """Whether a publish would take it, when `before` is live."""
    found = reviewed([("", text)], now=0).site
    if found is None:
        return False
    try:
        refuse_losses(before, found)
    except BadInput:
        return False
    return True


def halves(text: str) -> Iterator[str]:
    """The text cut at every line, and in the middle of every line, before its last word."""
    whole = len(text.rstrip())
    at = 0
    for line in text.splitlines(keepends=True):
        for cut in (at + len(line) // 2, at + len(line)):
            if cut < whole:
                yield text[:cut]
        at += len(line)


def test_the_demo_s_file_cut_at_any_line_is_refused() -> None:
    live = site(DEMO)
    assert live.end
    cut = list(halves(DEMO))
    assert len(cut) > 2 * len(DEMO.splitlines()) - 4
    assert [half[-40:] for half in cut if passes(live, half)] == []
    assert passes(live, DEMO), "the whole is taken: this test can fail"


def test_without_the_check_half_of_the_halves_would_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    # The seeded bug, as it was.
    monkeypatch.setattr(losses, "losses", lambda *_: [])
    live = site(DEMO)
    cut = list(halves(DEMO))
    assert sum(passes(live, half) for half in cut) > len(cut) / 4


def test_without_end_marks_what_lacks_a_whole_kind_is_still_refused() -> None:
    """An end mark is what finds the rest: a file that lacks its last rule alone is no less whole."""
    text = DEMO.replace("end: true", "")
    live = site(text)
    taken = [half for half in halves(text) if passes(live, half)]
    assert all(site(half).rules for half in taken)
    assert len(taken) < 20


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (SLOTS + "end: true\n", SLOTS, "does not end with `end: true`"),
        (
            SLOTS + "rules:\n  - {name: r, action: block, item: a}\n",
            SLOTS,
            "no rule of action block any more, the live one has 1",
        ),
        (
            SLOTS + "segments:\n  - {name: s, when: [{fact: page.type, op: eq, value: home}]}\n",
            SLOTS,
            "says nothing of segments",
        ),
        (SLOTS + "page_caps: [{count: 3}]\n", SLOTS, "says nothing of page_caps"),
        (SLOTS + "time_zone: Europe/London\n", SLOTS, "says nothing of time"),
        (
            "slots: [{name: a}, {name: b}, {name: c}, {name: d}]\nend: true\n",
            "slots: [{name: a}]\nend: true\n",
            "3 of the live file's 4 parts are missing, such as slot b, slot c, slot d",
        ),
    ],
)
def test_what_is_missing_is_named_with_the_way_out(before: str, after: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        refuse_losses(site(HEAD + before), site(HEAD + after))
    assert refused.value.field == "site_file"
    assert "--allow-removals" in refused.value.way_out


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SLOTS, SLOTS + "end: true\n"),
        (SLOTS + "end: true\n", SLOTS + "end: true\n"),
        # A campaign is over, and the file says that it is whole.
        (
            SLOTS + "rules:\n  - {name: r, action: block, item: a}\nend: true\n",
            SLOTS + "end: true\n",
        ),
        (
            SLOTS
            + "rules: [{name: r, action: block, item: a}, {name: s, action: block, item: b}]\n",
            SLOTS + "rules: [{name: r, action: block, item: a}]\n",
        ),
    ],
)
def test_what_may_well_be_meant_is_taken(before: str, after: str) -> None:
    refuse_losses(site(HEAD + before), site(HEAD + after))


def test_two_variants_of_one_name_in_two_slots_are_two_parts() -> None:
    assert len(losses._parts(replace(site(DEMO), rules=()))) > 20
    few = Site("", "", slots=(Slot("a"),), rules=(Rule("a", "block"),))
    assert losses._parts(few) == {("slot", "a"), ("rule", "a")}


# --- the end mark itself


@pytest.mark.parametrize("value", ["false", "tru", "", "1"])
def test_an_end_mark_is_true_or_it_is_none(value: str) -> None:
    found, findings = check(f"{HEAD}{SLOTS}end: {value}\n")
    if value:
        assert found is None
        assert [one.line for one in findings] == [6]
    else:
        assert found is not None
        assert not found.end, "nothing after it: the word was not written to its end"


def test_nothing_may_come_after_it() -> None:
    found, findings = check(f"end: true\n{HEAD}{SLOTS}")
    assert found is None
    assert findings[0].text("site.yaml") == (
        "site.yaml:1: end: says where the file ends, and more comes. Put it last."
    )


def test_of_several_files_each_has_it_or_none() -> None:
    one, two = f"{HEAD}{SLOTS}", "rules:\n  - {name: r, action: block, item: a}\n"
    both = reviewed([("a.yaml", f"{one}end: true\n"), ("b.yaml", f"{two}end: true\n")], now=0)
    assert both.site
    assert both.site.end
    neither = reviewed([("a.yaml", one), ("b.yaml", two)], now=0)
    assert neither.site
    assert not neither.site.end
    half = reviewed([("a.yaml", f"{one}end: true\n"), ("b.yaml", two)], now=0)
    assert half.site is None
    assert "b.yaml:1: does not end with `end: true`" in half.errors[0].text("")
