"""Two profiles joined: the bytes that a fold of both logs makes."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.learn.profile import join, ring
from hemline.learn.profile.fold import Profile, decode, encode, fold, state_bytes, with_watermark
from hemline.learn.profile.join import joined, rename_watermarks
from hemline.model.events.event import Event, OrderLine, Record

TYPES = ("exposure", "view", "click", "add_to_cart", "purchase", "search", "dismiss")
SLOTS = ("", "", "bye", "cart", "hello-again", "a-name-that-is-quite-long", "x" * 128)


def history(events: int, width: int) -> st.SearchStrategy[list[Record]]:
    """Events of distinct ids; `width` is how long item ids are, to reach overflow or not."""
    item = st.integers(0, 40).map(lambda i: f"{i}".rjust(width, "x"))
    body = st.tuples(
        st.sampled_from(TYPES),
        st.integers(0, 10**12),
        st.lists(item, min_size=1, max_size=12),
        st.sampled_from(SLOTS),
    )

    def record(at: int, kind: str, time: int, items: list[str], slot: str) -> Record:
        event = Event(f"e{at}", kind, time, lines=tuple(map(OrderLine, items)))
        return Record("demo", "v:1", time, event, capped=slot)

    return st.lists(body, max_size=events).map(
        lambda bodies: [record(at, *body) for at, body in enumerate(bodies)]
    )


HISTORIES = st.one_of(history(60, 3), history(90, 40), history(40, 120))


def split(log: list[Record], cuts: list[int], parts: int) -> list[list[Record]]:
    """Each event in one or two of the parts, as `cuts` says."""
    found: list[list[Record]] = [[] for _ in range(parts)]
    for at, record in enumerate(log):
        chosen = cuts[at % len(cuts)] if cuts else 0
        for part in {chosen % parts, chosen // parts % parts}:
            found[part].append(record)
    return found


CUTS = st.lists(st.integers(0, 8), min_size=1, max_size=90)


@settings(max_examples=200)
@given(HISTORIES, CUTS)
def test_a_join_of_profiles_is_the_fold_of_both_logs(log: list[Record], cuts: list[int]) -> None:
    parts = split(log, cuts, 3)
    whole = state_bytes(fold(Profile(), log))
    one, two, three = (fold(Profile(), part) for part in parts)
    for a, b, c in permutations((one, two, three)):
        assert state_bytes(joined(joined(a, b), c)) == whole
        assert state_bytes(joined(a, joined(b, c))) == whole
    assert joined(one, one) == one
    assert joined(joined(one, two), two) == joined(one, two)
    assert joined(one, Profile()) == joined(Profile(), one) == one


@settings(max_examples=100)
@given(HISTORIES, CUTS)
def test_what_is_folded_after_a_join_is_as_if_it_had_been_there_before(
    log: list[Record], cuts: list[int]
) -> None:
    one, two, later = split(log, cuts, 3)
    found = fold(joined(fold(Profile(), one), fold(Profile(), two)), later)
    assert state_bytes(found) == state_bytes(fold(Profile(), log))
    assert decode(encode(found)) == found


def _view(at: int, *items: str) -> Record:
    return Record(
        "demo", "v:1", at, Event(f"e{at}", "view", at, lines=tuple(map(OrderLine, items)))
    )


FULL = [_view(1000 + at, f"{at}".rjust(60, "x")) for at in range(90)]
"""More than a ring holds."""
SMALL = [_view(1, "i")]
"""Older than what fell out of FULL, and so small that it would fit in the rest."""


def test_what_fell_out_of_one_cannot_come_back_by_the_other() -> None:
    full, small = fold(Profile(), FULL), fold(Profile(), SMALL)
    assert ring.floor_of(full.rings[1]) != ring.NOWHERE
    assert state_bytes(joined(full, small)) == state_bytes(fold(Profile(), FULL + SMALL))
    assert state_bytes(joined(small, full)) == state_bytes(fold(Profile(), FULL + SMALL))


def test_a_join_that_forgets_the_floors_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "_raised", lambda rings, _others: rings)
    with pytest.raises(AssertionError):
        test_what_fell_out_of_one_cannot_come_back_by_the_other()


def test_marks_say_whose_they_are_and_the_newest_stay() -> None:
    ann = with_watermark(Profile(), "shard-1", "70")
    device = rename_watermarks(with_watermark(Profile(), "shard-1", "90"), "{}@AbCd".format)
    both = joined(ann, device)
    assert both.watermarks == {"shard-1@AbCd": "90", "shard-1": "70"}
    assert joined(device, ann).watermarks == both.watermarks
    many = [with_watermark(Profile(), f"shard-{at}", str(at)) for at in range(6)]
    whole = Profile()
    for one in many:
        whole = joined(whole, one)
    assert set(whole.watermarks) == {"shard-5", "shard-4", "shard-3", "shard-2"}
