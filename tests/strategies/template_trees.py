"""Templates of every shape that the checker lets through, with the tree that each one writes."""

import json
from collections import Counter
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from hemline.decide.templates import elements
from tests.strategies.xss import FOLDER

# What a browser makes of these in a body depends on more than where they stand.
PLAIN = sorted(elements.ELEMENTS - elements.RAW - elements.RCDATA - {"search"})
TEXT_MARKS = ["{{slot.title}}", "{{fact.page.referrer}}", "{{#slot.title}}{{.}}{{/slot.title}}",
              "{{#items}}{{title}}{{reason}}{{#tags}}{{.}}{{/tags}}{{/items}}",
              "{{#items}}{{#attributes.brand}}{{attributes.brand}}{{/attributes.brand}}{{/items}}",
              "a &amp; b ", "é {{! nothing }}{{^slot.title}}none{{/slot.title}}"]  # fmt: skip
ADDRESSES = ["{{slot.title}}", "{{fact.page.referrer}}?a={{slot.title}}", "/x/{{slot.title}}",
             "https://x.example/{{slot.title}}#{{slot.name}}",
             "{{slot.title}}{{#slot.title}}?b=1{{/slot.title}}"]  # fmt: skip
PICTURES = ["{{slot.title}} 1x, {{fact.page.referrer}} 2x", "/a.png, {{slot.title}} 640w"]
TEXTS = ["{{slot.title}}", "b {{fact.page.referrer}} c", "{{#slot.title}}x{{/slot.title}}y"]
SCRIPTS = ['<script type="application/json">[{{slot.title}}, {{fact.page.referrer}}]</script>',
           "<script>/* a */ let x = {{slot.title}}; // b\nx = [{{#items}}{{title}},{{/items}}]</script>",
           "<title>{{slot.title}}</title>", "<textarea>{{slot.title}}</textarea>"]  # fmt: skip


class Written(NamedTuple):
    """A template, and the elements that it writes by their path, where everything is there once."""

    html: str
    tags: Counter[str]


@st.composite
def attributes(draw: DrawFn) -> str:
    """Some, each once."""
    names = draw(st.lists(st.sampled_from(["href", "src", "srcset", "class", "data-x", "id", "alt"]),
                          max_size=3, unique=True))  # fmt: skip
    return "".join(f" {name}={draw(_value(name))}" for name in names)


def _value(name: str) -> st.SearchStrategy[str]:
    of = {"href": ADDRESSES, "src": ADDRESSES, "srcset": PICTURES, "id": ["a-{{slot.title}}"]}
    return st.builds(
        "{1}{0}{1}".format, st.sampled_from(of.get(name, TEXTS)), st.sampled_from("\"'")
    )


@st.composite
def trees(draw: DrawFn, parents: tuple[str, ...] = (), depth: int = 0) -> Written:
    """A stretch of elements and marks that may stand in `parents`."""
    html, tags = "", Counter[str]()
    inner = parents[-1] if parents else ""
    here = [name for name in PLAIN if not elements.may_stand(name, parents)]
    for _ in range(draw(st.integers(0, 3 if depth < 4 else 0))):
        if inner not in elements.CHILDREN and draw(st.booleans()):
            html += draw(st.sampled_from(TEXT_MARKS if "svg" in parents else TEXT_MARKS + SCRIPTS))
        elif here:
            one = draw(element(draw(st.sampled_from(here)), parents, depth))
            html, tags = html + one.html, tags + one.tags
    return Written(html, tags)


@st.composite
def element(draw: DrawFn, name: str, parents: tuple[str, ...], depth: int) -> Written:
    """One, perhaps within a section."""
    path = (*parents, name)
    inside = Written("", Counter())
    if name not in elements.VOID:
        inside = draw(trees(path, depth + 1))
    end = "" if name in elements.VOID else f"</{name}>"
    html = f"<{name}{draw(attributes())}>{inside.html}{end}"
    around = draw(st.sampled_from(["{0}", "{0}", "{{{{#slot.title}}}}{0}{{{{/slot.title}}}}"]))
    return Written(around.format(html), inside.tags + Counter(["/".join(path)]))


SOUP = st.lists(st.sampled_from(json.loads((FOLDER / "soup.json").read_text())), max_size=14).map(
    "".join
)
"""Pieces of markup and marks in any order: most of it is refused."""
