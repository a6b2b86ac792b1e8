"""Sources of training logs and destinations of trained rankers: simulator, files, the running stack."""

from collections.abc import Callable
from pathlib import Path

from hemline.learn.statistics.abuse import clean
from hemline.model import keys
from hemline.model.errors import BadInput
from hemline.model.site.site import Site
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.sites.live_site import read_site
from models import demo
from models.candidates import next_lists
from models.examples import Example, shown_lists, turns
from models.export import Files
from models.fitting import LEAST_LISTS, Score
from models.logs import Log, of_records, of_wire
from models.replay import ReplayWorld
from workbench import laptop, stores
from workbench.importers.reading import opened
from workbench.laptop import Running

DEMO_SHOPS = demo.SEEDS
SHIPPED = laptop.ROOT / "models"
Tick = Callable[[], None]
Place = Callable[[Files], None]


def simulated(tick: Tick) -> list[Example]:
    """Lists of the simulated shops; `tick` is called once a shop."""
    return list(demo.examples(tick=tick))


def truth(score: Score) -> dict[str, object]:
    """True utility of what the ranker puts first in the demo's own shop; see `demo.truth`."""
    found = demo.truth(score)
    return {"true_utility_of_first_8": {k: round(v, 4) for k, v in found._asdict().items()}}


def file(path: Path) -> Log:
    """Read JSON lines of signed wire events, items included, gzipped or not."""
    with opened(path) as source:
        return of_wire((line for line in source.lines() if line.strip()), "log")


def running() -> Running:
    """The running stack. Raises NotRunning."""
    return laptop.running()


def archive(stack: Running) -> Log:
    """The stack's archive without flagged events, such as those of programs."""
    objects = stores.objects(stack)
    records = (one.record for one in read_archive(objects, stack.site))
    try:
        known = read_site(stack.site, objects, stores.table(stack))
    except BadInput:  # no site file yet
        known = Site()
    log = of_records(clean(records, known.abuse))
    # Prices in the site's currency, as in an edition.
    return log._replace(items=known.money.compared(log.items))


def learnt(log: Log, slot: str, tick: Tick) -> list[Example]:
    """Exposures with a click in `slot` (empty: all). If there are too few, next purchases instead."""
    records = sorted(log.records, key=lambda record: (record.event.time, record.event.id))
    shown = shown_lists(_world(log), records, turns(records), tick)
    found = [one for one in shown if slot in ("", one.slot)]
    if len(found) >= LEAST_LISTS or slot:
        return found
    return list(next_lists(_world(log), records, turns(records)))


def _world(log: Log) -> ReplayWorld:
    world = ReplayWorld("log")
    world.stock(log.items)
    return world


def folder(path: Path) -> Place:
    """A destination: a folder, created if missing."""

    def write(files: Files) -> None:
        path.mkdir(parents=True, exist_ok=True)
        (path / "ranker.onnx").write_bytes(files.onnx)
        (path / "ranker.json").write_bytes(files.card)

    return write


def bucket(stack: Running) -> Place:
    """A destination: the objects from which the stack's next edition takes its ranker."""

    def write(files: Files) -> None:
        objects = stores.objects(stack)
        objects.put(keys.ranker_object(stack.site, "ranker.onnx"), files.onnx)
        objects.put(keys.ranker_object(stack.site, "ranker.json"), files.card)

    return write
