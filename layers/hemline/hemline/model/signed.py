"""Signed text: HMAC-SHA-256 for cookies, tokens, the pointer and the brake."""

import base64
import hmac

from hemline.model.errors import NotAllowed

_SIGNATURE_BYTES = 16


def _mac(purpose: str, payload: bytes, key: bytes) -> bytes:
    # The purpose is signed too: a visitor cookie must never pass as a decision token.
    message = purpose.encode() + b"\0" + payload
    return hmac.digest(key, message, "sha256")[:_SIGNATURE_BYTES]


def sign(purpose: str, payload: bytes, key: bytes) -> str:
    """`<payload>.<signature>`, both base64url without padding; 128 bits of HMAC-SHA-256."""
    return f"{_b64(payload)}.{_b64(_mac(purpose, payload, key))}"


def verify(purpose: str, text: str, keys: tuple[bytes, ...]) -> bytes:
    """The payload. Raises NotAllowed unless one of `keys` signed exactly this for `purpose`."""
    head, dot, tail = text.partition(".")
    try:
        payload, mac = _unb64(head), _unb64(tail)
    except ValueError:
        raise NotAllowed(f"this {purpose} is not one of ours") from None
    # Base64 has unused bits: one signature must have one spelling, or a flipped bit would pass.
    canonical = dot and _b64(payload) == head and _b64(mac) == tail
    if not canonical or not any(hmac.compare_digest(mac, _mac(purpose, payload, k)) for k in keys):
        raise NotAllowed(f"this {purpose} is not one of ours")
    return payload


def unsigned(text: str) -> bytes:
    """The payload without verification, for text verified earlier. Raises ValueError without one."""
    return _unb64(text.partition(".")[0])


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
