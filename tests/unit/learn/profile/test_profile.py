"""The fold: a function of the set of events, bounded, exact when read back."""

import string
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.learn.profile import fold as profiles
from hemline.learn.profile import ring
from hemline.learn.profile.fold import (
    BOUGHT,
    ENGAGED,
    MAX_BYTES,
    SHOWN,
    Profile,
    decode,
    encode,
    fold,
    fold_counted,
    state_bytes,
    with_watermark,
)
from hemline.model.errors import Refused
from hemline.model.events.event import LEVEL_OF_EVENT, Event, OrderLine, Record
from hemline.model.ids import hash64

PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
TYPES = ("exposure", "view", "click", "add_to_cart", "purchase", "search", "remove", "dismiss")
SLOTS = ("", "", "bye", "cart", "hello-again", "a-name-that-is-quite-long", "x" * 128)


def record(
    event_id: str, kind: str, time: int, *items: str, quantity: int = 1, capped: str = ""
) -> Record:
    lines = tuple(OrderLine(item, quantity) for item in items)
    return Record("demo", "v:1", time, Event(event_id, kind, time, lines=lines), capped=capped)


def history(seed_ids: int, width: int) -> st.SearchStrategy[list[Record]]:
    """Events of distinct ids; `width` is how long item ids are, to reach overflow or not."""
    item = st.integers(0, 40).map(lambda i: f"{i}".rjust(width, "x"))
    body = st.tuples(
        st.sampled_from(TYPES),
        st.integers(0, 10**12),
        st.lists(item, max_size=30),
        st.integers(0, 99),
        st.sampled_from(SLOTS),
    )
    return st.lists(body, max_size=seed_ids).map(
        lambda bodies: [
            record(f"e{i}", kind, time, *items, quantity=amount, capped=slot)
            for i, (kind, time, items, amount, slot) in enumerate(bodies)
        ]
    )


HISTORIES = st.one_of(history(60, 3), history(60, 40), history(25, 128))


@settings(max_examples=150, deadline=None)
@given(HISTORIES, st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_order_any_repeats_and_any_pieces_give_the_same_bytes(
    records: list[Record], random: Random, pieces: int
) -> None:
    once = fold(Profile(), records)
    shuffled = records + random.choices(records, k=len(records) // 2) if records else []
    random.shuffle(shuffled)
    cuts = sorted(random.randint(0, len(shuffled)) for _ in range(pieces))
    built = Profile()
    for start, end in pairwise([0, *cuts, len(shuffled)]):
        # Through the stored form each time, as ingest does.
        built = decode(encode(fold(built, shuffled[start:end])))
    assert state_bytes(built) == state_bytes(once)


@settings(max_examples=100, deadline=None)
@given(HISTORIES, st.dictionaries(st.integers(0, 9), st.integers(0, 2**180), max_size=6))
def test_an_encoded_profile_is_bounded_and_reads_back_as_it_was(
    records: list[Record], marks: dict[int, int]
) -> None:
    profile = fold(Profile(), records)
    for shard, sequence in marks.items():
        profile = with_watermark(profile, f"shardId-{shard:012}", str(sequence))
    blob = encode(profile)
    assert len(blob) <= MAX_BYTES
    assert decode(blob) == profile


def test_the_longest_ids_and_marks_and_the_busiest_visitor_still_fit() -> None:
    records = [
        record(f"e{i}", kind, i, *(f"{i}-{j}-".ljust(128, PRINTABLE[j % 94]) for j in range(500)))
        for i in range(90)
        for kind in (TYPES[i % 5],)
    ]
    profile = fold(Profile(), records)
    for shard in range(9):
        profile = with_watermark(profile, f"{shard}".rjust(128, "s"), "9" * 128)
    blob = encode(profile)
    assert len(blob) <= MAX_BYTES
    assert decode(blob).rings == profile.rings
    assert all(profile.actions(which) for which in (BOUGHT, ENGAGED, SHOWN))


def test_an_early_eviction_never_lets_an_older_event_back_in() -> None:
    """Found by thinking: a cheap old event would fit where a dear one fell out."""
    dear = [record(f"d{i}", "view", 100 + i, f"{i:x>120}") for i in range(60)]
    cheap = record("cheap", "view", 1, "y")
    assert state_bytes(fold(fold(Profile(), dear), [cheap])) == state_bytes(
        fold(Profile(), [cheap, *dear])
    )


def test_a_fold_without_its_floor_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "floor_of", lambda _packed: ring.NOWHERE)
    with pytest.raises(AssertionError):
        test_an_early_eviction_never_lets_an_older_event_back_in()


def test_a_fold_that_counts_repeats_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(10**9))
    monkeypatch.setattr(profiles, "hash64", lambda text: hash64(f"{text}{next(calls)}"))
    with pytest.raises(AssertionError):
        test_any_order_any_repeats_and_any_pieces_give_the_same_bytes()


def test_an_id_counts_once_even_with_two_times() -> None:
    early, late = record("e", "click", 1, "a"), record("e", "click", 2, "a")
    both = fold(Profile(), [early, late])
    assert [action.time for action in both.actions(ENGAGED)] == [2]
    assert both.rings == fold(Profile(), [late, early]).rings


def test_columns_and_actions_tell_the_same_story() -> None:
    profile = fold(
        Profile(),
        [
            record("1", "purchase", 5_000_000_000_000, "a", "b", "a", quantity=40),
            record("2", "add_to_cart", 7, "b"),
        ],
    )
    (bought, carted), columns = profile.actions(BOUGHT), profile.columns(BOUGHT)
    assert bought.items == ("a", "b")
    assert bought.quantities == (63, 40)
    assert carted.items == ("b",)
    assert columns.times.tolist() == [5_000_000_000_000, 7]
    assert columns.counts.tolist() == [2, 1]
    assert [columns.items[i] for i in columns.positions] == ["a", "b", "b"]
    assert columns.quantities.tolist() == [63, 40, 1]
    assert [profiles.TYPES[kind] for kind in columns.kinds] == ["purchase", "add_to_cart"]


def test_every_deed_has_a_code_and_codes_never_move() -> None:
    assert set(profiles.TYPES) == {
        name for name, deed in LEVEL_OF_EVENT.items() if deed is not None
    }
    assert profiles.TYPES[0] == "exposure"
    assert profiles.TYPES[7] == "purchase"


def test_what_became_of_each_event_is_counted() -> None:
    full = fold(Profile(), [record(f"d{i}", "view", 100 + i, "x" * 120) for i in range(200)])
    again = record("d199", "view", 299, "x" * 120)
    old = record("old", "view", 1, "y")
    search = record("s", "search", 300)
    _, counted = fold_counted(full, [again, old, search, record("n", "click", 301, "z")])
    assert counted == (1, 1, 1, 1)


def test_marks_keep_the_highest_sequence_of_the_four_newest_shards() -> None:
    profile = Profile()
    for shard, sequence in [
        ("a", "9"),
        ("b", "10"),
        ("c", "11"),
        ("a", "8"),
        ("d", "2"),
        ("e", "3"),
    ]:
        profile = with_watermark(profile, shard, sequence)
    assert profile.watermarks == {"a": "9", "b": "10", "c": "11", "e": "3"}
    assert state_bytes(profile) == state_bytes(Profile())


@given(st.data())
def test_a_blob_with_any_byte_changed_or_missing_is_refused(data: st.DataObject) -> None:
    blob = bytearray(encode(fold(Profile(), [record("1", "click", 9, string.ascii_letters)])))
    at = data.draw(st.integers(0, len(blob) - 1))
    if data.draw(st.booleans()):
        blob[at] ^= data.draw(st.integers(1, 255))
    else:
        del blob[at:]
    with pytest.raises(Refused):
        decode(bytes(blob))
