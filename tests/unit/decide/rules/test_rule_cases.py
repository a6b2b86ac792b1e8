"""Rules by data files that other languages can share: facts, items and rules in, what follows out."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from pydantic import TypeAdapter

from hemline.decide import content
from hemline.decide.facts.facts import Fact, Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ladder import boosted_places
from hemline.decide.ranking.candidates import from_one
from hemline.decide.ranking.rerank import missed, rerank
from hemline.decide.rules.eligibility import Rules
from hemline.model.item import Item
from hemline.model.site.rule import Condition
from hemline.model.site.slot import Slot, Variant
from hemline.sitefile.rules import AnyRule, AnySegment
from tests.builders.editions import NOW, build

CASES = Path(__file__).resolve().parents[3] / "cases/rules"
NOWHERE = np.empty(0, np.int32)
VARIANTS = (
    Variant("plain"),
    Variant("sea"),
    Variant("british", when=(Condition("trait.country", "eq", "GB"),)),
)
SLOTS = (
    Slot("row", sources=("popular",)),
    Slot("hero", kind="content", variants=VARIANTS, personal=False),
    Slot("home", kind="layout", sections=("a", "b", "c", "d"), personal=False),
)
_rule, _segment = TypeAdapter(AnyRule), TypeAdapter(AnySegment)


def cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.json")):
        file = json.loads(path.read_text())
        found += [
            pytest.param({"items": file["items"]} | case, id=f"{path.stem}: {case['name']}")
            for case in file["cases"]
        ]
    return found


class Case:
    """One case, decided."""

    def __init__(self, case: dict[str, Any]) -> None:
        rules = [_rule.validate_json(json.dumps(r)).struct("UTC") for r in case["rules"]]
        segments = [
            _segment.validate_json(json.dumps(s)).struct() for s in case.get("segments", [])
        ]
        items = msgspec.convert(case["items"], list[Item])
        self.case = case
        self.snapshot = Snapshot(build(items, SLOTS, site_rules=rules, segments=segments))
        self.rules = Rules(self.snapshot)
        now = {"clock.minute": NOW - NOW % 60_000}
        self._makers = {
            name: (lambda v=value: Fact(v, b"")) for name, value in (now | case["facts"]).items()
        }
        self.facts = self.fresh()
        self.fired = self.rules.fired("row", self.facts)
        self.scope = self.facts.scope.word
        self.eligible = self.rules.eligible(self.fired, self.facts, NOWHERE)

    def fresh(self) -> Facts:
        return Facts(FactSource(self._makers), personal=True)

    def shown(self) -> list[str]:
        ranked = from_one("popular", self.snapshot.indices(self.case["ranked"]))
        boosted = boosted_places(ranked, self.eligible).items.tolist()
        self.list = rerank(boosted, self.eligible, self.case["limit"])
        return [self.snapshot.item_ids[i] for i in self.list]

    def chosen(self, slot: str) -> content.Choice:
        return content.choose(self.snapshot.slots[slot], self.rules, self.snapshot, self.fresh())


def _variant(case: Case) -> str | None:
    chosen = case.chosen("hero").variant
    return chosen.name if chosen else None


def _missed(case: Case) -> int:
    case.shown()
    return len(missed(case.list, case.eligible))


OUTCOMES: dict[str, Any] = {
    "in_force": lambda case: list(case.fired.names),
    "allowed": lambda case: [
        item["id"]
        for item in case.case["items"]
        if case.eligible.allowed[case.snapshot.index[item["id"]]]
    ],
    "shown": Case.shown,
    "missed": _missed,
    "scope": lambda case: case.scope,
    "suppressed": lambda case: case.fired.suppressed,
    "sources": lambda case: list(case.fired.switched(SLOTS[0]).sources),
    "sections": lambda case: list(case.chosen("home").sections),
    "variant": _variant,
    "faults": lambda case: [line.split(":")[0].removeprefix("rule ") for line in case.fired.faults],
}


@pytest.mark.parametrize("case", cases())
def test_what_follows_from_a_case_is_what_it_says(case: dict[str, Any]) -> None:
    decided = Case(case)
    found = {name: OUTCOMES[name](decided) for name in case["expect"]}
    assert found == case["expect"]


def test_there_are_as_many_cases_as_were_promised() -> None:
    assert len(cases()) >= 150
