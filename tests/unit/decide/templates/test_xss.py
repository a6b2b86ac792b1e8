"""Two hundred and more attacks in every field and context: the tree that a browser builds is ours."""

import json
from collections.abc import Callable, Iterator

import pytest

from hemline.decide.render import cards, email, markup, web
from hemline.decide.templates import elements, escape, slot
from hemline.decide.templates.render import SECTION, LinkedProgram, programs
from hemline.model.site.template import EscapeContext
from tests.oracles.markup import as_parsed, dom, one_of
from tests.strategies.xss import CLASSES, PAYLOADS, Stage

SAFE = frozenset({"", "http", "https", "mailto", "tel"})
HARMLESS = ["plain words", "/plain", "https://x.example/a?b=c#d"]
STAGE = Stage([*PAYLOADS, *HARMLESS])


def harmless() -> dict[str, dict[str, int]]:
    """Where → the most of each element and attribute that harmless data has there."""
    most: dict[str, dict[str, int]] = {}
    for text in HARMLESS:
        at = STAGE.snapshot.index[text]
        for where, html in STAGE.shown(at, text, text):
            held = most.setdefault(where, {})
            for part, count in dom(html).parts.items():
                held[part] = max(held.get(part, 0), count)
    return most


MOST = harmless()


def faults(payload: str, stage: Stage = STAGE) -> Iterator[str]:
    """What one payload brings into the page that harmless data does not."""
    for where, html in stage.shown(stage.snapshot.index[payload], payload, payload):
        found = dom(html)
        for part, count in found.parts.items():
            if count > MOST[where].get(part, 0):
                yield f"{where}: {part}"
        for scheme in found.schemes - SAFE:
            yield f"{where}: scheme {scheme}"


def test_there_are_two_hundred_attacks_and_more_of_many_classes() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) > 200
    assert len(CLASSES) >= 12


@pytest.mark.parametrize("family", CLASSES)
def test_no_attack_adds_an_element_an_attribute_or_a_scheme(family: str) -> None:
    found = {payload: list(faults(payload)) for payload in CLASSES[family]}
    assert not {payload: wrong for payload, wrong in found.items() if wrong}


def test_a_template_shows_what_was_said_and_all_of_it() -> None:
    """In text, title, textarea, both quotes, JSON and script: the text comes back as it went in."""
    for payload in PAYLOADS:
        shown = dict(STAGE.shown(STAGE.snapshot.index[payload], payload, payload))
        found, said = dom(shown["template items"]).body, as_parsed(payload)
        for name in ("title", "id", "currency", "brand", "reason"):
            assert one_of(found, f"[data-t={name}]").text() == said, (name, payload)
        for name in ("referrer", "campaign"):
            assert one_of(found, f"[data-f={name}]").text() == said
        for path, attribute in _ATTRIBUTES.items():
            assert one_of(found, path).attributes[attribute] == said, (path, payload)
        told = json.loads(one_of(found, "script.data").text())
        assert told["t"] == told["r"] == payload
        one = told["items"][0]
        assert (one["id"], one["tags"], one["reason"]) == (payload, [payload], payload)
        # The first line's end is no part of a text area's text.
        assert one_of(found, "textarea").text().lstrip("\n") == said.lstrip("\n")
        headline = one_of(dom(shown["template variant"]).body, "[data-t=headline]")
        assert headline.text() == said


_ATTRIBUTES = {"li": "data-item", "section": "data-slot", "h2": "title", "input": "placeholder",
               "img": "alt", "[data-f=campaign]": "title"}  # fmt: skip


def leaking(value: object) -> str:
    """No escaping at all."""
    return str(value)


BUGS: dict[EscapeContext, Callable[[object], str]] = {
    "text": leaking,
    "attribute": leaking,
    "part": leaking,
    "script": leaking,
    # These two are escaped as text is, which is what an engine without contexts does.
    "url": lambda value: markup.escape(str(value)),
    "srcset": lambda value: markup.escape(str(value)),
}


@pytest.mark.parametrize("context", BUGS)
def test_it_turns_red_when_one_context_is_not_escaped(
    context: EscapeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(escape.ESCAPES, context, BUGS[context])
    made = programs(STAGE.snapshot.edition.raw(SECTION))
    held = slot._ready[STAGE.snapshot]
    broken = {name: one._replace(linked=LinkedProgram(made[name])) for name, one in held.items()}
    monkeypatch.setitem(slot._ready, STAGE.snapshot, broken)
    assert any(wrong for payload in PAYLOADS for wrong in faults(payload))


def test_it_turns_red_when_an_address_is_taken_for_plain_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(elements, "context_of", lambda _: "attribute")
    stage = Stage([*PAYLOADS, *HARMLESS])
    assert any("scheme" in wrong for payload in PAYLOADS for wrong in faults(payload, stage))


@pytest.mark.parametrize("form", ["variant", "layout", "email"])
def test_it_turns_red_when_a_default_markup_is_not_escaped(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (web, email):
        monkeypatch.setattr(module, "escape", lambda text: text)
    assert any(wrong.startswith(form) for payload in PAYLOADS for wrong in faults(payload))


def test_it_turns_red_when_a_card_is_not_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "escape", lambda text: text)
    stage = Stage(PAYLOADS[:50])
    assert any(wrong.startswith("items") for p in PAYLOADS[:50] for wrong in faults(p, stage))


def test_it_turns_red_when_an_address_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "safe_url", lambda text: text)
    assert any("scheme" in wrong for payload in PAYLOADS for wrong in faults(payload))
