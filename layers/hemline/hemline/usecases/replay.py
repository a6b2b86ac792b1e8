"""Decide again from a receipt: the same bytes, or what differs; and what would be, were a fact another."""

import copy
from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from hemline.decide.facts import Fact, FactSource, Maker
from hemline.decide.page import Engine, decide_page
from hemline.decide.rules import Rules
from hemline.decide.snapshot import Snapshot
from hemline.decide.token import Token, Witness, decode
from hemline.model.decision import Fragment
from hemline.model.errors import BadInput
from hemline.usecases.known import Known, makers
from hemline.usecases.receipts import Scene, fixed

_NOWHERE = ("\0",)
"""Slots of a rule that is in force nowhere: no slot can be called so."""


class Difference(msgspec.Struct, frozen=True):
    """One field of a receipt that came out otherwise."""

    field: str
    then: object
    now: object


class Replayed(NamedTuple):
    """The decision made again; equal bytes when there are no differences."""

    fragment: Fragment
    token: Token
    differences: tuple[Difference, ...]


def replay(scene: Scene) -> Replayed:
    """The same receipt and edition must give the same bytes: what does not is named."""
    fragment = decide_again(scene)
    again = token_of(fragment, scene)
    return Replayed(fragment, again, _differences(scene.token, again))


def token_of(fragment: Fragment, scene: Scene) -> Token:
    """The receipt of the decision that was made again."""
    return decode(msgspec.json.decode(fragment.body)["token"], (scene.key,))


def _differences(then: Token, now: Token) -> tuple[Difference, ...]:
    pairs = ((name, getattr(then, name), getattr(now, name)) for name in then.__struct_fields__)
    return tuple(
        Difference(name, _plain(old), _plain(new)) for name, old, new in pairs if old != new
    )


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, enc_hook=str, builtin_types=(bytes,))


def decide_again(scene: Scene, change: Mapping[str, object] | None = None) -> Fragment:
    """The receipt's slot from the receipt's facts, some of them replaced by `change`."""
    known = Known(scene.visit, scene.hot, scene.engine, scene.minute)
    facts = makers(scene.ask, known) | scene.given | _replaced(change or {})
    witness = Witness((scene.key,), lambda: known.whose(scene.key))
    return decide_page(scene.engine, scene.ask, FactSource(facts), witness)[scene.token.slot]


def _replaced(change: Mapping[str, object]) -> dict[str, Maker]:
    return {n: fixed(Fact(value, msgspec.json.encode(value))) for n, value in change.items()}


def without_rules(engine: Engine, off: Collection[str]) -> Engine:
    """The engine as if these rules were in force nowhere. Raises BadInput for a name that is no rule's."""
    header = engine.snapshot.header
    unknown = sorted(set(off) - {rule.name for rule in header.rules})
    if unknown:
        names = ", ".join(rule.name for rule in header.rules) or "none"
        raise BadInput("rule", f"{unknown[0]!r} is no rule of that edition.", f"It has: {names}.")
    rules = tuple(
        msgspec.structs.replace(rule, slots=_NOWHERE) if rule.name in off else rule
        for rule in header.rules
    )
    snapshot: Snapshot = copy.copy(engine.snapshot)
    snapshot.header = msgspec.structs.replace(header, rules=rules)
    return engine._replace(snapshot=snapshot, rules=Rules(snapshot))


class WhatIf(NamedTuple):
    """The decision as it was made, and as it would have been."""

    then: Fragment
    now: Fragment


def what_if(scene: Scene, change: Mapping[str, object], off: Collection[str]) -> WhatIf:
    """With facts replaced (name → value) and rules taken out. Raises BadInput for an unknown rule."""
    changed = scene._replace(engine=without_rules(scene.engine, off))
    return WhatIf(decide_again(scene), decide_again(changed, change))
