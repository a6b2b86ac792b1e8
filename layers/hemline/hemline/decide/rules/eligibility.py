"""Rules in force for one slot of one request.

Every rung of the ladder is filtered by `Eligibility.allowed`. Sets of items are compiled at publish
(`masks`), `plan` finds which rules hold; this module combines the two.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.spacing import MinGap
from hemline.decide.rules.masks import attribute_of, sections
from hemline.decide.rules.plan import RulePlan, RulePlans
from hemline.learn.array_types import Codes, Ints, Mask, Reals
from hemline.model.edition import UNKNOWN_STOCK
from hemline.model.site.kinds import Fills
from hemline.model.site.rule import RESTRICTING, Rule
from hemline.model.site.slot import Slot, Source, Variant

__all__ = ["Boosts", "Cap", "Eligibility", "Fired", "Rules", "Share", "attribute_of", "sections"]


class Cap(NamedTuple):
    """At most `most` of the items that share a number in `group` (int32 [n], -1: free)."""

    group: Ints
    most: int
    used: Mapping[int, int] = {}
    """Group → how many items of it the page already shows."""


class Share(NamedTuple):
    """At least `least` (0 to 1) of a list's places go to items of `members` (bool [n])."""

    members: Mask
    least: float
    rule: str = ""


class Boosts(NamedTuple):
    """`bits` u1 [b, n/8], the set of each boost or bury; `times` and `plus` float64 [b]."""

    bits: Codes
    times: Reals
    plus: Reals

    def rows(self, rows: Sequence[int]) -> "Boosts":
        """The boosts at these rows."""
        return Boosts(self.bits[rows], self.times[rows], self.plus[rows])

    def applied(self, scores: Reals, items: Ints) -> Reals:
        """[k] adjusted scores of `items`: all factors, then all additions; rule order is irrelevant."""
        bits = self.bits.take(items >> 3, axis=1)
        held = (bits & _BIT.take(items & 7)) != 0
        factor = np.where(held, self.times[:, None], 1.0).prod(axis=0)
        adjusted: Reals = scores * factor
        adjusted += np.where(held, self.plus[:, None], 0.0).sum(axis=0)
        return adjusted


_BIT = np.array([128, 64, 32, 16, 8, 4, 2, 1], np.uint8)
"""Bit of an item in its byte: np.packbits puts the first item in the highest bit."""


class Eligibility(NamedTuple):
    """The rules in force for one slot of one request."""

    allowed: Mask
    """[n] over all items: stock, schedule, blocks, filters, exclusions."""
    pins: tuple[tuple[int, int], ...]
    """(position from 0, item index), by position; only allowed items."""
    caps: tuple[Cap, ...]
    shares: tuple[Share, ...] = ()
    boosts: Boosts | None = None
    min_gaps: tuple[MinGap, ...] = ()
    faults: tuple[str, ...] = ()
    """Messages of rules that failed: the slot steps one rung down."""

    @property
    def restrictions_only(self) -> "Eligibility":
        """Without pins, shares, boosts and gaps: a frozen list is only filtered."""
        return self._replace(pins=(), shares=(), boosts=None, min_gaps=())


class Fired(NamedTuple):
    """Rules that hold, the foremost first, and those that failed.

    A restricting rule that failed counts as in force: in doubt, less is shown.
    """

    plan: RulePlan
    at: Sequence[int]
    """Rows of the edition's rules."""
    faults: tuple[str, ...]
    rules: Sequence[Rule]

    @property
    def names(self) -> tuple[str, ...]:
        """For explanations."""
        return tuple(self.rules[at].name for at in self.at)

    def of(self, *actions: str) -> list[Rule]:
        """The rules with one of these actions."""
        return [rule for rule in map(self.rules.__getitem__, self.at) if rule.action in actions]

    @property
    def suppressed(self) -> bool:
        """Whether the slot shows nothing."""
        return bool(self.of("suppress"))

    def switched(self, slot: Slot) -> Slot:
        """The slot, with the sources of the foremost `source` rule if there is one."""
        sources: tuple[Source, ...] = next((rule.sources for rule in self.of("source")), ())
        return msgspec.structs.replace(slot, sources=sources) if sources else slot

    @property
    def wanted(self) -> list[str]:
        """Variants that rules choose, the foremost first."""
        return [rule.variant for rule in self.of("variant") if rule.variant is not None]

    def reordered(self, order: Sequence[str]) -> tuple[str, ...]:
        """Sections after `reorder` rules have moved theirs; the foremost rule wins a place."""
        moves: dict[str, int] = {}
        for rule in self.of("reorder"):
            section, at = rule.section, rule.position - 1
            if section is not None and section in order and at not in moves.values():
                moves.setdefault(section, at)
        found = [section for section in order if section not in moves]
        for section, position in sorted(moves.items(), key=lambda move: move[1]):
            found.insert(position, section)
        return tuple(found)


class Rules:
    """An edition's rules over its snapshot; opened once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self._rules = snapshot, snapshot.header.rules
        self._segments = {segment.name: segment for segment in snapshot.header.segments}
        self._masks: Codes = snapshot.array("rule_mask").astype(np.uint8, copy=False)
        self._group = snapshot.ints("rule_group")
        rows = snapshot.ints("rule_rows").reshape(-1, 2)
        self._mask_row, self._group_row = rows[:, 0].tolist(), rows[:, 1].tolist()
        find = snapshot.index.get
        self._item = [find(rule.item or "", -1) for rule in self._rules]
        self._plans = RulePlans(self._rules, self._segments)
        kept = {at: bits for at in range(len(rows)) if (bits := self._kept(at)) is not None}
        self._keep = np.stack(list(kept.values())) if kept else self._masks
        self._keep_row = {at: row for row, at in enumerate(kept)}
        self._single_item = {
            at: self._item[at] for at, r in enumerate(self._rules) if _is_single_item(r)
        }
        self._prepare()
        self._variants = {
            (slot.name, one.name): self._plans.compiled(one.when)
            for slot in snapshot.header.slots
            for one in slot.variants
        }

    def _prepare(self) -> None:
        """Precomputes, per row, what each action needs, so that a decision only looks it up."""
        by_action: dict[str, list[int]] = defaultdict(list)
        for at, rule in enumerate(self._rules):
            by_action["boost" if rule.action == "bury" else rule.action].append(at)
        rules, rows = self._rules, self._group_row
        self._pins = {at: (rules[at].position - 1, self._item[at]) for at in by_action["pin"]}
        self._caps = {at: Cap(self._group[rows[at]], rules[at].count) for at in by_action["cap"]}
        self._shares = frozenset(by_action["share"])
        self._min_gaps = {
            at: MinGap(self._group[rows[at]], rules[at].count, rules[at].name)
            for at in by_action["apart"]
        }
        boosts = by_action["boost"]
        self._boost_row = {at: row for row, at in enumerate(boosts)}
        self._boosts = Boosts(
            np.stack([self._bits(at) for at in boosts]) if boosts else self._masks,
            np.array([rules[at].times for at in boosts]),
            np.array([rules[at].plus for at in boosts]),
        )

    def may_show(self, slot: str, variant: Variant, facts: Facts) -> bool:
        """Whether the variant's own conditions hold. Raises what the conditions raise."""
        return self._variants[slot, variant.name](facts)

    def fired(self, slot: str, facts: Facts, fills: Fills = "list") -> Fired:
        """The slot's rules that hold. Reads the clock and the facts in their conditions."""
        plan = self._plans.of(slot, fills, facts.read("clock.minute"))
        at, faults = plan.fire(facts)
        return Fired(plan, at, faults, self._rules)

    def in_force(self, slot: str, facts: Facts, excluded: Ints) -> Eligibility:
        """`fired` and `eligible` in one; `excluded` item indices."""
        return self.eligible(self.fired(slot, facts), facts, excluded)

    def eligible(self, fired: Fired, facts: Facts, excluded: Ints) -> Eligibility:
        """What may be shown, and how it is reranked."""
        snapshot = self._snapshot
        allowed: Mask = snapshot.published <= facts.read("clock.minute")
        allowed &= snapshot.once(_in_stock)
        self._restrict(allowed, fired)
        allowed[excluded] = False
        pins = pinned([self._pins[at] for at in fired.at if at in self._pins], allowed)
        caps = tuple([self._caps[at] for at in fired.at if at in self._caps])
        shares = tuple([self._share(at) for at in fired.at if at in self._shares])
        rows = [self._boost_row[at] for at in fired.at if at in self._boost_row]
        boosts = self._boosts.rows(rows) if rows else None
        min_gaps = tuple([self._min_gaps[at] for at in fired.at if at in self._min_gaps])
        return Eligibility(allowed, pins, caps, shares, boosts, min_gaps, fired.faults)

    def _restrict(self, allowed: Mask, fired: Fired) -> None:
        """Clears in `allowed` the items that fired rules remove: one AND over rows of bits."""
        rows = [self._keep_row[at] for at in fired.at if at in self._keep_row]
        if rows:
            bits = np.bitwise_and.reduce(self._keep[rows], axis=0)
            allowed &= np.unpackbits(bits, count=len(allowed)).view(np.bool_)
        gone = [self._single_item[at] for at in fired.at if at in self._single_item]
        if gone:
            allowed[[item for item in gone if item >= 0]] = False

    def _kept(self, at: int) -> Codes | None:
        """Bits of the items that a rule keeps; None when it removes no item or a single one."""
        rule = self._rules[at]
        if rule.action not in RESTRICTING or rule.action in {"cap", "suppress"}:
            return None
        if _is_single_item(rule):
            return None
        members = self._bits(at)
        return members if rule.action in {"filter", "include"} else ~members

    def _bits(self, at: int) -> Codes:
        """u1 [n/8] the rule's set of items."""
        if self._mask_row[at] >= 0:
            row: Codes = self._masks[self._mask_row[at]]
            return row
        one = np.zeros(len(self._snapshot.item_ids), np.bool_)
        one[[item for item in (self._item[at],) if item >= 0]] = True
        return np.packbits(one)

    def _share(self, at: int) -> Share:
        rule, count = self._rules[at], len(self._snapshot.item_ids)
        members = np.unpackbits(self._bits(at), count=count).view(np.bool_)
        return Share(members, rule.share, rule.name)


def pinned(wanted: Iterable[tuple[int, int]], allowed: Mask) -> tuple[tuple[int, int], ...]:
    """(position from 0, item index), by position. The first pin wins its position and its item.

    An index below 0 is an item that the edition does not have.
    """
    pins: dict[int, int] = {}
    for position, item in wanted:
        if item >= 0 and allowed[item] and item not in pins.values():
            pins.setdefault(position, item)
    return tuple(sorted(pins.items()))


def _in_stock(snapshot: Snapshot) -> Mask:
    in_stock: Mask = (snapshot.stock > 0) | (snapshot.stock == UNKNOWN_STOCK)
    return in_stock


def _is_single_item(rule: Rule) -> bool:
    """Whether the rule removes exactly one item, given by id."""
    plain = rule.action in {"block", "exclude"} and rule.item is not None
    return plain and not rule.compares and not rule.where
