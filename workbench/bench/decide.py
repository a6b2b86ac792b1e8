"""`bench decide`: from a profile that has been read to a rendered answer, ours beside the naive one."""

import json
from collections.abc import Callable
from functools import partial

from hemline.decide.page import PageRequest
from hemline.learn.profile.fold import decode
from hemline.model.decision import PageContext, SlotRequest, Traits, Visit
from hemline.model.durations import MINUTE_MS
from hemline.usecases.serving.decide_page import decide
from workbench.bench.measure import BenchRow, rounds, row
from workbench.bench.naive.decide import NaiveService, stored_profile
from workbench.bench.world import KEYS, LIMIT, NOW, SITE, SLOT, SUBJECT, BenchWorld, world

SIZES = (100, 200)
SOURCES = 0
"""Candidates from the slot's own sources instead of a list by the caller: up to 200."""
_CALLS = {"hemline": 150, "hemline sources": 150, "naive": 20}


class Different(Exception):  # noqa: N818 - what the reader needs to know
    """The two variants do not give the same answer: the numbers would say nothing."""


def rows(*, repeats: int = 7, paced_calls: int = 60) -> list[BenchRow]:
    """Every size, hot and paced. Raises Different unless both variants show the same items."""
    found: list[BenchRow] = []
    for size in SIZES:
        variants = _variants(size)
        check(variants["hemline"](), variants["naive"]())
        hot = rounds(variants, calls=_CALLS, repeats=repeats)
        slow = dict.fromkeys(variants, max(paced_calls // repeats, 3))
        paced = rounds(variants, calls=slow, repeats=repeats, paced=True)
        found += [row(name, size, samples) for name, samples in hot.items()]
        found += [row(f"{name} paced", size, samples) for name, samples in paced.items()]
    return found


def check(ours: bytes, theirs: bytes) -> None:
    """The same items, in the same order, with the same cards, from the same rung."""
    one, other = (json.loads(answer) for answer in (ours, theirs))
    for member in ("kind", "rung", "scope", "items"):
        if one[member] != other[member]:
            raise Different(f"{member}: {one[member]} and {other[member]}")


def _variants(size: int) -> dict[str, Callable[[], bytes]]:
    known = world()
    names = [item.id for item in known.items[:: len(known.items) // size][:size]]
    variants: dict[str, Callable[[], bytes]] = {
        "hemline": partial(_ours, known, _ask(tuple(names))),
        "naive": _theirs(known, names),
    }
    if size == max(SIZES):
        variants["hemline sources"] = partial(_ours, known, _ask(()))
    return variants


def _ask(candidates: tuple[str, ...]) -> PageRequest:
    return PageRequest(
        PageContext("home"),
        Traits("GB", "mobile", "en"),
        (SlotRequest(SLOT, None, candidates),),
        "html",
    )


def _ours(known: BenchWorld, ask: PageRequest) -> bytes:
    return decide(ask, Visit(SUBJECT, consent=True), known.deps, NOW).fragments[SLOT].body


def _theirs(known: BenchWorld, names: list[str]) -> Callable[[], bytes]:
    engine = known.deps.live.engine
    assert engine is not None
    service = NaiveService(engine.snapshot, known.items, known.ranker.onnx, KEYS[0])
    stored = known.deps.reader.read_for_serving(SITE, SUBJECT, pointer=False, timeout=1).profile
    assert stored is not None
    document = stored_profile(decode(stored.blob))
    # The product decides as of the minute.
    minute = NOW - NOW % MINUTE_MS
    return lambda: service.decide(document, names, LIMIT, minute).encode()
