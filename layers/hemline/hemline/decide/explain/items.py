"""Why each candidate of a slot is shown or not: repeats the decision and observes it.

The hot path pays one comparison per slot and nothing per candidate: sources and rules run
again here. Pure; knows neither tokens nor stores.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from hemline.decide.engine import Engine
from hemline.decide.explain.displaced import displaced_by
from hemline.decide.explain.missing import why_missing
from hemline.decide.facts.facts import Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.candidates import MOST, NAMES, NONE, Candidates, from_request, generate
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.ranking.observed import Chosen
from hemline.decide.token import encode_request, listed_in
from hemline.learn.array_types import Floats
from hemline.model.decision import Rung

PINNED = "shown: pinned"
_ENOUGH = 10_000
"""Of each source, when it is asked what it would have given beyond its share."""


class CandidateTrace(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item that a source offered, and what became of it."""

    item: str
    source: str
    why: str
    """The first thing that kept it out, in words; `shown` or PINNED when nothing did."""
    place: int | None = None
    """Where it is shown, from 1."""
    rank: int | None = None
    """In the order of the rung that answered, from 1."""
    score: float | None = None
    """The ranker's; higher is better."""
    features: Mapping[str, float] = {}
    """The ranker's inputs, of what was ranked."""


class RuleEffect(msgspec.Struct, frozen=True):
    """A rule that held, and what it did to this slot's candidates."""

    rule: str
    action: str
    kept_out: int
    """Candidates that it alone would have kept out."""


class SlotTrace(msgspec.Struct, frozen=True):
    """How one slot of items was filled."""

    slot: str
    rung: str
    left: tuple[str, ...]
    """Why each better rung was left."""
    candidates: tuple[CandidateTrace, ...]
    """What is shown first, then by rank, then what was kept out."""
    rules: tuple[RuleEffect, ...]
    ranked: tuple[str, ...]
    """The order before diversity and exploration, the list's length twice."""
    varied: tuple[str, ...]
    """The order after them."""
    shown: tuple[str, ...]
    explored: tuple[str, float] | None = None
    """The item whose place chance decided, and how likely it was to stand there."""


class Watched:
    """Wraps a ranker; records each input matrix and its scores, and the seconds spent."""

    def __init__(self, ranker: object, clock: Callable[[], float]) -> None:
        self._score: Callable[[Floats], Floats] = ranker.score  # type: ignore[attr-defined]
        self._clock = clock
        self.feature_names: tuple[str, ...] = FEATURES
        self.asked: list[tuple[Floats, Floats]] = []
        self.seconds = 0.0

    def score(self, matrix: Floats) -> Floats:
        """The wrapped ranker's scores, recorded."""
        started = self._clock()
        scores = self._score(matrix)
        self.seconds += self._clock() - started
        self.asked.append((matrix, scores))
        return scores


class _Scene(NamedTuple):
    engine: Engine
    source: FactSource
    chosen: Chosen
    scored: tuple[Floats, Floats] | None


def trace(
    engine: Engine,
    source: FactSource,
    chosen: Chosen,
    scored: tuple[Floats, Floats] | None,
    also: int | None = None,
) -> SlotTrace:
    """`scored`: the ranker's matrix and scores, if it ran; `also`: one more item to explain."""
    scene = _Scene(engine, source, chosen, scored)
    ids, step = engine.snapshot.item_ids, chosen.step
    found = _candidates(scene, also)
    only = dict(_rule_impact(scene))
    candidates = list(_describe(scene, found, only))
    head = slice(0, 2 * (chosen.slot_request.limit or chosen.slot.limit))
    explored = chosen.explored
    return SlotTrace(
        slot=chosen.slot.name,
        rung=step.rung.value,
        left=step.reasons,
        candidates=tuple(sorted(candidates, key=_order)),
        rules=tuple(
            RuleEffect(name, action, int((~allowed[found.items]).sum()))
            for (name, action), allowed in only.items()
        ),
        ranked=tuple(ids[i] for i in step.found.items[head].tolist()),
        varied=tuple(ids[i] for i in chosen.varied[head]),
        shown=tuple(ids[i] for i in chosen.shown),
        explored=(ids[explored.item], explored.propensity) if explored else None,
    )


def _order(candidate: CandidateTrace) -> tuple[float, float, str]:
    far = float("inf")
    return candidate.place or far, candidate.rank or far, candidate.item


def _candidates(scene: _Scene, also: int | None) -> Candidates:
    """What the rung found, then all that the sources offer; pins and `also` last."""
    chosen, found = scene.chosen, scene.chosen.step.found
    offered = _offered(scene, _ENOUGH)
    items = [*found.items.tolist(), *offered.items.tolist(), *chosen.shown]
    items += [] if also is None else [also]
    sources = [*found.sources.tolist(), *offered.sources.tolist()]
    sources += [len(NAMES)] * (len(items) - len(sources))
    first = dict(zip(reversed(items), reversed(sources), strict=True))
    order = list(dict.fromkeys(items))
    return Candidates(np.array(order, np.int32), np.array([first[i] for i in order], np.uint8))


def _offered(scene: _Scene, most: int) -> Candidates:
    snapshot, chosen = scene.engine.snapshot, scene.chosen
    facts = Facts(scene.source, personal=chosen.slot.personal)
    if chosen.slot_request.candidates:
        return from_request(listed_in(encode_request(snapshot, chosen.slot_request)))
    personal = chosen.step.rung is Rung.MODEL or chosen.slot.personal
    try:
        return generate(chosen.slot, snapshot, facts, personal=personal, most=most)
    except Exception:  # noqa: BLE001 - the decision said so already: its reasons are told
        return Candidates(NONE, np.empty(0, np.uint8))


def _rule_impact(scene: _Scene) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """(rule, action) that held → items that it alone would allow, bool [n]."""
    engine, slot = scene.engine, scene.chosen.slot
    facts = Facts(scene.source, personal=slot.personal)
    fired = engine.rules.fired(slot.name, facts)
    stocked = engine.rules.eligible(fired._replace(at=()), facts, NONE).allowed
    for at in fired.at:
        allowed = engine.rules.eligible(fired._replace(at=(at,)), facts, NONE).allowed
        rule = fired.rules[at]
        yield (rule.name, rule.action), allowed | ~stocked


def _describe(
    scene: _Scene, found: Candidates, only: Mapping[tuple[str, str], np.ndarray]
) -> Iterator[CandidateTrace]:
    chosen, ids = scene.chosen, scene.engine.snapshot.item_ids
    ranks = {item: n for n, item in enumerate(chosen.step.found.items.tolist(), 1)}
    places = {item: n for n, item in enumerate(chosen.shown, 1)}
    scores, pins = _scores(scene), {item for _, item in chosen.eligible.pins}
    for item, code in zip(found.items.tolist(), found.sources.tolist(), strict=True):
        row = scores.get(item)
        yield CandidateTrace(
            item=ids[item],
            source=NAMES[code] if code < len(NAMES) else "none",
            why=_shown(item, pins) if item in places else _why(scene, item, ranks.get(item), only),
            place=places.get(item),
            rank=ranks.get(item),
            score=row and row[0],
            features=row[1] if row else {},
        )


def _shown(item: int, pins: Collection[int]) -> str:
    return PINNED if item in pins else "shown"


def _scores(scene: _Scene) -> dict[int, tuple[float, dict[str, float]]]:
    """Item → its score and features. The ranker's rows are the eligible offered items, in order."""
    if scene.scored is None:
        return {}
    matrix, scores = scene.scored
    offered = _offered(scene, MOST).items
    asked = offered[scene.chosen.eligible.allowed[offered]].tolist()
    if len(asked) != len(scores):
        return {}
    rows = zip(asked, scores.tolist(), matrix.tolist(), strict=True)
    return {item: (score, _finite(row)) for item, score, row in rows}


def _finite(row: list[float]) -> dict[str, float]:
    """By name; what is not known (NaN) is left out."""
    return {name: value for name, value in zip(FEATURES, row, strict=True) if value == value}  # noqa: PLR0124 - that is what NaN is


Check = Callable[[Snapshot, Chosen, int], str]


def _asked_not_to(snapshot: Snapshot, chosen: Chosen, item: int) -> str:
    name = snapshot.item_ids[item]
    fields = (f for f in chosen.slot_request.__struct_fields__ if f not in {"name", "candidates"})
    for field in fields:
        value = getattr(chosen.slot_request, field)
        if isinstance(value, tuple) and name in value:
            return f"the request names it in {field!r}"
    return ""


def _seen(_: Snapshot, chosen: Chosen, item: int) -> str:
    return "an earlier slot of the page shows it" if item in chosen.taken else ""


def _braked(_: Snapshot, chosen: Chosen, item: int) -> str:
    return "the brake blocks it" if item in chosen.blocked.tolist() else ""


def _stock(snapshot: Snapshot, _: Chosen, item: int) -> str:
    return "it is out of stock" if snapshot.stock[item] == 0 else ""


_CHECKS: tuple[Check, ...] = (_braked, _stock, _asked_not_to, _seen)


def _why(
    scene: _Scene, item: int, rank: int | None, only: Mapping[tuple[str, str], np.ndarray]
) -> str:
    """The first thing that kept it out."""
    snapshot, chosen = scene.engine.snapshot, scene.chosen
    if not chosen.eligible.allowed[item]:
        texts = (check(snapshot, chosen, item) for check in _CHECKS)
        return next(filter(None, texts), "") or _forbidden(scene, item, only)
    limit = chosen.slot_request.limit or chosen.slot.limit
    if rank is None:
        facts = Facts(scene.source, personal=chosen.slot.personal)
        return why_missing(chosen, snapshot, facts, item)
    pushed = displaced_by(chosen, item, limit)
    moved = rank <= limit and "diversity or chance moved it back"
    return pushed or moved or f"rank {rank} of {limit} places"


def _forbidden(scene: _Scene, item: int, only: Mapping[tuple[str, str], np.ndarray]) -> str:
    for (name, action), allowed in only.items():
        if not allowed[item]:
            return f"rule {name} ({action})"
    snapshot, chosen = scene.engine.snapshot, scene.chosen
    facts = Facts(scene.source, personal=chosen.slot.personal)
    if snapshot.published[item] > facts.read("clock.minute"):
        return "it is not published yet"
    name = snapshot.item_ids[item]
    stated = (text for fact, text in _STATED.items() if _names(facts, fact, name))
    return next(stated, "an earlier page of the list shows it")


_STATED = {
    "page.item": "it is the page's own item",
    "page.cart": "it is in the cart",
    "page.owned": "the page says that the visitor owns it",
    "page.seen": "the page says that it was seen",
}
"""What a page says of itself, by fact."""


def _names(facts: Facts, fact: str, name: str) -> bool:
    value = facts.read_or(fact, None)
    return name == value or (isinstance(value, (list, tuple)) and name in value)
