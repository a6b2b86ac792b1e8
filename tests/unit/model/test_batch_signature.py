"""A server's batch is recognised by its signature, over exactly this body, for a few minutes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.model.errors import NotAllowed
from hemline.model.events.batch_signature import SKEW_MS, check_batch, sign_batch

KEY, OLD = b"a secret that is long enough", b"an older secret, long enough"
NOW = 1_780_000_000_000
BODY = b'{"events":[]}'
GOOD = sign_batch(BODY, KEY, NOW)


@given(st.binary(max_size=200), st.integers(-SKEW_MS, SKEW_MS))
def test_any_body_verifies_within_five_minutes(body: bytes, off: int) -> None:
    check_batch(sign_batch(body, KEY, NOW), body, (KEY,), NOW + off)


@pytest.mark.parametrize(
    ("header", "body", "now"),
    [
        (GOOD, BODY + b" ", NOW),
        (GOOD, BODY, NOW + SKEW_MS + 1),
        (GOOD, BODY, NOW - SKEW_MS - 1),
        (sign_batch(BODY, b"somebody else's secret", NOW), BODY, NOW),
        (GOOD.replace(str(NOW), str(NOW + 1)), BODY, NOW),
        (GOOD.upper(), BODY, NOW),
        (GOOD + " ", BODY, NOW),
        (f"t={'9' * 5000},v1={'0' * 64}", BODY, NOW),
        ("t=٣,v1=" + "0" * 64, BODY, NOW),
        ("", BODY, NOW),
        ("nonsense", BODY, NOW),
    ],
)
def test_everything_else_is_refused(header: str, body: bytes, now: int) -> None:
    with pytest.raises(NotAllowed):
        check_batch(header, body, (KEY,), now)


def test_keys_rotate() -> None:
    check_batch(sign_batch(BODY, OLD, NOW), BODY, (KEY, OLD), NOW)
