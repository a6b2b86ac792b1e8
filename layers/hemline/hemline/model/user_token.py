"""Who a site says is signed in: JSON Web Tokens of the one form that we take, verified by hand.

The algorithm is pinned: HMAC-SHA-256 is computed whatever the header says, and a header that says
anything else is refused. Knows no clock and no HTTP.
"""

import base64
import hmac
from typing import NamedTuple, TypeVar

import msgspec

from hemline.model.durations import DAY_SECONDS
from hemline.model.errors import NotAllowed
from hemline.model.ids import is_id

MOST_CHARACTERS = 4096
"""Of a token: nothing longer is looked at."""
LONGEST_LIFE = DAY_SECONDS
"""Seconds between `iat` (now, where there is none) and `exp`: a lost token must soon be worthless."""
SKEW = 60
"""Seconds that the signer's clock may be ahead of ours, for `iat` and `nbf`."""
SHORTEST_SECRET = 32
"""Characters: HS256 needs a key as long as its hash (RFC 7518, 3.2)."""
_PARTS = 3
T = TypeVar("T")


class UserKey(NamedTuple):
    """One key of the site; `kid` is empty where it has no name."""

    kid: str
    secret: bytes


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None
    crit: object = msgspec.UNSET
    """Extensions that must be understood (RFC 7515): we know of none."""


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    exp: float
    iat: float | None = None
    nbf: float | None = None
    aud: str | tuple[str, ...] | None = None


def keys_of(text: str) -> tuple[UserKey, ...]:
    """From `kid:secret,kid2:secret`. Raises ValueError, which says no secret, on anything unusable."""
    keys = tuple(_key(part.strip()) for part in text.split(",") if part.strip())
    named = [key.kid for key in keys if key.kid]
    if any(len(key.secret) < SHORTEST_SECRET for key in keys):
        raise ValueError(f"each secret needs {SHORTEST_SECRET} characters or more")
    if len(set(named)) < len(named):
        raise ValueError("each key needs a kid of its own")
    return keys


def _key(text: str) -> UserKey:
    kid, colon, secret = text.partition(":")
    return UserKey(kid, secret.encode()) if colon else UserKey("", kid.encode())


def mint_user_token(user: str, key: UserKey, now: int, *, seconds: int, site: str) -> str:
    """A token for `user` as a site's server makes it; `now` in epoch seconds."""
    header = {"alg": "HS256", "typ": "JWT"} | ({"kid": key.kid} if key.kid else {})
    claims = {"sub": user, "iat": now, "exp": now + seconds, "aud": site}
    signed = ".".join(_spelled(msgspec.json.encode(part)) for part in (header, claims))
    return f"{signed}.{_spelled(_mac(signed, key))}"


def verify_user_token(text: str, keys: tuple[UserKey, ...], *, site: str, now: int) -> str:
    """The user id; `now` in epoch seconds. Raises NotAllowed, which repeats nothing of the token."""
    parts = text.split(".") if len(text) <= MOST_CHARACTERS and text.isascii() else []
    if len(parts) != _PARTS:
        raise NotAllowed("this is no user token")
    header = _read(parts[0], _Header)
    if header.alg != "HS256" or header.crit is not msgspec.UNSET:
        raise NotAllowed("a user token is signed with HS256, and with no extensions")
    mac, signed = _raw(parts[2]), f"{parts[0]}.{parts[1]}"
    tried = [key for key in keys if header.kid is None or key.kid == header.kid]
    # Every key is tried, so that the time says nothing about which one it was.
    if not sum(hmac.compare_digest(mac, _mac(signed, key)) for key in tried):
        raise NotAllowed("no key of this site signed this user token")
    claims = _read(parts[1], _Claims)
    _check(claims, site, now)
    return claims.sub


def _check(claims: _Claims, site: str, now: int) -> None:
    audience = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    wrong = (
        ("this user token is for another site", audience is not None and site not in audience),
        ("this user token names no user id", not is_id(claims.sub)),
        ("this user token has expired", claims.exp <= now),
        ("this user token is not valid yet", max(claims.iat or 0, claims.nbf or 0) > now + SKEW),
        (
            "a user token lives for 24 hours at most",
            claims.exp - (now if claims.iat is None else claims.iat) > LONGEST_LIFE,
        ),
    )
    for reason, found in wrong:
        if found:
            raise NotAllowed(reason)


def _mac(signed: str, key: UserKey) -> bytes:
    return hmac.digest(key.secret, signed.encode(), "sha256")


def _spelled(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _raw(part: str) -> bytes:
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise NotAllowed("this is no user token") from None
    # Base64 has spare bits, and Python's reads two alphabets: one token has one spelling.
    if _spelled(data) != part:
        raise NotAllowed("this is no user token")
    return data


def _read(part: str, kind: type[T]) -> T:
    # Not msgspec, which lets the last of two equal keys win: two readers must never see two users.
    import json  # noqa: PLC0415 - nobody who brings no token waits for it

    from hemline.model.input.json_input import unique  # noqa: PLC0415 - as above

    try:
        read = json.loads(_raw(part), object_pairs_hook=unique, parse_constant=_no_number)
        return msgspec.convert(read, kind)
    except (ValueError, OverflowError, RecursionError, msgspec.ValidationError):
        raise NotAllowed("a part of this user token is not what it should be") from None


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no JSON")
