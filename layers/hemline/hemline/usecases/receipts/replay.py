"""Decide again from a receipt: the same bytes, or what differs."""

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


def replay(scene: DecisionInputs) -> Replayed:
    """The same receipt and edition must give the same bytes: what does not is named."""
    fragment = decide_again(scene)
    again = token_of(fragment, scene)
    return Replayed(fragment, again, _differences(scene.token, again))


def token_of(fragment: Fragment, scene: DecisionInputs) -> Token:
    """The receipt of the decision that was made again."""
    return decode(msgspec.json.decode(fragment.body)["token"], (scene.key,))


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
    scene: DecisionInputs,
    change: Mapping[str, object] | None = None,
    read: Callable[[str, Facts], None] | None = None,
) -> Fragment:
    """The receipt's slot from its facts, some replaced by `change`; `read` is told what each slot read."""
    known = VisitorContext(scene.visit, scene.hot, scene.engine, scene.minute)
    facts = fact_providers(scene.ask, known) | scene.given | _replaced(change or {})
    witness = TokenContext((scene.key,), lambda: known.whose(scene.key), read=read)
    return decide_page(scene.engine, scene.ask, FactSource(facts), witness)[scene.token.slot]


def _replaced(change: Mapping[str, object]) -> dict[str, Maker]:
    return {n: fixed(Fact(value, msgspec.json.encode(value))) for n, value in change.items()}
