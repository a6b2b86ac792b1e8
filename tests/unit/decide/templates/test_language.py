"""The language of templates: what is refused, with its line and a way out, and how values are written."""

import sys

import pytest

from hemline.decide.templates.compile import compile_template
from hemline.decide.templates.parse import MOST_CHARACTERS, MOST_DEPTH, MOST_MARKS
from hemline.decide.templates.render import LinkedProgram

REFUSED = {
    # marks
    "{{{slot.title}}}": "no such form",
    "{{&slot.title}}": "no such form",
    "{{> other}}": "no mark",
    "{{=<% %>=}}": "no mark",
    "{{slot.title": "never closed",
    "{{slot.title()}}": "no name",
    "{{slot.title | upper}}": "no name",
    "{{slot['title']}}": "no name",
    "{{1 + 1}}": "no name",
    "{{}}": "no name",
    "{{#items}}": "never closed",
    "{{/items}}": "closes nothing",
    "{{#items}}{{#slot}}{{/items}}{{/slot}}": "is open",
    # names
    "{{nothing}}": "there is no `nothing`",
    "{{title}}": "there is no `title`",
    "{{slot.nothing}}": "has no `nothing`",
    "{{slot.title.x}}": "has no `x`",
    "{{slot.__class__}}": "has no `__class__`",
    "{{#items}}{{__class__}}{{/items}}": "no name",
    "{{#items}}{{title.__class__.__mro__}}{{/items}}": "has no `__class__`",
    "{{#items}}{{item.__class__}}{{/items}}": "there is no `item`",
    "{{items.0.__init__}}": "has no `0`",
    "{{#items}}{{attributes.__class__}}{{/items}}": "has no `__class__`",
    "{{#items}}{{attributes.a.b}}{{/items}}": "has no `a`",
    "{{#items}}{{attributes}}{{/items}}": "has parts",
    "{{slot}}": "has parts",
    "{{items}}": "is a list",
    "{{#items}}{{.}}{{/items}}": "has parts",
    "{{variant.name}}": "there is no `variant`",
    "{{sections}}": "there is no `sections`",
    "{{fact.trait.contry}}": "no fact",
    "{{fact.visitor.view}}": "no fact",
    "{{fact.site.brake}}": "no fact",
    "{{fact.trait.place}}": "no fact",
    "{{fact.segment.}}": "no fact",
    "{{fact.page.cart}}": "is a list",
    "{{#items}}{{#items}}{{/items}}{{/items}}": "for each of the list around",
    "{{#items}}{{#fact.page.cart}}{{/fact.page.cart}}{{/items}}": "for each of the list around",
    "{{#items}}{{#categories}}{{#tags}}{{/tags}}{{/categories}}{{/items}}": "for each of the list",
    # places
    "<{{slot.title}}>": "within a tag",
    "<b{{slot.title}}>": "within a tag",
    "<b {{slot.title}}>": "in the tag <b>",
    "<b {{slot.title}}='x'>": "in the tag <b>",
    "<b data-{{slot.title}}='x'>": "attribute's name",
    "<b class={{slot.title}}>": "without its quotes",
    "<b class=x{{slot.title}}>": "has no quotes",
    "<b class>{{slot.title}}": "ends in",
    "<b onclick='{{slot.title}}'>": "holds code",
    "<b onclick='x()'>": "holds code",
    "<b style='{{slot.title}}'>": "in a style",
    "<style>{{slot.title}}</style>": "in <style>",
    "<b id='{{slot.title}}'>": "could name",
    "<a target='{{slot.title}}'>": "no data may stand in `target`",
    "<a rel='x {{slot.title}}'>": "no data may stand in `rel`",
    "<!-- {{slot.title}} -->": "comments",
    "<!doctype html>": "comments and declarations",
    "<?php ?>": "no place",
    "a < b": "begins no tag",
    "</{{slot.title}}>": "within a tag",
    "&{{slot.title}};": "character reference",
    "<b title='&{{slot.title}};'>": "character reference",
    "<textarea></tex{{slot.title}}area>": "a tag or a character reference",
    # addresses
    "<a href='javascript:{{slot.title}}'>": "no address",
    "<a href='java&#115;cript:x'>": "no address",
    "<a href=' java\nscript:x'>": "no address",
    "<a href='data:text/html,{{slot.title}}'>": "no address",
    "<a href='{{slot.title}}:x'>": "scheme",
    "<a href='x{{slot.title}}:x'>": "scheme",
    "<img srcset='{{slot.title}} {{slot.name}}'>": "description",
    "<img srcset='/a 1x, javascript:x 2x'>": "no address",
    "<iframe srcdoc='{{slot.title}}'>": "no element",
    "<b srcdoc='x'>": "no attribute for a template",
    "<svg><g xlink:href='x'></g></svg>": "no attribute for a template",
    # scripts
    "<script>x = '{{slot.title}}'</script>": "no value",
    '<script>x = "{{slot.title}}"</script>': "no value",
    "<script>x = `{{slot.title}}`</script>": "no value",
    "<script>x = /{{slot.title}}/</script>": "no value",
    "<script>a / 2; x = {{slot.title}}</script>": "no value",
    "<script>// {{slot.title}}\n</script>": "no value",
    "<script>/* {{slot.title}} */</script>": "no value",
    "<script><!-- {{slot.title}}</script>": "<!--",
    "<script type='module'>import {{slot.title}}</script>": "which code",
    "<script type='module'>import a from {{slot.title}}</script>": "which code",
    "<script>import( {{slot.title}})</script>": "which code",
    "<a data-href='javascript:{{slot.title}}'>": "no address",
    "<script type='text/html'>{{slot.title}}</script>": "no value",
    "<script type='{{slot.title}}'></script>": "the tag <script>",
    "<script src='{{slot.title}}'></script>": "the tag <script>",
    "<script data-x='{{slot.title}}'></script>": "the tag <script>",
    # elements
    "<object data='x'></object>": "no element",
    "<base href='/'>": "no element",
    "<meta charset='x'>": "no element",
    "<link rel='x'>": "no element",
    "<math></math>": "no element",
    "<noscript></noscript>": "no element",
    "<template></template>": "no element",
    "<font-face></font-face>": "no element",
    "<p><div></div></p>": "ends a paragraph",
    "<a><b><a></a></b></a>": "within <a>",
    "<ul>{{slot.title}}</ul>": "text may not stand",
    "<table><tr></tr></table>": "stands directly in",
    "<table>text</table>": "text may not stand",
    "<li>x</li>": "stands directly in",
    "<b/>": "slash",
    "<b>": "ends in",
    "</b>": "no element is open",
    "<b><i></b></i>": "<i> is open",
    "<b": "ends in",
    "<svg><title>x</title></svg>": "holds nothing but",
    # branches
    "{{#slot.title}}<b>{{/slot.title}}": "different places",
    "{{#slot.title}}<b>{{/slot.title}}</b>": "different places",
    "<b class='{{#slot.title}}'{{/slot.title}}>": "different places",
    "{{#items}}<ul>{{/items}}": "different places",
    "<a href='{{#slot.title}}/x{{/slot.title}}{{slot.name}}'>": "different places",
    "<script>{{#slot.title}}/*{{/slot.title}}*/</script>": "no value",
    "{{#slot.title}}<a href='x'>{{/slot.title}}{{^slot.title}}<b>{{/slot.title}}": "different",
    "<b {{#slot.title}}class='a'": "never closed",
}
GOOD = [
    "",
    "a & b &amp; c > d",
    "<a {{#slot.title}}title='{{slot.title}}'{{/slot.title}} href='/x'>x</a>",
    "{{#slot.title}}<a href='{{.}}'>{{/slot.title}}{{^slot.title}}<a href='/x'>{{/slot.title}}x</a>",
    "{{^items}}<p>{{slot.title}}</p>{{/items}}",
    "<x-card data-a=\"{{slot.title}}\"><input disabled type='text' value='{{slot.name}}'/></x-card>",
    "<IMG SRC='{{slot.title}}' ALT=''>",
    "<svg viewBox='0 0 1 1'><path d='M0 0'/></svg>",
    "<a href='mailto:{{slot.title}}'>x</a><a href='?q={{slot.title}}'>x</a>",
    "<table><tbody><tr><td>{{slot.title}}</td></tr></tbody></table>",
    "<script>if (a < b) x = {a: {b: 1}, c: {{slot.title}} };</script>",
    "<script>const r = /'/; `{{! no mark }}`</script>".replace("{{! no mark }}", ""),
    "<style>b { color: red }</style><b style='color: red'>x</b>",
    "{{! nothing\nat all }}<b>{{#items}}{{position}}{{#tags}}{{.}}{{/tags}}{{/items}}</b>",
    "{{#slot}}{{title}}{{/slot}}{{#items}}{{#attributes.brand}}{{.}}{{/attributes.brand}}{{/items}}",
]


@pytest.mark.parametrize("template", REFUSED)
def test_what_cannot_be_made_safe_is_refused_with_a_way_out(template: str) -> None:
    compiled = compile_template(f"\n\n{template}", "items")
    assert compiled.program is None
    told = [fault.problem for fault in compiled.faults]
    assert any(REFUSED[template] in problem for problem in told), told
    lines = range(3, 4 + template.count("\n"))
    assert all(fault.line in lines for fault in compiled.faults)
    assert all(fault.way_out or "holds code" in fault.problem or "no attribute" in fault.problem
               for fault in compiled.faults)  # fmt: skip


@pytest.mark.parametrize("template", GOOD)
def test_what_is_safe_is_let_through(template: str) -> None:
    assert not compile_template(template, "items").faults


def test_each_line_is_the_marks_own() -> None:
    template = "<b>\n{{a}}\r\n{{! two\nlines }}\n{{b}}{{#items}}\n{{c}}\n{{/items}}</b>"
    assert [fault.line for fault in compile_template(template, "items").faults] == [2, 5, 6]


def test_what_an_unknown_section_may_have_had_is_not_told_as_well() -> None:
    template = "<ul>{{#itmes}}<li>{{title}}{{nothing}}</li>{{/itmes}}</ul>"
    (fault,) = compile_template(template, "items").faults
    assert fault.problem == "there is no `itmes` here."
    assert fault.way_out.startswith("Did you mean `items`?")


def test_a_mark_alone_on_its_line_leaves_none_behind() -> None:
    template = (
        "<ul>\n  {{#items}}\n  <li>\n  {{! two\n  }}  \n{{position}}\n</li>\n{{/items}}\n</ul>"
    )
    program = compile_template(template, "items").program
    assert program is not None
    shown = LinkedProgram(program).render(
        {"items": [{"position": 1}, {"position": 2}]}, lambda _: None
    )
    assert shown.decode() == "<ul>\n  <li>\n1\n</li>\n  <li>\n2\n</li>\n</ul>"


def test_what_is_too_much_is_refused() -> None:
    for template, word in {
        "x" * (MOST_CHARACTERS + 1): "characters",
        "{{slot.title}}" * (MOST_MARKS + 1): "marks",
        "{{#slot.title}}" * (MOST_DEPTH + 1): "nested",
        "<b>" * 33 + "</b>" * 33: "nested",
    }.items():
        (fault,) = compile_template(template, "items").faults
        assert word in fault.problem


@pytest.mark.parametrize(
    "piece", ["<", "{{", "&", "<b ", "<b a='", "a=", "<script>'", "</", "<textarea></", "/*", "<svg>", "\n"]
)  # fmt: skip
def test_checking_takes_time_in_proportion_to_the_text(piece: str) -> None:
    small, large = work(piece, 1_200), work(piece, 19_200)
    assert large <= 17 * small + 1_000


def work(piece: str, size: int) -> int:
    """Calls of any function, which a clock on a busy machine does not change."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    text = (piece * size)[:size]
    sys.setprofile(count)
    try:
        compile_template(text, "items")
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (3.0, "3"), (1.25, "1.25"), (True, "true"), (None, ""), (float("nan"), ""),
     ("", ""), ([1], ""), ({"a": 1}, ""), (object(), ""), ("\ud800", "?"), (10**30, str(10**30))],
)  # fmt: skip
def test_values_are_shown_plainly(value: object, shown: str) -> None:
    program = compile_template("{{slot.title}}", "items").program
    assert program is not None
    assert (
        LinkedProgram(program).render({"slot": {"title": value}}, lambda _: None).decode() == shown
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a</script>", ' "a\\u003c/script\\u003e" '), (3, " 3 "), (None, " null "), (True, " true "),
     (float("inf"), " null "),
     ({1: 2}, " null "), (["a", "\u2028"], ' ["a","\\u2028"] '), ("\ud800", ' "?" ')],
)  # fmt: skip
def test_values_in_scripts_are_json(value: object, shown: str) -> None:
    program = compile_template("<script>x={{slot.title}}</script>", "items").program
    assert program is not None
    made = LinkedProgram(program).render({"slot": {"title": value}}, lambda _: None).decode()
    assert made == f"<script>x={shown}</script>"


@pytest.mark.parametrize(
    ("value", "there"),
    [(0, True), (0.0, True), ("a", True), (True, True), ("", False), (False, False), (None, False),
     ([], False)],
)  # fmt: skip
def test_a_section_is_taken_when_there_is_a_value(value: object, there: bool) -> None:
    template = "{{#slot.title}}yes{{/slot.title}}{{^slot.title}}no{{/slot.title}}"
    program = compile_template(template, "items").program
    assert program is not None
    shown = LinkedProgram(program).render({"slot": {"title": value}}, lambda _: None)
    assert shown == (b"yes" if there else b"no")
