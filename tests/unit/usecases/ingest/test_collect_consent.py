"""Events at the door: without consent nothing is stored, and each purpose is asked for by itself."""

import json

import pytest

from hemline.adapters.memory import MemoryStream
from hemline.learn.profile.capsule import Capsule
from hemline.model.consent import DEFAULTS, NO, Consent, Policy, Purpose
from hemline.model.decision import Traits
from hemline.model.events.event import decode_record
from hemline.usecases.ingest.collect import NO_CONSENT, Caller, CollectDeps, collect_events
from tests.builders.events import VIEW
from tests.harness.collecting import ANN, NOW, SERVER, collect

YES = Consent(granted=3, at=NOW)


@pytest.mark.parametrize(
    "caller",
    [
        Caller("v:ann", opted_out=True),
        Caller(None, opted_out=True),
        Caller("v:ann", capsule=Capsule("v:ann", NO)),
        Caller(None, capsule=Capsule("v:ann", NO)),
        Caller("v:bob", capsule=Capsule("v:ann", NO)),
    ],
)
def test_without_consent_nothing_personal_is_written_not_even_a_cookie(caller: Caller) -> None:
    found, records = collect(VIEW, {"id": "e2", "type": "page"}, caller=caller)
    assert records == []
    assert [r.reason for r in found.rejected] == [NO_CONSENT, NO_CONSENT]
    assert (found.minted, found.capsule) == (None, None)


def test_where_visitors_are_asked_first_silence_is_no() -> None:
    found, _ = collect(VIEW, consent=False)
    assert found.rejected_for(NO_CONSENT) == 1
    foreign = ANN._replace(capsule=Capsule("v:bob", YES))
    assert collect(VIEW, caller=foreign, consent=False)[0].rejected_for(NO_CONSENT) == 1
    unasked = ANN._replace(capsule=Capsule("v:ann"))
    assert collect(VIEW, caller=unasked, consent=False)[0].rejected_for(NO_CONSENT) == 1
    agreed = ANN._replace(capsule=Capsule("v:ann", YES))
    assert collect(VIEW, caller=agreed, consent=False)[0].accepted == 1


def test_each_purpose_is_asked_for_by_itself() -> None:
    only = Consent(granted=1, refused=2, at=NOW)
    found, (record,) = collect(VIEW, caller=ANN._replace(capsule=Capsule("v:ann", only)))
    assert record.purposes == (Purpose.ANALYTICS,)
    assert not record.profiled
    assert found.capsule == Capsule("v:ann", only)  # and it keeps no acts


def test_silence_is_what_the_policy_says_of_the_country() -> None:
    policy = Policy(True, frozenset({"DE"}))
    for country, kept in (("GB", 1), ("DE", 0)):
        deps = CollectDeps(MemoryStream(), "demo", lambda: "fresh", policy)
        body = json.dumps(VIEW).encode()
        found = collect_events(body, ANN._replace(traits=Traits(country=country)), deps, NOW)
        assert found.accepted == kept


def test_a_no_in_somebody_else_s_capsule_is_not_lost_with_it() -> None:
    theirs = Capsule("v:bob", Consent(refused=4, at=NOW))
    found, _ = collect(VIEW, caller=ANN._replace(capsule=theirs))
    assert found.capsule is not None
    assert (found.capsule.subject, found.capsule.consent) == ("v:ann", theirs.consent)


def test_what_a_user_does_is_theirs_and_their_capsule_too() -> None:
    found, (record,) = collect(VIEW, caller=Caller("u:ann"))
    assert (record.subject, record.purposes) == ("u:ann", DEFAULTS)
    assert found.capsule is not None
    assert found.capsule.subject == "u:ann"


def test_the_catalogue_is_nobody_s_and_needs_no_consent() -> None:
    item = {"id": "i1", "type": "item", "item": "p1", "properties": {"title": "Dress"}}
    caller = SERVER._replace(opted_out=True)
    found, (record,) = collect(item, {**VIEW, "visitor": "ann"}, caller=caller)
    assert record.subject == "i:p1"
    assert [(r.index, r.reason) for r in found.rejected] == [(1, NO_CONSENT)]


# --- a site's own server --------------------------------------------------------------------

THEIRS = {**VIEW, "visitor": "ann"}
ASK_IN_DE = Policy(True, frozenset({"DE"}))


def told(policy: Policy, **said: object) -> tuple[str, ...] | None:
    """What the record of a signed event may be used for; None when there is none."""
    stream = MemoryStream()
    deps = CollectDeps(stream, "demo", lambda: "fresh", policy)
    found = collect_events(json.dumps({**THEIRS, **said}).encode(), SERVER, deps, NOW)
    assert found.accepted + found.rejected_for(NO_CONSENT) == 1
    return decode_record(stream.entries[0].data).purposes if found.accepted else None


@pytest.mark.parametrize(
    ("policy", "country", "held"),
    [
        (Policy(), "", DEFAULTS),
        (Policy(False), "", None),
        (Policy(False), "DE", None),
        (Policy(False, frozenset({"US"})), "US", DEFAULTS),
        (ASK_IN_DE, "GB", DEFAULTS),
        (ASK_IN_DE, "DE", None),
        (ASK_IN_DE, "", None),
    ],
)
def test_silence_in_a_signed_batch_is_what_the_policy_says_of_each_event_s_country(
    policy: Policy, country: str, held: tuple[str, ...] | None
) -> None:
    assert told(policy, **({"country": country} if country else {})) == held


@pytest.mark.parametrize(
    ("policy", "said", "held"),
    [
        (Policy(False), {"analytics": True, "personalisation": True}, DEFAULTS),
        (Policy(False), {"analytics": True}, (Purpose.ANALYTICS,)),
        (Policy(), {"personalisation": False}, (Purpose.ANALYTICS,)),
        (Policy(), {"analytics": False, "personalisation": False}, None),
        (Policy(), {}, DEFAULTS),
    ],
)
def test_a_server_may_say_what_its_person_agreed_to(
    policy: Policy, said: dict[str, bool], held: tuple[str, ...] | None
) -> None:
    assert told(policy, purposes=said) == held


def test_one_person_of_a_batch_says_nothing_for_another() -> None:
    agreed = {**THEIRS, "purposes": {"analytics": True}}
    found, (record,) = collect(agreed, {**THEIRS, "visitor": "bob"}, caller=SERVER, consent=False)
    assert record.subject == "v:ann"
    assert [(r.index, r.reason) for r in found.rejected] == [(1, NO_CONSENT)]


def test_a_browser_states_no_consent_in_an_event() -> None:
    found, _ = collect({**VIEW, "purposes": {"analytics": True}}, consent=False)
    assert found.rejected[0].reason.startswith("purposes: is for signed batches.")


def test_a_server_s_opt_out_outweighs_what_it_says() -> None:
    agreed = {**THEIRS, "purposes": {"analytics": True}}
    found, _ = collect(agreed, caller=SERVER._replace(opted_out=True))
    assert found.rejected_for(NO_CONSENT) == 1
