"""Fills an empty demo shop: catalogue, simulated history, ranker, first edition.

`hemline run` starts it (`python -m workbench.seed`) before the functions are up, so it writes straight
to the stores, through the same use cases as `hemline import … --direct`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from hemline.model.consent import ConsentRules
from hemline.model.errors import HemlineError, Refused
from hemline.model.item import Item
from hemline.model.site.site import Site
from hemline.sitefile.reader import check
from hemline.usecases.publishing.publish import (
    NOTHING_GIVEN,
    Given,
    PublishDeps,
    publish_edition,
    put_ranker,
)
from hemline.usecases.publishing.ranker import RANKER_FILES, RankerFiles, fault, stored
from workbench import laptop, stores
from workbench.demo import catalogue
from workbench.demo.simulator import history
from workbench.importers import importing
from workbench.importers.direct import DirectRoad, DirectStores
from workbench.importers.report import ImportReport
from workbench.importers.wire import Wire, WireEvents, encode
from workbench.laptop import ROOT, Running

SITE_FILE = ROOT / "workbench/demo/site.yaml"
RANKER = ROOT / "models"
VISITORS = 1500
_SEED = 7
_SHARD = f"demo-{_SEED}"
_EVERY_SECONDS = 2.0

Say = Callable[[str], None]


def seed(stack: Running, say: Say = print, *, visitors: int = VISITORS) -> bool:
    """Fill the shop. Returns False when it already has an edition; then at most its ranker is replaced.

    Raises HemlineError when a store does not answer.
    """
    places = stores.publish_deps(stack)
    if places.pointers.read_pointer(stack.site) is not None:
        _renew_ranker(stack.site, places, say)
        return False
    say("stocking the demo shop; the first start only")
    now = time.time_ns() // 1_000_000
    into = DirectStores(stack.site, stores.table(stack), places.objects)
    with closing(DirectRoad(into, _SHARD)) as road:
        report = importing.run(WireEvents(demo_events(now, visitors)), road, _watched(say))
    if report.stopped:
        raise HemlineError(report.stopped)
    say(report.lines()[0])
    _ship_ranker(stack.site, places, say)
    _publish(stack.site, places, say, Given(demo_site(stack)))
    return True


def _publish(site: str, places: PublishDeps, say: Say, given: Given = NOTHING_GIVEN) -> None:
    published = publish_edition(site, places, built=time.time_ns() // 1_000_000, given=given)
    for note in published.notes:
        say(note)
    say(
        f"published edition {published.edition[:12]}: {published.items} items,"
        f" {published.counted:,} events, ranker {published.ranker}"
    )


def _renew_ranker(site: str, places: PublishDeps, say: Say) -> None:
    """Replace a stored ranker that was trained for other features than this checkout computes."""
    held = stored(site, places.objects)
    if held is None or not fault(held, places.check_ranker):
        return
    say("the ranker here was trained for other features: the shipped one takes its place")
    _ship_ranker(site, places, say)
    _publish(site, places, say)


def _ship_ranker(site: str, places: PublishDeps, say: Say) -> None:
    try:
        put_demo_ranker(site, places)
    except Refused as error:
        # The shop still opens: slots show popular items until a ranker is trained.
        say(str(error))


def demo_events(until: int, visitors: int = VISITORS) -> Iterator[bytes]:
    """The shop's catalogue, then the events of the 28 simulated days before `until` (epoch ms)."""
    for item in catalogue.items():
        yield encode(item_event(item, until))
    for event in history(until=until, seed=_SEED, visitors=visitors):
        yield encode(event)


def item_event(item: Item, now: int) -> Wire:
    """The catalogue event of an item, as a signed batch carries it."""
    properties = msgspec.to_builtins(item)
    name = properties.pop("id")
    # Dated as old as the item, so that any later catalogue wins over this one.
    time = min(item.published_at or now, now)
    head: Wire = {"id": f"demo-{name}", "type": "item", "item": name, "time": time}
    return head | {"properties": properties}


def demo_site(stack: Running) -> Site:
    """The demo's site file, compiled, with the consent defaults of this stack."""
    found, findings = check(SITE_FILE.read_text(encoding="utf-8"))
    assert found is not None, "\n".join(f.text(SITE_FILE.name) for f in findings)
    rules = ConsentRules(stack.consent_exceptions, stack.honour_dnt)
    return msgspec.structs.replace(found, consent_default=stack.consent_default, consent=rules)


def put_demo_ranker(site: str, places: PublishDeps, folder: Path = RANKER) -> None:
    """Store the ranker that the project ships. Raises Refused when it does not fit this code."""
    onnx, card = ((folder / name).read_bytes() for name in RANKER_FILES)
    put_ranker(site, places, RankerFiles(onnx, card))


def _watched(say: Say) -> importing.Watch:
    last = time.monotonic()

    def watch(report: ImportReport) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY_SECONDS:
            last = time.monotonic()
            say(f"{report.accepted:,} events of the shop's history")

    return watch


if __name__ == "__main__":
    seed(laptop.running())
