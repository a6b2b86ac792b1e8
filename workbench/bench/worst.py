"""`bench worst`: the most expensive request that is accepted, for variants chosen by patterns.

A page URL of 64 kB of varied letters, for 20 slots of five variants each. Hemline cuts the URL, searches
it once per pattern, and gives up after a bounded number of steps. The naive variant searches all of it
with `re`, slot by slot, and gets only patterns that terminate there: `(.?){200}z` would not. Both choose
the same variants.
"""

import json
import re
from collections.abc import Callable
from functools import partial
from itertools import cycle

from hemline.decide.engine import Engine
from hemline.decide.facts.facts import FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.page import decide_page
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.rules import masks
from hemline.decide.rules.eligibility import Rules
from hemline.decide.token import TokenContext
from hemline.learn.statistics.arrays import sections
from hemline.learn.statistics.counts import Statistics
from hemline.model.decision import Visit
from hemline.model.durations import MINUTE_MS
from hemline.model.edition import SCHEMA, Header, pack, unpack
from hemline.model.site.rule import Condition
from hemline.model.site.slot import Slot, Variant
from hemline.runtime.fragments.page_input import MOST_TEXT
from hemline.runtime.fragments.request import MOST_BODY_BYTES, MOST_SLOTS, page_request_of
from hemline.runtime.http import HttpRequest
from hemline.usecases.ports import ServingRead
from hemline.usecases.serving.fact_providers import fact_providers
from hemline.usecases.serving.visitor_context import VisitorContext
from workbench.bench.decide import AnswersDiffer
from workbench.bench.measure import BenchRow, rounds, row
from workbench.bench.world import KEYS, NOW, SITE

PATTERNS = (
    "utm.{0,100}spring",
    ".{0,120}.{0,120}q",
    "[a-c].{0,100}[d-f].{0,100}z",
    "^/(sale|new)/[a-z0-9-]+$",
)
SLOTS = tuple(f"slot-{n}" for n in range(MOST_SLOTS))
REST = "any"
_CALLS = {"hemline": 3, "naive": 1}


def rows(*, repeats: int = 7) -> list[BenchRow]:
    """One row per variant; size is the body's bytes. Raises AnswersDiffer unless both choose alike."""
    body = worst_body()
    variants = _variants(body)
    ours, theirs = (call() for call in variants.values())
    if ours != theirs:
        raise AnswersDiffer(f"variants: {ours} and {theirs}")
    samples = rounds(variants, calls=_CALLS, repeats=repeats)
    return [row(name, len(body), samples[name]) for name in variants]


def worst_body(first: int = 0) -> bytes:
    """A request body filled with the longest URL that fits, in which neighbouring letters differ."""
    slots = [{"name": name} for name in SLOTS]
    frame = len(json.dumps({"page": {"url": ""}, "slots": slots}))
    count = (MOST_BODY_BYTES - frame - 3) // 3  # three bytes a letter
    url = "utm" + "".join(chr(0x4E00 + (first + n) % 20_000) for n in range(count))
    return json.dumps({"page": {"url": url}, "slots": slots}, ensure_ascii=False).encode()


def _variants(body: bytes) -> dict[str, Callable[[], list[str]]]:
    variants = tuple(
        Variant(pattern, when=(Condition("page.url", "matches", pattern),)) for pattern in PATTERNS
    )
    slots = tuple(
        Slot(name, kind="content", personal=False, variants=(*variants, Variant(REST)))
        for name in SLOTS
    )
    header = Header(SCHEMA, SITE, NOW, slots, (), FEATURES, {})
    payloads = {**sections(Statistics(), [], NOW), **masks.sections((), [], NOW)}
    snapshot = Snapshot(unpack(pack(header, payloads), site=SITE))
    engine = Engine(snapshot, Rules(snapshot), None)
    naive = {pattern: re.compile(pattern) for pattern in PATTERNS}
    # Two bodies in turns, because results for the last text are cached and would hide the cost.
    bodies = cycle([body, worst_body(1) if len(body) > MOST_TEXT else body])
    return {"hemline": lambda: _ours(engine, next(bodies)), "naive": partial(_theirs, naive, body)}


def _ours(engine: Engine, body: bytes) -> list[str]:
    """Hemline, from the request to the fragments; returns the variant of each slot."""
    method = {"http": {"method": "POST"}}
    ask = page_request_of(
        HttpRequest({"requestContext": method, "headers": {}, "body": body.decode()})
    )
    known = VisitorContext(
        Visit(None, consent=None), ServingRead(None, None), engine, NOW - NOW % MINUTE_MS
    )
    found = decide_page(engine, ask, FactSource(fact_providers(ask, known)), TokenContext(KEYS))
    return [json.loads(fragment.body)["variant"]["name"] for fragment in found.values()]


def _theirs(patterns: dict[str, re.Pattern[str]], body: bytes) -> list[str]:
    asked = json.loads(body)
    url = asked["page"]["url"]
    return [
        next((name for name, one in patterns.items() if one.search(url)), REST)
        for _ in asked["slots"]
    ]
