"""Who is asking, as far as it can be verified, and what they consented to, from one request.

A user is known by a bearer token that the site signed, a visitor by a cookie or header that we signed,
and nobody by naming an id. A bearer outweighs the cookie; a bad one is never taken for anybody.
"""

from typing import NamedTuple

from hemline.learn import capsule as capsules
from hemline.learn.capsule import Capsule
from hemline.model.consent import Purpose
from hemline.model.decision import Visit
from hemline.model.errors import BadToken, NotAllowed
from hemline.model.ids import is_id
from hemline.model.signed import sign, verify
from hemline.runtime.http import Request
from hemline.runtime.settings import Settings

VISITOR_COOKIE = "hem_v"
CAPSULE_COOKIE = "hem_c"
CAPSULE_HEADER = "Hemline-Capsule"
_PURPOSE = "visitor"


class Asker(NamedTuple):
    """Who asks: bare ids, None where nobody verifiable does."""

    visitor: str | None
    user: str | None = None
    capsule: Capsule | None = None
    """What their capsule says, when it is one of ours; it may be somebody else's."""
    gpc: bool = False
    """The browser opts out of everything (`Sec-GPC: 1`)."""
    dnt: bool = False
    """It asks not to be tracked (`DNT: 1`); a no where the site honours it."""
    opted_out: bool = False
    """One of the two, as this stack's settings take them."""

    @property
    def subject(self) -> str | None:
        """The user, else the visitor."""
        if self.user is not None:
            return f"u:{self.user}"
        return f"v:{self.visitor}" if self.visitor is not None else None


def sign_visitor(visitor_id: str, keys: tuple[bytes, ...]) -> str:
    """The value of the cookie `hem_v`, and of the header `Hemline-Visitor` for apps."""
    return sign(_PURPOSE, visitor_id.encode(), keys[0])


def asker_of(request: Request, settings: Settings, now: int) -> Asker:
    """`now` in epoch ms. Raises BadToken, never for a forged cookie: that is as good as none."""
    user = user_of(request, settings, now)
    return _anonymous(request, settings)._replace(user=user)


def user_of(request: Request, settings: Settings, now: int) -> str | None:
    """The user whom a bearer names; None without one. Raises BadToken."""
    scheme, _, token = request.header("authorization").partition(" ")
    if scheme.lower() != "bearer":
        return None
    from hemline.model.user_token import verify_user_token  # noqa: PLC0415 - few bring one

    try:
        return verify_user_token(
            token.strip(), settings.user_keys, site=settings.site, now=now // 1000
        )
    except NotAllowed as error:
        raise BadToken(str(error)) from None


def visitor_of(request: Request, keys: tuple[bytes, ...]) -> str | None:
    """Cookie first, then header."""
    text = request.cookies.get(VISITOR_COOKIE) or request.header("hemline-visitor")
    if not text:
        return None
    try:
        visitor = verify(_PURPOSE, text, keys).decode("ascii", "replace")
    except NotAllowed:
        return None
    return visitor if is_id(visitor) else None


def _anonymous(request: Request, settings: Settings) -> Asker:
    gpc = request.header("sec-gpc").strip() == "1"
    dnt = request.header("dnt").strip() == "1"
    kept = capsule_of(request, settings.keys)
    visitor = visitor_of(request, settings.keys)
    out = gpc or (dnt and settings.honour_dnt)
    return Asker(visitor, None, kept, gpc, dnt, out)


def visit_of(request: Request, settings: Settings, now: int) -> Visit:
    """What a decision may know of who asks; with a bad bearer, of nobody. `now` in epoch ms.

    The browser's opt-out outweighs everything. DNT is left to the edition, which is the site's word.
    """
    try:
        asker = asker_of(request, settings, now)
    except BadToken:
        asker = _anonymous(request, settings)._replace(visitor=None)
    kept, subject = asker.capsule, asker.subject
    said = capsules.said_by(kept, subject).states(Purpose.PERSONALISATION)
    if asker.gpc or said is False:
        return Visit(subject, consent=False)
    mine = kept is not None and capsules.belongs(kept, subject)
    recent = tuple(capsules.records(kept, settings.site)) if kept and mine else ()
    return Visit(subject, said, recent, asker.dnt)


class Carries(NamedTuple):
    """How a caller keeps its capsule."""

    cookie: bool
    header: bool


def carries(request: Request) -> Carries:
    """An app by header, a browser by cookie; both for a bearer alone, which may be either's first call."""
    if {VISITOR_COOKIE, CAPSULE_COOKIE} & request.cookies.keys():
        return Carries(cookie=True, header=False)
    app = bool(request.header("hemline-visitor") or request.header(CAPSULE_HEADER.lower()))
    return Carries(cookie=not app, header=app or bool(request.header("authorization")))


def capsule_of(request: Request, keys: tuple[bytes, ...]) -> Capsule | None:
    """The capsule of the cookie, else of the header; a forged one is as good as none."""
    text = request.cookies.get(CAPSULE_COOKIE) or request.header(CAPSULE_HEADER.lower())
    try:
        return capsules.decode(text, keys) if text else None
    except NotAllowed:
        return None
