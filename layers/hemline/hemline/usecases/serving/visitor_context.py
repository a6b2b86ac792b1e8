"""The visitor of one request, and whether consent allows a decision to read their profile.

Consent is evaluated once per request. Knows no store: the serving read is an argument.
"""

from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Fact
from hemline.decide.ranking.visitor import VisitorView, view
from hemline.decide.token import CONSENTED, KNOWN, UNREAD, SubjectReference, short, subject_hash
from hemline.learn.profile.fold import Profile, decode, fold, state_bytes
from hemline.model.consent import Purpose
from hemline.model.decision import Visit
from hemline.model.durations import MINUTE_MS
from hemline.model.errors import Refused, Unavailable
from hemline.model.events.event import Record
from hemline.model.subject_status import DEFAULT_STATUS
from hemline.usecases.ports import ServingRead, Stored

_SESSION_GAP_MS = 30 * MINUTE_MS
"""A visitor first seen longer ago counts as returning: the usual session timeout of half an hour."""


def consents(visit: Visit, engine: Engine | None, country: str) -> bool:
    """The visitor's stated consent, else the default of the edition's policy; False without an edition."""
    if visit.consent is False or engine is None:
        return bool(visit.consent)
    policy = engine.snapshot.header.policy
    if visit.dnt and policy.honours_dnt:
        return False
    return visit.consent or policy.when_not_stated(Purpose.PERSONALISATION, country)


def effective_visit(
    visit: Visit, serving_read: ServingRead | Unavailable, engine: Engine, country: str
) -> Visit:
    """The visit with consent and recent actions corrected by the stored subject status.

    A stored refusal or a tombstone overrides the capsule from the next request on. When the status
    could not be read, an explicit consent in the capsule is required; the default does not apply.
    """
    unread = isinstance(serving_read, Unavailable)
    silent = unread and visit.subject is not None and visit.consent is None
    agreed = not silent and consents(visit, engine, country)
    stored = None if isinstance(serving_read, Unavailable) else serving_read.profile
    status = stored.standing if stored else DEFAULT_STATUS
    refused = status.consent.states(Purpose.PERSONALISATION) is False
    forgotten = status.forgotten and (visit.subject or "").startswith("v:")
    recent = tuple(act for act in visit.recent if act.event.time > status.forgotten)
    return Visit(visit.subject, agreed and not refused and not forgotten, recent)


class VisitorContext:
    """The visitor as of this request. Profile and view are computed when a fact first needs them."""

    def __init__(
        self, visit: Visit, serving_read: ServingRead | Unavailable, engine: Engine, minute: int
    ) -> None:
        self._visit, self._serving_read, self._engine, self.minute = (
            visit,
            serving_read,
            engine,
            minute,
        )
        self.consented = consents(visit, engine, "")
        self.subject = visit.subject or ""
        self.snapshot = engine.snapshot
        self._stored = Profile()
        self._profile: Profile | None = None
        self._view: VisitorView | None = None
        self._fingerprint = b""

    def profile(self) -> Profile:
        """The stored profile with the capsule's actions. Raises Unavailable when the read failed."""
        if self._profile is None:
            if isinstance(self._serving_read, Unavailable):
                raise self._serving_read
            self._stored = _decoded(self._serving_read.profile)
            self._profile = fold(self._stored, self._visit.recent)
            # The hash covers the folded state, not the stored bytes: redelivery changes bytes, not state.
            self._fingerprint = short(state_bytes(self._profile), 16)
        return self._profile

    def view(self) -> VisitorView:
        """The profile joined with the edition."""
        if self._view is None:
            self._view = view(self.profile(), self._engine.snapshot)
        return self._view

    def returning(self) -> bool:
        """Whether the first visit began before this session."""
        profile = self.profile()
        return not profile.empty and profile.first_seen < self.minute - _SESSION_GAP_MS

    def fact(self, value: object) -> Fact:
        """A fact derived from the profile: its fingerprint changes whenever the profile does."""
        return Fact(value, self._fingerprint + (b"\1" if value else b"\0"))

    def subject_reference(self, key: bytes) -> SubjectReference:
        """The subject as the token records it: hash, profile fingerprint, watermarks, recent actions."""
        if not self.consented or not self.subject:
            return SubjectReference(CONSENTED if self.consented else 0)
        try:
            self.profile()
        except Unavailable:
            return SubjectReference(CONSENTED | KNOWN | UNREAD, subject_hash(self.subject, key))
        return SubjectReference(
            CONSENTED | KNOWN,
            subject_hash(self.subject, key),
            self._fingerprint[:8],
            b"".join(
                watermark_fingerprint(*mark) for mark in sorted(self._stored.watermarks.items())
            ),
            b"".join(action_fingerprint(record) for record in self._visit.recent),
        )


def watermark_fingerprint(shard: str, sequence: str) -> bytes:
    """4 bytes for a position in the stream. Leading zeros of the number do not count."""
    return short(f"{shard}|{int(sequence)}".encode(), 4)


def action_fingerprint(record: Record) -> bytes:
    """4 bytes for an action of the capsule."""
    event = record.event
    return short(f"{event.id}|{event.type}|{event.time}".encode(), 4)


def _decoded(stored: Stored | None) -> Profile:
    if stored is None or not stored.blob:
        return Profile()
    try:
        return decode(stored.blob)
    except Refused as why:
        raise Unavailable("profile", str(why)) from None
