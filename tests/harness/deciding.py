"""A decision with real parts in memory: a profile in a table, an edition that is live."""

from collections.abc import Sequence
from typing import Any

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.decide.engine import Engine
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import Format
from hemline.decide.page import PageRequest
from hemline.decide.rules.eligibility import Rules
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.decision import PageContext, SlotRequest, Traits, Visit
from hemline.model.edition import Edition
from hemline.model.errors import Unavailable
from hemline.model.events.event import Event, OrderLine, Record
from hemline.usecases.ports import ServingRead
from hemline.usecases.serving.decide_page import Deps, PageDecision, decide
from hemline.usecases.serving.editions import LiveEdition
from tests.builders.editions import KEYS, NOW, SITE


class Broken:
    """A table that never answers."""

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        raise Unavailable("dynamodb", "no answer in time")


def acts(
    subject: str, items: Sequence[str], kind: str = "click", when: int = NOW - 60_000
) -> list[Record]:
    """One event an item, a second apart; ids follow from what they say."""
    return [
        Record(
            site=SITE,
            subject=subject,
            received=when + 1000 * n,
            event=Event(
                id=f"{subject}{kind}{item}{n}",
                type=kind,
                time=when + 1000 * n,
                lines=(OrderLine(item),),
            ),
            country="GB",
            device="mobile",
        )
        for n, item in enumerate(items)
    ]


def table_with(*histories: Sequence[Record]) -> MemoryTable:
    """A table that holds the profile of each history's subject."""
    table = MemoryTable()
    for history in histories:
        profile = fold(Profile(), history)
        table.write_profile(SITE, history[0].subject, encode(profile), expected=0)
    return table


def live(edition: Edition | None, ranker: Any = None) -> LiveEdition:
    """A live edition that follows no pointer."""
    found = LiveEdition(SITE, MemoryObjects(), lambda *_: ranker, KEYS, clock=lambda: 0.0)
    found.follow(None)
    if edition:
        snapshot = Snapshot(edition)
        found.engine = Engine(snapshot, Rules(snapshot), ranker)
    return found


def ask(
    *slots: SlotRequest | str, form: Format = "json", country: str = "GB", **page: Any
) -> PageRequest:
    """A page that asks for these slots."""
    wants = tuple(SlotRequest(slot) if isinstance(slot, str) else slot for slot in slots)
    return PageRequest(PageContext(**page), Traits(country=country, device="mobile"), wants, form)


def decide_for(
    subject: str | None,
    question: PageRequest,
    edition: Edition | None,
    table: Any,
    ranker: Any = None,
    consent: bool | None = None,
    recent: Sequence[Record] = (),
) -> PageDecision:
    """One decision at NOW."""
    deps = Deps(SITE, table, live(edition, ranker), KEYS, 0.05)
    return decide(question, Visit(subject, consent, tuple(recent)), deps, NOW)
