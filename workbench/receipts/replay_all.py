"""`hemline replay --all`: decides pages in an in-memory sandbox site, then replays every receipt.

Validation, fold, archive, publish and ranker are real; only the stores are in memory. The last part of
the history arrives while decisions are made: each batch is first only in its visitors' capsules, then
folded, and editions are published in between. A share of the pages meets a brake, a failing ranker, a
missed deadline or an unreadable profile. At the end every receipt must give equal bytes.
"""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.fragment import Format
from hemline.decide.page import PageRequest
from hemline.decide.token import decode
from hemline.learn.profile import capsule
from hemline.model.decision import Fragment, PageContext, SlotRequest, Traits, Visit
from hemline.model.errors import BadInput, HemlineError
from hemline.model.events.event import ITEM_EVENT, Record
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.receipts.receipts import Sources, decision_inputs, sources_at_once
from hemline.usecases.receipts.replay import replay
from hemline.usecases.serving.decide_page import decide
from workbench.importers.wire import Batch, batches
from workbench.receipts import fault_injection as faults
from workbench.receipts.histories import history
from workbench.receipts.sandbox import KEYS, SITE, SandboxSite

_LIVE_PART = 0.3
"""Share of the history that arrives while decisions are made."""
_ROUNDS = 60
_PUBLISHES = 3
_DIFFERENCES = 5
_FRESH = 0.5
"""Share of pages requested right after an event of their visitor."""
_FORMS: tuple[Format, ...] = ("json", "json", "html", "email")

Tick = Callable[[], None]


class ReplayAllReport(msgspec.Struct, frozen=True):
    """Counts of what was decided and replayed."""

    decisions: int
    equal: int
    """Receipts that gave the same bytes."""
    fresh: int
    """Decisions with events of a capsule that no profile had yet."""
    editions: int
    visitors: int
    events: int
    rungs: dict[str, int]
    troubles: dict[str, int]
    """Kind of fault → decisions that met it, according to their receipts."""
    longest: int
    """Characters of the longest token."""
    seconds: float
    differences: tuple[str, ...]

    def lines(self) -> list[str]:
        """The report as text."""
        rungs = ", ".join(f"{name} {n:,}" for name, n in sorted(self.rungs.items()))
        share = 100 * self.equal / max(self.decisions, 1)
        return [
            f"{self.equal:,} of {self.decisions:,} receipts gave equal bytes ({share:.2f} %)",
            f"{self.events:,} events of {self.visitors:,} visitors, {self.editions} editions",
            f"{self.fresh:,} decisions with events that were not folded yet; rungs: {rungs}",
            ", ".join(f"{name} {n:,}" for name, n in self.troubles.items()),
            f"longest token {self.longest} characters; {self.seconds:.1f} s",
            *self.differences,
        ]


class _Issued(NamedTuple):
    fragment: Fragment
    token: str
    fresh: bool
    met: tuple[str, ...] = ()


def replay_all(decisions: int, file: Path | None, seed: int, tick: Tick) -> ReplayAllReport:
    """Decide, then replay every receipt; `tick` after each decision and each replay.

    Raises BadInput when the file has no items.
    """
    started, draw = time.monotonic(), random.Random(seed)
    made = history(file, decisions)
    site = SandboxSite(made.site)
    calls = list(batches(made.events))
    first = max(1, int(len(calls) * (1 - _LIVE_PART)))
    for batch in calls[:first]:
        site.fold(site.accept(batch))
    site.publish()
    if not site.snapshot().item_ids:
        raise BadInput("--data", "has no items.", "Name RankLens or Online Retail, whole.")
    receipts = list(_decided(site, calls[first:], decisions, draw, tick))
    differences = list(_replayed(site, receipts, tick))
    return _report(site, receipts, differences, time.monotonic() - started)


def _report(
    site: SandboxSite, receipts: list[_Issued], wrong: list[str], seconds: float
) -> ReplayAllReport:
    rungs = [made.fragment.rung.value for made in receipts]
    people = {one.record.subject for one in read_archive(site.objects, SITE)}
    return ReplayAllReport(
        decisions=len(receipts),
        equal=len(receipts) - len(wrong),
        fresh=sum(made.fresh for made in receipts),
        editions=site.editions,
        visitors=sum(not name.startswith("i:") for name in people),
        events=site.events,
        troubles={kind: sum(kind in made.met for made in receipts) for kind in faults.KINDS},
        rungs={rung: rungs.count(rung) for rung in dict.fromkeys(rungs)},
        longest=max(len(made.token) for made in receipts),
        seconds=round(seconds, 1),
        differences=tuple(wrong[:_DIFFERENCES]),
    )


def _decided(
    site: SandboxSite, calls: list[Batch], decisions: int, draw: random.Random, tick: Tick
) -> Iterator[_Issued]:
    events = [event for call in calls for event in call.events]
    size = max(1, -(-len(events) // _ROUNDS))
    parts = [Batch(0, tuple(events[at : at + size])) for at in range(0, len(events), size)]
    parts = [small for part in parts for small in batches(part.events)] or [Batch(0, ())]
    left = decisions
    for number, part in enumerate(parts, 1):
        accepted = site.accept(part) if part.events else []
        site.brake(faults.draw_stops(draw, site.snapshot(), site.now))
        people = [record for record, _ in accepted if record.event.type != ITEM_EVENT]
        quota = left // (len(parts) - number + 1)
        for made in _pages(site, people, quota, draw):
            left -= 1
            tick()
            yield made
        site.fold(accepted)
        if number % max(1, len(parts) // _PUBLISHES) == 0:
            site.publish()


def _pages(
    site: SandboxSite, people: list[Record], quota: int, draw: random.Random
) -> Iterator[_Issued]:
    """Decide pages until there are `quota` fragments; half of them for a visitor who just acted."""
    while quota > 0:
        about = draw.choice(people) if people else None
        fresh = about is not None and draw.random() < _FRESH
        ask, visit = _page(site, about, people if fresh else [], draw)
        ask = ask._replace(slots=ask.slots[:quota])
        fault = faults.draw_fault(draw)
        with fault.applied(site.deps) as deps:
            found = decide(ask, visit, deps, site.now).fragments
        quota -= len(found)
        for fragment in found.values():
            token: str = msgspec.json.decode(fragment.body)["token"]
            met = faults.kinds_of(decode(token, KEYS), fault, stopped=bool(deps.live.brake.stops))
            yield _Issued(fragment, token, bool(visit.recent), met)


def _page(
    site: SandboxSite, about: Record | None, recent: list[Record], draw: random.Random
) -> tuple[PageRequest, Visit]:
    snapshot = site.snapshot()
    items, names = snapshot.item_ids, sorted(snapshot.slots)
    page = PageContext(
        type=draw.choice(["home", "item", "category"]),
        item=draw.choice([None, draw.choice(items)]),
        category=draw.choice([None, *snapshot.categories]),
        cart=tuple(draw.sample(items, min(len(items), draw.randrange(3)))),
    )
    slots = [_slot_request(name, items, draw) for name in draw.sample(names, min(len(names), 4))]
    traits = Traits(about.country, about.device, "en") if about else Traits(country="GB")
    form: Format = draw.choice(_FORMS)
    return PageRequest(page, traits, tuple(slots), form), _visit(about, recent)


def _slot_request(name: str, items: list[str], draw: random.Random) -> SlotRequest:
    few = tuple(draw.sample(items, min(len(items), 3)))
    return SlotRequest(
        name,
        limit=draw.choice([None, 4, 10]),
        exclude=draw.choice([(), (), few]),
        candidates=draw.choice([(), (), (), few]),
    )


def _visit(about: Record | None, recent: list[Record]) -> Visit:
    if about is None:
        return Visit(None, consent=None)
    own = [record for record in recent if record.subject == about.subject]
    kept = capsule.update(capsule.Capsule(about.subject), own)
    # A recent event comes with consent in the same capsule. While the table is down, no statement in
    # the capsule means no consent.
    consent = True if recent else None
    return Visit(about.subject, consent=consent, recent=tuple(capsule.records(kept, SITE)))


def _replayed(site: SandboxSite, receipts: list[_Issued], tick: Tick) -> Iterator[str]:
    """One line for each receipt that does not give equal bytes."""
    sources = sources_at_once(SITE, site.objects, KEYS, OnnxRanker)
    for made in receipts:
        why = _fault(made, sources)
        if why:
            yield f"{made.fragment.name}: {why}"
        tick()


def _fault(made: _Issued, sources: Sources) -> str:
    try:
        again = replay(decision_inputs(decode(made.token, KEYS, site=SITE), sources))
    except HemlineError as error:
        return str(error)
    if again.differences:
        return ", ".join(difference.field for difference in again.differences)
    same = (again.fragment.body, again.fragment.html) == (made.fragment.body, made.fragment.html)
    return "" if same else "body"
