"""User tokens: what a site signs is a user, and nothing else is. PyJWT is the second opinion."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.model import user_token
from hemline.model.errors import NotAllowed
from hemline.model.user_token import (
    LONGEST_LIFE,
    MOST_CHARACTERS,
    SKEW,
    UserKey,
    keys_of,
    mint_user_token,
    verify_user_token,
)

OLD, NEW = UserKey("2025", b"o" * 32), UserKey("2026", b"n" * 48)
KEYS = (NEW, OLD)
SITE, NOW = "shop", 1_700_000_000
CLAIMS = {"sub": "ann", "iat": NOW - 5, "exp": NOW + 600, "aud": SITE}


def verify(text: str, keys: tuple[UserKey, ...] = KEYS, now: int = NOW) -> str:
    return verify_user_token(text, keys, site=SITE, now=now)


def signed(
    claims: dict[str, Any] | None = None, key: UserKey = NEW, *, kid: str | None = "2026"
) -> str:
    """As PyJWT makes it."""
    return jwt.encode(
        CLAIMS if claims is None else claims,
        key.secret,
        algorithm="HS256",
        headers={"kid": kid} if kid else None,
    )


def spelled(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(header: str | bytes, payload: str | bytes, key: UserKey = NEW) -> str:
    """Any text, properly signed."""
    parts = [part.encode() if isinstance(part, str) else part for part in (header, payload)]
    body = ".".join(map(spelled, parts))
    return f"{body}.{spelled(hmac.digest(key.secret, body.encode(), 'sha256'))}"


HEADER = '{"alg":"HS256","kid":"2026"}'


def test_a_token_of_another_library_names_its_user() -> None:
    assert verify(signed()) == "ann"


def test_another_library_takes_our_tokens() -> None:
    token = mint_user_token("ann", NEW, NOW, seconds=600, site=SITE)
    options: Any = {"verify_exp": False}
    claims = jwt.decode(token, NEW.secret, algorithms=["HS256"], audience=SITE, options=options)
    assert claims["sub"] == "ann"
    assert jwt.get_unverified_header(token)["kid"] == "2026"


@given(
    user=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)
)
def test_every_user_id_comes_back(user: str) -> None:
    for key in KEYS:
        assert verify(mint_user_token(user, key, NOW, seconds=60, site=SITE)) == user


def test_the_kid_picks_the_key_and_without_one_each_is_tried() -> None:
    assert verify(signed(key=OLD, kid="2025")) == "ann"
    assert verify(signed(key=OLD, kid=None)) == "ann"
    with pytest.raises(NotAllowed):
        verify(signed(key=OLD, kid="2026"))
    with pytest.raises(NotAllowed):
        verify(signed(key=OLD, kid="2024"))


def test_a_key_that_was_taken_away_signs_nothing_any_more() -> None:
    with pytest.raises(NotAllowed):
        verify(signed(key=OLD, kid="2025"), (NEW,))
    with pytest.raises(NotAllowed):
        verify(signed(), ())


def test_a_key_without_a_name_serves_tokens_without_one() -> None:
    keys = keys_of("k" * 32)
    assert keys == (UserKey("", b"k" * 32),)
    assert verify(mint_user_token("ann", keys[0], NOW, seconds=60, site=SITE), keys) == "ann"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": NOW}, id="it is over this second"),
        pytest.param({"exp": None}, id="its end is null"),
        pytest.param({"exp": "soon"}, id="its end is a word"),
        pytest.param({"exp": True}, id="its end is true"),
        pytest.param({"iat": NOW - 1, "exp": NOW + LONGEST_LIFE}, id="it lives too long"),
        pytest.param({"iat": None, "exp": NOW + LONGEST_LIFE + 1}, id="no iat, too long from now"),
        pytest.param({"iat": NOW + SKEW + 1}, id="made in the future"),
        pytest.param({"nbf": NOW + SKEW + 1}, id="not valid yet"),
        pytest.param({"aud": "bank"}, id="another site"),
        pytest.param({"aud": []}, id="nobody's"),
        pytest.param({"aud": ["bank", "news"]}, id="two other sites"),
        pytest.param({"sub": ""}, id="no user"),
        pytest.param({"sub": "a b"}, id="a user with a space"),
        pytest.param({"sub": "x" * 129}, id="a user id that is too long"),
        pytest.param({"sub": 7}, id="a number for a user"),
        pytest.param({"sub": None}, id="null for a user"),
        pytest.param({"iat": 10**400}, id="a number beyond all floats"),
    ],
)
def test_a_claim_that_does_not_hold_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed) as found:
        verify(raw(HEADER, json.dumps({**CLAIMS, **changes})))
    assert "ann" not in str(found.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["bank", SITE]},
        {"iat": NOW + SKEW, "nbf": NOW + SKEW},
        {"exp": NOW + 1},
        {"exp": NOW + 0.5},
        {"name": "Ann", "roles": ["a", {"b": 1}]},
    ],
    ids="+".join,
)
def test_a_claim_that_holds_is_taken(changes: dict[str, Any]) -> None:
    assert verify(raw(HEADER, json.dumps({**CLAIMS, **changes}))) == "ann"


@pytest.mark.parametrize("gone", ["sub", "exp"])
def test_a_claim_that_is_needed_is_not_left_out(gone: str) -> None:
    with pytest.raises(NotAllowed):
        verify(signed({k: v for k, v in CLAIMS.items() if k != gone}))


def test_a_token_without_audience_or_issue_is_taken() -> None:
    assert verify(signed({"sub": "ann", "exp": NOW + 60})) == "ann"


def _none() -> str:
    return jwt.encode(CLAIMS, "", algorithm="none")


def _none_with_a_signature() -> str:
    return raw('{"alg":"none","kid":"2026"}', json.dumps(CLAIMS))


def _public_key_as_secret() -> str:
    # The confusion of RS256 with HS256: signed with what everybody may know, here a kid's own text.
    return raw('{"alg":"RS256","kid":"2026"}', json.dumps(CLAIMS))


def _other_hash() -> str:
    header = HEADER.replace("HS256", "HS512").encode()
    body = f"{spelled(header)}.{spelled(json.dumps(CLAIMS).encode())}"
    return f"{body}.{spelled(hmac.new(NEW.secret, body.encode(), hashlib.sha512).digest())}"


FORGERIES: dict[str, Callable[[], str]] = {
    "alg none": _none,
    "alg none, signed all the same": _none_with_a_signature,
    "alg RS256": _public_key_as_secret,
    "alg HS512": _other_hash,
    "alg in other letters": lambda: raw('{"alg":"hs256"}', json.dumps(CLAIMS)),
    "alg twice": lambda: raw('{"alg":"none","alg":"HS256"}', json.dumps(CLAIMS)),
    "no alg": lambda: raw("{}", json.dumps(CLAIMS)),
    "extensions": lambda: raw('{"alg":"HS256","crit":["b64"],"b64":false}', json.dumps(CLAIMS)),
    "extensions that are null": lambda: raw('{"alg":"HS256","crit":null}', json.dumps(CLAIMS)),
    "two users": lambda: raw(HEADER, f'{{"sub":"bob",{json.dumps(CLAIMS)[1:]}'),
    "two users, one spelled otherwise": lambda: raw(
        HEADER, rf'{{"\u0073ub":"bob",{json.dumps(CLAIMS)[1:]}'
    ),
    "no JSON": lambda: raw(HEADER, "ann"),
    "a list": lambda: raw(HEADER, "[]"),
    "not a number": lambda: raw(HEADER, '{"sub":"ann","exp":NaN}'),
    "endless": lambda: raw(HEADER, '{"sub":"ann","exp":Infinity}'),
    "endless in figures": lambda: raw(HEADER, '{"sub":"ann","exp":1e999}'),
    "nested without end": lambda: raw(HEADER, "[" * 1500),
    "no UTF-8": lambda: raw(HEADER, b'{"sub":"\xff"}'),
    "a secret of somebody else": lambda: signed(key=UserKey("2026", b"x" * 32)),
    "an empty secret": lambda: raw(HEADER, json.dumps(CLAIMS), UserKey("2026", b"")),
    "no signature": lambda: signed().rpartition(".")[0] + ".",
    "two parts": lambda: signed().rpartition(".")[0],
    "four parts": lambda: signed() + ".e30",
    "nothing": lambda: "",
    "huge": lambda: signed({**CLAIMS, "more": "x" * MOST_CHARACTERS}),
    "padded": lambda: signed() + "=",
    "spaces": lambda: " " + signed(),
    "other letters": lambda: signed().replace(".", ".é", 1),
    "half a character": lambda: signed().replace(".", ".\ud800", 1),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_the_site_did_not_sign_is_nobody(name: str) -> None:
    token = FORGERIES[name]()
    with pytest.raises(NotAllowed) as found:
        verify(token)
    assert token not in str(found.value) or not token


@given(at=st.integers(0, 10_000), bit=st.integers(0, 6))
def test_one_flipped_bit_makes_it_nobodys(at: int, bit: int) -> None:
    token = signed()
    at %= len(token)
    flipped = token[:at] + chr(ord(token[at]) ^ 1 << bit) + token[at + 1 :]
    with pytest.raises(NotAllowed):
        verify(flipped)


@given(st.text(max_size=300))
def test_any_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(NotAllowed):
        verify(text)


@given(st.binary(max_size=80), st.binary(max_size=200))
def test_any_signed_bytes_are_refused_or_name_a_user(header: bytes, payload: bytes) -> None:
    with pytest.raises(NotAllowed):
        verify(raw(header, payload))


@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_token_has_one_spelling(at: int) -> None:
    """The last character of a part has spare bits: set, it is another text of the same bytes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = next(
        t
        for n in range(9)
        for t in [signed({**CLAIMS, "pad": "x" * n}, kid="k" * n or None)]
        if len(t.split(".")[at]) % 4
    )
    parts = token.split(".")
    last = parts[at][-1]
    parts[at] = parts[at][:-1] + letters[letters.index(last) | 1]
    if parts[at][-1] == last:
        parts[at] = parts[at][:-1] + letters[letters.index(last) ^ 1]
    with pytest.raises(NotAllowed):
        verify(".".join(parts), (NEW, UserKey("k", NEW.secret)))


def test_the_check_of_the_algorithm_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the header believed, a token that names no algorithm would be somebody."""

    class Trusting:
        alg, kid, crit = "HS256", None, msgspec.UNSET

    real = user_token._read
    monkeypatch.setattr(
        user_token,
        "_read",
        lambda part, kind: Trusting if kind is user_token._Header else real(part, kind),
    )
    assert verify(_none_with_a_signature()) == "ann"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1:short", "32 characters"),
        (f"1:{'x' * 31}", "32 characters"),
        (f"1:{'x' * 32},1:{'y' * 32}", "kid of its own"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_without_being_told(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as found:
        keys_of(text)
    assert "short" not in str(found.value)


def test_keys_are_read_in_order() -> None:
    text = f"2026:{'n' * 48}, 2025:{'o' * 32},"
    assert keys_of(text) == KEYS
    assert keys_of("") == ()
