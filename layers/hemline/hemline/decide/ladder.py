"""The ladder: model → segment → popular → static, as an ordered list that one can read.

A rung gives a list of items, best first, or raises StepDown with the reason. The first rung with
something that may be shown is the answer.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple, Protocol

import numpy as np

from hemline.decide.facts.facts import Facts, MissingFact
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.candidates import (
    NAMES,
    NOTHING,
    Candidates,
    first_of,
    from_one,
    from_request,
    generate,
    merged,
)
from hemline.decide.ranking.features import matrix as features
from hemline.decide.rules.eligibility import Eligibility, Rules
from hemline.learn.array_types import Floats, Ints
from hemline.model.decision import Rung, SlotRequest
from hemline.model.errors import Unavailable
from hemline.model.site.slot import Slot


class Ranker(Protocol):
    """A loaded ranking model."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of its matrix."""
        ...

    def score(self, matrix: Floats) -> Floats:
        """[n, F] → [n], higher is better."""
        ...


class StepDown(Exception):  # noqa: N818 - it is a step of the ladder, not a fault
    """This rung cannot answer; the message says why, in a word or two."""


class NotNow(StepDown):
    """The rung cannot answer now: the ranker is late, broken, or skipped by the breaker for a while."""


def nothing_in_the_way(_slot: Slot) -> str:
    """The default `obstacle` and `late`: no time limit."""
    return ""


class RungContext(NamedTuple):
    """What a rung decides from."""

    snapshot: Snapshot
    rules: Rules
    ranker: Ranker | None
    slot: Slot
    slot_request: SlotRequest
    facts: Facts
    eligible: Eligibility
    listed: Sequence[int] = ()
    """Candidates that `slot_request` names, as item indices; ids that the edition lacks are left out."""
    closed: Mapping[Rung, str] = {}
    """Rungs that may not answer, and why."""
    obstacle: Callable[[Slot], str] = nothing_in_the_way
    """Why the ranker must not be called for the slot now (deadline, breaker); empty: it may."""
    late: Callable[[Slot], str] = nothing_in_the_way
    """By how much its scores were late; they are used all the same, since nothing would be faster."""


def _candidates(ctx: RungContext, *, personal: bool) -> Candidates:
    if ctx.slot_request.candidates:
        return from_request(ctx.listed)
    allowed = ctx.eligible.allowed if ctx.slot_request.after else None
    return generate(ctx.slot, ctx.snapshot, ctx.facts, personal=personal, allowed=allowed)


def _by_model(ctx: RungContext) -> Candidates:
    if not ctx.slot.personal:
        raise StepDown("public slot")
    if ctx.ranker is None:
        raise StepDown("no ranker")
    view = ctx.facts.read("visitor.view")
    if not len(ctx.facts.read("visitor.recent")):
        # Measured: for a visitor without history a ranker loses to decayed popularity.
        raise StepDown("no history")
    found = _sift(_candidates(ctx, personal=True), ctx.eligible)
    if not found.items.size:
        raise StepDown("no candidates")
    now = ctx.facts.read("clock.minute")
    page_item = ctx.snapshot.index.get(ctx.facts.read_or("page.item", None) or "", -1)
    category = ctx.facts.read_or("page.category", None) or ""
    # After all reads: a late decision has read the same facts, so scope and receipt stay right.
    _check_time(ctx)
    matrix = features.matrix(
        ctx.snapshot,
        view,
        found.items,
        now=now,
        page_item=page_item,
        page_category=ctx.snapshot.category_index.get(category, -1),
    )
    _check_time(ctx)
    scores = ctx.ranker.score(matrix)
    if not isfinite(np.add.reduce(scores)):
        raise NotNow("scores are not finite")
    order = (-boosted(scores, found.items, ctx.eligible)).argsort(kind="stable")
    return found.take(order)


def boosted(scores: Floats, items: Ints, eligible: Eligibility) -> Floats:
    """[n] the scores, or, where rules boost or bury, the list's scores scaled to 0..1 and adjusted.

    Raw scores have no zero and no unit: a factor above 1 would push an item of negative score down.
    0 for the lowest and 1 for the highest is also what positions give where there is no ranker.
    """
    if eligible.boosts is None:
        return scores
    exact = scores.astype(np.float64)
    span = exact.max() - exact.min()
    even = (exact - exact.min()) / span if span > 0 else np.ones(len(exact))
    return eligible.boosts.applied(even, items).astype(np.float32)


def boosted_places(found: Candidates, eligible: Eligibility) -> Candidates:
    """Without scores, positions stand in: 1 for the first, evenly down to 0 for the last."""
    if eligible.boosts is None:
        return found
    places = np.linspace(1.0, 0.0, len(found.items), dtype=np.float32)
    return found.take(np.argsort(-boosted(places, found.items, eligible), kind="stable"))


def _check_time(ctx: RungContext) -> None:
    why = ctx.obstacle(ctx.slot)
    if why:
        raise NotNow(why)


def _by_segment(ctx: RungContext) -> Candidates:
    country, device = ctx.facts.read("trait.country"), ctx.facts.read("trait.device")
    rows = ctx.snapshot.segments
    row = next((rows[k] for k in (f"{country}|{device}", f"{country}|") if k in rows), None)
    if row is None:
        raise StepDown("no such segment")
    popular: Ints = ctx.snapshot.ints("segment_popular")[row]
    return _popular_here(ctx, popular[popular >= 0])


def _by_popularity(ctx: RungContext) -> Candidates:
    return _popular_here(ctx, ctx.snapshot.ints("popular"))


def _popular_here(ctx: RungContext, popular: Ints) -> Candidates:
    """First what goes with the page (with its item, in its category), then popular items."""
    if ctx.slot_request.candidates:
        own = from_request(ctx.listed).items
        return from_one("yours", first_of(popular[np.isin(popular, own)], own))
    page = _candidates(ctx, personal=False)
    lead = page.take(np.flatnonzero(np.isin(page.sources, _ABOUT_THE_PAGE)))
    if fills_alone(ctx.slot, lead):
        return lead
    # A young site has few popular items: the newest ones fill the list.
    fresh = from_one("new", ctx.snapshot.ints("fresh"))
    return _filled(ctx, merged((lead, from_one("popular", popular), fresh)))


def _filled(ctx: RungContext, found: Candidates) -> Candidates:
    """Adds every other allowed item, newest first, where fewer than the slot's limit are left.

    An edition lists only the 200 most popular and the 200 newest items, so a filter (one brand, say)
    could leave none of them. Later pages of a list (`after`) are not filled.
    """
    allowed = ctx.eligible.allowed
    limit = ctx.slot_request.limit or ctx.slot.limit
    if ctx.slot_request.after or np.count_nonzero(allowed.take(found.items)) >= limit:
        return found
    everything = ctx.snapshot.once(_newest_first)
    rest: Ints = everything[allowed.take(everything)][:limit]
    return merged((_sift(found, ctx.eligible), from_one("static", rest)))


def _newest_first(snapshot: Snapshot) -> Ints:
    order: Ints = np.argsort(-snapshot.published, kind="stable").astype(np.int32)
    return order


_ABOUT_THE_PAGE = [NAMES.index(name) for name in ("together", "category")]


def fills_alone(slot: Slot, found: Candidates) -> tuple[str, ...]:
    """The page's own sources, where they found something and no other source may fill the slot.

    A category page shows its category and nothing else.
    """
    if "category" not in slot.sources or not found.sources.size:
        return ()
    if not np.isin(found.sources, _ABOUT_THE_PAGE).all():
        return ()
    return tuple(name for name in slot.sources if name in {"together", "category"})


def _static(ctx: RungContext) -> Candidates:
    return from_one("static", ctx.snapshot.indices(list(dict.fromkeys(ctx.slot.fallback))))


LADDER: Sequence[tuple[Rung, Callable[[RungContext], Candidates]]] = (
    (Rung.MODEL, _by_model),
    (Rung.SEGMENT, _by_segment),
    (Rung.POPULAR, _by_popularity),
    (Rung.STATIC, _static),
)


class Step(NamedTuple):
    """The rung that answered, its candidates (best first), and why each better rung did not."""

    rung: Rung
    found: Candidates
    reasons: tuple[str, ...]
    broken: bool = False
    """A rung failed for a reason not recorded in the facts (timeout, ranker error): a replay may not fail."""


def climb(ctx: RungContext) -> Step:
    """The first rung with something to show; the static one answers even when it is empty.

    When a rule failed, the rung that would have answered is skipped too, unless a fault skipped one already.
    """
    reasons = list(ctx.eligible.faults)
    left = not reasons
    broken = False
    for rung, step in LADDER:
        if rung in ctx.closed:
            reasons.append(f"{rung}: {ctx.closed[rung]}")
            continue
        try:
            found = step(ctx)
        except (StepDown, Unavailable) as why:
            reasons.append(f"{rung}: {why}")
            left = left or isinstance(why, Unavailable | NotNow)
            broken |= isinstance(why, NotNow)
            continue
        except MissingFact as missing:
            reasons.append(f"{rung}: {missing} is missing")
            continue
        except Exception as fault:  # noqa: BLE001 - a fragment never fails: the reason is reported
            reasons.append(f"{rung}: {type(fault).__name__}")
            left = broken = True
            continue
        if rung is Rung.MODEL:
            reasons += filter(None, (ctx.late(ctx.slot),))
        kept = _sift(found, ctx.eligible)
        if kept.items.size and (left or rung is Rung.STATIC):
            shown = kept if rung is Rung.MODEL else boosted_places(kept, ctx.eligible)
            return Step(rung, shown, tuple(reasons), broken)
        if kept.items.size:
            reasons.append(f"{rung}: a rule failed")
            left = True
            continue
        reasons.append(f"{rung}: nothing to show")
    return Step(Rung.STATIC, NOTHING, tuple(reasons), broken)


def _sift(found: Candidates, eligible: Eligibility) -> Candidates:
    keep = eligible.allowed.take(found.items)
    every = np.count_nonzero(keep) == len(keep)
    return found if every else found.take(np.flatnonzero(keep))
