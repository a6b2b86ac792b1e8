"""What may not appear, read plainly: an oracle for whole pages, rung by rung the same.

Holds the answer of a case against rules, stock, schedule, caps, lists and brake. Shares no code with
`decide`; knows the model's nouns and the case.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from hemline.model.brake import Brake
from hemline.model.decision import Fragment
from hemline.model.item import Item
from hemline.model.site.rule import RESTRICTING, Rule
from hemline.model.site.slot import Slot, Variant
from tests.oracles.condition_oracle import Asker, Doubt, holds, in_segment
from tests.strategies import rule_strategies, sites
from tests.strategies.request_cases import Case


def in_force(rule: Rule, slot: Slot, asker: Asker) -> bool:
    """Rules that take away are in force in doubt, others are not."""
    begun = rule.since is None or rule.since <= asker.minute
    over = rule.until is not None and rule.until <= asker.minute
    if (rule.slots and slot.name not in rule.slots) or not begun or over:
        return False
    try:
        mine = not rule.segments or any(in_segment(name, asker) for name in rule.segments)
        return mine and all(holds(one, asker) for one in rule.when)
    except Doubt:
        return rule.action in RESTRICTING


def selected(rule: Rule, item: Item) -> bool:
    """Whether an item is in a rule's set; in doubt where that shows less of it."""
    if rule.action in {"cap", "suppress"}:
        return False
    number = int(rule.name[1:])
    return rule_strategies.SETS[rule_strategies.set_of(number)].has(
        item, rule.action in {"block", "exclude"}
    )


def group(item: Item, attribute: str) -> object:
    """What a cap counts it by; None is not counted."""
    if attribute == "category":
        return item.categories[0] if item.categories else None
    return item.kind if attribute == "kind" else item.attributes.get(attribute)


_DAY = 86_400_000


class Law:
    """What holds for one slot of a case."""

    def __init__(self, case: Case, slot: Slot) -> None:
        self.case, self.slot = case, slot
        self.asker = case.asker(personal=slot.personal)
        due = [rule for rule in case.site.laws if in_force(rule, slot, self.asker)]
        self.laws: Sequence[Rule] = sorted(due, key=lambda rule: -rule.priority)
        self.brake: Brake = sites.BRAKES[case.brake]
        self.stop = self.brake.freeze(slot.name)

    def of(self, *actions: str) -> list[Rule]:
        """Rules in force."""
        return [rule for rule in self.laws if rule.action in actions]

    @property
    def is_department(self) -> bool:
        """A category's own page shows all of it, whatever the page says of itself."""
        switched = self.of("source")
        return "category" in (switched[0].sources if switched else self.slot.sources)

    def listed(self) -> set[str]:
        """Items that the request itself keeps out."""
        page, told = self.case.page, self.slot.personal and self.case.consents
        gone = {*self.case.want.get("exclude", ()), *(page.seen if told else ())}
        if not self.is_department:
            gone |= {page.item or "", *(page.cart if told else ()), *(page.owned if told else ())}
        return gone

    def against(self, item: Item) -> Iterator[str]:
        """Why an item may not appear here at all, on its own."""
        if item.stock is not None and item.stock <= 0:
            yield "sold out"
        if (item.published_at or 0) > self.asker.minute:
            yield "not out yet"
        if item.id in self.brake.names("block"):
            yield "blocked by the brake"
        for rule in self.of("block", "exclude"):
            if selected(rule, item):
                yield f"{rule.name} {rule.action}"
        for rule in self.of("include", "filter"):
            if not selected(rule, item):
                yield f"{rule.name} {rule.action}"

    def against_list(self, shown: Sequence[Item], fragment: Fragment) -> Iterator[str]:
        """Why a list may not be shown."""
        names = [item.id for item in shown]
        for item in shown:
            yield from (f"{item.id}: {why}" for why in self.against(item))
        yield from (f"{name}: listed" for name in self.listed() & set(names))
        yield from self._counts(shown)
        if shown and self.of("suppress"):
            yield "suppressed"
        if self.stop and not set(names) <= {*(self.stop.shows or self.slot.fallback)}:
            yield "not what it is frozen to"
        if self.brake.has("no-ranker") and fragment.rung == "model":
            yield "the ranker is stopped"

    def _counts(self, shown: Sequence[Item]) -> Iterator[str]:
        if len(shown) > (self.case.want.get("limit") or self.slot.limit):
            yield "too long"
        for rule in self.of("cap"):
            yield from _over(shown, rule.attribute, rule.count, rule.name)

    def against_frequency(self, fragment: Fragment) -> Iterator[str]:
        """Why a slot with a cap may show nothing."""
        cap, now, told = self.slot.frequency, self.asker.minute, self.asker.told
        if cap is None:
            return
        if told is None or self.asker.unreadable or fragment.rung == "static" or self.stop:
            yield "nobody can count what it shows"
            return
        mine = {one.event.id: one.event for one in told if one.capped == self.slot.name}.values()
        seen = [e for e in mine if e.type == "exposure" and e.time > now - cap.days * _DAY]
        answers = [e for e in mine if e.type != "exposure" and e.time > now - cap.quiet_days * _DAY]
        if len(seen) >= cap.times:
            yield f"seen {len(seen)} times, may be {cap.times}"
        if answers:
            yield "answered, and not quiet"

    def against_variant(self, variant: Variant) -> Iterator[str]:
        """Why a variant may not be shown."""
        try:
            if not all(holds(one, self.asker) for one in variant.when):
                yield "its conditions do not hold"
        except Doubt:
            yield "its conditions are in doubt"
        if variant.item:
            item = rule_strategies.BY_ID.get(variant.item)
            yield from self.against(item) if item else ("its item is gone",)
        links = {
            rule_strategies.BY_ID[n].url
            for n in self.brake.names("block")
            if n in rule_strategies.BY_ID
        }
        if links & set(variant.fields.values()):
            yield "it links to what is blocked"
        if self.of("suppress"):
            yield "suppressed"
        if self.stop and variant.name not in (self.stop.shows or self.slot.fallback):
            yield "not what it is frozen to"


def _over(shown: Sequence[Item], attribute: str, most: int, name: str) -> Iterator[str]:
    counts = Counter(group(item, attribute) for item in shown)
    del counts[None]
    if max(counts.values(), default=0) > most:
        yield f"{name}: more than {most} of a {attribute}"


def against_law(case: Case, fragments: dict[str, Fragment]) -> list[str]:
    """Everything on a page that may not be there."""
    found: list[str] = []
    counted: list[Item] = []
    everything: list[str] = []
    for slot in case.site.made:
        law, fragment = Law(case, slot), fragments[slot.name]
        body: dict[str, Any] = json.loads(fragment.body)
        shown = [rule_strategies.BY_ID[one["id"]] for one in body.get("items", ())]
        wrong = list(law.against_list(shown, fragment)) if slot.kind == "items" else []
        if body.get("variant"):
            named = next(v for v in slot.variants if v.name == body["variant"]["name"])
            wrong += [*law.against_variant(named), *law.against_frequency(fragment)]
        found += [f"{slot.name}: {why}" for why in wrong]
        counted += [] if law.is_department else shown
        everything += [item.id for item in shown]
    for cap in sites.CAPS[case.site.caps]:
        found += _over(counted, cap.attribute, cap.count, "page")
    return found + [f"{name} twice" for name, n in Counter(everything).items() if n > 1]
