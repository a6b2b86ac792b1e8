"""Generated requests to generated sites: who asks, for what, when, and what goes wrong on the way.

Everything follows from the case: no clock, no chance.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from hypothesis import strategies as st

from hemline.decide.engine import Engine
from hemline.decide.fragment import Format
from hemline.decide.page import PageRequest
from hemline.learn.profile import capsule
from hemline.model.brake import Brake
from hemline.model.consent import BITS, Consent, Purpose
from hemline.model.decision import PageContext, SlotRequest, Traits, Visit
from hemline.model.events.event import Record
from hemline.model.subject_status import SubjectStatus
from hemline.usecases.ports import ServingReader
from hemline.usecases.serving.decide_page import Deps, PageDecision, decide
from tests.builders.editions import KEYS, NOW, SITE
from tests.builders.visitors import BATCHES, PROFILES, RANKERS, STAGES, SUBJECTS, Said, Then, Torn
from tests.harness.deciding import Broken
from tests.oracles.condition_oracle import LONDON, Asker
from tests.strategies import sites
from tests.strategies.rule_strategies import HOUR, RULES

# ---- a case ----


WITHDRAWN = {
    "refused": SubjectStatus(Consent(refused=BITS[Purpose.PERSONALISATION], at=NOW)),
    "forgotten": SubjectStatus(forgotten=NOW),
}
"""What may stand beside a profile and takes it out of every decision."""


class Staying(NamedTuple):
    """A live edition that stays what it is."""

    engine: Engine | None
    brake: Brake
    stale: bool = False
    loading: bool = False

    def follow(self, *_: object) -> None:
        """Nothing newer ever comes."""


class Case(NamedTuple):
    """One page asked for; its first fields are the plainest, so that it shrinks to those."""

    site: sites.Site
    who: str | None = None
    stage: int = STAGES - 1
    fresh: int = 0
    """Acts of the capsule that the profile does not have yet, at the most."""
    consent: bool | None = None
    table: str = "works"
    ranker: str = "good"
    late: float = 0.0
    """Seconds that pass at each look at the clock."""
    brake: int = 0
    form: Format = "json"
    hours: int = 0
    """Hours after NOW."""
    page: PageContext = PageContext()
    traits: Traits = Traits()
    want: Mapping[str, Any] = {}
    """Limit, candidates and exclude of every slot."""

    @property
    def now(self) -> int:
        """Epoch ms, not on a minute's edge."""
        return NOW + self.hours * HOUR + 21_000

    @property
    def engine(self) -> Engine:
        """With a ranker of its own: some have a state."""
        return sites.engine(self.site)._replace(ranker=RANKERS[self.ranker]())

    @property
    def reader(self) -> ServingReader:
        """The table as this request meets it."""
        profiles = PROFILES[self.stage]
        if self.table in WITHDRAWN:
            return Said(profiles, WITHDRAWN[self.table])
        tables: dict[str, ServingReader] = {
            "works": Then(profiles),
            "broken": Broken(),
            "torn": Torn(),
        }
        return tables[self.table]

    @property
    def acts(self) -> tuple[Record, ...]:
        """Acts of the capsule."""
        later = [record for _, batch in BATCHES[self.stage :] for record in batch]
        return tuple([r for r in later if r.subject == self.who][: self.fresh])

    @property
    def recent(self) -> tuple[Record, ...]:
        """As they come out of the cookie."""
        kept = capsule.update(capsule.Capsule(self.who or ""), self.acts)
        return tuple(capsule.records(kept, SITE))

    @property
    def consents(self) -> bool:
        """What holds after all; a no beside the profile outweighs what the request brings.

        Where the table does not answer, whoever said nothing may have said no there.
        """
        if self.consent is None and self.who and self.table == "broken":
            return False
        said = self.site.consent_default if self.consent is None else self.consent
        return said and not (self.who and self.table in WITHDRAWN)

    def ask(self, after: dict[str, str] | None = None) -> PageRequest:
        """For every slot of the site, each after its cursor where it has one."""
        on = after or {}
        wants = (SlotRequest(s.name, after=on.get(s.name, ""), **self.want) for s in self.site.made)
        return PageRequest(self.page, self.traits, tuple(wants), self.form)

    def decide(self, question: PageRequest | None = None) -> PageDecision:
        """Through the use case."""
        ticks = count(0)
        live: Any = Staying(self.engine, sites.BRAKES[self.brake])
        clock = (lambda: self.late * next(ticks)) if self.late else (lambda: 0.0)
        deps = Deps(SITE, self.reader, live, KEYS, 0.05, clock)
        visit = Visit(self.who, self.consent, self.recent if self.who else ())
        return decide(question or self.ask(), visit, deps, self.now)

    def asker(self, *, personal: bool) -> Asker:
        """What a slot may know, read plainly."""
        page, traits = self.page, self.traits
        told = personal and self.consents
        url = urlsplit(page.url)
        campaign = dict(pair.split("=") for pair in url.query.split("&") if pair)
        place = (traits.latitude, traits.longitude)
        return Asker(
            minute=self.now - self.now % 60_000,
            country=traits.country,
            device=traits.device,
            language=traits.language,
            region=traits.region,
            place=None if None in place else place,  # type: ignore[arg-type] # both are numbers
            page=page.type,
            item=page.item,
            category=page.category,
            path=url.path,
            campaign=campaign.get("utm_campaign", ""),
            app_version=page.app_version,
            cart=page.cart if told else None,
            told=self._history() if told and self.who else None,
            unreadable=told and self.who is not None and self.table in {"broken", "torn"},
        )

    def _history(self) -> tuple[Record, ...]:
        folded = [record for _, batch in BATCHES[: self.stage] for record in batch]
        return tuple([r for r in folded if r.subject == self.who] + list(self.acts))


# ---- strategies ----

_LISTS = ((), ("i3",), ("i3", "i0", "nowhere"), ("nowhere",))
_PAGES, _TRAITS, _WANTS = 1000, 48, 48


@cache
def page(number: int) -> PageContext:
    """The page of a number, the first ones plain: drawing each field would cost more than deciding."""
    draw = Random(f"page {number}")
    if number < len(_PLAIN_PAGES):
        return _PLAIN_PAGES[number]
    return PageContext(
        type=draw.choice(["", "home"]),
        url=draw.choice(["", "/sale?utm_campaign=autumn", "/sale/x", "/?utm_campaign=autumn"]),
        item=draw.choice([None, "i3", "i7", "nowhere"]),
        category=draw.choice([None, "c1", "c3"]),
        cart=draw.choice(_LISTS),
        owned=draw.choice([(), (), ("i6", "i13")]),
        seen=draw.choice([(), (), ("i10", "nowhere")]),
        app_version=draw.choice(["", "2.3.1", "1.0.0", "2.0.0-rc1"]),
    )


_PLAIN_PAGES = (
    PageContext(),
    PageContext(item="i3"),
    PageContext(category="c1"),
    PageContext(cart=("i3",)),
    PageContext(owned=("i6", "i13")),
    PageContext(seen=("i10",)),
)


def _nth(number: int, *choices: Sequence[Any]) -> Iterator[Any]:
    """A number as one of each of the choices."""
    for some in choices:
        number, at = divmod(number, len(some))
        yield some[at]


@cache
def traits(number: int) -> Traits:
    """The traits of a number."""
    country, language, region, latitude, device = _nth(
        number, ["GB", "DE", ""], ["", "de"], ["", "ENG"], [None, LONDON[0]], ["mobile", "desktop"]
    )
    return Traits(country, device, language, region, "", latitude, LONDON[1])


@cache
def want(number: int) -> dict[str, Any]:
    """What a page asks of each slot."""
    own = ("i4", "i1", "i2", "nowhere", "i6", "i5")
    limit, exclude, candidates = _nth(number, [None, 2, 14], _LISTS, [(), (), (), own])
    return {"limit": limit, "exclude": exclude, "candidates": candidates}


SITES = st.builds(
    sites.Site,
    st.lists(st.integers(0, sites.SLOTS - 1), min_size=1, max_size=4).map(tuple),
    st.lists(st.integers(0, RULES - 1), max_size=6, unique=True).map(tuple),
    st.integers(0, len(sites.CAPS) - 1),
    st.sampled_from([True, True, False]),
)
CASES = st.builds(
    Case,
    SITES,
    who=st.sampled_from([*SUBJECTS, "v:ann"]),
    stage=st.integers(0, STAGES - 1).map(lambda n: STAGES - 1 - n),
    fresh=st.integers(0, 2),
    consent=st.sampled_from([None, True, True, False]),
    table=st.sampled_from(["works", "works", "works", "broken", "torn", *WITHDRAWN]),
    ranker=st.sampled_from(["good", "good", "fails", "fails after one", "nonsense"]),
    late=st.sampled_from([0.0, 0.0, 0.015, 1.0]),
    brake=st.integers(0, len(sites.BRAKES) - 1),
    form=st.sampled_from(["json", "html", "email"]),
    hours=st.sampled_from([0, 2]),
    page=st.integers(0, _PAGES - 1).map(page),
    traits=st.integers(0, _TRAITS - 1).map(traits),
    want=st.integers(0, _WANTS - 1).map(want),
)


def cursors(decided: PageDecision) -> dict[str, str]:
    """Slot → the cursor that goes on after its list."""
    bodies = {name: msgspec.json.decode(f.body) for name, f in decided.fragments.items()}
    return {name: body["cursor"] for name, body in bodies.items() if "cursor" in body}
