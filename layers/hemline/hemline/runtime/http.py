"""HTTP in and out of a Lambda: payload format 2.0, problem+json, and one table of error → status."""

import base64
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from hemline.model.errors import (
    BadInput,
    BadToken,
    CrossSite,
    Encoded,
    HemlineError,
    NotAllowed,
    NotDurable,
    TooLarge,
    Unavailable,
    UnknownRoute,
    UnknownSlot,
)

Payload = Mapping[str, Any]
"""An HTTP API event, payload format 2.0, as API Gateway makes it."""


class HttpRequest:
    """A read-only view of one HTTP API event; cookies, query and body are parsed on first use."""

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self.headers: Mapping[str, str] = payload.get("headers") or {}
        """Lower-case names, as API Gateway sends them."""
        self.path: Mapping[str, str] = payload.get("pathParameters") or {}

    @property
    def method(self) -> str:
        """Upper case. HEAD counts as GET: the HTTP server drops the body of the answer."""
        method: str = self._payload["requestContext"]["http"]["method"]
        return "GET" if method == "HEAD" else method

    def header(self, name: str) -> str:
        """The value, empty when the header is not there; `name` in lower case."""
        return self.headers.get(name, "")

    def listed(self, name: str) -> tuple[str, ...]:
        """All values of a header: gateways join repeated headers with a comma."""
        parts = (_unquoted(part) for part in self.header(name).split(","))
        return tuple(part for part in parts if part)

    @cached_property
    def cookies(self) -> dict[str, tuple[str, ...]]:
        """Name → its distinct values, in the order sent; quotes and empty values are removed.

        A name may occur several times, with different paths or domains; the request does not say which.
        """
        found: dict[str, tuple[str, ...]] = {}
        for cookie in self._payload.get("cookies") or ():
            name, _, value = cookie.partition("=")
            if text := _unquoted(value):
                known = found.get(name.strip(), ())
                found[name.strip()] = known if text in known else (*known, text)
        return found

    @cached_property
    def _query(self) -> dict[str, list[str]]:
        raw = self._payload.get("rawQueryString") or ""
        try:
            return parse_qs(raw, keep_blank_values=True, max_num_fields=50)
        except ValueError:
            raise BadInput("query", "has more than 50 parameters.", "Send fewer.") from None

    def parameters(self, name: str) -> Sequence[str]:
        """Every value of a query parameter, decoded. Raises BadInput when the query has over 50."""
        return self._query.get(name, ())

    def parameter(self, name: str) -> str | None:
        """The value, or None when absent. Raises BadInput when it is repeated with another value."""
        values = self.parameters(name)
        if len(set(values)) > 1:
            raise BadInput(name, f"stands {len(values)} times in the query.", "Send it once.")
        return values[0] if values else None

    def body(self) -> bytes:
        """The body's bytes. Raises Encoded when compressed, BadInput when its base64 is not valid."""
        encoding = self.header("content-encoding").strip().lower()
        # A header that was sent twice comes as one, with a comma.
        if not {one.strip() for one in encoding.split(",")} <= {"", "identity"}:
            # The gateway does not decompress, and we must not: a small body can expand to gigabytes.
            reason = f"comes with Content-Encoding {encoding[:32]!r}, which is not taken."
            raise Encoded("body", reason, "Send it as it is, without that header.")
        text = self._payload.get("body") or ""
        if not self._payload.get("isBase64Encoded"):
            return text.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            raise BadInput("body", "is not valid base64.", "Send the bytes as they are.") from None


def _unquoted(text: str) -> str:
    """Without surrounding blanks and one pair of quotes, which have no meaning (RFC 6265, 4.1.1)."""
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if quoted else text


class HttpResponse(NamedTuple):
    """An HTTP response; `to_payload` gives the form that API Gateway expects."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple default; never written to
    cookies: tuple[str, ...] = ()

    def to_payload(self) -> dict[str, Any]:
        """Payload format 2.0."""
        is_json = self.headers.get("Content-Type", "").endswith("json")
        body = inert(self.body) if is_json else self.body
        payload: dict[str, Any] = {
            "statusCode": self.status,
            "headers": self.headers,
            "body": body.decode(),
            "isBase64Encoded": False,
        }
        if self.cookies:
            payload["cookies"] = list(self.cookies)
        return payload


_MARKUP = ((b"&", b"\\u0026"), (b"<", b"\\u003c"), (b">", b"\\u003e"))


def inert(document: bytes) -> bytes:
    """The same JSON with `&`, `<` and `>` escaped, so that a page can embed it without an injection.

    In JSON these three occur only inside strings, so a plain replacement of bytes is safe.
    """
    for mark, spelled in _MARKUP:
        document = document.replace(mark, spelled)
    return document


PRIVATE = {"Cache-Control": "private, no-store"}
"""For answers that no cache may keep: errors, and everything about one visitor."""

_STATUSES: tuple[tuple[type[HemlineError], int], ...] = (
    (UnknownSlot, 404),
    (UnknownRoute, 404),
    (TooLarge, 413),
    (Encoded, 415),
    (BadInput, 400),
    (CrossSite, 403),
    (NotAllowed, 401),
    (NotDurable, 503),
    (Unavailable, 503),
)


def problem(error: HemlineError, **extra: object) -> HttpResponse:
    """An RFC 9457 problem: what is wrong, in which field, and how to fix it. Never cacheable."""
    found = status_of(error)
    headers = {**PRIVATE, "Content-Type": "application/problem+json"}
    document = problem_of(error)
    if isinstance(error, BadToken):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if found == 503:
        headers["Retry-After"] = str(error.retry_after if isinstance(error, NotDurable) else 2)
        document["way_out"] = f"Try again in {headers['Retry-After']} seconds."
    document.update(extra)
    return HttpResponse(found, msgspec.json.encode(document), headers)


def problem_of(error: HemlineError) -> dict[str, object]:
    """The problem document alone, for an error inside a 200 answer, such as one slot of a page."""
    found = status_of(error)
    # The text of a 5xx may name resources of the AWS account; it goes to the log only.
    detail = str(error) if found < 500 else _ours(error)
    # Imported here: only errors need the phrases, and the import would slow every cold start.
    from http import HTTPStatus  # noqa: PLC0415 - only an error needs it

    document: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(found).phrase}
    document |= {"status": found, "detail": detail}
    if isinstance(error, BadInput | BadToken | CrossSite):
        document["field"] = error.field
        if error.way_out:
            document["way_out"] = error.way_out
    return document


def _ours(error: HemlineError) -> str:
    return "Not stored yet." if isinstance(error, NotDurable) else "Not ready yet."


def status_of(error: HemlineError) -> int:
    """The status of the first matching row (subclasses come first); 500 when none matches."""
    return next((s for kind, s in _STATUSES if isinstance(error, kind)), 500)
