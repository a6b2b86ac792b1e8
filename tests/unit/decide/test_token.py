"""Decision tokens: small, signed, of one site, and not for ever."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.token import (
    KEPT_DAYS,
    MAX_CHARACTERS,
    RecordedRequest,
    SubjectReference,
    Token,
    decode,
    encode,
    fact_name,
    stopped_of,
    subject_hash,
)
from hemline.model.decision import SlotRequest, Visit
from hemline.model.errors import NotAllowed
from hemline.model.signed import sign
from hemline.model.site.slot import Slot
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice, catalogue
from tests.builders.receipts import World, receipt, signed
from tests.harness.deciding import acts, ask

DAY = 86_400_000
LONGEST = "s" * 63
SLOTS = [Slot(LONGEST, limit=50), *(Slot(f"{n:02}{LONGEST}"[:63]) for n in range(19))]
CLICKS = acts("v:ann", [f"i{n}" for n in range(16)])
MANY = World(catalogue(3000), SLOTS, history=CLICKS, ranker=ScoreByPrice())
MANY.arrive(CLICKS[:4])
FRAGMENT = MANY.decide(ask(LONGEST), Visit("v:ann", None, tuple(CLICKS))).fragments[LONGEST]


@given(
    st.integers(1, 50),
    st.integers(1, 20),
    st.lists(st.integers(0, 2999), max_size=60),
    st.text(max_size=300),
)
def test_a_token_of_a_shop_of_thousands_has_at_most_700_characters(
    limit: int, slots: int, cart: list[int], url: str
) -> None:
    first = SlotRequest(LONGEST, limit=limit, exclude=tuple(f"i{n}" for n in cart))
    question = ask(first, *(s.name for s in SLOTS[1:slots]), url=url, cart=tuple(map(str, cart)))
    visit = Visit("v:ann", None, tuple(CLICKS))
    for fragment in MANY.decide(question, visit).fragments.values():
        assert len(signed(fragment)) <= 700
        assert len(receipt(fragment).items) == len(fragment.items)


def test_ten_items_of_a_page_of_eight_slots_fit_with_all_that_was_asked() -> None:
    first = SlotRequest(SLOTS[0].name, limit=10)
    question = ask(first, *(slot.name for slot in SLOTS[1:8]), item="i7", cart=("i1", "i2"))
    fragments = MANY.decide(question, Visit("v:ann", None, tuple(CLICKS))).fragments
    tokens = [receipt(fragment) for fragment in fragments.values()]
    assert all(isinstance(token.request, RecordedRequest) for token in tokens)
    assert len(tokens[0].items) == 10


def test_the_largest_of_tokens_gives_up_what_was_asked_and_keeps_the_rest() -> None:
    whose = SubjectReference(7, b"w" * 8, b"s" * 8, b"m" * 16, b"a" * 64)
    asked = RecordedRequest((("page.url", b"x" * 600), (8, b"stopped!")))
    token = Token(
        b"e" * 8, LONGEST, 3, b"f" * 16, 2**31, tuple(range(2**24, 2**24 + 50)), "",
        (2**24, 0.1), b"site", b"b" * 8, "json", 3, asked, whose, b"i" * 150,
    )  # fmt: skip
    text = encode(token, KEYS)
    found = decode(text, KEYS)
    assert len(text) <= MAX_CHARACTERS
    assert isinstance(found.request, bytes)
    assert stopped_of(found.request) == stopped_of(asked) == b"stopped!"
    assert msgspec.structs.replace(found, request=asked) == token


def test_a_token_names_nobody() -> None:
    raw = base64.urlsafe_b64decode(signed(FRAGMENT).partition(".")[0] + "==")
    assert b"ann" not in raw
    whose = receipt(FRAGMENT).whose
    assert whose
    assert whose.who == subject_hash("v:ann", KEYS[0])
    assert subject_hash("v:ann", KEYS[0]) != subject_hash("v:ann", b"another key, just as long")


def test_what_everybody_gets_holds_nothing_of_whoever_asked_first() -> None:
    here = World(catalogue(9), [Slot("shelf", personal=False, sources=("popular",))])
    asks = (ask("shelf", cart=("i1",)), ask("shelf"))
    visits = (Visit("v:ann", None, tuple(CLICKS)), Visit(None, None))
    found = [
        here.decide(question, visit).fragments["shelf"]
        for question, visit in zip(asks, visits, strict=True)
    ]
    assert signed(found[0]) == signed(found[1])
    assert receipt(found[0]).whose is None


def test_a_token_flipped_in_any_bit_is_refused_with_one_sentence() -> None:
    text = signed(FRAGMENT).encode()
    for at in range(len(text) * 8):
        flipped = bytearray(text)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(NotAllowed, match=r"^this decision is not one of ours$"):
            decode(flipped.decode("latin-1"), KEYS)


def test_a_token_cut_short_anywhere_is_refused() -> None:
    text = signed(FRAGMENT)
    for size in range(len(text)):
        with pytest.raises(NotAllowed, match=r"^this decision is not one of ours$"):
            decode(text[:size], KEYS)


def test_a_token_of_another_site_or_key_is_refused() -> None:
    with pytest.raises(NotAllowed, match=r"^this decision token is of another site than shop$"):
        decode(signed(FRAGMENT), KEYS, site="shop")
    with pytest.raises(NotAllowed, match="not one of ours"):
        decode(signed(FRAGMENT), (b"another key, just as long",), site=SITE)


@pytest.mark.parametrize("days", [KEPT_DAYS + 1, 1000])
def test_a_token_too_old_says_how_old(days: int) -> None:
    decode(signed(FRAGMENT), KEYS, site=SITE, now=NOW + KEPT_DAYS * DAY)
    with pytest.raises(NotAllowed, match=f"is {days} days old; receipts are kept for {KEPT_DAYS}"):
        decode(signed(FRAGMENT), KEYS, site=SITE, now=NOW + days * DAY)


@pytest.mark.parametrize("payload", [b"", b"\x90", b"\x01", b"\xff\xff"])
def test_a_token_of_another_version_is_refused(payload: bytes) -> None:
    with pytest.raises(NotAllowed, match="of another version"):
        decode(sign("decision", payload, KEYS[0]), KEYS)


@pytest.mark.parametrize("number", [-1, 99])
def test_a_fact_of_a_later_version_is_refused(number: int) -> None:
    with pytest.raises(NotAllowed, match="of another version"):
        fact_name(number)
