"""`bench page`: eight slots of a hundred candidates each in one request, against the naive variant."""

import json
from collections.abc import Callable
from functools import cache, partial

import msgspec

from hemline.adapters.memory import MemoryObjects
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.page import PageRequest
from hemline.learn.profile.fold import decode
from hemline.model.decision import PageContext, SlotRequest, Traits, Visit
from hemline.model.durations import MINUTE_MS
from hemline.model.edition import pack, unpack
from hemline.model.site.slot import Slot
from hemline.usecases.serving.decide_page import Deps, decide
from hemline.usecases.serving.editions import LiveEdition, engine_of
from workbench.bench.decide import check
from workbench.bench.measure import BenchRow, rounds, row
from workbench.bench.naive.decide import NaiveService, stored_profile
from workbench.bench.world import KEYS, LIMIT, NOW, SITE, SUBJECT, BenchWorld, world

SLOTS, CANDIDATES = 8, 100
_STEP = 70
"""Offset between the candidates of neighbouring slots, which therefore share thirty."""
_CALLS = {"hemline": 30, "naive": 3}
Answers = dict[str, bytes]


def rows(*, repeats: int = 7, paced_calls: int = 60) -> list[BenchRow]:
    """Hot and paced, a page a call. Raises AnswersDiffer unless both variants show the same items."""
    variants = variants_of(world())
    compare(variants["hemline"](), variants["naive"]())
    hot = rounds(variants, calls=_CALLS, repeats=repeats)
    slow = dict.fromkeys(variants, max(paced_calls // repeats, 3))
    paced = rounds(variants, calls=slow, repeats=repeats, paced=True)
    found = [row(name, CANDIDATES, samples) for name, samples in hot.items()]
    return found + [row(f"{name} paced", CANDIDATES, samples) for name, samples in paced.items()]


def compare(ours: Answers, theirs: Answers) -> None:
    """Check that every slot shows the same items. Raises AnswersDiffer."""
    for name, answer in ours.items():
        check(answer, theirs[name])


def variants_of(known: BenchWorld) -> dict[str, Callable[[], Answers]]:
    """Name of a variant → a call that answers one whole page."""
    return {"hemline": partial(_ours, _deps(), _page_request(known)), "naive": _theirs(known)}


@cache
def _deps() -> Deps:
    """The shop of `bench decide`, with eight slots in place of its one."""
    known = world()
    edition = unpack(known.edition, site=SITE)
    payloads = {
        name: (section.dtype, section.shape, bytes(edition.raw(name)))
        for name, section in edition.header.sections.items()
    }
    slots = tuple(Slot(name, title="For you", limit=LIMIT) for name in _names())
    live = LiveEdition(SITE, MemoryObjects(), OnnxRanker, KEYS, clock=lambda: 0.0)
    live.follow(None)
    header = msgspec.structs.replace(edition.header, slots=slots)
    live.engine = engine_of(unpack(pack(header, payloads), site=SITE), OnnxRanker)
    return known.deps._replace(live=live)


def _names() -> list[str]:
    return [f"row-{n}" for n in range(SLOTS)]


def _lists(known: BenchWorld) -> dict[str, list[str]]:
    """Slot → its candidates."""
    starts = range(0, SLOTS * _STEP, _STEP)
    lists = [[item.id for item in known.items[at : at + CANDIDATES]] for at in starts]
    return dict(zip(_names(), lists, strict=True))


def _page_request(known: BenchWorld) -> PageRequest:
    wants = (SlotRequest(name, None, tuple(names)) for name, names in _lists(known).items())
    return PageRequest(PageContext("home"), Traits("GB", "mobile", "en"), tuple(wants), "html")


def _ours(deps: Deps, ask: PageRequest) -> Answers:
    found = decide(ask, Visit(SUBJECT, consent=True), deps, NOW).fragments
    return {name: fragment.body for name, fragment in found.items()}


def _theirs(known: BenchWorld) -> Callable[[], Answers]:
    """A page as a beginner answers it: slot by slot, without the items already shown."""
    engine = _deps().live.engine
    assert engine is not None
    service = NaiveService(engine.snapshot, known.items, known.ranker.onnx, KEYS[0])
    stored = known.deps.reader.read_for_serving(SITE, SUBJECT, pointer=False, timeout=1).profile
    assert stored is not None
    document = stored_profile(decode(stored.blob))
    minute, lists = NOW - NOW % MINUTE_MS, _lists(known)

    def page() -> Answers:
        shown: set[str] = set()
        answers: Answers = {}
        for name, names in lists.items():
            left = [item for item in names if item not in shown]
            answer = service.decide(document, left, LIMIT, minute)
            shown |= {item["id"] for item in json.loads(answer)["items"]}
            answers[name] = answer.encode()
        return answers

    return page
