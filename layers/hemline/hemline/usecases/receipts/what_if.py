"""What-if: repeats a receipt's decision with facts replaced or rules removed. Knows no stores."""

import copy
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.rules.eligibility import Rules
from hemline.model.decision import Fragment
from hemline.model.edition import Header
from hemline.model.errors import BadInput
from hemline.model.site.rule import Not, Segment, Some, When
from hemline.usecases.receipts.receipts import DecisionInputs
from hemline.usecases.receipts.replay import decide_again

_NOWHERE = ("\0",)
"""Slots of a disabled rule: no slot can have this name."""
_SEGMENT = "segment."
_NEVER: tuple[When, ...] = (Some(()),)
_ALWAYS: tuple[When, ...] = (Not(Some(())),)
_OF_THE_RECEIPT = frozenset({"token", "cursor"})
"""Members of an answer that are about the decision and not of what it shows."""


class ShownAnswer(msgspec.Struct, frozen=True):
    """What an answer shows."""

    rung: str
    scope: str
    items: tuple[str, ...]
    variant: str
    sections: tuple[str, ...]


class WhatIf(NamedTuple):
    """The decision as it was made, and as it would have been."""

    then: Fragment
    now: Fragment
    unread: tuple[str, ...] = ()
    """Replaced facts that the new decision did not read."""

    @property
    def differs(self) -> tuple[str, ...]:
        """Members of the answer that came out otherwise: items, variant, sections, rung, html and so on."""
        sides = [_members(self.then), _members(self.now)]
        names = dict.fromkeys([*sides[0], *sides[1]])
        return tuple(name for name in names if sides[0].get(name) != sides[1].get(name))


def _members(fragment: Fragment) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(fragment.body)
    members = {name: value for name, value in body.items() if name not in _OF_THE_RECEIPT}
    return {**members, "html": fragment.html}


def shown(fragment: Fragment) -> ShownAnswer:
    """What a fragment shows, whatever its slot's kind."""
    body = _members(fragment)
    variant, sections = body.get("variant") or {}, body.get("sections") or ()
    name = variant.get("name", "")
    return ShownAnswer(
        fragment.rung.value, fragment.scope.word, fragment.items, name, tuple(sections)
    )


def without_rules(engine: Engine, off: Collection[str]) -> Engine:
    """The engine as if these rules were in force nowhere. Raises BadInput for a name that is no rule's."""
    if not off:
        return engine
    header = engine.snapshot.header
    _known("rule", off, [rule.name for rule in header.rules])
    rules = tuple(
        msgspec.structs.replace(rule, slots=_NOWHERE) if rule.name in off else rule
        for rule in header.rules
    )
    return _under(engine, msgspec.structs.replace(header, rules=rules))


def with_segments(engine: Engine, stated: Mapping[str, bool]) -> Engine:
    """The engine as if everybody were (or nobody) in these segments. Raises BadInput for an unknown one."""
    if not stated:
        return engine
    header = engine.snapshot.header
    _known("segment", stated, [segment.name for segment in header.segments])
    segments = tuple(
        Segment(one.name, _ALWAYS if stated[one.name] else _NEVER) if one.name in stated else one
        for one in header.segments
    )
    return _under(engine, msgspec.structs.replace(header, segments=segments))


def _known(field: str, named: Collection[str], names: Collection[str]) -> None:
    unknown = sorted(set(named) - set(names))
    if unknown:
        text = f"{unknown[0][:64]!r} is no {field} of that edition."
        raise BadInput(field, text, f"It has: {', '.join(names) or 'none'}.")


def _under(engine: Engine, header: Header) -> Engine:
    snapshot: Snapshot = copy.copy(engine.snapshot)
    snapshot.header = header
    return engine._replace(snapshot=snapshot, rules=Rules(snapshot))


def what_if(inputs: DecisionInputs, change: Mapping[str, Any], off: Collection[str]) -> WhatIf:
    """With facts replaced (name → value) and rules taken out. Raises BadInput for what is not there."""
    stated = {
        n.removeprefix(_SEGMENT): bool(v) for n, v in change.items() if n.startswith(_SEGMENT)
    }
    plain = {name: value for name, value in change.items() if not name.startswith(_SEGMENT)}
    engine = with_segments(without_rules(inputs.engine, off), stated)
    # What the clock says otherwise, such as the hour, goes with it.
    minute = plain.get("clock.minute", inputs.minute)
    changed = inputs._replace(engine=engine, minute=minute)
    read: dict[str, Facts] = {}
    now = decide_again(changed, plain, read.__setitem__)
    facts = read[inputs.token.slot]
    asked = {one.name for one in facts.trace} | {_SEGMENT + name for name in facts.segments}
    return WhatIf(decide_again(inputs), now, tuple(name for name in change if name not in asked))
