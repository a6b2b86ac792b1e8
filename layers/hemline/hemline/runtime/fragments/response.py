"""Fragments as an HTTP answer; its cache headers follow from the facts that the decision read."""

import hashlib

import msgspec

from hemline.decide.fragment import Format
from hemline.decide.render.markup import escape
from hemline.model.decision import Fragment, Scope
from hemline.runtime.http import PRIVATE, HttpRequest, HttpResponse, problem_of
from hemline.runtime.traits import VARY
from hemline.usecases.serving.decide_page import PageDecision


class _TokenOf(msgspec.Struct):
    token: str


_token = msgspec.json.Decoder(_TokenOf)


def answer_of(
    decided: PageDecision, request: HttpRequest, form: Format, took_ms: float
) -> HttpResponse:
    """200 with the fragments, or 304 when the client's ETag matches. `took_ms`: for Server-Timing."""
    fragments = list(decided.fragments.values())
    headers = _headers(fragments, decided.edition, took_ms) | _breakers(decided) | _errors(decided)
    if request.method != "GET":
        # A body is not part of a cache key, so this answer must not be cached and is never a 304.
        return HttpResponse(200, json_of(decided), headers | PRIVATE | _JSON)
    headers |= _HTML if form == "html" else _JSON
    if _has_it(request, headers.get("ETag")):
        # A cache copies the headers of a 304. Without a Content-Type the gateway would add its own.
        return HttpResponse(304, b"", headers)
    return HttpResponse(200, html_of(fragments[0]) if form == "html" else json_of(decided), headers)


_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}


def _has_it(request: HttpRequest, etag: str | None) -> bool:
    held = request.header("if-none-match")
    return etag is not None and (held.strip() == "*" or etag in held)


def json_of(decided: PageDecision) -> bytes:
    """The JSON body: edition, fragments by slot name, and errors when there are any."""
    members = (b"%b:%b" % (msgspec.json.encode(n), f.body) for n, f in decided.fragments.items())
    edition = msgspec.json.encode(decided.edition[:16])
    errors = b',"errors":%b' % _problems(decided) if decided.errors else b""
    return b'{"edition":%b,"fragments":{%b}%b}' % (edition, b",".join(members), errors)


def _problems(decided: PageDecision) -> bytes:
    return msgspec.json.encode([problem_of(error) for error in decided.errors])


def _headers(fragments: list[Fragment], edition: str, took_ms: float) -> dict[str, str]:
    scope = max(fragment.scope for fragment in fragments)
    headers = {
        **_cache_headers(fragments, scope),
        "Hemline-Rung": ", ".join(dict.fromkeys(fragment.rung.value for fragment in fragments)),
        "Hemline-Scope": scope.word,
        "Hemline-Edition": edition[:16],
        "Server-Timing": f"decide;dur={took_ms:.2f}",
    }
    if edition:
        headers["ETag"] = f'"{_etag(fragments)}"'
    return headers


def _breakers(decided: PageDecision) -> dict[str, str]:
    """The header with the breakers that are not closed; empty when all are closed."""
    said = ", ".join(f"{name}={state}" for name, state in decided.breakers.items())
    return {"Hemline-Breakers": said} if said else {}


def _errors(decided: PageDecision) -> dict[str, str]:
    """The header with the fields that were left out, for HTML answers, which have no `errors`."""
    said = ", ".join(error.field for error in decided.errors)
    return {"Hemline-Errors": said} if said else {}


def _cache_headers(fragments: list[Fragment], scope: Scope) -> dict[str, str]:
    if scope is Scope.VISITOR:
        return dict(PRIVATE)
    age = min(fragment.max_age for fragment in fragments)
    traits = sorted({trait for fragment in fragments for trait in fragment.traits})
    # The gateway adds CORS headers for an allowed origin only, so a cached copy depends on Origin.
    vary = ", ".join((*(VARY[trait] for trait in traits), "Origin"))
    return {"Cache-Control": f"public, max-age={age}", "Vary": vary}


def _etag(fragments: list[Fragment]) -> str:
    if len(fragments) == 1:
        return fragments[0].etag
    joined = "".join(fragment.etag for fragment in fragments)
    return hashlib.blake2b(joined.encode(), digest_size=16).hexdigest()


def html_of(fragment: Fragment) -> bytes:
    """One slot's markup, for an include in a page."""
    # The page's script reports exposures with this token, also for markup from an ESI include.
    token = escape(_token.decode(fragment.body).token)
    name = escape(fragment.name)
    lead = f'<div class="hem-fragment" data-hem-slot="{name}" data-hem-token="{token}">'
    return lead.encode() + fragment.html + b"</div>"
