"""Replays a receipt: the same bytes, or a list of differences."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from hemline.decide.facts.facts import Fact, Facts, FactSource, Maker
from hemline.decide.page import decide_page
from hemline.decide.token import Token, TokenContext, decode
from hemline.model.decision import Fragment
from hemline.usecases.receipts.receipts import DecisionInputs, fixed
from hemline.usecases.serving.fact_providers import fact_providers
from hemline.usecases.serving.visitor_context import VisitorContext


class ReplayDifference(msgspec.Struct, frozen=True):
    """One field of a receipt that came out otherwise."""

    field: str
    then: object
    now: object


class Replayed(NamedTuple):
    """The decision made again; equal bytes when there are no differences."""

    fragment: Fragment
    token: Token
    differences: tuple[ReplayDifference, ...]


def replay(inputs: DecisionInputs) -> Replayed:
    """The same receipt and edition must give the same bytes: what does not is named."""
    fragment = decide_again(inputs)
    again = token_of(fragment, inputs)
    return Replayed(fragment, again, _differences(inputs.token, again))


def token_of(fragment: Fragment, inputs: DecisionInputs) -> Token:
    """The receipt of the decision that was made again."""
    return decode(msgspec.json.decode(fragment.body)["token"], (inputs.key,))


def _differences(then: Token, now: Token) -> tuple[ReplayDifference, ...]:
    if then.shown is None:  # made before tokens said so
        now = msgspec.structs.replace(now, shown=None)
    pairs = ((name, getattr(then, name), getattr(now, name)) for name in then.__struct_fields__)
    return tuple(
        ReplayDifference(name, _plain(old), _plain(new)) for name, old, new in pairs if old != new
    )


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, enc_hook=str, builtin_types=(bytes,))


def decide_again(
    inputs: DecisionInputs,
    change: Mapping[str, object] | None = None,
    read: Callable[[str, Facts], None] | None = None,
) -> Fragment:
    """Repeats the receipt's slot from its facts, some replaced by `change`.

    `read` is called with the facts that each slot read.
    """
    visitor = VisitorContext(inputs.visit, inputs.serving_read, inputs.engine, inputs.minute)
    facts = fact_providers(inputs.page_request, visitor) | inputs.given | _replaced(change or {})
    token_context = TokenContext(
        (inputs.key,), lambda: visitor.subject_reference(inputs.key), read=read
    )
    return decide_page(inputs.engine, inputs.page_request, FactSource(facts), token_context)[
        inputs.token.slot
    ]


def _replaced(change: Mapping[str, object]) -> dict[str, Maker]:
    return {n: fixed(Fact(value, msgspec.json.encode(value))) for n, value in change.items()}
