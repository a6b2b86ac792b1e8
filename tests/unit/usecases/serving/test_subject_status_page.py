"""What was said, or forgotten, holds from the next request on, whatever the capsule still says."""

import pytest

from hemline.decide.engine import Engine
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.consent import NO, Consent, ConsentRules
from hemline.model.decision import Visit
from hemline.model.errors import Unavailable
from hemline.model.site.slot import Slot
from hemline.model.subject_status import SubjectStatus
from hemline.usecases.ports import PersonItem, ServingRead, Stored
from hemline.usecases.serving.visitor_context import consents, effective_visit
from tests.builders.editions import SITE, build, catalogue
from tests.harness.deciding import Broken, ask, decide_for, live, table_with
from tests.harness.streams import NOW, record

YES = Consent(granted=3, at=NOW)
ACT = record("v:ann", "e1", time=NOW)
BLOB = encode(fold(Profile(), [ACT]))


def engine_with(consent: ConsentRules = ConsentRules()) -> Engine:  # noqa: B008 - a frozen value
    found = live(build(catalogue(6), [Slot("for-you")], consent=consent)).engine
    assert found
    return found


def stands(standing: SubjectStatus) -> ServingRead:
    return ServingRead(Stored(BLOB, 1, standing), None)


@pytest.mark.parametrize(
    ("subject", "standing", "agreed"),
    [
        ("v:ann", SubjectStatus(), True),
        ("v:ann", SubjectStatus(consent=YES), True),
        ("v:ann", SubjectStatus(consent=NO), False),
        ("u:ann", SubjectStatus(consent=NO), False),
        ("v:ann", SubjectStatus(forgotten=1), False),
        ("u:ann", SubjectStatus(forgotten=1), True),
    ],
)
def test_a_no_and_being_forgotten_outweigh_a_yes(
    subject: str,
    standing: SubjectStatus,
    agreed: bool,
) -> None:
    visit = Visit(subject, consent=True)
    assert effective_visit(visit, stands(standing), engine_with(), "GB").consent is agreed


def test_what_the_capsule_holds_of_a_forgotten_past_is_not_folded_in() -> None:
    visit = Visit("u:ann", consent=True, recent=(ACT,))
    assert (
        effective_visit(visit, stands(SubjectStatus(forgotten=NOW)), engine_with(), "GB").recent
        == ()
    )
    assert effective_visit(
        visit, stands(SubjectStatus(forgotten=NOW - 1)), engine_with(), "GB"
    ).recent == (ACT,)


def test_silence_is_what_the_edition_says_of_the_country_and_of_dnt() -> None:
    engine = engine_with(consent=ConsentRules(("DE",), honour_dnt=True))
    silent = Visit("v:ann", consent=None)
    assert consents(silent, engine, "GB")
    assert not consents(silent, engine, "DE")
    assert not consents(silent._replace(dnt=True), engine, "GB")
    assert not consents(Visit("v:ann", consent=True, dnt=True), engine, "GB")
    assert consents(Visit("v:ann", consent=True), engine, "DE")


@pytest.mark.parametrize(("said", "agreed"), [(None, False), (True, True), (False, False)])
def test_where_what_was_said_cannot_be_read_silence_is_a_no(
    said: bool | None, agreed: bool
) -> None:
    """An older capsule came back without the no that the table holds: it must not speak for the table."""
    unread = Unavailable("dynamodb", "no answer in time")
    assert effective_visit(Visit("v:ann", said), unread, engine_with(), "GB").consent is agreed


def test_of_nobody_no_answer_can_be_stored() -> None:
    unread = Unavailable("dynamodb", "no answer in time")
    assert effective_visit(Visit(None, None), unread, engine_with(), "GB").consent is True


def test_a_page_without_the_table_for_who_is_silent_is_as_without_consent() -> None:
    edition = build(catalogue(6), [Slot("for-you")])
    question = ask("for-you", cart=("i1",))
    silent = decide_for("v:ann", question, edition, Broken())
    without = decide_for("v:ann", question, edition, table_with([ACT]), consent=False)
    assert silent.fragments == without.fragments
    assert silent.faults != without.faults


def test_a_page_for_who_said_no_meanwhile_is_as_without_consent() -> None:
    """Bytes, scope and receipt: the table is read, and nothing of it is told."""
    edition = build(catalogue(6), [Slot("for-you")])
    question = ask("for-you")
    table = table_with([ACT])
    before = decide_for("v:ann", question, edition, table, consent=True)
    old = table.read_part(SITE, "v:ann", PersonItem.PROFILE)
    assert old
    table.write_part(
        SITE, "v:ann", PersonItem.PROFILE, Stored(old.blob, 2, SubjectStatus(consent=NO))
    )
    after = decide_for("v:ann", question, edition, table, consent=True)
    without = decide_for("v:ann", question, edition, table, consent=False)
    assert after == without
    assert after != before


def test_a_person_of_whom_only_a_word_is_kept_is_read_as_new() -> None:
    edition = build(catalogue(6), [Slot("for-you")])
    table = table_with([ACT])
    table.write_part(SITE, "v:new", PersonItem.PROFILE, Stored(b"", 1, SubjectStatus(consent=YES)))
    found = decide_for("v:new", ask("for-you"), edition, table, consent=True)
    assert found == decide_for("v:new", ask("for-you"), edition, table_with([ACT]), consent=True)
    assert found.faults == decide_for("v:none", ask("for-you"), edition, table).faults
