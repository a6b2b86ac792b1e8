"""One suite for the table's three ports, run on memory, moto and ministack."""

from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.memory import MemoryTable
from hemline.model.consent import Consent
from hemline.model.edition import Pointer
from hemline.model.errors import Conflict, Unavailable
from hemline.model.subject_status import SubjectStatus
from hemline.usecases.ports import (
    PersonItem,
    ServingRead,
    Stored,
)
from tests.builders.tables import Table, attempt, dynamo, hot
from tests.harness.clouds import REGION, Cloud


@pytest.fixture(params=["memory", "moto", pytest.param("ministack", marks=pytest.mark.cloud)])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    if request.param == "memory":
        yield MemoryTable()
    else:
        name = "emulator" if request.param == "ministack" else request.param
        yield dynamo(request.getfixturevalue(name))


def test_an_empty_table_has_neither_profile_nor_pointer(table: Table) -> None:
    assert hot(table, "v:a", pointer=True) == ServingRead(None, None)
    assert hot(table, None) == ServingRead(None, None)
    assert table.read_profiles("demo", ["v:a"]) == {}
    assert table.read_pointer("demo") is None


def test_a_profile_is_read_as_it_was_written(table: Table) -> None:
    blob = bytes(range(256)) * 16
    table.write_profile("demo", "v:a", blob, expected=0)
    assert hot(table, "v:a") == ServingRead(Stored(blob, 1), None)
    assert table.read_profiles("demo", ["v:a", "v:b"]) == {"v:a": Stored(blob, 1)}


def test_an_empty_profile_is_still_a_profile(table: Table) -> None:
    table.write_profile("demo", "v:a", b"", expected=0)
    assert hot(table, "v:a").profile == Stored(b"", 1)


def test_a_write_wins_only_against_the_version_it_read(table: Table) -> None:
    table.write_profile("demo", "v:a", b"1", expected=0)
    table.write_profile("demo", "v:a", b"2", expected=1)
    for stale in (0, 1, 3):
        with pytest.raises(Conflict):
            table.write_profile("demo", "v:a", b"lost", expected=stale)
    assert hot(table, "v:a").profile == Stored(b"2", 2)


# --- many writes in one call. Not on moto: its statements know no conditions. An UPDATE whose WHERE
# finds nothing succeeds there, and so does an INSERT over an item.


def test_a_profile_that_is_not_there_cannot_be_at_a_version(table: Table) -> None:
    with pytest.raises(Conflict):
        table.write_profile("demo", "v:a", b"x", expected=1)
    assert hot(table, "v:a").profile is None


def test_sites_and_subjects_do_not_mix(table: Table) -> None:
    table.write_profile("demo", "v:a", b"anonymous", expected=0)
    table.write_profile("demo", "u:a", b"user", expected=0)
    table.write_profile("demo-2", "v:a", b"elsewhere", expected=0)
    found = table.read_profiles("demo", ["v:a", "u:a"])
    assert {s: stored.blob for s, stored in found.items()} == {"v:a": b"anonymous", "u:a": b"user"}
    assert table.read_profiles("demo-2", ["v:a"])["v:a"].blob == b"elsewhere"


def test_any_number_of_profiles_is_read_at_once(table: Table) -> None:
    names = [f"v:{n}" for n in range(219)]
    for name in names[::2]:
        table.write_profile("demo", name, name.encode(), expected=0)
    # Asked twice for some: DynamoDB itself refuses a batch that names a key twice.
    found = table.read_profiles("demo", [*names, *names[:20]])
    assert found == {name: Stored(name.encode(), 1) for name in names[::2]}
    assert table.read_profiles("demo", []) == {}


def test_one_read_brings_profile_and_pointer(table: Table) -> None:
    pointer = Pointer("d" * 64, 1_700_000_000_000, "sig.nature")
    table.write_profile("demo", "v:a", b"x", expected=0)
    table.swap_pointer("demo", pointer, expected=None)
    assert hot(table, "v:a", pointer=True) == ServingRead(Stored(b"x", 1), pointer)
    assert hot(table, "v:a") == ServingRead(Stored(b"x", 1), None)
    assert hot(table, "v:b", pointer=True) == ServingRead(None, pointer)
    assert hot(table, None, pointer=True) == ServingRead(None, pointer)


def test_a_pointer_moves_only_from_where_it_was_thought_to_be(table: Table) -> None:
    first, second = Pointer("a" * 64, 1, "s"), Pointer("b" * 64, 2, "s")
    with pytest.raises(Conflict):
        table.swap_pointer("demo", first, expected="c" * 64)
    table.swap_pointer("demo", first, expected=None)
    with pytest.raises(Conflict):
        table.swap_pointer("demo", second, expected=None)
    table.swap_pointer("demo", second, expected=first.digest)
    assert table.read_pointer("demo") == second
    assert table.read_pointer("demo-2") is None


_sites = count(1)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["v:a", "u:b"]), st.integers(0, 3)), max_size=12))
def test_any_writes_leave_it_as_they_leave_memory(
    table: Table, writes: list[tuple[str, int]]
) -> None:
    site = f"demo-{next(_sites)}"
    model = MemoryTable()
    for number, (subject, expected) in enumerate(writes):
        blob = str(number).encode()
        outcomes = [attempt(t.write_profile, site, subject, blob, expected) for t in (table, model)]
        assert outcomes[0] == outcomes[1]
    assert table.read_profiles(site, ["v:a", "u:b"]) == model.read_profiles(site, ["v:a", "u:b"])


def test_a_table_that_is_not_there_is_unavailable(cloud: Cloud) -> None:
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), "no-such")
    for call in (
        lambda: table.read_for_serving("demo", "v:a", pointer=True, timeout=10),
        lambda: table.read_profiles("demo", ["v:a"]),
        lambda: table.write_profile("demo", "v:a", b"", expected=0),
        lambda: table.read_pointer("demo"),
    ):
        with pytest.raises(Unavailable, match="ResourceNotFound"):
            call()


def kept(cloud: Cloud, name: str) -> dict[str, tuple[str, str]]:
    """Sort key → (ttl, u) of all items, as DynamoDB sees them."""
    items = cloud.boto("dynamodb").scan(TableName=name)["Items"]
    return {i["sk"]["S"]: tuple(i.get(a, {}).get("N", "") for a in ("ttl", "u")) for i in items}


def test_a_profile_is_kept_for_so_long_after_its_last_write(cloud: Cloud) -> None:
    name = cloud.make_table()
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), name, 10)
    for version, now in enumerate((1_000_000, 1_500_000)):
        table.clock = partial(float, now)
        table.write_profile("demo", "v:a", b"x", expected=version)
        assert kept(cloud, name) == {"profile": (str(now + 864_000),) * 2}


@pytest.mark.parametrize(
    ("part", "standing", "lasts"),
    [
        (PersonItem.PROFILE, SubjectStatus(), False),
        (PersonItem.PROFILE, SubjectStatus(Consent(granted=1)), False),
        (PersonItem.PROFILE, SubjectStatus(Consent(refused=1)), True),
        (PersonItem.PROFILE, SubjectStatus(forgotten=5), True),
        (PersonItem.PROFILE, SubjectStatus(linked=True), True),
        (PersonItem.OWN, SubjectStatus(), True),
    ],
)
def test_what_must_outlive_a_profile_is_never_left_to_the_clock(
    cloud: Cloud, part: PersonItem, standing: SubjectStatus, *, lasts: bool
) -> None:
    """A tombstone, a no and a link stay; their profile is past all the same."""
    name = cloud.make_table()
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), name, 10)
    table.clock = lambda: 1_000_000.0
    table.write_profile("demo", "u:a", b"x", expected=0)
    table.delete_part("demo", "u:a", PersonItem.PROFILE)
    table.write_part("demo", "u:a", part, Stored(b"x", 1, standing))
    assert kept(cloud, name) == {part: ("" if lasts else "1864000", "1864000")}
    table.clock = lambda: 1_864_000.0
    assert table.read_part("demo", "u:a", part) == Stored(b"", 1, standing)


def test_what_is_past_and_still_there_is_read_as_nothing_and_written_over(cloud: Cloud) -> None:
    name = cloud.make_table()
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), name, 1)
    table.clock = lambda: 1_000_000.0
    table.write_profile("demo", "v:a", b"old", expected=0)
    table.clock = lambda: 1_086_399.0
    assert hot(table, "v:a").profile == Stored(b"old", 1)
    table.clock = lambda: 1_086_400.0
    for found in (
        hot(table, "v:a").profile,
        hot(table, "v:a", pointer=True).profile,
        table.read_profiles("demo", ["v:a"])["v:a"],
        table.read_part("demo", "v:a", PersonItem.PROFILE),
    ):
        assert found == Stored(b"", 1)
    table.write_profile("demo", "v:a", b"new", expected=1)
    assert hot(table, "v:a").profile == Stored(b"new", 2)


def test_links_last_and_without_a_number_of_days_everything_does(cloud: Cloud) -> None:
    name = cloud.make_table()
    client = connect("dynamodb", region=REGION, endpoint=cloud.endpoint)
    DynamoTable(client, name, 10).write_part("demo", "u:a", PersonItem.LINKS, Stored(b"x", 1))
    DynamoTable(client, name).write_profile("demo", "u:a", b"x", expected=0)
    DynamoTable(client, name).write_part("demo", "u:a", PersonItem.OWN, Stored(b"x", 1))
    assert set(kept(cloud, name).values()) == {("", "")}


def test_what_stands_beside_a_profile_is_read_with_it_and_survives_writes_of_events(
    table: Table,
) -> None:
    standing = SubjectStatus(Consent(refused=2, at=5), forgotten=7, linked=True)
    table.write_part("demo", "v:a", PersonItem.PROFILE, Stored(b"1", 1, standing))
    table.write_profile("demo", "v:a", b"2", expected=1)
    assert hot(table, "v:a").profile == Stored(b"2", 2, standing)
    assert table.read_profiles("demo", ["v:a"]) == {"v:a": Stored(b"2", 2, standing)}


def test_parts_of_a_person_are_apart_and_written_under_a_condition(table: Table) -> None:
    for part in PersonItem:
        assert table.read_part("demo", "u:a", part) is None
        table.write_part("demo", "u:a", part, Stored(part.encode(), 1))
    for part in PersonItem:
        with pytest.raises(Conflict):
            table.write_part("demo", "u:a", part, Stored(b"again", 1))
        with pytest.raises(Conflict):
            table.write_part("demo", "u:a", part, Stored(b"too new", 3))
        table.write_part("demo", "u:a", part, Stored(part.encode(), 2, SubjectStatus(linked=True)))
    assert {part: table.read_part("demo", "u:a", part) for part in PersonItem} == {
        part: Stored(part.encode(), 2, SubjectStatus(linked=True)) for part in PersonItem
    }


def test_a_deleted_part_is_gone_and_may_be_deleted_again(table: Table) -> None:
    table.write_part("demo", "u:a", PersonItem.OWN, Stored(b"1", 1))
    for _ in range(2):
        table.delete_part("demo", "u:a", PersonItem.OWN)
        assert table.read_part("demo", "u:a", PersonItem.OWN) is None
