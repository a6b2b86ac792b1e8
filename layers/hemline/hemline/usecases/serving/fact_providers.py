"""Fact providers of one request, by fact name. Each runs when a decision first reads its fact.

Without consent the visitor's facts are not there at all, so nothing can read them.
"""

from functools import cache, partial

import msgspec

from hemline.decide.brake import FACT
from hemline.decide.facts.facts import OTHERS, Fact, Maker, MissingFact
from hemline.decide.page import PageRequest
from hemline.model.brake import Brake
from hemline.model.decision import PageContext
from hemline.model.ids import hash64
from hemline.model.input.text import normal
from hemline.usecases.serving.visitor_context import VisitorContext

_encode = msgspec.json.Encoder().encode


def fact_providers(page_request: PageRequest, visitor: VisitorContext) -> dict[str, Maker]:
    """Every fact that this request may read, by name."""
    page, traits = page_request.page, page_request.traits
    providers: dict[str, Maker] = {
        "clock.minute": lambda: _fact(visitor.minute),
        "page.type": lambda: _fact(page.type),
        # The query is for campaigns alone: a rule about /sale is about every way to it.
        "page.url": lambda: _fact(page.url.partition("?")[0].partition("#")[0]),
        "page.item": lambda: _fact(page.item),
        "page.category": lambda: _fact(page.category and normal(page.category)),
        "trait.country": lambda: _fact(traits.country),
        "trait.device": lambda: _fact(traits.device),
        "trait.language": lambda: _fact(traits.language),
        FACT: _no_brake,
        OTHERS: cache(partial(_others, page_request, visitor)),
    }
    page_list = partial(_page_list, consented=visitor.consented)
    providers |= {f"page.{n}": partial(page_list, v) for n, v in _lists(page) if v}
    # Without consent they are not there at all, so that nothing can read them.
    if visitor.consented:
        providers["page.cart"] = lambda: _fact(page.cart)
        if visitor.subject:
            providers |= _visitor_facts(visitor)
    return providers


def _no_brake() -> Fact:
    raise MissingFact(FACT)


def _others(page_request: PageRequest, visitor: VisitorContext) -> Fact:
    # Imported when a rule first reads one: many sites have no such rule, but all pay for start-up.
    from hemline.usecases.serving.rule_facts import others  # noqa: PLC0415 - as the comment says

    return others(page_request.page, page_request.traits, visitor.snapshot, visitor)()


def _page_list(names: tuple[str, ...], *, consented: bool) -> Fact:
    """A list that the page states about the visitor. Without consent it is missing."""
    if not consented:
        raise MissingFact("consent")
    return _fact(names)


def _lists(page: PageContext) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (("owned", page.owned), ("seen", page.seen))


def brake_fact(brake: Brake) -> dict[str, Maker]:
    """The stops of the brake as a fact; absent for a site whose brake was never set."""
    fact = Fact(brake, _encode(brake.stops))
    return {FACT: lambda: fact} if brake.version else {}


def _visitor_facts(visitor: VisitorContext) -> dict[str, Maker]:
    return {
        "visitor.seed": lambda: _fact(hash64(visitor.subject)),
        "visitor.known": lambda: visitor.fact(not visitor.profile().empty),
        "visitor.returning": lambda: visitor.fact(visitor.returning()),
        "visitor.view": lambda: visitor.fact(visitor.view()),
        "visitor.recent": lambda: visitor.fact(visitor.view().recent.tolist()),
        "visitor.categories": lambda: visitor.fact(visitor.view().categories.tolist()),
    }


def _fact(value: object) -> Fact:
    return Fact(value, _encode(value))
