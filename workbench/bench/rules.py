"""`bench rules`: 500 rules over 10,000 items, from known facts to the allowed items and 200 scores.

A quarter of the rules belong to another slot; about a third of the others apply. Two in five exclude, two
in five boost, the rest cap; every second rule has two conditions.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from hemline.decide.facts.facts import Fact, Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.rules import masks
from hemline.decide.rules.eligibility import Rules
from hemline.learn.statistics.arrays import sections
from hemline.learn.statistics.counts import Statistics
from hemline.model.durations import DAY_MS
from hemline.model.edition import SCHEMA, Header, pack, unpack
from hemline.model.item import Item
from hemline.model.site.rule import Condition, Rule, When
from hemline.model.site.slot import Slot
from workbench.bench.decide import AnswersDiffer
from workbench.bench.measure import BenchRow, rounds, row
from workbench.bench.naive.rules import NaiveRules
from workbench.bench.world import NOW, SITE

ITEMS = 10_000
SIZES = (50, 500)
CANDIDATES = 200
SLOT = "for-you"
_CALLS = {"hemline": 200, "naive": 3}
_COUNTRIES = ("GB", "DE", "FR", "NL", "SE", "IT", "ES", "PL")
FACTS = {
    "clock.minute": NOW,
    "trait.country": "GB",
    "trait.device": "mobile",
    "page.campaign": "spring-3",
    "clock.hour": 14,
    "cart.value": 55.0,
    "visitor.affinity.category-03": 0.4,
    "visitor.count.purchase.30d": 2,
}


def rows(*, repeats: int = 7, items: int = ITEMS) -> list[BenchRow]:
    """Every number of rules. Raises AnswersDiffer unless both variants allow and score alike."""
    found: list[BenchRow] = []
    for size in SIZES:
        variants = _variants(size, items)
        _check(*(call() for call in variants.values()))
        hot = rounds(variants, calls=_CALLS, repeats=repeats)
        found += [row(name, size, samples) for name, samples in hot.items()]
    return found


def _check(ours: "Answer", theirs: "Answer") -> None:
    if not np.array_equal(ours[0], theirs[0]):
        raise AnswersDiffer("other items are allowed")
    if not np.allclose(ours[1], theirs[1]):
        raise AnswersDiffer("other scores")


Answer = tuple[Sequence[bool] | np.ndarray, Sequence[float] | np.ndarray]
"""(whether each item may be shown [n], a score for each candidate)."""


def _variants(size: int, count: int) -> dict[str, Callable[[], Answer]]:
    items = [_item(n) for n in range(count)]
    site = [_rule(n) for n in range(size)]
    snapshot = _snapshot(items, site)
    candidates = np.arange(0, count, max(count // CANDIDATES, 1), dtype=np.int32)[:CANDIDATES]
    naive = NaiveRules(site, items)
    return {
        "hemline": partial(_ours, Rules(snapshot), candidates),
        "naive": partial(_theirs, naive, candidates.tolist()),
    }


def _ours(rules: Rules, candidates: np.ndarray) -> Answer:
    facts = Facts(_SOURCE, personal=True)
    eligible = rules.in_force(SLOT, facts, _NOWHERE)
    scores = np.linspace(1.0, 0.0, len(candidates))
    if eligible.boosts is not None:
        scores = eligible.boosts.applied(scores, candidates)
    return eligible.allowed, scores


_NOWHERE = np.empty(0, np.int32)


def _maker(value: object) -> Callable[[], Fact]:
    fact = Fact(value, b"")
    return lambda: fact


_SOURCE = FactSource({name: _maker(value) for name, value in FACTS.items()})


def _theirs(naive: NaiveRules, candidates: list[int]) -> Answer:
    return naive.allowed(SLOT, FACTS, NOW), naive.adjusted(SLOT, FACTS, candidates)


def _item(n: int) -> Item:
    return Item(
        id=f"item-{n:05}",
        price=4.5 + n % 97,
        categories=(f"category-{n % 40:02}",),
        tags=(f"tag-{n % 7}", f"tag-{n % 11}"),
        attributes={"brand": f"brand-{n % 53}", "season": f"season-{n % 5}"},
        published_at=NOW - DAY_MS * (1 + n % 300),
    )


def _condition(n: int) -> tuple[When, ...]:
    kinds: tuple[When, ...] = (
        Condition("trait.country", "eq", _COUNTRIES[n % 8]),
        Condition("trait.country", "in", [_COUNTRIES[n % 8], _COUNTRIES[(n + 3) % 8]]),
        Condition("trait.device", "eq", ("mobile", "desktop", "tablet")[n % 3]),
        Condition("page.campaign", "eq", f"spring-{n % 9}"),
        Condition("clock.hour", "gt", float(n % 24)),
        Condition("cart.value", "gt", float(n)),
        Condition("visitor.affinity.category-03", "gt", n % 50 / 50),
        Condition("visitor.count.purchase.30d", "le", float(n % 6)),
    )
    first = kinds[n % len(kinds)]
    return (first, kinds[(n // 8) % len(kinds)]) if n % 2 else (first,)


def _rule(n: int) -> Rule:
    sets = (
        ("category", f"category-{n % 40:02}"),
        ("brand", f"brand-{n % 53}"),
        ("tag", f"tag-{n % 7}"),
    )
    attribute, value = sets[n % 3]
    action = ("exclude", "boost", "exclude", "boost", "cap")[n % 5]
    slots = (SLOT,) if n % 4 < 3 else ("another",)
    return Rule(
        f"rule-{n:03}",
        action,  # type: ignore[arg-type] # one of the actions
        slots,
        _condition(n),
        attribute=attribute,
        value=value,
        times=1.5,
        plus=0.01,
        priority=n % 3,
    )


def _snapshot(items: list[Item], site: list[Rule]) -> Snapshot:
    header = Header(SCHEMA, SITE, NOW, (Slot(SLOT),), tuple(site), FEATURES, {})
    payloads = {
        **sections(Statistics(), items, NOW),
        **masks.sections(site, items, NOW),
    }
    return Snapshot(unpack(pack(header, payloads), site=SITE))
