"""`hemline site diff`: compares two site files over one catalogue and history (of a stack or a file)."""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.engine import Engine
from hemline.learn.statistics.abuse import survey
from hemline.model.edition import pack, unpack
from hemline.model.errors import BadInput
from hemline.model.events.abuse import AbuseLimits
from hemline.model.events.event import Record
from hemline.model.site.site import Site
from hemline.runtime.publish.wiring import check_ranker
from hemline.sitefile.review.compare import FieldChange
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.ports import ObjectStore
from hemline.usecases.publishing.build import ArchiveCounts, Made, count, edition_parts
from hemline.usecases.publishing.ranker import RankerFiles, choose, stored
from hemline.usecases.serving.editions import engine_of
from hemline.usecases.sites.reach import ChangeReach, Reach, Sides, SlotReach, change_reaches, slots
from hemline.usecases.sites.recent_visitors import SampleSize, sample
from workbench import stores
from workbench.importers import events, importing
from workbench.importers.direct import DirectRoad, DirectStores
from workbench.importers.direct import digest as digest_of
from workbench.importers.reading import opened
from workbench.importers.wire import WireEvents
from workbench.laptop import Running
from workbench.publish.wording import describe_field, name_of

_SITE = "compared"


class Sampled(msgspec.Struct, frozen=True):
    """The sample behind the shares: `visitors` out of the `population` seen in the last `days`."""

    visitors: int
    population: int
    days: int


class SiteDifference(msgspec.Struct, frozen=True):
    """The comparison; shares of visitors carry the standard error of the sample."""

    at: int
    """Epoch ms as of which both sites decide."""
    sample: Sampled
    changes: list[ChangeReach]
    """Every difference between the files, with the share of visitors that it affects."""
    slots: list[SlotReach]
    """Slot by slot, the share of visitors who would see something else."""


class SiteHistory(NamedTuple):
    """The history that two sites are compared over."""

    records: list[Record]
    ranker: RankerFiles | None
    rejected: int = 0
    """Events of the file that an import would reject."""
    notes: tuple[str, ...] = ()
    """Remarks on the choice of the ranker."""


def from_stack(stack: Running) -> SiteHistory:
    """The archive of the running stack, with its ranker if a publish would accept it."""
    objects = stores.objects(stack)
    offers = {"stored": stored(stack.site, objects)}
    notes: list[str] = []
    ranker, _ = choose(offers, check_ranker, notes)
    return SiteHistory(_records(objects, stack.site), ranker, notes=tuple(notes))


def from_file(path: Path) -> SiteHistory:
    """A file of events as JSON lines, read as an import would read it; without a ranker."""
    objects = MemoryObjects()
    into = DirectStores(_SITE, MemoryTable(), objects)
    with opened(path) as source, closing(DirectRoad(into, digest_of(path))) as road:
        report = importing.run(WireEvents(events.events(source.lines())), road)
    if report.stopped:
        raise BadInput(str(path), report.stopped, "Mend the file, or leave the line out.")
    return SiteHistory(_records(objects, _SITE), None, report.rejected)


def _records(objects: ObjectStore, site: str) -> list[Record]:
    return [archived.record for archived in read_archive(objects, site)]


def compare(
    old: Site, new: Site, history: SiteHistory, wanted: SampleSize, now: int
) -> SiteDifference:
    """Compare change by change and slot by slot, as of `now` (epoch ms)."""
    counts = {limits: _counted(history, limits) for limits in {old.abuse, new.abuse}}
    before = _engine(old, counts[old.abuse], history, now)
    engines = before, _engine(new, counts[new.abuse], history, now)
    mains = {i.id: i.categories[0] for i in counts[new.abuse].items if i.categories}
    chosen = sample(history.records, mains, wanted)
    sides = Sides(old, new, engines)
    return SiteDifference(
        now,
        Sampled(len(chosen.visitors), chosen.population, chosen.days),
        change_reaches(sides, chosen),
        slots(sides, chosen, now),
    )


def _counted(history: SiteHistory, limits: AbuseLimits) -> ArchiveCounts:
    return count(history.records, survey(history.records, limits).flags)


def _engine(site: Site, counted: ArchiveCounts, history: SiteHistory, now: int) -> Engine:
    parts = edition_parts(_SITE, site, counted, history.ranker, Made(now, {}))
    return engine_of(unpack(pack(*parts), site=_SITE), OnnxRanker)


def lines(found: SiteDifference) -> list[str]:
    """The comparison as text."""
    took = found.sample
    text = [_change(one) for one in found.changes] or ["nothing differs"]
    if found.slots and took.visitors:
        text.append("would be shown something else:")
        text += [f"  {one.slot:<20} {_share(one.reach)}" for one in found.slots]
    whole = f"{took.visitors:,} of {took.population:,} visitors of the last {took.days} days"
    return [*text, f"shares of {whole}, ± one standard error of the sample"]


def _change(one: ChangeReach) -> str:
    change = one.change
    reach = f"  {_share(one.reach)}" if one.reach else ""
    fields = "".join(f"\n    {_field_change(each)}" for each in change.fields)
    return f"{change.what:<8} {change.kind} {change.name}{reach}{fields}"


def _field_change(one: FieldChange) -> str:
    old, new = (describe_field(one.field, value) for value in (one.old, one.new))
    return f"{name_of(one.field)}: {old} → {new}"


def _share(reach: Reach) -> str:
    if reach.share is None or reach.error is None:
        return f"unknown: {reach.why}"
    return f"{reach.share:6.1%} ± {reach.error:.1%} of visitors"
