"""The verified identity and the consent of a caller, from one request.

A bearer token signed by the site identifies a user; a cookie or header signed by Hemline identifies a
visitor. An unsigned id identifies nobody. A bearer takes precedence over the cookie; a bad bearer is an
error. Of several values each is tried: bad ones are skipped, and two different valid ones are nobody.
"""

from collections.abc import Iterable
from typing import NamedTuple

from hemline.learn.profile import capsule as capsules
from hemline.learn.profile.capsule import Capsule
from hemline.model.consent import Purpose
from hemline.model.decision import Visit
from hemline.model.errors import BadToken, NotAllowed
from hemline.model.ids import is_id
from hemline.model.signed import sign, verify
from hemline.runtime import cookies
from hemline.runtime.cookies import CAPSULE_COOKIE, VISITOR_COOKIE
from hemline.runtime.http import HttpRequest
from hemline.runtime.settings import Settings

CAPSULE_HEADER = "Hemline-Capsule"
VISITOR_HEADER = "hemline-visitor"
_PURPOSE = "visitor"
_NO_OPT_OUT = {"0", "?0", "null", "unspecified"}
"""Values of `Sec-GPC` and `DNT` that are no opt-out. Any other value is one: in doubt, do not track."""


class Asker(NamedTuple):
    """The caller: verified ids without a `v:` or `u:` prefix, None where none is verified."""

    visitor: str | None
    user: str | None = None
    capsule: Capsule | None = None
    """The content of a capsule with a valid signature; it may belong to another subject."""
    gpc: bool = False
    """The browser opts out of everything (`Sec-GPC: 1`)."""
    dnt: bool = False
    """The browser asks not to be tracked (`DNT: 1`); a refusal where the site honours it."""
    opted_out: bool = False
    """`gpc`, or `dnt` where this stack honours it."""

    @property
    def subject(self) -> str | None:
        """`u:` and the user, else `v:` and the visitor, else None."""
        if self.user is not None:
            return f"u:{self.user}"
        return f"v:{self.visitor}" if self.visitor is not None else None


def sign_visitor(visitor_id: str, keys: tuple[bytes, ...]) -> str:
    """The value of the cookie `hem_v`, and of the header `Hemline-Visitor` for apps."""
    return sign(_PURPOSE, visitor_id.encode(), keys[0])


def asker_of(request: HttpRequest, settings: Settings, now: int) -> Asker:
    """`now` in epoch ms. Raises BadToken for a bad bearer; a forged cookie counts as none."""
    user = user_of(request, settings, now)
    return _asker(request, settings, visitor_of(request, settings.keys), user)


def user_of(request: HttpRequest, settings: Settings, now: int) -> str | None:
    """The user id in the bearer token; None without a token. `now` in epoch ms. Raises BadToken."""
    tokens = set(_bearers(request))
    if not tokens:
        return None
    if len(tokens) > 1:
        raise BadToken("two user tokens came with one call, and one of them may be somebody else's")
    from hemline.model.user_token import verify_user_token  # noqa: PLC0415 - few bring one

    try:
        return verify_user_token(
            tokens.pop(), settings.user_keys, site=settings.site, now=now // 1000
        )
    except NotAllowed as error:
        raise BadToken(str(error)) from None


def _bearers(request: HttpRequest) -> Iterable[str]:
    """The token of each `Bearer`. A staging site's Basic password may be in the same header."""
    for one in request.header("authorization").split(","):
        scheme, _, token = one.strip().partition(" ")
        if scheme.lower() == "bearer":
            yield token.strip()


def visitor_of(request: HttpRequest, keys: tuple[bytes, ...]) -> str | None:
    """The visitor id in cookie and header; None without a valid one, or when they hold different ids.

    The old cookie counts only when the new one is not valid: a sibling subdomain may have set it.
    """
    came = cookies.held(request, VISITOR_COOKIE)
    named = _valid(came.now, keys) or _valid(came.before, keys)
    found = named | _valid(request.listed(VISITOR_HEADER), keys)
    return found.pop() if len(found) == 1 else None


def moving(request: HttpRequest, keys: tuple[bytes, ...]) -> str | None:
    """The visitor id, when the request has a cookie of the old name: set it again under the new one."""
    came = cookies.held(request, VISITOR_COOKIE)
    return visitor_of(request, keys) if came.before else None


def _valid(texts: Iterable[str], keys: tuple[bytes, ...]) -> set[str]:
    """The ids of the values that verify; bad values are skipped."""
    found = set()
    for text in texts:
        try:
            found.add(verify(_PURPOSE, text, keys).decode("ascii", "replace"))
        except NotAllowed:
            continue
    return {visitor for visitor in found if is_id(visitor)}


def _asker(
    request: HttpRequest, settings: Settings, visitor: str | None, user: str | None
) -> Asker:
    gpc, dnt = opts_out(request), says_no(request, "dnt")
    out = gpc or (dnt and settings.honour_dnt)
    found = Asker(visitor, user, None, gpc, dnt, out)
    return found._replace(capsule=capsule_of(request, settings.keys, found.subject))


def opts_out(request: HttpRequest) -> bool:
    """Whether the browser opts out of everything (`Sec-GPC`)."""
    return says_no(request, "sec-gpc")


def says_no(request: HttpRequest, header: str) -> bool:
    """Whether an opt-out header has any value other than those of `_NO_OPT_OUT`."""
    return any(part.lower() not in _NO_OPT_OUT for part in request.listed(header))


def visit_of(request: HttpRequest, settings: Settings, now: int) -> Visit:
    """What a decision may know about the caller; nobody with a bad bearer. `now` in epoch ms.

    The browser's opt-out takes precedence. The edition decides about DNT, since the site file sets it.
    """
    try:
        asker = asker_of(request, settings, now)
    except BadToken:
        asker = _asker(request, settings, None, None)
    kept, subject = asker.capsule, asker.subject
    said = capsules.consent_from(kept, subject).states(Purpose.PERSONALISATION)
    if asker.gpc or said is False:
        return Visit(subject, consent=False)
    mine = kept is not None and capsules.belongs_to(kept, subject)
    recent = tuple(capsules.records(kept, settings.site)) if kept and mine else ()
    return Visit(subject, said, recent, asker.dnt)


class Carries(NamedTuple):
    """Where a caller stores its capsule."""

    cookie: bool
    header: bool


def carries(request: HttpRequest) -> Carries:
    """An app uses the header, a browser the cookie. A bearer alone may be either's first call: both."""
    if cookies.came(request):
        return Carries(cookie=True, header=False)
    app = bool(request.header(VISITOR_HEADER) or request.header(CAPSULE_HEADER.lower()))
    return Carries(cookie=not app, header=app or bool(request.header("authorization")))


def capsule_of(
    request: HttpRequest, keys: tuple[bytes, ...], subject: str | None
) -> Capsule | None:
    """The capsules in cookies and headers, combined; a forged one counts as none."""
    came = cookies.held(request, CAPSULE_COOKIE)
    texts = (*came.now, *came.before, *request.listed(CAPSULE_HEADER.lower()))
    return capsules.pick([c for text in texts if (c := _decoded(text, keys))], subject)


def _decoded(text: str, keys: tuple[bytes, ...]) -> Capsule | None:
    try:
        return capsules.decode(text, keys)
    except NotAllowed:
        return None
