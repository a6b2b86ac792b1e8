"""One suite for the stream's writing end, run on memory, moto and ministack."""

from collections.abc import Callable

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.kinesis import KinesisStream
from hemline.adapters.memory import MemoryStream
from hemline.model.errors import Unavailable
from hemline.usecases.ports import EventStream, StreamEntry
from tests.harness.clouds import REGION, Cloud

Held = Callable[[], list[tuple[str, bytes]]]


@pytest.fixture(params=["memory", "moto", pytest.param("ministack", marks=pytest.mark.cloud)])
def stream(request: pytest.FixtureRequest) -> tuple[EventStream, Held]:
    """The stream, and a look at what it holds."""
    if request.param == "memory":
        memory = MemoryStream()
        return memory, lambda: [(e.partition, e.data) for e in memory.entries]
    name = "emulator" if request.param == "ministack" else request.param
    cloud: Cloud = request.getfixturevalue(name)
    made = cloud.make_stream()
    client = connect("kinesis", region=REGION, endpoint=cloud.endpoint)
    return KinesisStream(client, made), lambda: cloud.records(made)


def test_what_was_put_is_held_whole(stream: tuple[EventStream, Held]) -> None:
    port, held = stream
    entries = [StreamEntry(f"v:{n % 7}", bytes([n % 256]) * (n + 1)) for n in range(500)]
    assert port.put(entries) == [None] * 500
    assert sorted(held()) == sorted(tuple(entry) for entry in entries)


def test_one_subjects_entries_stay_in_order(stream: tuple[EventStream, Held]) -> None:
    port, held = stream
    assert port.put([StreamEntry("v:a", str(n).encode()) for n in range(50)]) == [None] * 50
    assert [data for _, data in held()] == [str(n).encode() for n in range(50)]


def test_nothing_is_put_for_nothing(stream: tuple[EventStream, Held]) -> None:
    port, held = stream
    assert port.put([]) == []
    assert held() == []


def test_one_entry_too_large_costs_the_others_nothing(stream: tuple[EventStream, Held]) -> None:
    port, held = stream
    entries = [
        StreamEntry("v:a", b"x"),
        StreamEntry("v:b", b"x" * (1 << 20)),
        StreamEntry("", b"x"),
    ]
    first, second, third = port.put(entries)
    assert first is None
    assert second is not None
    assert "bytes" in second
    assert third is not None
    assert "partition" in third
    assert held() == [("v:a", b"x")]


def test_more_than_one_call_can_carry_still_arrives(stream: tuple[EventStream, Held]) -> None:
    port, held = stream
    entries = [StreamEntry("v:a", bytes([n]) * 1_000_000) for n in range(7)]
    assert port.put(entries) == [None] * 7
    assert [data for _, data in held()] == [entry.data for entry in entries]


def test_over_500_entries_is_a_mistake_of_the_caller(stream: tuple[EventStream, Held]) -> None:
    with pytest.raises(ValueError, match="500"):
        stream[0].put([StreamEntry("v:a", b"x")] * 501)


def test_a_stream_that_is_not_there_is_unavailable(cloud: Cloud) -> None:
    client = connect("kinesis", region=REGION, endpoint=cloud.endpoint)
    with pytest.raises(Unavailable, match="ResourceNotFound"):
        KinesisStream(client, "no-such").put([StreamEntry("v:a", b"x")])
