"""Profiles that are written in one call: who fails, fails alone, and who must go alone does."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.model.consent import Consent
from hemline.model.errors import Conflict, HemlineError, Unavailable
from hemline.model.subject_status import DEFAULT_STATUS, SubjectStatus
from hemline.usecases.ingest import apply
from hemline.usecases.ingest.apply import TOGETHER
from hemline.usecases.ports import PersonItem, Stored, Write, Written
from tests.harness.streams import NOW, SITE, Bench, calm, counts, delivered, record, run


def fails_for(bench: Bench, subject: str, error: HemlineError, patch: pytest.MonkeyPatch) -> None:
    original = bench.table.write_profile

    def broken(site: str, name: str, blob: bytes, *, expected: int) -> None:
        if name == subject:
            raise error
        original(site, name, blob, expected=expected)

    patch.setattr(bench.table, "write_profile", broken)


def test_a_profile_that_fails_is_reported_and_those_of_the_same_call_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = calm()
    fails_for(bench, "v:b", Unavailable("table", "throttled"), monkeypatch)
    subjects = ["v:a", "v:b", "v:c", "v:a"]
    result = run(bench, *(delivered(n, record(s, f"e{n}")) for n, s in enumerate(subjects)))
    assert result.failures == ("00000001",)
    assert result.faults == ("table: throttled",)
    assert counts(result) == {"applied": 3, "left": 1}
    assert sorted(bench.table.read_profiles(SITE, subjects)) == ["v:a", "v:c"]


def test_after_a_failure_no_further_profile_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = calm()
    fails_for(bench, "v:1", Unavailable("table", "throttled"), monkeypatch)
    subjects = [f"v:{n}" for n in range(2 * TOGETHER + 3)]
    result = run(bench, *(delivered(n, record(s, f"e{n}")) for n, s in enumerate(subjects)))
    assert result.failures == ("00000001",)
    assert counts(result) == {"applied": TOGETHER - 1, "left": TOGETHER + 4}
    written = bench.table.read_profiles(SITE, subjects)
    assert sorted(written) == sorted({*subjects[:TOGETHER]} - {"v:1"})


def test_after_a_failure_whoever_lost_to_a_rival_is_left_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = calm()
    fails_for(bench, "v:a", Conflict("v:a was changed"), monkeypatch)
    fails_for(bench, "v:b", Unavailable("table", "throttled"), monkeypatch)
    result = run(bench, delivered(1, record("v:a", "e1")), delivered(2, record("v:b", "e2")))
    assert result.failures == ("00000001",)
    assert counts(result) == {"left": 2}


def test_whoever_said_something_is_written_with_the_others_and_only_linked_people_go_alone() -> (
    None
):
    bench = calm()
    yes = SubjectStatus(Consent(granted=1, at=NOW))
    linked = SubjectStatus(yes.consent, linked=True)
    bench.table.write_part(SITE, "v:1", PersonItem.PROFILE, Stored(b"", 1, yes))
    bench.table.write_part(SITE, "v:2", PersonItem.PROFILE, Stored(b"", 1, linked))
    calls: list[list[str]] = []
    original = bench.table.write_profiles

    def watched(site: str, writes: Sequence[Write]) -> list[Written]:
        calls.append([write.subject for write in writes])
        return original(site, writes)

    bench.table.write_profiles = watched  # type: ignore[method-assign] # to see what is asked of it
    subjects = [f"v:{n}" for n in range(TOGETHER + 2)]
    result = run(bench, *(delivered(n, record(s, f"e{n}")) for n, s in enumerate(subjects)))
    assert counts(result) == {"applied": TOGETHER + 2}
    assert calls == [["v:0", "v:1", *subjects[3 : TOGETHER + 1]], subjects[TOGETHER + 1 :]]
    for subject, standing in (("v:1", yes), ("v:2", linked)):
        stored = bench.table.read_profiles(SITE, [subject])[subject]
        assert (stored.version, stored.standing) == (2, standing)


_SAID = st.builds(
    lambda granted, refused, forgotten: SubjectStatus(
        Consent(granted & ~refused, refused, NOW if granted | refused else 0), forgotten
    ),
    st.integers(0, 3), st.integers(0, 3), st.sampled_from([0, 0, NOW + 3]),
)  # fmt: skip


def _told(
    people: dict[str, SubjectStatus], together: int
) -> tuple[dict[str, Stored], dict[str, int]]:
    """What is stored of `people` in the end, and what was counted, when so many go in one call."""
    bench = calm()
    for subject, standing in people.items():
        if standing != DEFAULT_STATUS:
            bench.table.write_part(SITE, subject, PersonItem.PROFILE, Stored(b"", 1, standing))
    happened = [(f"e{n}", n) for n in range(6)]
    entries = [
        delivered(
            len(people) * n + at, record(subject, f"{name}{at}", time=NOW + n, received=NOW + n)
        )
        for name, n in happened
        for at, subject in enumerate(people)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apply, "TOGETHER", together)
        result = run(bench, *entries)
    return bench.table.read_profiles(SITE, list(people)), dict(counts(result))


@given(st.dictionaries(st.sampled_from([f"{k}:{n}" for k in "uv" for n in "abcdef"]), _SAID))
def test_in_a_mixed_call_everybody_ends_as_they_would_have_alone(
    people: dict[str, SubjectStatus],
) -> None:
    assert _told(people, TOGETHER) == _told(people, 1)


@pytest.mark.parametrize("change", ["no", "forgotten"])
def test_a_no_that_comes_amid_a_mixed_call_is_heard_by_that_one_alone(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = calm()
    yes = SubjectStatus(Consent(granted=1, at=NOW))
    after = (
        SubjectStatus(Consent(refused=7, at=NOW + 9))
        if change == "no"
        else SubjectStatus(forgotten=NOW + 9)
    )
    for subject in ("v:a", "v:b"):
        bench.table.write_part(SITE, subject, PersonItem.PROFILE, Stored(b"", 1, yes))
    original = bench.table.write_profiles

    def amid(site: str, writes: Sequence[Write]) -> list[Written]:
        bench.table.write_part(SITE, "v:b", PersonItem.PROFILE, Stored(b"", 2, after))
        return original(site, writes)

    monkeypatch.setattr(bench.table, "write_profiles", amid)
    subjects = ["v:a", "v:b", "v:c"]
    result = run(bench, *(delivered(n, record(s, f"e{n}")) for n, s in enumerate(subjects)))
    lost = "withheld" if change == "no" else "forgotten"
    assert counts(result) == {"applied": 2, lost: 1}
    stored = bench.table.read_profiles(SITE, subjects)
    assert stored["v:b"] == Stored(b"", 2, after)
    assert (stored["v:a"].version, stored["v:a"].standing) == (2, yes)
    assert (stored["v:c"].version, stored["v:c"].standing) == (1, DEFAULT_STATUS)
