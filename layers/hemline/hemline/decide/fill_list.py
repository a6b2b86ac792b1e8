"""Fills a slot of items: brake, rules, the ladder, then diversity, exploration and the rules' order.

Decides alone; JSON and HTML of what is shown come from `render/`.
"""

from collections.abc import Mapping, Sequence

from hemline.decide.brake import braked, with_placed
from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import SlotAnswer
from hemline.decide.ladder import RungContext, Step, climb
from hemline.decide.ranking.candidates import NAMES, Candidates
from hemline.decide.ranking.diversify import diversified
from hemline.decide.ranking.explore import Explored, explore, seed_of
from hemline.decide.ranking.observed import Chosen
from hemline.decide.ranking.page_caps import caps_left, is_free
from hemline.decide.ranking.rerank import missed, rerank
from hemline.decide.render import web
from hemline.decide.render.reasons import reasons
from hemline.decide.rules.eligibility import Eligibility
from hemline.decide.seen import Seen
from hemline.model.decision import Rung, SlotRequest
from hemline.model.site.kinds import KINDS
from hemline.model.site.slot import Slot


def fill_list(
    engine: Engine, slot: Slot, slot_request: SlotRequest, facts: Facts, seen: Seen
) -> SlotAnswer:
    """A list of items, on the best rung that has any. `seen`: what earlier slots of the page showed."""
    # Even when earlier slots showed nothing: this answer still depends on the facts they read.
    facts.absorb(seen.trace)
    snapshot = engine.snapshot
    under = braked(slot, snapshot, facts)
    fired = engine.rules.fired(slot.name, facts)
    if fired.suppressed:
        rung = Rung.STATIC if fired.faults else Rung.SEGMENT
        return SlotAnswer(KINDS[slot.kind].empty, b"", rung, fired.faults)
    slot = fired.switched(under.slot)
    excluded = seen.excluded(snapshot, slot, slot_request, facts, under.blocked.tolist())
    eligible = engine.rules.eligible(fired, facts, excluded)
    eligible = eligible._replace(caps=eligible.caps + caps_left(snapshot, slot, seen.counted))
    eligible = with_placed(under, eligible)
    step = climb(_context(engine, slot, slot_request, facts, eligible, seen.listed, under.closed))
    found = step.found
    ranked, limit = found.items.tolist(), slot_request.limit or slot.limit
    varied, explored = _varied(snapshot, slot, facts, step, ranked, limit)
    shown = rerank(varied, eligible, limit)
    if engine.watch:
        steps = (seen.items, under.blocked, eligible, step, varied, explored, shown)
        engine.watch(Chosen(slot, slot_request, facts, *steps))
    texts = reasons(snapshot, facts, shown, _sources(found, ranked, shown))
    return SlotAnswer(
        b'"items":' + web.items_json(snapshot, shown, texts),
        b"",
        step.rung if shown else Rung.STATIC,
        (*step.reasons, *missed(shown, eligible)),
        tuple(shown),
        explored=explored.exploration if explored and explored.item in shown else None,
        broken=step.broken,
        said=tuple(texts),
        free=is_free(slot),
    )


def _context(  # noqa: PLR0913, PLR0917 - what a rung decides from
    engine: Engine,
    slot: Slot,
    slot_request: SlotRequest,
    facts: Facts,
    eligible: Eligibility,
    listed: Sequence[int],
    closed: Mapping[Rung, str],
) -> RungContext:
    kept = engine.snapshot, engine.rules, engine.ranker
    clocked = engine.obstacle, engine.late
    return RungContext(*kept, slot, slot_request, facts, eligible, listed, closed, *clocked)


def _varied(  # noqa: PLR0913, PLR0917 - what diversity and exploration each need
    snapshot: Snapshot, slot: Slot, facts: Facts, step: Step, ranked: list[int], limit: int
) -> tuple[list[int], Explored | None]:
    """Diversity, then exploration; rules are applied after both. The static rung is a list as written."""
    if step.rung is Rung.STATIC or not (slot.diversity or slot.explore):
        return ranked, None
    varied = diversified(snapshot, slot, step.found.items, ranked, limit)
    if not slot.explore:
        return varied, None
    explored = explore(
        varied, limit, slot.explore, seed_of(slot.name, facts), snapshot.cold_start_items
    )
    return (explored.ranked if explored else varied), explored


def _sources(found: Candidates, ranked: list[int], shown: list[int]) -> list[str]:
    """Where each shown item came from; a pin need not be in the ranked list at all."""
    # Shown items stand near the head of the ranked ones: a search ends at once.
    return [NAMES[found.sources[ranked.index(i)]] if i in ranked else "pin" for i in shown]
