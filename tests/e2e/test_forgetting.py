"""Forgotten stays forgotten, with the real functions and stores: late events and replays resurrect nothing.

The proof is the one that an operator has: every byte of every store is looked through.
"""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.keys import QUARANTINE_PREFIX
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.usecases.ingest import enforce_consent, quarantine
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.people.forget_archive import SweepDeps, Swept, sweep
from hemline.usecases.people.forget_person import ForgetDeps, forget
from hemline.usecases.people.link import LinkDeps, link
from tests.builders.editions import KEYS
from tests.harness.clouds import REGION, Cloud
from tests.harness.loop import SITE, Browser, Loop
from workbench import seed
from workbench.demo.catalogue import items
from workbench.demo.simulator import history
from workbench.forget import scan
from workbench.forget.scan import Place, ScanMatch
from workbench.forget.verify import kept_by_hash, scan_all
from workbench.importers import importing
from workbench.importers.http_road import HttpRoad
from workbench.importers.wire import WireEvents, encode

pytestmark = pytest.mark.cloud

SHOP = Site("A shop", "EUR", slots=(Slot("for-you"), Slot("popular", sources=("popular",))))
UNTIL = 1_780_000_000_000
PHONE, OTHER, USER = "Zk3-9xQ_4rT7uW2yB5nM8c", "Xy7-1aS_2dF8gH3jK6lP0m", "ada@example.com"
NAMES = (PHONE, USER)


class Shop:
    """A loop with somebody in it who will want to be forgotten."""

    def __init__(self, loop: Loop, cloud: Cloud) -> None:
        self.loop, self.cloud = loop, cloud
        self.browser, self.other = Browser(PHONE), Browser(OTHER)
        self.failed = S3Objects(self._client("s3"), cloud.make_bucket())
        loop.cloud.boto("s3").put_bucket_versioning(
            Bucket=loop.objects._bucket, VersioningConfiguration={"Status": "Enabled"}
        )

    def _client(self, service: str) -> Any:
        return connect(service, region=REGION, endpoint=self.cloud.endpoint)

    def fill(self) -> None:
        """Other people's history, hers on a phone and as a user, an edition, quarantine, a lost batch."""
        rows = [encode(seed.item_event(item, UNTIL)) for item in items()[:40]]
        rows += [encode(event) for event in islice(history(until=UNTIL, visitors=20), 200)]
        self.send(rows)
        self.loop.drain()
        self.loop.publish(SHOP, UNTIL)
        link(PHONE, USER, LinkDeps(SITE, self.loop.table, lambda: "never-needed"))
        self.act("before")
        self.poison()
        self.loop.drain()
        self.give_up()

    def act(self, name: str) -> None:
        """What she does on her phone, and her shop's server says of her; another visitor beside her."""
        item = items()[3].id
        view = {"id": f"{name}-1", "type": "view", "item": item}
        self.loop.tell(self.browser, view, {**view, "id": f"{name}-2", "type": "add_to_cart"})
        self.loop.tell(self.other, {**view, "id": f"{name}-3"})
        now = time.time_ns() // 1_000_000
        old = {"type": "purchase", "lines": [{"item": item}], "time": now - 86_400_000}
        self.send(
            [
                encode({**old, "id": f"{name}-4", "user": USER}),
                encode({**old, "id": f"{name}-5", "visitor": PHONE}),
            ]
        )

    def send(self, rows: list[Any]) -> None:
        """As a server does, signed."""
        with closing(HttpRoad(self.loop.url, KEYS[0])) as door:
            report = importing.run(WireEvents(iter(rows)), door)
        assert report.accepted == len(rows), report.lines()

    def poison(self) -> None:
        """A record of hers that nobody can read."""
        text = json.dumps({"site": SITE, "subject": f"v:{PHONE}", "received": "never"})
        self.cloud.boto("kinesis").put_record(
            StreamName=self.loop._names["stream"], PartitionKey=f"v:{PHONE}", Data=text.encode()
        )

    def give_up(self) -> None:
        """A batch that used up its retries, as the mapping writes it."""
        records = [
            {"kinesis": {"partitionKey": key, "data": base64.b64encode(data).decode()}}
            for key, data in self.cloud.records(self.loop._names["stream"])
        ]
        document = {"version": "1.0", "payload": json.dumps({"Records": records})}
        self.failed.put("aws/lambda/m/s/1", json.dumps(document).encode())

    def replay(self) -> None:
        """The whole stream once more, from its beginning."""
        self.loop._iterators.clear()
        self.loop.drain()

    def replay_quarantine(self, kept: list[bytes]) -> None:
        """What was poison: by command, then put on the stream as it would read after a fix."""
        ingest, now = self.loop.app("ingest").deps, time.time_ns() // 1_000_000
        for one in quarantine.listed(self.loop.objects):
            quarantine.replay(one, ingest, now)
        for data in kept:
            payload = base64.b64decode(json.loads(data)["payload"])
            mended = payload.replace(b'"never"', b"1") + b" "
            self.cloud.boto("kinesis").put_record(
                StreamName=self.loop._names["stream"], PartitionKey="replayed", Data=mended
            )
        self.loop.drain()

    def forget(self, subject: str) -> None:
        deps = ForgetDeps(self.loop.table, self.loop.objects, 48)
        forget(SITE, subject, deps, time.time_ns() // 1_000_000)

    def sweep(self) -> Swept:
        deps = SweepDeps(SITE, self.loop.objects, self.failed)
        done = sweep(deps, time.time_ns() // 1_000_000)
        assert done.done
        return done

    def found(self, *names: str) -> list[ScanMatch]:
        """Where any of the names is, in what can be rewritten: the stream goes by itself."""
        dynamodb, table = self.cloud.boto("dynamodb"), self.loop._names["table"]
        places = [
            Place("table", lambda: scan.table(dynamodb, table)),
            Place("bucket", lambda: scan.bucket(self.loop.objects)),
            Place("failed", lambda: scan.bucket(self.failed)),
        ]
        results = [scan_all(places, name, lambda _: None) for name in names]
        assert all(one.pieces for looked, _ in results for one in looked)
        hashed = [kept_by_hash(self.loop.table, SITE, name) for name in names]
        return [hit for hits in (*(hits for _, hits in results), *hashed) for hit in hits]


@pytest.fixture
def shop(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with Loop(emulator, monkeypatch).serving() as loop:
        found = Shop(loop, emulator)
        found.fill()
        yield found


def everything_again(shop: Shop) -> None:
    """Late events, old ones signed by a server, the whole stream, what was in quarantine."""
    kept = [shop.loop.objects.get(key) or b"" for key in shop.loop.objects.keys(QUARANTINE_PREFIX)]
    shop.forget(f"u:{USER}")
    shop.act("after")
    shop.loop.drain()
    shop.replay()
    shop.replay_quarantine(kept)
    shop.sweep()


def test_late_events_and_replays_resurrect_nothing(shop: Shop) -> None:
    places = {hit.place for hit in shop.found(*NAMES)}
    assert places == {"table", "bucket", "failed"}
    kept = [one for one in read_archive(shop.loop.objects, SITE) if one.record.subject[2:] == OTHER]
    before = shop.loop.states([f"v:{OTHER}"])
    shop.forget(f"u:{USER}")
    at_once = {one.record.subject for one in read_archive(shop.loop.objects, SITE)}
    assert at_once.isdisjoint({f"v:{PHONE}", f"u:{USER}"})
    everything_again(shop)
    # What a user does afterwards is theirs again: of her, only events of before were sent here.
    assert shop.found(PHONE) == []
    assert shop.found(USER) == []
    others = [
        one for one in read_archive(shop.loop.objects, SITE) if one.record.subject[2:] == OTHER
    ]
    assert others[: len(kept)] == kept
    assert len(others) == len(kept) + 1
    assert shop.loop.states([f"v:{OTHER}"]) != before
    assert shop.found(OTHER)


def test_an_edition_names_no_visitor_and_the_next_one_is_without_the_forgotten(shop: Shop) -> None:
    counted = shop.loop.publish(SHOP, UNTIL + 1).counted
    hits = {
        hit.piece.partition("/")[0] for hit in shop.found(*NAMES, OTHER) if hit.place == "bucket"
    }
    assert hits == {"archive", "quarantine"}
    shop.forget(f"u:{USER}")
    assert shop.loop.publish(SHOP, UNTIL + 2).counted < counted


def test_a_visitor_alone_takes_their_part_out_of_the_user(shop: Shop) -> None:
    shop.forget(f"v:{PHONE}")
    shop.act("after")
    shop.loop.drain()
    shop.replay()
    shop.sweep()
    assert shop.found(PHONE) == []
    assert shop.found(USER)


def test_a_tombstone_that_is_ignored_turns_this_red(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enforce_consent, "is_forgotten", lambda _record, _standing: False)
    shop.forget(f"u:{USER}")
    shop.sweep()
    shop.replay()
    assert {hit.place for hit in shop.found(PHONE)} >= {"table", "bucket"}
