"""A small shop's archive, its site file, and what is live after a publish."""

from collections.abc import Sequence

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model import keys
from hemline.model.edition import Edition, unpack
from hemline.model.errors import Refused
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.site.rule import Rule
from hemline.model.site.site import Site, encode_site
from hemline.model.site.slot import Slot
from hemline.usecases.ingest.archive import append, line
from hemline.usecases.publishing.publish import PublishDeps, Published, publish_edition
from hemline.usecases.publishing.ranker import Tried

SITE = "shop"
DAY = 86_400_000
NOW = 1_700_000_000_000
SECRETS = (b"the first secret key", b"an older secret key")
ONNX, CARD = b"onnx bytes", b"a card"


def item(name: str, time: int = NOW - 20 * DAY, version: int = 0, **properties: object) -> Record:
    properties = {"title": name.title(), "price": 10.0, "categories": ["mugs"], **properties}
    event = Event(f"item-{name}-{version}", "item", time, item=name, properties=properties)
    return Record(SITE, f"i:{name}", time, event)


def bought(who: str, *names: str, time: int = NOW - DAY) -> Record:
    lines = tuple(OrderLine(name) for name in names)
    event = Event(f"{who}-{'-'.join(names)}-{time}", "purchase", time, lines=lines)
    return Record(SITE, f"v:{who}", time + 50, event, country="GB", device="mobile")


def shown(who: str, *names: str, time: int) -> Record:
    event = Event(
        f"seen-{who}-{time}", "exposure", time, lines=tuple(map(OrderLine, names)), token="t"
    )
    return Record(SITE, f"v:{who}", time + 50, event, country="FR")


HISTORY = [
    item("mug"),
    item("jug"),
    item("rug", categories=["textiles"]),
    bought("ann", "mug", "jug"),
    bought("bob", "mug", time=NOW - 2 * DAY),
    bought("cy", "rug", "jug", time=NOW - 3 * DAY),
    shown("bob", "rug", "mug", time=NOW - 4 * DAY),
    shown("ann", "jug", "rug", "ghost", time=NOW - 5 * DAY),
    bought("ann", "rug", time=NOW - 5 * DAY),
]
SHOP = Site("Shop", "EUR", slots=(Slot("row"),), rules=(Rule("no-rug", "block", item="rug"),))


def fits(onnx: bytes, card: bytes) -> Tried:
    if (onnx, card) != (ONNX, CARD):
        raise Refused("the ranker's bytes are not those that its card names")
    return Tried(FEATURES)


def places(records: Sequence[Record] = HISTORY, site: Site = SHOP) -> PublishDeps:
    objects = MemoryObjects()
    append(objects, [line("shard-0", str(n), record) for n, record in enumerate(records, 1)])
    objects.put(keys.site_object(SITE), encode_site(site))
    return PublishDeps(objects, MemoryTable(), SECRETS, fits)


def live(place: PublishDeps) -> Edition:
    pointer = place.pointers.read_pointer(SITE)
    assert pointer is not None
    pointer.check(SITE, SECRETS)
    data = place.objects.get(keys.edition_object(SITE, pointer.digest))
    assert data is not None
    return unpack(data, site=SITE, digest=pointer.digest)


def publish(place: PublishDeps, built: int = NOW) -> Published:
    return publish_edition(SITE, place, built=built)


def add(place: PublishDeps, record: Record, sequence: int) -> None:
    append(place.objects, [line("shard-0", str(sequence), record)])
