"""Reviews the cold-start budget: can any slot give new items their impressions?

Reads the site only. `usecases/publishing/cold_report.py` compares the budget with the traffic.
"""

from collections.abc import Iterator

from hemline.model.site.kinds import has_list
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.sitefile.review.remark import Remark

_BRING_NEW = frozenset({"new", "similar_new"})


def cold_start(site: Site) -> Iterator[Remark]:
    """Warnings: new items have a budget of impressions, but no slot explores with new candidates."""
    if site.cold_start is None:
        return
    curious = [slot for slot in site.slots if has_list(slot.kind) and slot.explore]
    if not curious:
        problem = "no slot of items gives a place to chance: nothing is shown because it is owed."
        way_out = "Give one `explore: 0.1` and the source `new`."
        yield _remark(problem, way_out)
    elif not any(_has_new(slot, site) for slot in curious):
        names = ", ".join(slot.name for slot in curious)
        problem = f"{names} gives a place to chance, but has no new items among its candidates."
        yield _remark(problem, "Add the source `new` or `similar_new`.")


def _remark(problem: str, way_out: str) -> Remark:
    return Remark(("cold_start",), "warning", "no-chance", problem, way_out)


def _has_new(slot: Slot, site: Site) -> bool:
    """Whether new items are candidates: by a source of the slot or of a rule for it, or by filling up.

    The newest items fill up a public list, unless it has the source `category`.
    """
    switched = [rule.sources for rule in site.rules if slot.name in rule.slots or not rule.slots]
    brought = {source for sources in (slot.sources, *switched) for source in sources}
    return bool(brought & _BRING_NEW) or not (slot.personal or "category" in slot.sources)
