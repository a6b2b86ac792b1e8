"""Visitors' calls on a bad day: what the functions answer, and what of it is wrong."""

import json
import time
from itertools import count
from typing import Any, NamedTuple

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.edition import Pointer
from hemline.model.keys import edition_object
from hemline.model.site.slot import Slot
from hemline.runtime.identity import sign_visitor
from hemline.runtime.limits import MARGIN
from tests.builders.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.builders.rankers import linear
from tests.builders.template import timeouts
from tests.faults.resolver import Resolver
from tests.faults.services import HANG, World
from tests.harness.clouds import REGION
from tests.harness.deciding import acts
from tests.harness.functions import event, load

HISTORY = acts("v:ann", ["i1", "i5", "i9"])
SLOTS = [Slot("for-you", limit=4), Slot("bestsellers", personal=False, sources=("popular",))]
NAMES = "dns"
"""The resolver as a dependency: it has no answers of its own to spoil."""


class Answered(NamedTuple):
    """What a call came to; `seconds` until it did."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    seconds: float


def call(app: Any, payload: dict[str, Any]) -> Answered:
    began = time.perf_counter()
    answer = app.handler(payload, None)
    took = time.perf_counter() - began
    return Answered(
        answer["statusCode"], answer["headers"], json.loads(answer["body"] or "{}"), took
    )


class Days:
    """The world, and how a day in it goes bad."""

    def __init__(self, where: World, monkeypatch: pytest.MonkeyPatch, resolver: Resolver) -> None:
        self.world, self.resolver, self._monkeypatch = where, resolver, monkeypatch
        self.site, self._counted = SITE, count(1)
        endpoint = where.cloud.endpoint
        self.table = DynamoTable(connect("dynamodb", region=REGION, endpoint=endpoint), where.table)
        self.objects = S3Objects(connect("s3", region=REGION, endpoint=endpoint), where.bucket)

    def count(self) -> int:
        """1, 2, …: of names that must not come again."""
        return next(self._counted)

    def function(self, name: str, *, cold: bool = False) -> Any:
        """`cold`: as in a process of its own, which has no connection and knows no address."""
        if cold:
            self.world.forget_connections()
        return load(name, self.world.variables, self._monkeypatch)

    def turn_bad(self, service: str, trouble: str) -> None:
        if service == NAMES:
            self.resolver.trouble = "silent" if trouble == HANG else "sorry"
        else:
            self.world.gates[service].trouble = trouble

    def heal(self) -> None:
        self.world.heal()
        self.resolver.heal()

    def publish(self, items: int, expected: str | None = None) -> str:
        data, edition = build_file(
            catalogue(items), SLOTS, history=HISTORY, ranker=linear(together=1.0)
        )
        self.objects.put(edition_object(SITE, edition.digest), data)
        pointer = Pointer(edition.digest, NOW).signed(SITE, KEYS[0])
        self.table.swap_pointer(SITE, pointer, expected=expected)
        return edition.digest


def as_ann(function: str, scenario: str) -> dict[str, Any]:
    return {**event(function, scenario), "cookies": [f"hem_v={sign_visitor('ann', KEYS)}"]}


def wrong_fragments(found: list[Answered], editions: set[str]) -> list[str]:
    late = timeouts()["fragments"] - MARGIN
    faults = [f"status {one.status}" for one in found if one.status != 200]
    faults += [f"{one.seconds:.1f} s" for one in found if one.seconds > late]
    shown = {one.body["edition"] for one in found if one.status == 200}
    return faults + sorted(f"edition {other!r}" for other in shown - editions)


def batch(name: str) -> dict[str, Any]:
    payload = as_ann("collect", "batch")
    return {**payload, "body": payload["body"].replace("0190f1c2", name)}


def wrong_collected(found: Answered, name: str, held: set[str]) -> list[str]:
    if found.seconds > timeouts()["collect"] - MARGIN:
        return [f"{found.seconds:.1f} s"]
    if found.status == 503:
        return [] if int(found.headers["Retry-After"]) > 0 else ["no word of when"]
    if found.status != 202:
        return [f"{found.status}"]
    sent = {one["id"] for one in json.loads(batch(name)["body"])["events"]}
    lost = sent - {one["id"] for one in found.body["rejected"]} - held
    return [f"not durable: {one}" for one in lost]


def look(app: Any) -> None:
    """The next request brings pointer and brake, as one does every few seconds."""
    app.deps.live._looked = None
