"""The signature of a server's batch of events: `t=<epoch ms>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.

A signed batch may hold events of any visitor or user, and of any past time. Knows no clock: `now` is an
argument. `t` is signed too, so an intercepted batch cannot be replayed after five minutes.
"""

import hashlib
import hmac
import re

from hemline.model.durations import MINUTE_MS
from hemline.model.errors import NotAllowed

HEADER = "Hemline-Signature"
SKEW_MS = 5 * MINUTE_MS
_FORM = re.compile(r"t=([0-9]{1,15}),v1=([0-9a-f]{64})")


def sign_batch(body: bytes, key: bytes, now: int) -> str:
    """The header's value for `body`, signed at `now` (epoch ms)."""
    return f"t={now},v1={_mac(body, key, str(now))}"


def check_batch(header: str, body: bytes, keys: tuple[bytes, ...], now: int) -> None:
    """Raises NotAllowed unless one of `keys` signed this body within five minutes of `now`."""
    found = _FORM.fullmatch(header)
    if not found:
        raise NotAllowed(f"{HEADER} is not t=<epoch ms>,v1=<64 hex digits>")
    stamp, mac = found.groups()
    if not any(hmac.compare_digest(mac, _mac(body, key, stamp)) for key in keys):
        raise NotAllowed(f"{HEADER} does not verify")
    # Checked last: only callers who hold the key learn that their clock is wrong.
    if abs(now - int(stamp)) > SKEW_MS:
        raise NotAllowed(f"{HEADER} is more than five minutes off this server's clock")


def _mac(body: bytes, key: bytes, stamp: str) -> str:
    return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
