"""The books of the soak about people: what is certain, what is in doubt, and what a story may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.consent import DEFAULTS, Purpose
from hemline.model.events.event import Event, Record
from workbench.soak.books.consent_history import NOTHING, ConsentHistory, Span, Timeline
from workbench.soak.books.expected_state import ExpectedProfile, ExpectedState
from workbench.soak.books.ledger import Ledger
from workbench.soak.books.verdict_people import _compared
from workbench.soak.people import People, SoakWorld, StoryStores
from workbench.soak.poison import SITE

NO: dict[str, bool] = dict.fromkeys(DEFAULTS, False)
YES: dict[str, bool] = dict.fromkeys(DEFAULTS, True)
BOTH = frozenset(DEFAULTS)


def span(history: ConsentHistory) -> Span:
    return Span(history.tick(), history.tick())


def refused(history: ConsentHistory, subject: str) -> frozenset[str]:
    sure, maybe = history.refusals(subject, history.now())
    assert sure == maybe
    return sure


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 60), st.integers(0, 9))
def test_outside_of_calls_one_thing_holds_and_within_them_both(
    lengths: list[int], begin: int, length: int
) -> None:
    course, at = Timeline(0), 0
    spans = []
    for number, size in enumerate(lengths, 1):
        spans.append(Span(at + 3, at + 3 + size))
        course.change(spans[-1], number)
        at = spans[-1].end
    window = Span(begin, begin + length)
    found = course.possible(window)
    assert found == list(range(found[0], found[-1] + 1))
    done = sum(one.end < window.begin for one in spans)
    begun = sum(one.begin <= window.end for one in spans)
    assert (found[0], found[-1]) == (done, begun)


def test_a_record_is_read_when_the_stream_is_read_next_and_in_doubt_if_it_came_amid() -> None:
    history = ConsentHistory()
    before = history.tick()
    with history.reading():
        amid = history.tick()
    with history.reading():
        pass
    after = history.tick()
    first, second = history.window(before), history.window(history.window(amid).end - 2)
    assert before < first.begin < amid < first.end
    assert history.window(amid) == Span(amid, second.end)
    assert history.window(after).begin == after
    assert history.window(after).end > history.tick()


def test_of_linked_people_the_strictest_counts_for_the_user_and_each_keeps_their_own_word() -> None:
    history = ConsentHistory()
    history.link("phone", "ann", span(history))
    history.set_consent("v:phone", NO, span(history))
    assert (refused(history, "u:ann"), refused(history, "v:phone")) == (BOTH, BOTH)
    history.set_consent("u:ann", YES, span(history))
    assert refused(history, "u:ann") == BOTH
    history.link("phone", "ann", span(history), on=False)
    assert (refused(history, "u:ann"), refused(history, "v:phone")) == (NOTHING, BOTH)
    assert not history.may_link("phone", "ann")
    assert history.may_link("phone", "bob")


def test_a_user_is_forgotten_with_their_devices_and_their_refusal_stays() -> None:
    history = ConsentHistory()
    for device in ("phone", "desk"):
        history.link(device, "ann", span(history))
    history.link("desk", "ann", span(history), on=False)
    history.set_consent("v:phone", {Purpose.PERSONALISATION: False}, span(history))
    assert sorted(history.forget("u:ann", 50, span(history))) == ["u:ann", "v:phone"]
    assert refused(history, "u:ann") == {Purpose.PERSONALISATION}
    assert history.visitors("ann") == []
    assert not history.may_link("phone", "ann")
    assert history.may_link("desk", "ann"), "who comes back is somebody new"


@pytest.mark.parametrize(
    ("subject", "received", "time", "gone"),
    [
        ("v:phone", 99, 99, True),
        ("u:ann", 50, 50, True),
        ("u:ann", 99, 40, True),
        ("u:ann", 50, 60, True),
        ("u:ann", 51, 51, False),
        ("u:bob", 40, 40, False),
    ],
)
def test_what_is_forgotten_is_the_past_and_of_a_visitor_everything(
    subject: str, received: int, time: int, *, gone: bool
) -> None:
    history = ConsentHistory()
    for one in ("v:phone", "u:ann"):
        history.forget(one, 50, span(history))
    assert history.forgets(Record(SITE, subject, received, Event("e", "view", time))) is gone


def watched(*subjects: str) -> Ledger:
    ledger = Ledger()
    ledger.watched.update(subjects)
    return ledger


def view(name: str, time: int = 7) -> Record:
    return Record(SITE, "v:phone", time, Event(name, "view", time, item="thing-1"))


def test_what_was_read_before_a_no_stays_what_came_after_does_not_and_amid_either_is_right() -> (
    None
):
    ledger = watched("v:phone")
    history = ledger.history
    ledger.account_record(view("before"), sure=True)
    with history.reading():
        pass
    ledger.account_record(view("amid"), sure=True)
    begin = history.tick()
    with history.reading():
        history.set_consent("v:phone", NO, Span(begin + 2, history.tick()))
    ledger.account_record(view("after"), sure=True)
    with history.reading():
        pass
    for replayed in (False, True):
        expected = ExpectedState(ledger, replayed=replayed)
        assert expected.must() == {"v:phone|before"}
        assert expected.in_doubt() == {"v:phone|amid"}
    history.set_consent("v:phone", YES, span(history))
    assert ExpectedState(ledger, replayed=False).must() == {"v:phone|before"}
    assert len(ExpectedState(ledger, replayed=True).must()) == 3


def test_what_nobody_answered_for_may_be_there_and_need_not() -> None:
    ledger = watched("v:phone")
    ledger.account_record(view("lost"), sure=False)
    expected = ExpectedState(ledger, replayed=False)
    assert (expected.must(), expected.in_doubt()) == (set(), {"v:phone|lost"})
    assert expected.explains(view("lost"))
    assert not expected.explains(view("lost", 8))
    assert ledger.submitted == 0


def test_a_profile_with_something_in_doubt_must_hold_the_certain_and_nothing_else() -> None:
    sure, maybe, other = view("a", 1), view("b", 2), view("c", 3)
    kept = ExpectedProfile([sure], [maybe])
    for found in ([sure], [sure, maybe]):
        assert not any(_compared(kept, fold(Profile(), found)))
    assert _compared(kept, fold(Profile(), [maybe])).lost == 1
    assert _compared(kept, fold(Profile(), [sure, other])).doubled == 1
    assert encode(fold(Profile(), [sure])) != encode(fold(Profile(), [sure, maybe]))


def test_stories_share_nobody_and_leave_whom_the_junk_names_alone() -> None:
    def nowhere() -> StoryStores:
        raise AssertionError("nobody has done anything yet")

    ledger = Ledger()
    people = People(1, 100_000, ledger, SoakWorld(nowhere, _NoStream()))
    names = [name for story in people._stories for name in (*story.users, *story.devices)]
    assert len(names) == len({*names}) == len(ledger.watched)
    assert "n1" not in names
    assert people.race() == []
    people.due(0)
    assert not any(people.done.values())


class _NoStream:
    def put(self, entries: object) -> list[str | None]:
        raise AssertionError("nothing is sent")
