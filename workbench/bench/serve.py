"""`bench serve`: a fragment through the gateway and the real Lambda runtime loop.

Uses the stack of `hemline run`, or else starts a temporary one. The naive function runs behind its own
gateway and reads the same stores. A visitor clicks on a few items first, so that the model rung answers.
CPU is that of gateway, runtime and function; Hemline's also includes the emulator and the other functions.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.credentials import Credentials
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.learn.profile.fold import ENGAGED, Profile, decode
from hemline.model.keys import profile_partition
from hemline.runtime.identity import sign_visitor
from workbench.bench.decide import AnswersDiffer, check
from workbench.bench.measure import BenchRow, Timing, rounds, row
from workbench.bench.naive.decide import stored_profile
from workbench.bench.serve_stacks import cpu_of, naive, product
from workbench.cloud.resources import CREDENTIALS
from workbench.demo.catalogue import by_id
from workbench.laptop import Running

CANDIDATES = 100
SLOT = "for-you"
_CLICKS = 8
_LEARN = 30.0
_CALLS = 60
_KEYS = Credentials(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])


class NotLearnedError(RuntimeError):
    """The clicks never reached the answer."""


def rows(*, repeats: int = 5) -> list[BenchRow]:
    """Hot and paced, one request at a time. Raises AnswersDiffer when the two show different items."""
    with product() as stack:
        ours = Shopper(stack, stack.gateway)
        _remember(stack, ours)
        with naive() as naive_stack:
            theirs = Shopper(stack, naive_stack.origin)
            _agree(ours, theirs)
            variants = {"hemline": ours.fragment, "naive": theirs.fragment}
            clocks = {"hemline": cpu_of(stack.pid), "naive": cpu_of(naive_stack.pid)}
            hot = _measure(variants, clocks, repeats, paced=False)
            paced = _measure(variants, clocks, repeats, paced=True)
    return [
        *(row(name, CANDIDATES, samples) for name, samples in hot.items()),
        *(row(f"{name} paced", CANDIDATES, samples) for name, samples in paced.items()),
    ]


def _agree(ours: "Shopper", theirs: "Shopper") -> None:
    """Choose candidates that both variants order alike. Raises AnswersDiffer when there are none.

    Hemline computes in float32, the naive variant in float64: two colours of one product can score so
    close together that some lists come out with them swapped.
    """
    names = list(by_id())
    for start in range(0, 33, 8):
        for shopper in (ours, theirs):
            shopper.ask_for(names[start : start + CANDIDATES])
        try:
            return check(ours.fragment(), theirs.fragment())
        except AnswersDiffer as difference:
            found = difference
    raise found


def _measure(
    variants: Mapping[str, Callable[[], object]],
    clocks: Mapping[str, Callable[[], float]],
    repeats: int,
    *,
    paced: bool,
) -> dict[str, list[Timing]]:
    """Rounds in turn; each variant uses the CPU clock of its own processes."""
    samples: dict[str, list[Timing]] = {name: [] for name in variants}
    for _ in range(repeats):
        for name, call in variants.items():
            one = rounds({name: call}, calls={name: _CALLS}, repeats=1, paced=paced,
                         clock=clocks[name])  # fmt: skip
            samples[name] += one[name]
    return samples


class Shopper:
    """One visitor at one gateway."""

    def __init__(self, stack: Running, origin: str) -> None:
        parts = urlsplit(origin)
        self._line = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self.visitor = f"bench-{os.getpid()}"
        keys = tuple(key.encode() for key in stack.keys.split(","))
        self.signed = sign_visitor(self.visitor, keys)
        self._headers = {"hemline-visitor": self.signed, "content-type": "application/json"}
        self.body = ""
        """The request body that `fragment` sends."""

    def ask_for(self, items: list[str]) -> None:
        """Set the candidates that `fragment` asks for."""
        want = {"name": SLOT, "candidates": items}
        self.body = json.dumps({"page": {"type": "home"}, "slots": [want], "format": "html"})

    def click(self) -> None:
        """Send clicks on a few items."""
        now = time.time_ns() // 1_000_000
        events = [
            {"id": f"{self.visitor}-{n}", "type": "click", "time": now - n, "item": item}
            for n, item in enumerate(list(by_id())[:_CLICKS])
        ]
        self._post("/v1/events", json.dumps({"events": events}))

    def fragment(self) -> bytes:
        """One answer: the slot's JSON object."""
        answer = json.loads(self._post("/v1/fragments", self.body))
        return json.dumps(answer["fragments"][SLOT]).encode()

    def _post(self, path: str, body: str) -> bytes:
        self._line.request("POST", path, body, self._headers)
        response = self._line.getresponse()
        data = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{path} answered {response.status}: {data[:200]!r}")
        return data


def _remember(stack: Running, shopper: Shopper) -> None:
    """Click, then store the resulting profile again in the form that the naive function reads."""
    shopper.click()
    key = {"pk": profile_partition(stack.site, f"v:{shopper.visitor}"), "sk": "naive"}
    item = {**key, "json": stored_profile(_learned(stack, f"v:{shopper.visitor}"))}
    make: Any = boto3.resource
    resource = make(
        "dynamodb",
        endpoint_url=stack.cloud,
        region_name=stack.region,
        aws_access_key_id=_KEYS.access_key,
        aws_secret_access_key=_KEYS.secret_key,
    )
    resource.Table(stack.table).put_item(Item=item)


def _learned(stack: Running, subject: str) -> Profile:
    """The profile once all clicks are in it. Raises NotLearnedError."""
    client = connect(
        "dynamodb", region=stack.region, endpoint=stack.cloud, credentials=lambda _: _KEYS
    )
    table = DynamoTable(client, stack.table)
    until = time.monotonic() + _LEARN
    while time.monotonic() < until:
        stored = table.read_profiles(stack.site, [subject]).get(subject)
        if stored and len((profile := decode(stored.blob)).actions(ENGAGED)) == _CLICKS:
            return profile
        time.sleep(0.2)
    raise NotLearnedError("the clicks never reached the profile: does ingest run?")
