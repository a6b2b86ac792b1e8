"""Who is on the register is gone for every reader of the archive; nobody else is, and no name is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryObjects
from hemline.model.errors import Refused
from hemline.model.keys import alias, archive_prefix, forgotten_object, forgotten_prefix
from hemline.usecases.ingest.archive import append, line, read_archive, watermarks
from hemline.usecases.people.forget_register import (
    Forgetting,
    RegisterEntry,
    drop,
    enter,
    entries,
    mark_swept,
)
from tests.harness.streams import NOW, SITE, record

PEOPLE = ("v:a", "v:b", "u:a", "u:b")


class Counting(MemoryObjects):
    """Counts what a reading costs."""

    def __init__(self) -> None:
        super().__init__()
        self.gets: list[str] = []

    def get(self, key: str) -> bytes | None:
        self.gets.append(key)
        return super().get(key)


def archive(objects: MemoryObjects, *events: tuple[str, int, int]) -> None:
    """(subject, received, time) each."""
    rows = [
        line("s0", str(number), record(who, f"e{number}", received=received, time=time))
        for number, (who, received, time) in enumerate(events, 1)
    ]
    append(objects, rows)


def left(objects: MemoryObjects) -> list[str]:
    return [one.sequence for one in read_archive(objects, SITE)]


def test_a_visitor_is_gone_for_good() -> None:
    objects = MemoryObjects()
    archive(objects, ("v:a", NOW, NOW), ("v:b", NOW, NOW), ("v:a", NOW + 9, NOW + 9))
    enter(objects, SITE, "v:a", NOW, NOW + 5)
    assert left(objects) == ["2"]


def test_of_a_user_what_happened_or_arrived_until_then() -> None:
    objects = MemoryObjects()
    late, new = ("u:a", NOW + 9, NOW), ("u:a", NOW + 9, NOW + 1)
    archive(objects, ("u:a", NOW, NOW), late, new, ("v:a", NOW, NOW), ("u:b", NOW, NOW))
    enter(objects, SITE, "u:a", NOW, NOW + 5)
    assert left(objects) == ["4", "5", "3"]


def test_the_catalogue_and_other_sites_stay() -> None:
    objects = MemoryObjects()
    archive(objects, ("i:a", NOW, NOW), ("v:a", NOW, NOW))
    enter(objects, "other", "v:a", NOW, NOW)
    enter(objects, SITE, "i:a", NOW, NOW)
    assert left(objects) == ["1", "2"]


def test_whoever_leaves_the_register_is_read_again() -> None:
    """So an entry must stay until the sweep is through: see `forget_archive`."""
    objects = MemoryObjects()
    archive(objects, ("v:a", NOW, NOW))
    enter(objects, SITE, "v:a", NOW, NOW)
    (entry,) = entries(objects, SITE)
    drop(objects, SITE, entry)
    assert left(objects) == ["1"]


def test_entered_again_the_later_times_hold_and_a_sweep_is_due() -> None:
    objects = MemoryObjects()
    enter(objects, SITE, "u:a", NOW, NOW + 5)
    (entry,) = entries(objects, SITE)
    mark_swept(objects, SITE, entry, NOW + 1)
    assert [one.swept for one in entries(objects, SITE)] == [NOW + 1]
    enter(objects, SITE, "u:a", NOW - 9, NOW + 7)
    assert list(entries(objects, SITE)) == [RegisterEntry(alias(SITE, "u:a"), NOW, NOW + 7)]


def test_the_register_names_nobody() -> None:
    objects = MemoryObjects()
    enter(objects, SITE, "u:somebody@example.com", NOW, NOW)
    ((key, data),) = [(key, objects.get(key)) for key in objects.keys("")]
    assert key == forgotten_object(SITE, "u:somebody@example.com")
    assert b"somebody" not in key.encode() + (data or b"")


def test_marks_of_the_stream_do_not_change() -> None:
    objects = MemoryObjects()
    archive(objects, ("v:a", NOW, NOW))
    before = watermarks(objects, SITE)
    enter(objects, SITE, "v:a", NOW, NOW)
    assert watermarks(objects, SITE) == before == {"s0": "1"}


def test_a_reading_costs_one_listing_and_one_read_for_each_forgotten_user_it_meets() -> None:
    objects = Counting()
    archive(objects, *[(who, NOW, NOW) for who in PEOPLE] * 3)
    for who in (*PEOPLE, *(f"u:{n}" for n in range(50))):
        enter(objects, SITE, who, NOW, NOW)
    objects.gets.clear()
    assert left(objects) == []
    read = [key for key in objects.gets if not key.startswith(archive_prefix(SITE))]
    assert read == [forgotten_object(SITE, "u:a"), forgotten_object(SITE, "u:b")]


def test_a_damaged_entry_is_loud() -> None:
    objects = MemoryObjects()
    archive(objects, ("u:a", NOW, NOW))
    objects.put(forgotten_object(SITE, "u:a"), b"{}")
    with pytest.raises(Refused, match="register"):
        left(objects)


def test_an_empty_register_forgets_nobody_and_asks_nothing() -> None:
    objects = Counting()
    forgetting = Forgetting(objects, SITE)
    assert not forgetting
    assert not forgetting.forgets("v:a", 0)
    assert objects.gets == []


@given(
    st.lists(st.tuples(st.sampled_from(PEOPLE), st.integers(0, 9), st.integers(0, 9))), st.data()
)
def test_what_is_left_is_what_the_rule_says(
    events: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    gone = data.draw(st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 9)))
    objects = MemoryObjects()
    archive(objects, *events)
    for who, at in gone.items():
        enter(objects, SITE, who, at, at)
    expected = [
        str(number)
        for number, (who, received, time) in enumerate(events, 1)
        if who not in gone or (who.startswith("u:") and min(received, time) > gone[who])
    ]
    assert sorted(left(objects), key=int) == expected
    assert len(list(objects.keys(forgotten_prefix(SITE)))) == len(gone)
