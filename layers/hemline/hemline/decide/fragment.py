"""From a slot's answer to the fragment that goes out: its JSON around a signed token, and its headers.

Nothing is decided here. Every header is derived from the facts that were read.
"""

from typing import Literal, NamedTuple

import msgspec

from hemline.decide import token
from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.render import web
from hemline.decide.seen import Seen
from hemline.model.decision import Fragment, Rung, Scope
from hemline.model.durations import MINUTE_MS
from hemline.model.site.kinds import has_list
from hemline.model.site.slot import Slot

Format = Literal["json", "html", "email"]
_encode = msgspec.json.Encoder().encode
_DEGRADED_MAX_AGE = 5
"""Seconds: an answer from the static rung must not outlive the fault that caused it by much."""


class SlotAnswer(NamedTuple):
    """A slot's answer before it is a fragment: the middle of its JSON, its HTML, what it showed."""

    members: bytes
    """JSON members for the middle of the object, without braces."""
    html: bytes
    rung: Rung
    reasons: tuple[str, ...]
    shown: tuple[int, ...] = ()
    """list: item indices, in order."""
    variant: str = ""
    """Name of the variant that is shown; empty for none."""
    explored: tuple[int, float] | None = None
    """(item index or `Match`, propensity) where an estimate or chance decided, as the token records it."""
    broken: bool = False
    """A rung failed for a reason not recorded in the facts (timeout, ranker error)."""
    said: tuple[str, ...] = ()
    """list: the reason of each item; sections: their names, in order."""
    text: bytes = b""
    """Plain-text body of an email."""
    free: bool = False
    """list: page-wide caps do not count it (by its sources after rules switched them)."""


class SlotDecision(NamedTuple):
    """One slot, decided: what a fragment is derived from."""

    snapshot: Snapshot
    slot: Slot
    asked: Seen
    facts: Facts
    answer: SlotAnswer


def fragment(decided: SlotDecision, form: Format, witness: token.TokenContext) -> Fragment:
    """The fragment, and its token when the answer counts."""
    snapshot, slot, _, facts, answer = decided
    facts.read("clock.minute")
    if witness.read:
        witness.read(slot.name, facts)
    unsigned = _body(decided, form)
    record = _token(decided, form, witness, unsigned)
    signed = token.encode(record, witness.keys) if witness.counts else ""
    degraded = answer.rung is Rung.STATIC
    return Fragment(
        name=slot.name,
        body=unsigned[: -len(_NO_TOKEN)] + b'"%b"}' % signed.encode(),
        html=answer.html,
        rung=answer.rung,
        scope=facts.scope,
        etag=record.facts.hex(),
        max_age=min(slot.max_age, _DEGRADED_MAX_AGE) if degraded else slot.max_age,
        traits=tuple(r.name for r in facts.trace if r.name.startswith("trait.")),
        items=tuple(snapshot.item_ids[i] for i in answer.shown),
        reasons=(*answer.reasons, *facts.unfinished),
        unfinished=len(facts.unfinished),
    )


def _token(
    decided: SlotDecision, form: Format, witness: token.TokenContext, unsigned: bytes
) -> token.Token:
    snapshot, slot, asked, facts, answer = decided
    # Everything the answer depends on: a 304 for an equal digest is right by construction.
    # The rung is in it: that a better one was late is in no fact, and may not happen the next time.
    parts = (snapshot.digest, slot.name, form, answer.rung.value)
    return token.Token(
        edition=bytes.fromhex(snapshot.digest[:16]),
        slot=slot.name,
        rung=token.rung_number(answer.rung, capped=bool(slot.frequency and answer.variant)),
        facts=facts.digest(*(part.encode() for part in parts), _encode(asked.wants)),
        minute=facts.read("clock.minute") // MINUTE_MS,
        items=answer.shown,
        variant=answer.variant,
        explored=answer.explored,
        site=token.site_fingerprint(snapshot.header.site),
        body=token.short(unsigned),
        form=form,
        broken=asked.broken,
        request=token.RecordedRequest(token.given_of(facts.trace), asked.wants),
        whose=witness.whose() if facts.scope is Scope.VISITOR else None,
        shown=_shown(decided) if has_list(slot.kind) else None,
    )


def _shown(decided: SlotDecision) -> bytes:
    ids = decided.snapshot.item_ids
    return token.item_fingerprints(ids[i] for i in decided.answer.shown)


_NO_TOKEN = b'""}'


def _body(decided: SlotDecision, form: Format) -> bytes:
    """The JSON object with an empty token at its end, for the token to be put in."""
    answer = decided.answer
    html = b',"html":' + web.json_string(answer.html) if form != "json" else b""
    html += b',"text":' + web.json_string(answer.text) if form == "email" else b""
    return b'{"kind":"%b",%b%b,"rung":"%b","scope":"%b","token":%b' % (
        decided.slot.kind.encode(),
        answer.members,
        html,
        answer.rung.encode(),
        decided.facts.scope.word.encode(),
        _NO_TOKEN,
    )
