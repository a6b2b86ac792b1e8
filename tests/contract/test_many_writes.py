"""Many conditional writes in one call, on memory and ministack.

moto reports success for an UPDATE of PartiQL whose condition matches nothing, so it cannot judge this.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.memory import MemoryTable
from hemline.model.consent import Consent
from hemline.model.subject_status import SubjectStatus
from hemline.usecases.ports import PersonItem, Stored, Write, Written
from tests.builders.tables import Table, attempt, dynamo
from tests.harness.clouds import REGION, Cloud

_sites = count()


@pytest.fixture(params=["memory", pytest.param("ministack", marks=pytest.mark.cloud)])
def batching(request: pytest.FixtureRequest) -> Iterator[Table]:
    if request.param == "memory":
        yield MemoryTable()
    else:
        yield dynamo(request.getfixturevalue("emulator"))


def kinds(written: Sequence[Written]) -> list[str]:
    return [type(one).__name__ if one else "written" for one in written]


def test_each_of_many_writes_wins_only_against_the_version_it_read(batching: Table) -> None:
    for version in range(3):
        batching.write_profile("demo", "v:b", b"old", expected=version)
    writes = [
        Write("v:a", b"new", 0),
        Write("v:b", b"newer", 3),
        Write("v:c", b"never there", 2),
        Write("u:a", b"also new", 0),
    ]
    assert kinds(batching.write_profiles("demo", writes)) == [
        "written", "written", "Conflict", "written"
    ]  # fmt: skip
    assert batching.read_profiles("demo", ["v:a", "v:b", "v:c", "u:a"]) == {
        "v:a": Stored(b"new", 1),
        "v:b": Stored(b"newer", 4),
        "u:a": Stored(b"also new", 1),
    }
    # Sent again after a lost answer: whoever was written loses to themselves, and nothing changes.
    assert kinds(batching.write_profiles("demo", writes)) == ["Conflict"] * 4
    assert batching.read_profiles("demo", ["v:b"]) == {"v:b": Stored(b"newer", 4)}


def test_any_number_of_profiles_is_written_at_once_and_each_outcome_is_its_own(
    batching: Table,
) -> None:
    names = [f"v:{n}" for n in range(63)]
    for name in names[::3]:
        batching.write_profile("demo", name, b"rival", expected=0)
    blob = bytes(range(256)) * 16
    outcomes = kinds(batching.write_profiles("demo", [Write(name, blob, 0) for name in names]))
    assert outcomes == ["Conflict" if n % 3 == 0 else "written" for n in range(63)]
    found = batching.read_profiles("demo", names)
    assert all((found[name].blob == blob) is (n % 3 != 0) for n, name in enumerate(names))
    assert batching.write_profiles("demo", []) == []


def test_what_stands_beside_a_profile_survives_many_writes_too(batching: Table) -> None:
    standing = SubjectStatus(Consent(refused=2, at=5), linked=True)
    batching.write_part("demo", "v:a", PersonItem.PROFILE, Stored(b"1", 1, standing))
    assert batching.write_profiles("demo", [Write("v:a", b"2", 1)]) == [None]
    assert batching.read_profiles("demo", ["v:a"]) == {"v:a": Stored(b"2", 2, standing)}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(st.sampled_from(["v:a", "u:b", "v:c"]), st.integers(0, 3)), max_size=6)
)
def test_any_calls_leave_it_as_single_writes_leave_memory(
    batching: Table, calls: list[dict[str, int]]
) -> None:
    site = f"many-{next(_sites)}"
    model = MemoryTable()
    for number, call in enumerate(calls):
        blob = str(number).encode()
        single = [attempt(model.write_profile, site, s, blob, e) for s, e in call.items()]
        writes = [Write(subject, blob, expected) for subject, expected in call.items()]
        many = kinds(batching.write_profiles(site, writes))
        assert [kind.lower() for kind in many] == single
    names = ["v:a", "u:b", "v:c"]
    assert batching.read_profiles(site, names) == model.read_profiles(site, names)


@pytest.mark.cloud
@pytest.mark.parametrize("days", [0, 10])
def test_many_writes_leave_the_attributes_that_single_ones_leave(
    emulator: Cloud, days: int
) -> None:
    items = []
    for many in (False, True):
        name = emulator.make_table()
        client = connect("dynamodb", region=REGION, endpoint=emulator.endpoint)
        table = DynamoTable(client, name, days)
        for version, now in enumerate((1_000_000, 1_500_000)):
            table.clock = partial(float, now)
            if many:
                assert table.write_profiles("demo", [Write("v:a", b"x", version)]) == [None]
            else:
                table.write_profile("demo", "v:a", b"x", expected=version)
        items.append(emulator.boto("dynamodb").scan(TableName=name)["Items"])
    assert items[0] == items[1]
    assert ("ttl" in items[1][0]) is bool(days)


@pytest.mark.cloud
@pytest.mark.parametrize("days", [0, 10])
@pytest.mark.parametrize(
    "standing",
    [
        SubjectStatus(Consent(granted=3, at=5)),
        SubjectStatus(Consent(granted=1, refused=2, at=5)),
        SubjectStatus(Consent(refused=4), forgotten=7),
    ],
    ids=["yes", "a no", "forgotten once"],
)
def test_many_writes_leave_of_whoever_said_something_what_writing_the_part_leaves(
    emulator: Cloud, days: int, standing: SubjectStatus
) -> None:
    items = []
    for many in (False, True):
        name = emulator.make_table()
        client = connect("dynamodb", region=REGION, endpoint=emulator.endpoint)
        table = DynamoTable(client, name, days)
        table.clock = lambda: 1_000_000.0
        table.write_part("demo", "v:a", PersonItem.PROFILE, Stored(b"old", 1, standing))
        table.clock = lambda: 1_500_000.0
        if many:
            mixed = [Write("v:new", b"x", 0), Write("v:a", b"x", 1, standing)]
            assert table.write_profiles("demo", mixed) == [None, None]
        else:
            table.write_profile("demo", "v:new", b"x", expected=0)
            table.write_part("demo", "v:a", PersonItem.PROFILE, Stored(b"x", 2, standing))
        found = emulator.boto("dynamodb").scan(TableName=name)["Items"]
        items.append(sorted(found, key=lambda item: item["pk"]["S"]))
    assert items[0] == items[1]
    lasting = bool(standing.consent.refused or standing.forgotten)
    assert sum("ttl" in item for item in items[1]) == (2 - lasting if days else 0)


@pytest.mark.cloud
def test_a_table_that_is_not_there_is_said_of_every_write(emulator: Cloud) -> None:
    table = DynamoTable(connect("dynamodb", region=REGION, endpoint=emulator.endpoint), "no-such")
    written = table.write_profiles("demo", [Write("v:a", b"", 0), Write("v:b", b"", 4)])
    assert all("ResourceNotFound" in str(one) for one in written)
    assert kinds(written) == ["AwsFault"] * 2
