"""The facts that one slot read, in order, with values that a person can read."""

from typing import Any

import msgspec

from hemline.decide.facts.facts import Facts, TracedRead
from hemline.decide.facts.snapshot import Snapshot


class FactRead(msgspec.Struct, frozen=True):
    """One line of the facts that were read, in order."""

    name: str
    scope: str
    value: Any
    had: bool
    """False when the fact is missing or unavailable."""


def facts_read(facts: Facts, snapshot: Snapshot) -> list[FactRead]:
    """What was read, in order; arrays of items and categories by name."""
    return [_describe(read, facts, snapshot) for read in facts.trace]


def _describe(read: TracedRead, facts: Facts, snapshot: Snapshot) -> FactRead:
    had = bool(read.fingerprint)
    value = _plain(read.name, facts, snapshot) if had else None
    return FactRead(read.name, read.scope.word, value, had)


def _plain(name: str, facts: Facts, snapshot: Snapshot) -> object:
    value = facts.read(name)
    if name == "visitor.recent":
        return [snapshot.item_ids[i] for i in value]
    if name == "visitor.categories":
        return [snapshot.categories[c] for c in value]
    if name == "visitor.view":
        return "the profile, joined with the edition"
    return msgspec.to_builtins(value, enc_hook=str)
