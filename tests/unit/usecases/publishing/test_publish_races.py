"""Publishes at the same time: whatever steps come in whatever order, who loses leaves nothing behind.

Two operators hand in a site file each, one of them a ranker too, while the schedule publishes; any of them
may be cut off at any step. Then the schedule comes again, alone.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model import keys
from hemline.model.edition import unpack
from hemline.model.errors import Conflict, Unavailable
from hemline.model.site.site import Site, decode_site, encode_site
from hemline.model.site.slot import Slot
from hemline.usecases.ingest.archive import append, line
from hemline.usecases.publishing import publish as publishing
from hemline.usecases.publishing.publish import Given, PublishDeps, publish_edition
from hemline.usecases.publishing.ranker import RankerFiles, Tried
from hemline.usecases.sites.live_site import read_site
from tests.builders.people import await_turn, race
from tests.builders.publishing import HISTORY, NOW, SECRETS, SITE, bought
from tests.harness.clouds import REGION, Cloud

SLOTS = (Slot("row"),)
FIRST = Site("first", "EUR", slots=SLOTS)
ORDERS = st.lists(st.integers(0, 2), min_size=1, max_size=60)
MINE = RankerFiles(b"mine", b"mine")


class Dead(Exception):  # noqa: N818 - a process that was cut off
    """The publish ended here."""


class Stepped:
    """A store whose every operation is a step of whoever asks for it, and may be their last."""

    def __init__(self, store: Any, actor: "Actor") -> None:
        self._store, self._actor = store, actor

    def __getattr__(self, name: str) -> Callable[..., Any]:
        plain = getattr(self._store, name)

        def operation(*args: Any, **kwargs: Any) -> Any:
            await_turn()
            if next(self._actor.steps) == self._actor.dies_at:
                raise Dead
            return plain(*args, **kwargs)

        return operation


class Actor:
    """One publish, and what became of it."""

    def __init__(self, given: Given, dies_at: int) -> None:
        self.given, self.dies_at = given, dies_at
        self.steps = count()
        self.edition = ""
        self.outcome = ""

    @property
    def title(self) -> str:
        """Of the site file it was handed; the schedule has none."""
        assert self.given.site
        return self.given.site.title

    def run(self, places: PublishDeps, built: int) -> None:
        objects, pointers = Stepped(places.objects, self), Stepped(places.pointers, self)
        mine: Any = places._replace(objects=objects, pointers=pointers)
        try:
            done = publish_edition(SITE, mine, built=built, given=self.given)
        except Conflict:
            self.outcome = "lost"
        except Dead:
            self.outcome = "dead"
        else:
            self.outcome, self.edition = "won", done.edition


class Live(NamedTuple):
    title: str
    ranker: bytes


def live(places: PublishDeps) -> Live:
    pointer = places.pointers.read_pointer(SITE)
    assert pointer
    return of(places, pointer.digest)


def of(places: PublishDeps, digest: str) -> Live:
    data = places.objects.get(keys.edition_object(SITE, digest)) or b""
    edition = unpack(data, site=SITE, digest=digest)
    return Live(edition.header.title, bytes(edition.raw("ranker_onnx")))


def check(places: PublishDeps, order: Sequence[int], deaths: Sequence[int]) -> None:
    """A race, and the schedule after it. Raises AssertionError where one finds what is not theirs."""
    append(places.objects, [line("shard-0", str(n), r) for n, r in enumerate(HISTORY, 1)])
    publish_edition(SITE, places, built=NOW, given=Given(FIRST))
    append(places.objects, [line("shard-0", "90", bought("dan", "rug"))])
    handed = [Given(Site("ann", "EUR", slots=SLOTS)), Given(Site("bob", "EUR", slots=SLOTS), MINE)]
    ann, bob, schedule = actors = [
        Actor(one, dies) for one, dies in zip((*handed, Given()), deaths, strict=True)
    ]
    race([partial(a.run, places, NOW + n) for n, a in enumerate(actors, 1)], order)
    for actor in (ann, bob):
        if actor.outcome == "won":
            assert of(places, actor.edition).title == actor.title
    if bob.outcome == "won":
        assert of(places, bob.edition).ranker == MINE.onnx
    after = live(places)
    lost = {a.title for a in (ann, bob) if a.outcome == "lost"}
    assert after.title not in lost
    if after.ranker == MINE.onnx:
        assert bob.outcome in {"won", "dead"}, "another one may come after it, and carry it on"
    assert read_site(SITE, places.objects, places.pointers).title == after.title
    append(places.objects, [line("shard-0", "91", bought("eve", "rug"))])
    publish_edition(SITE, places, built=NOW + 10)
    assert live(places) == after, "the schedule brought something else live"
    assert schedule.outcome


def memory() -> PublishDeps:
    def fits(_onnx: bytes, _card: bytes) -> Tried:
        return Tried(FEATURES)

    return PublishDeps(MemoryObjects(), MemoryTable(), SECRETS, fits)


@given(order=ORDERS, deaths=st.tuples(*[st.integers(-1, 40)] * 3))
def test_who_loses_or_dies_leaves_nothing_that_goes_live_later(
    order: list[int], deaths: tuple[int, int, int]
) -> None:
    check(memory(), order, deaths)


@given(order=ORDERS)
def test_of_those_who_live_one_wins(order: list[int]) -> None:
    places = memory()
    check(places, order, (-1, -1, -1))
    assert live(places).title in {"first", "ann", "bob"}


@pytest.mark.cloud
@pytest.mark.parametrize("order", [[0], [1, 0], [0, 1, 2], [2, 2, 1, 0, 0, 1], [0] * 9 + [1] * 30])
def test_the_same_over_the_emulators_table_and_bucket(order: list[int], emulator: Cloud) -> None:
    table, bucket = emulator.make_table(), emulator.make_bucket()
    s3, dynamodb = (
        connect(service, region=REGION, endpoint=emulator.endpoint)
        for service in ("s3", "dynamodb")
    )
    deps = memory()._replace(objects=S3Objects(s3, bucket), pointers=DynamoTable(dynamodb, table))
    check(deps, order, (-1, -1, -1))


def one_file(name: str, places: PublishDeps, _live: object, given: Given) -> Site:
    """The seeded bug, as it was: one file for all, overwritten before the publish and read again."""
    if given.site:
        places.objects.put(keys.site_object(name), encode_site(given.site))
    return decode_site(places.objects.get(keys.site_object(name)) or b"")


def test_with_one_file_for_all_who_loses_goes_live_and_the_race_is_red(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "_site", one_file)

    @settings(database=None, report_multiple_bugs=False)
    @given(order=ORDERS)
    def searched(order: list[int]) -> None:
        check(memory(), order, (-1, -1, -1))

    with pytest.raises(AssertionError):
        searched()


def test_a_store_that_fails_in_the_middle_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    places = memory()
    publish_edition(SITE, places, built=NOW, given=Given(FIRST))

    def down(*_: object) -> None:
        raise Unavailable("s3", "is down")

    monkeypatch.setattr(publishing, "keep_site", down)
    with pytest.raises(Unavailable):
        publish_edition(SITE, places, built=NOW + 1, given=Given(Site("ann", "EUR", slots=SLOTS)))
    monkeypatch.undo()
    publish_edition(SITE, places, built=NOW + 2)
    assert live(places).title == "first"


# --- rankers that are handed in, and those that are trained


def trained(places: PublishDeps, name: bytes) -> None:
    publishing.put_ranker(SITE, places, RankerFiles(name, name))


def test_a_ranker_that_is_handed_in_stays_until_another_one_is_trained() -> None:
    places = memory()
    trained(places, b"old")
    publish_edition(SITE, places, built=NOW, given=Given(FIRST))
    assert live(places).ranker == b"old"
    assert publish_edition(SITE, places, built=NOW + 1, given=Given(ranker=MINE)).ranker == "given"
    for n in (2, 3):
        append(places.objects, [line("shard-0", str(n), bought("dan", f"rug{n}"))])
        assert publish_edition(SITE, places, built=NOW + n).ranker == "kept"
        assert live(places).ranker == MINE.onnx
    trained(places, b"new")
    assert publish_edition(SITE, places, built=NOW + 4).ranker == "stored"
    assert live(places).ranker == b"new"
