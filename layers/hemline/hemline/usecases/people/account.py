"""Identify, consent and export: what a person can do with their own data.

The caller is already verified. No id comes from the request body: the user comes from the token, the
visitor from the cookie, and the two are one person only once linked.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from hemline.learn.profile import alerts
from hemline.learn.profile.fold import BOUGHT, ENGAGED, SHOWN, TYPES, Profile
from hemline.model.consent import DEFAULTS, Consent, Policy, Purpose, allowed
from hemline.model.errors import NotAllowed, NotDurable, Unavailable
from hemline.model.events.event import Event, Record, encode_record
from hemline.model.keys import alias
from hemline.model.subject_status import DEFAULT_STATUS, SubjectStatus
from hemline.usecases.ingest.archive import Archived, archived_days, day_of, read_archive
from hemline.usecases.ingest.follow import links_of, profile_of
from hemline.usecases.people.export_quarantined import ALSO_KEPT, export_quarantined
from hemline.usecases.people.link import LinkDeps, LinkResult, link, unlink
from hemline.usecases.people.set_consent import say_consent
from hemline.usecases.ports import EventStream, ObjectStore, PersonItem, PersonStore, StreamEntry

_RINGS = {"bought_or_in_cart": BOUGHT, "engaged": ENGAGED, "shown": SHOWN}
NOT_KEPT = (
    "your address on the network and your browser's description",
    "what you do on sites that are not this one",
    "what you did while you said no",
    "names, email addresses, telephone numbers: unless the site puts them into an event",
)
"""Data that an export lacks because it is never stored."""


_DEAD = "this visitor id was forgotten: nothing is kept under it any more"


class AccountDeps(NamedTuple):
    """Dependencies of these calls."""

    site: str
    people: PersonStore
    objects: ObjectStore
    stream: EventStream
    mint: Callable[[], str]
    policy: Policy
    clock: Callable[[], float]
    """Monotonic seconds; an export stops at its time limit and returns where to continue."""

    @property
    def linking(self) -> LinkDeps:
        """For `link_people` and `say_consent`."""
        return LinkDeps(self.site, self.people, self.mint)


class AccountCaller(NamedTuple):
    """The verified caller (bare ids) and their country."""

    visitor: str | None
    user: str | None
    opted_out: bool = False
    country: str = ""

    @property
    def nobody(self) -> bool:
        """Whether the caller has no id; nothing is stored about them."""
        return self.user is None and self.visitor is None

    @property
    def subject(self) -> str:
        """The user, else the visitor. Raises NotAllowed when the caller has no id."""
        if self.user is not None:
            return f"u:{self.user}"
        if self.visitor is None:
            raise NotAllowed(
                "nobody is known by this call: send the visitor's cookie or a user token"
            )
        return f"v:{self.visitor}"


class Identified(NamedTuple):
    """The user, the device's visitor id from now on, and the consent in force."""

    user: str
    linked: LinkResult
    consent: Consent


def identify(person: AccountCaller, deps: AccountDeps, now: int) -> Identified:
    """Link the device to the user and put an event on the stream. Raises NotAllowed, NotDurable.

    A browser that opts out is not linked; only the token identifies the user.
    """
    if person.user is None:
        raise NotAllowed("identify needs a user token: Authorization: Bearer …")
    subject = f"u:{person.user}"
    if person.opted_out:
        visitor = person.visitor or deps.mint()
        return Identified(person.user, LinkResult(visitor, merged=False), _consent(subject, deps))
    linked = link(person.visitor, person.user, deps.linking)
    consent = _consent(subject, deps)
    whose = alias(deps.site, f"v:{linked.visitor}")
    # One event id for each pair, so a repeated identify is a duplicate.
    event = Event(f"identify-{whose}", "identify", now, properties={"visitor": whose})
    record = Record(deps.site, subject, now, event, person.country)
    _put(record, _purposes(consent, person, deps), deps.stream)
    return Identified(person.user, linked, consent)


def unlink_device(visitor: str, user: str, deps: AccountDeps, now: int) -> None:
    """Cut the link. Raises BadInput when the two were never linked, NotDurable.

    An event on the stream records the time, so a receipt knows since when the logs are separate.
    """
    unlink(visitor, user, deps.linking)
    whose, subject = alias(deps.site, f"v:{visitor}"), f"u:{user}"
    properties: dict[str, object] = {"visitor": whose, "linked": False}
    event = Event(f"unlink-{whose}", "identify", now, properties=properties)
    held = _purposes(_consent(subject, deps), AccountCaller(None, user), deps)
    _put(Record(deps.site, subject, now, event), held, deps.stream)


def ensure_visitor(person: AccountCaller, deps: AccountDeps) -> AccountCaller:
    """The caller; a new visitor id if there was none, so a first choice can be stored.

    A browser that opts out gets no id: its signal already refuses everything.
    """
    return person if not person.nobody or person.opted_out else person._replace(visitor=deps.mint())


def set_consent(
    person: AccountCaller, choices: Mapping[Purpose, bool], deps: AccountDeps, now: int
) -> Consent:
    """Record consent and put it on the stream; the consent now in force. Raises NotDurable."""
    consent = say_consent(person.subject, choices, deps.linking, now)
    properties: dict[str, object] = {purpose.value: yes for purpose, yes in choices.items()}
    event = Event(f"consent-{now}", "consent", now, properties=properties)
    record = Record(deps.site, person.subject, now, event, person.country)
    _put(record, _purposes(consent, person, deps), deps.stream)
    return consent


def _purposes(consent: Consent, person: AccountCaller, deps: AccountDeps) -> tuple[str, ...]:
    held = () if person.opted_out else allowed(consent, deps.policy, person.country)
    return tuple(purpose for purpose in held if purpose in DEFAULTS)


def _put(record: Record, purposes: tuple[str, ...], stream: EventStream) -> None:
    """Put a record on the stream with the allowed purposes; without any, ingest would drop it."""
    if not purposes:
        return
    data = encode_record(msgspec.structs.replace(record, purposes=purposes))
    try:
        (fault,) = stream.put([StreamEntry(record.subject, data)])
    except Unavailable as error:
        raise NotDurable(str(error)) from None
    if fault:
        raise NotDurable(fault)


def _consent(subject: str, deps: AccountDeps) -> Consent:
    stored = deps.people.read_part(deps.site, subject, PersonItem.PROFILE)
    return stored.standing.consent if stored else Consent()


class ExportPage(NamedTuple):
    """One page of an export: days after `after` (YYYY-MM-DD), within `seconds`."""

    after: str = ""
    seconds: float = 8.0


def export(
    person: AccountCaller, page: ExportPage, deps: AccountDeps, now: int
) -> dict[str, object]:
    """Everything stored about the caller as plain values, each with its source. Raises Unavailable."""
    links = links_of(deps.people, deps.site, person.subject)
    theirs = {person.subject, *(f"v:{one}" for one in links.on if person.user)}
    return {
        **described(person, deps, now),
        "events": {"from": "archive", **_events(theirs, page, deps)},
        "set_aside": _set_aside(theirs, page, deps),
        "also_kept": ALSO_KEPT,
        "not_kept": NOT_KEPT,
    }


def _set_aside(theirs: set[str], page: ExportPage, deps: AccountDeps) -> dict[str, object]:
    """Quarantined records, on the first page only, within half of its time."""
    if page.after:
        return {"from": "quarantine", "records": [], "complete": False}
    ends = deps.clock() + page.seconds / 2
    return export_quarantined(deps.objects, deps.site, theirs, lambda: deps.clock() <= ends)


def described(person: AccountCaller, deps: AccountDeps, now: int) -> dict[str, object]:
    """Everything the table stores about the caller."""
    subject = person.subject
    stored = deps.people.read_part(deps.site, subject, PersonItem.PROFILE)
    own = deps.people.read_part(deps.site, subject, PersonItem.OWN)
    links = links_of(deps.people, deps.site, subject)
    standing = stored.standing if stored else DEFAULT_STATUS
    return {
        "subject": subject,
        "at": now,
        "profile": {"from": "table, item profile", **_decoded(profile_of(stored))},
        **({"own": {"from": "table, item own", **_decoded(profile_of(own))}} if own else {}),
        "consent": _consent_report(standing, person, deps),
        "links": {
            "from": "table, item links",
            "visitors" if person.user else "users": links.on,
            "taken_back": links.cut,
        },
        "forgotten_until": standing.forgotten,
    }


def _decoded(profile: Profile) -> dict[str, object]:
    return {
        "first_seen": profile.first_seen,
        "last_seen": profile.last_seen,
        "actions": {
            name: [
                {
                    "time": action.time,
                    "type": TYPES[action.kind],
                    "items": dict(zip(action.items, action.quantities, strict=True)),
                }
                for action in profile.actions(ring)
            ]
            for name, ring in _RINGS.items()
        },
        "alerts": [
            {
                "slot": act.slot,
                "type": "answer" if act.answer else "exposure",
                "time": act.second * 1000,
            }
            for act in alerts.interactions(profile.alerts)
        ],
    }


def _consent_report(
    standing: SubjectStatus, person: AccountCaller, deps: AccountDeps
) -> dict[str, object]:
    """Each purpose: whether it is allowed now, and why."""
    consent, dead = standing.consent, bool(standing.forgotten and person.user is None)
    now_allowed = () if dead else allowed(consent, deps.policy, person.country)
    purposes = {
        purpose.value: {
            "allowed": purpose in now_allowed and not person.opted_out,
            "because": _DEAD if dead else _because(consent.states(purpose), person),
        }
        for purpose in Purpose
    }
    return {"from": "table, beside the profile", "said_at": consent.at, "purposes": purposes}


def _because(said: bool | None, person: AccountCaller) -> str:  # noqa: FBT001 - yes, no or never
    if person.opted_out:
        return "your browser opts out of it"
    if said is None:
        return f"the site's default{f' in {person.country}' if person.country else ''}"
    return "you, or somebody linked to you, said so"


def _events(theirs: set[str], page: ExportPage, deps: AccountDeps) -> dict[str, object]:
    """Events by whole days. When time runs out, `next` is the day to pass as `?after=`."""
    ends = deps.clock() + page.seconds
    days: dict[str, list[object]] = {}
    left = [day for day in archived_days(deps.objects, deps.site) if day > page.after]
    reached = ""
    for one in read_archive(deps.objects, deps.site, days=left):
        day = day_of(one.record.received)
        if reached not in {"", day} and deps.clock() > ends:
            return {"days": days, "complete": False, "next": reached}
        reached = day
        if one.record.subject in theirs:
            days.setdefault(day, []).append(_line(one))
    return {"days": days, "complete": True}


def _line(one: Archived) -> dict[str, object]:
    record = one.record
    return {"subject": record.subject, "received": record.received, "event": record.event} | {
        name: value
        for name in ("country", "device", "stated", "flags", "purposes", "capped", "given")
        if (value := getattr(record, name))
    }
