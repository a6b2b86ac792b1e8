"""The capsule: at most 1 kB whatever is in it, and the same event as the one on the stream."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.learn.profile import capsule as module
from hemline.learn.profile.capsule import (
    MAX_ACTIONS,
    MAX_COOKIE,
    Capsule,
    belongs_to,
    consent_from,
    decode,
    encode,
    records,
    update,
)
from hemline.learn.profile.fold import Profile, fold, state_bytes
from hemline.model.consent import NO, NOT_STATED, Consent, Purpose, with_choices
from hemline.model.errors import NotAllowed
from hemline.model.events.event import CAPPED, LEVEL_OF_EVENT, OrderLine, Record
from hemline.model.signed import sign
from tests.harness.streams import NOW, SITE, record

KEYS = (b"a secret that is long enough",)
EMPTY = Capsule("v:ann")

ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)
lines = st.lists(st.builds(OrderLine, ids, st.integers(1, 10**6)), max_size=30).map(tuple)
events = st.builds(
    lambda name, kind, time, item, some: record(
        "v:ann", name, type=kind, time=time, item=item, lines=some
    ),
    ids,
    st.sampled_from(sorted(LEVEL_OF_EVENT)),
    st.integers(0, 253_402_300_799_999),
    ids,
    lines,
)


@given(ids, st.lists(events, max_size=25))
def test_it_always_fits_a_cookie_and_comes_back_as_it_was(
    visitor: str, happened: list[Record]
) -> None:
    kept = update(Capsule(f"v:{visitor}"), happened)
    text = encode(kept, KEYS)
    assert len(text) <= MAX_COOKIE
    assert decode(text, KEYS) == kept


@given(st.lists(events, max_size=12), st.integers(0, 12))
def test_it_does_not_matter_in_how_many_calls_events_came(happened: list[Record], cut: int) -> None:
    in_two = update(update(EMPTY, happened[:cut]), happened[cut:])
    assert {act.id for act in in_two.actions} == {act.id for act in update(EMPTY, happened).actions}


def test_the_newest_stay() -> None:
    kept = update(EMPTY, [record("v:ann", f"e{n}", time=NOW + n) for n in range(40)])
    assert [act.id for act in kept.actions] == [f"e{n}" for n in range(40 - len(kept.actions), 40)]
    assert 8 <= len(kept.actions) <= MAX_ACTIONS


def test_at_least_two_actions_fit_however_long_their_ids() -> None:
    long = [record("v:ann", f"{n}" * 128, item="x" * 128, time=NOW + n) for n in range(3)]
    assert len(update(Capsule("v:" + "v" * 126), long).actions) == 2


@pytest.mark.parametrize(
    "kind", ["view", "click", "rate", "share", "add_to_cart", "wishlist", "purchase"]
)
def test_folding_it_before_or_after_the_stream_gives_the_same_profile(kind: str) -> None:
    happened = record(
        "v:ann", "e1", type=kind, item="p1", lines=(OrderLine("p2", 3), OrderLine("p3"))
    )
    from_stream = fold(Profile(), [happened])
    from_capsule = records(update(EMPTY, [happened]), SITE)
    assert state_bytes(fold(Profile(), from_capsule)) == state_bytes(from_stream)
    assert state_bytes(fold(from_stream, from_capsule)) == state_bytes(from_stream)


def test_the_check_above_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    happened = record("v:ann", "e1")
    other = [record("v:ann", "e1-other")]
    monkeypatch.setattr(module, "records", lambda *_: other)
    assert state_bytes(
        fold(fold(Profile(), [happened]), module.records(EMPTY, SITE))
    ) != state_bytes(fold(Profile(), [happened]))


def test_exposures_and_what_tells_of_no_item_are_left_to_the_stream() -> None:
    silent = [record("v:ann", kind, type=kind) for kind in ("exposure", "search", "page", "custom")]
    assert update(EMPTY, silent) == EMPTY
    assert update(EMPTY, [record("v:ann", "e", item=None)]) == EMPTY


@pytest.mark.parametrize("kind", CAPPED)
def test_what_a_frequency_cap_counts_cannot_wait_for_the_stream(kind: str) -> None:
    happened = msgspec.structs.replace(record("v:ann", "e", type=kind, item=None), capped="leaving")
    kept = decode(encode(update(EMPTY, [happened]), KEYS), KEYS)
    assert fold(Profile(), records(kept, SITE)) == fold(Profile(), [happened])
    silent = msgspec.structs.replace(happened, capped="")
    assert update(EMPTY, [silent]) == EMPTY


def test_a_capsule_of_before_there_were_caps_is_read() -> None:
    acts = [["e1", "click", NOW, [["p1", 1]]]]
    old = sign("capsule", msgspec.msgpack.encode(["v:ann", [0, 0, 0], acts]), KEYS[0])
    assert [act.capped for act in decode(old, KEYS).actions] == [""]


def test_the_same_id_twice_counts_once_at_its_latest_time() -> None:
    twice = [record("v:ann", "e1", time=NOW), record("v:ann", "e1", time=NOW - 5)]
    assert [act.time for act in update(EMPTY, twice).actions] == [NOW]


def test_without_consent_nothing_goes_in_and_nothing_comes_out() -> None:
    refused = Capsule("v:ann", NO, update(EMPTY, [record("v:ann", "e1")]).actions)
    assert records(refused, SITE) == []
    assert update(refused, [record("v:ann", "e2")]).actions == ()
    assert update(EMPTY, [record("v:ann", "e2", purposes=())]) == EMPTY
    assert decode(encode(refused, KEYS), KEYS).consent == NO


def test_an_answer_that_was_never_asked_for_stays_open() -> None:
    kept = update(EMPTY, [record("v:ann", "e1")])
    assert decode(encode(kept, KEYS), KEYS).consent == NOT_STATED
    assert len(records(kept, SITE)) == 1


def test_a_capsule_of_the_form_before_is_refused() -> None:
    recent: list[object] = []
    for old in [["ann", consent, recent] for consent in (None, True, False)]:
        with pytest.raises(NotAllowed, match="another form"):
            decode(sign("capsule", msgspec.msgpack.encode(old), KEYS[0]), KEYS)


def test_of_somebody_else_s_capsule_only_a_no_counts() -> None:
    choices = ((Purpose.ANALYTICS, False), (Purpose.PERSONALISATION, True))
    kept = Capsule("v:ann", with_choices(choices, NOT_STATED, NOW))
    assert consent_from(kept, "v:ann") == kept.consent
    assert consent_from(kept, "u:ann") == consent_from(kept, None) == Consent(refused=1, at=NOW)
    assert consent_from(None, "v:ann") == NOT_STATED


def test_it_is_its_visitor_s_alone() -> None:
    assert belongs_to(EMPTY, "v:ann")
    assert not any(belongs_to(EMPTY, who) for who in ("u:ann", "v:bob", None))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "x" * 5000,
        encode(EMPTY, (b"somebody else's secret, long enough",)),
        sign("visitor", b"ann", KEYS[0]),
        sign("capsule", b"ann", KEYS[0]),
        sign("capsule", b"\xa3\xff\xff\xff", KEYS[0]),
        sign("capsule", b"\x93\xc0\xc3\x90", KEYS[0]),
    ],
)
def test_what_is_not_one_of_ours_is_refused(text: str) -> None:
    with pytest.raises(NotAllowed):
        decode(text, KEYS)
