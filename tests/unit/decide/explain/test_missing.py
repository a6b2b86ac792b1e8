"""why-not of an item that no rung step brought: what it says is held against what would bring it."""

from typing import Any

import pytest

from hemline.decide.explain import items
from hemline.decide.ranking.candidates import MOST, SHARES
from hemline.model.brake import Brake, Stop
from hemline.model.decision import Visit
from hemline.model.events.event import Record
from hemline.model.site.slot import Slot, Source
from hemline.usecases.receipts.explain import why_not
from tests.builders.editions import ScoreByPrice, catalogue
from tests.builders.receipts import World
from tests.harness.deciding import acts, ask

PAIR = [one for n in range(9) for one in acts(f"v:{n}", ["i0", "i1"])]
ANN = acts("v:ann", ["i0"])
PAGE: tuple[Source, ...] = ("together", "category", "popular")


def world(
    slot: Slot,
    count: int = 24,
    history: list[Record] = PAIR,
    *,
    ranked: bool = True,
    categories: int = 4,
) -> World:
    ranker = ScoreByPrice() if ranked else None
    made = World(catalogue(count, categories), [slot], history=history, ranker=ranker)
    made.arrive(ANN)
    return made


def why(here: World, name: str, who: str | None = None, want: Any = "row", **page: Any) -> str:
    fragment = here.decide(ask(want, **page), Visit(who, None)).fragments["row"]
    assert name not in fragment.items
    return why_not(here.scene(fragment), name).why


def one_candidate(**page: Any) -> str:
    here = world(Slot("row", sources=PAGE, personal=False))
    assert here.decide(ask("row", **page), Visit(None, None)).fragments["row"].items == ("i1",)
    return why(here, "i2", **page)


@pytest.mark.parametrize("page", [{"item": "i0"}, {"item": "i0", "category": "nowhere"}])
def test_one_candidate_of_the_page_itself_keeps_popular_from_filling_up(page: Any) -> None:
    """It said that nothing brought the item "within its share of 200", of one candidate."""
    said = one_candidate(**page)
    assert said.startswith("a slot with the source category shows together and category alone")
    # What it says of the source is so: without it popular fills up.
    free = world(Slot("row", sources=("together", "popular"), personal=False, limit=12))
    assert "i2" in free.decide(ask("row", **page), Visit(None, None)).fragments["row"].items


def test_a_category_page_says_the_same() -> None:
    here = world(Slot("row", sources=PAGE, personal=False))
    said = why(here, "i3", category="c0")
    assert said.endswith("nothing of its other sources fills it up")


def test_what_only_the_visitors_own_sources_have_is_told_so_where_the_rung_asks_none() -> None:
    some = [one for n in range(300) for one in acts(f"v:{n}", [f"i{n}"] * 2)]
    old = acts("v:ann", ["i310"])
    here = World(catalogue(320), [Slot("row", sources=("own",))], history=some)
    here.arrive(old)
    fragment = here.decide(ask("row"), Visit("v:ann", None)).fragments["row"]
    assert "i310" not in fragment.items
    said = why_not(here.scene(fragment), "i310").why
    assert said == f"only the visitor's own sources have it (own): not the {fragment.rung} rung"
    said = why_not(here.scene(fragment), "i311").why
    assert said == f"it is not among what the {fragment.rung} rung has: popular items and new ones"


def test_a_ranked_slot_names_the_source_and_its_share() -> None:
    history = [*PAIR, *acts("v:y", [f"i{n}" for n in range(2, 200)])]
    here = world(Slot("row", sources=("own", "trending"), limit=4), 300, history)
    engine = here.live.engine
    assert engine
    trending = engine.snapshot.ints("trending").tolist()
    share = SHARES["trending"]
    assert len(trending) > share
    said = why(here, f"i{trending[share]}", "v:ann")
    assert said == f"source trending has it at place {share + 1}, and may bring {share}"
    assert 250 not in trending
    assert why(here, "i250", "v:ann") == "no source of the slot has it (own, trending)"


def test_two_hundred_candidates_leave_no_room_for_the_next_source() -> None:
    history = [*PAIR, *acts("v:y", [f"i{n}" for n in range(2, 60)])]
    here = world(Slot("row", sources=("category", "popular"), limit=4), 500, history, categories=2)
    engine = here.live.engine
    assert engine
    popular = engine.snapshot.ints("popular").tolist()
    (place, other) = next((at, n) for at, n in enumerate(popular, 1) if n % 2)
    said = why(here, f"i{other}", "v:ann", category="c0")
    full = f"after {MOST} candidates of sources before it"
    assert said == f"source popular has it at place {place}, {full}"


def test_the_static_rung_says_that_the_fallback_does_not_name_it() -> None:
    slot = Slot("row", personal=False, sources=("category",), fallback=("i5",))
    here = world(slot, history=[])
    here.stop(Brake("test", 1, (Stop("freeze", "eve", 1, "sale", "row"),)))
    assert why(here, "i9") == "the static rung answered, and the slot's fallback does not name it"


def test_this_finds_the_sentence_that_misled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded bug: as it was, whatever the rung and the sources."""
    as_it_was = "no source of the popular rung brought it within its share of 200 candidates"
    monkeypatch.setattr(items, "why_missing", lambda *_: as_it_was)
    assert one_candidate(item="i0") == as_it_was
