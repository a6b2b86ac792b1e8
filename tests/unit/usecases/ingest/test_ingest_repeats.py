"""Copies that come weeks later, the same id from others, and programs: what each of them changes."""

import msgspec
import pytest

from hemline.learn.profile.fold import state_bytes
from hemline.usecases.ingest.archive import read_archive
from tests.harness.streams import NOW, SITE, calm, counts, delivered, record, run

DAY = 86_400_000


def test_what_a_program_does_is_archived_and_in_no_profile() -> None:
    bench = calm()
    seen = msgspec.structs.replace(record("v:a", "e1"), flags=("bot",))
    assert counts(run(bench, delivered(1, seen))) == {"archived": 1}
    assert [a.record for a in read_archive(bench.objects, SITE)] == [seen]
    assert bench.table.read_profiles(SITE, ["v:a"]) == {}


@pytest.mark.parametrize("days", [9, 30])
@pytest.mark.parametrize("busy", [False, True], ids=["held", "fallen-out"])
def test_a_copy_weeks_later_changes_neither_profile_nor_statistics_and_is_counted(
    days: int, busy: bool
) -> None:
    bench = calm()
    more = [record("v:a", f"m{n}", time=NOW + n, item=f"item-{n:050d}") for n in range(1, 99)]
    first = [record("v:a", "e1"), *(more if busy else [])]
    run(bench, *(delivered(at, one) for at, one in enumerate(first, start=1)))
    before = state_bytes(bench.profile("v:a")), list(read_archive(bench.objects, SITE))
    copy = record("v:a", "e1", received=NOW + days * DAY)
    result = run(bench, delivered(1000, copy, "shardId-7"))
    assert counts(result) == ({"late": 1} if busy else {"duplicates": 1})
    after = state_bytes(bench.profile("v:a")), list(read_archive(bench.objects, SITE))
    assert after == before


def test_a_copy_whose_time_the_server_made_anew_would_be_seen_by_the_test_above() -> None:
    bench = calm()
    run(bench, delivered(1, record("v:a", "e1")))
    before = state_bytes(bench.profile("v:a"))
    run(bench, delivered(2, record("v:a", "e1", time=NOW + 9 * DAY)))
    assert state_bytes(bench.profile("v:a")) != before


def test_the_same_id_of_somebody_else_is_another_event() -> None:
    bench = calm()
    one, two = delivered(1, record("v:a", "e1")), delivered(2, record("v:b", "e1"))
    assert counts(run(bench, one, two)) == {"applied": 2}
    assert len(list(read_archive(bench.objects, SITE))) == 2
