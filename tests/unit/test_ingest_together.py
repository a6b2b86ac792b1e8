"""Profiles that are written in one call: who fails, fails alone, and who must go alone does."""

from collections.abc import Sequence

import pytest

from hemline.model.consent import Consent
from hemline.model.errors import Conflict, HemlineError, Unavailable
from hemline.model.standing import Standing
from hemline.usecases.ingest_apply import TOGETHER
from hemline.usecases.ports import Part, Stored, Write, Written
from tests.support.streams import NOW, SITE, Bench, calm, counts, delivered, record, run


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


def test_whoever_has_a_standing_goes_alone_in_the_order_of_the_stream() -> None:
    bench = calm()
    standing = Standing(Consent(granted=1, at=NOW))
    bench.table.write_part(SITE, "v:1", Part.PROFILE, Stored(b"", 1, standing))
    calls: list[list[str]] = []
    original = bench.table.write_profiles

    def watched(site: str, writes: Sequence[Write]) -> list[Written]:
        calls.append([write.subject for write in writes])
        return original(site, writes)

    bench.table.write_profiles = watched  # type: ignore[method-assign] # to see what is asked of it
    subjects = [f"v:{n}" for n in range(TOGETHER + 2)]
    result = run(bench, *(delivered(n, record(s, f"e{n}")) for n, s in enumerate(subjects)))
    assert counts(result) == {"applied": TOGETHER + 2}
    assert calls == [["v:0", *subjects[2 : TOGETHER + 1]], subjects[TOGETHER + 1 :]]
    stored = bench.table.read_profiles(SITE, ["v:1"])["v:1"]
    assert (stored.version, stored.standing) == (2, standing)
