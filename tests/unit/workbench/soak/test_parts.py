"""The parts of the soak by themselves: turns, faults, shards, senders' books and the proxy."""

import random
from collections.abc import Callable
from concurrent.futures import Future
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.aws.client import AwsCall, AwsFault, connect
from hemline.adapters.aws.connections import drop_connections
from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.model.errors import Conflict, Unavailable
from hemline.usecases.ports import StreamEntry, Write
from tests.faults.fault_server import FaultServer, answer, serving
from tests.harness.clouds import REGION
from workbench.soak.consumer import in_lanes, template_mapping
from workbench.soak.faulty import FaultyObjects, FaultyTable, Invocation, Killed
from workbench.soak.plan import FAULTS, KILLS, FaultPlan
from workbench.soak.proxy import ANY, Dose, Proxy, running
from workbench.soak.scheduler import Actors, Scheduler
from workbench.soak.stream import Shards

# --- turns ---------------------------------------------------------------------------------


def turns(seed: int) -> list[int]:
    scheduler = Scheduler(random.Random(seed), share=0.5)
    found: list[int] = []

    def act(number: int) -> None:
        for _ in range(20):
            found.append(number)
            scheduler.yield_turn()

    running = [Actors(scheduler).submit(act, number) for number in range(4)]
    for one in running:
        one.result()
    return found


def test_actors_take_turns_as_the_seed_says() -> None:
    assert turns(1) == turns(1)
    assert turns(1) != turns(2)
    assert turns(1) != sorted(turns(1)), "they ran one after another"
    assert sorted(turns(1)) == sorted([0, 1, 2, 3] * 20)


def test_what_an_actor_dies_of_reaches_whoever_waits_for_it() -> None:
    def die() -> None:
        raise Killed("here")

    future: Future[None] = Actors(Scheduler(random.Random(1))).submit(die)
    with pytest.raises(Killed, match="here"):
        future.result()


# --- faults ------------------------------------------------------------------------------


def plan(*, kills: int = 0, faults: int = 0, seed: int = 1) -> FaultPlan:
    made = FaultPlan(random.Random(seed), kills=kills, faults=faults)
    made.advance(1.0)
    return made


def test_every_trouble_that_is_due_happens_once() -> None:
    due = plan(kills=50, faults=200)
    for _ in range(5000):
        for place in KILLS:
            due.kills(place)
        for operation in FAULTS:
            due.fault(operation)
    assert due.totals() == (50, 200)


def test_nothing_goes_wrong_before_it_is_due() -> None:
    early = FaultPlan(random.Random(1), kills=50, faults=200)
    assert not any(early.kills(place) for place in KILLS)
    assert not any(early.fault(operation) for operation in FAULTS)


class NoBooks:
    """Nobody watches."""

    def archived(self, data: bytes) -> None: ...
    def profiled(self, subject: str, batch: object) -> None: ...


class Always(FaultPlan):
    """One fault, every time."""

    def __init__(self, what: str) -> None:
        super().__init__(random.Random(1), kills=0, faults=0)
        self.what = what

    def kills(self, place: str) -> bool:
        return place == self.what

    def fault(self, operation: str) -> str:
        return self.what if self.what in FAULTS[operation] else ""


def invocation(what: str) -> Invocation:
    return Invocation(Always(what), Scheduler(random.Random(1)), NoBooks(), {})


@pytest.mark.parametrize(
    ("place", "written"),
    [("before the profiles", 0), ("after a profile", 1), ("before the archive", 0)],
)
def test_a_killed_function_does_nothing_more(place: str, written: int) -> None:
    inner, one = MemoryTable(), invocation(place)
    table, objects = FaultyTable(inner, one), FaultyObjects(MemoryObjects(), one)

    def work() -> None:
        objects.put("archive/x", b"")
        table.write_profile("s", "v:a", b"1", expected=0)

    with pytest.raises(Killed):
        work()
    with pytest.raises(Killed):
        table.write_profile("s", "v:b", b"1", expected=0)
    with pytest.raises(Killed):
        table.read_profiles("s", ["v:a"])
    assert len(inner.read_profiles("s", ["v:a", "v:b"])) == written


@pytest.mark.parametrize(
    ("fault", "written"), [("timeout", 0), ("TransactionConflict", 0), ("answer lost", 1)]
)
def test_a_write_that_fails_is_done_or_not_as_the_fault_says(fault: str, written: int) -> None:
    inner = MemoryTable()
    with pytest.raises(Unavailable):
        FaultyTable(inner, invocation(fault)).write_profile("s", "v:a", b"1", expected=0)
    assert len(inner.read_profiles("s", ["v:a"])) == written


def test_writes_of_one_call_fail_singly_or_all_together_as_the_fault_says() -> None:
    writes = [Write(f"v:{n}", b"1", 0) for n in range(3)]
    subjects = [write.subject for write in writes]
    for fault, kind, written in (
        ("throttled", Unavailable, 0),
        ("answer lost", Unavailable, 3),
        ("answer lost, sent again", Conflict, 3),
        ("TransactionConflict", Unavailable, 0),
        ("a rival was faster", Conflict, 3),
    ):
        inner = MemoryTable()
        found = FaultyTable(inner, invocation(fault)).write_profiles("s", writes)
        assert [type(one) for one in found] == [kind] * 3
        assert len(inner.read_profiles("s", subjects)) == written


def test_a_killed_function_has_written_some_of_a_call_and_not_the_rest() -> None:
    inner = MemoryTable()
    table = FaultyTable(inner, invocation("between profiles"))
    with pytest.raises(Killed):
        table.write_profiles("s", [Write(f"v:{n}", b"1", 0) for n in range(3)])
    assert len(inner.read_profiles("s", ["v:0", "v:1", "v:2"])) == 1


# --- shards --------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.integers(0, 12))
def test_every_record_lies_in_one_shard_whatever_was_split_and_merged(
    seed: int, times: int
) -> None:
    stream = Shards(2, plan(), random.Random(seed))
    for turn in range(times + 1):
        stream.store([StreamEntry(f"v:{n}", b"%d" % turn) for n in range(30)])
        stream.reshard()
    living = sorted((s.low, s.high) for s in stream.all if not s.closed)
    assert living[0][0] == 0
    assert living[-1][1] == 1 << 128
    assert all(left[1] == right[0] for left, right in pairwise(living))
    assert stream.records == 30 * (times + 1)
    numbers = [int(e.sequence) for shard in stream.all for e in shard.entries]
    assert len(set(numbers)) == len(numbers)


def test_a_partition_key_stays_in_one_lane_in_order() -> None:
    stream = Shards(1, plan(), random.Random(1))
    stream.store([StreamEntry(f"v:{n % 7}", b"%d" % n) for n in range(70)])
    lanes = in_lanes(stream.all[0].entries, 3)
    owners = [{entry.partition for entry in lane} for lane in lanes]
    assert sum(map(len, owners)) == 7
    for lane in lanes:
        assert [e.sequence for e in lane] == sorted(e.sequence for e in lane)


def test_the_mapping_is_the_one_of_the_template() -> None:
    assert template_mapping().partial
    assert template_mapping().bisect
    assert template_mapping().retries == 20


# --- the proxy -----------------------------------------------------------------------------


def ask(proxy: Proxy, operation: str, body: object) -> object:
    client = connect("dynamodb", region=REGION, endpoint=proxy.endpoint, timeout=1.0)
    client.retries = client.retries._replace(attempts=1)
    headers = {"x-amz-target": f"Service_1.{operation}"}
    return client.json(AwsCall(headers=headers, again=False), body, dict)


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Every request meets this fault."""
    return lambda fault: monkeypatch.setattr(Proxy, "_draw", lambda *_: fault)


@pytest.mark.parametrize("fault", [*ANY, "TransactionConflict"])
def test_each_trouble_shows_to_the_client_and_only_some_reach_the_service(
    fault: str, forced: Callable[[str], None]
) -> None:
    forced(fault)
    with (
        serving(answer({"fine": "x" * 500})) as upstream,
        running(upstream.endpoint, "1", Dose(hang=1.5)) as proxy,
    ):
        with pytest.raises(AwsFault):
            ask(proxy, "UpdateItem", {})
        assert len(upstream.seen) == (fault in {"cut after the commit", "truncate"})
        drop_connections()


def test_without_a_trouble_an_answer_comes_as_it_was(forced: Callable[[str], None]) -> None:
    forced("")
    with (
        serving(answer({"fine": True})) as upstream,
        running(upstream.endpoint, "1", Dose()) as proxy,
    ):
        assert ask(proxy, "UpdateItem", {"Key": 1}) == {"fine": True}
        assert upstream.seen[0].body == {"Key": 1}
        drop_connections()


def test_a_part_of_the_records_is_refused_each_in_its_place(forced: Callable[[str], None]) -> None:
    forced("partly refused")
    names = [f"r{n}" for n in range(20)]

    def echo(server: FaultServer) -> list[str]:
        return [record["Data"] for record in server.seen[0].body["Records"]]

    held = {"FailedRecordCount": 0, "Records": [{"SequenceNumber": str(n)} for n in range(20)]}
    with (
        serving(answer(held)) as upstream,
        running(upstream.endpoint, "1", Dose()) as proxy,
    ):
        found = ask(proxy, "PutRecords", {"Records": [{"Data": name} for name in names]})
        assert isinstance(found, dict)
        kept = echo(upstream)
        drop_connections()
    refused = [name for name in names if name not in kept]
    assert refused
    assert kept[0] == "r0"
    assert [n for n, r in zip(names, found["Records"], strict=False) if "ErrorCode" in r] == refused


@pytest.mark.parametrize(
    ("fault", "code", "done"),
    [
        ("members throttled", "ProvisionedThroughputExceeded", False),
        ("members conflict", "TransactionConflict", False),
        ("members beaten", "ConditionalCheckFailed", False),
        ("members in doubt", "InternalServerError", True),
    ],
)
def test_some_statements_of_a_batch_fail_each_in_its_place(
    fault: str, code: str, forced: Callable[[str], None], *, done: bool
) -> None:
    forced(fault)
    asked = {"Statements": [{"Statement": f"s{n}"} for n in range(20)]}
    held = {"Responses": [{"TableName": "t"} for _ in range(20)]}
    with (
        serving(answer(held)) as upstream,
        running(upstream.endpoint, "1", Dose()) as proxy,
    ):
        found = ask(proxy, "BatchExecuteStatement", asked)
        assert isinstance(found, dict)
        reached = [one["Statement"] for one in upstream.seen[0].body["Statements"]]
        drop_connections()
    failed = [n for n, one in enumerate(found["Responses"]) if "Error" in one]
    assert failed
    assert 0 not in failed
    assert {found["Responses"][n]["Error"]["Code"] for n in failed} == {code}
    missing = {f"s{n}" for n in range(20)} - set(reached)
    assert missing == (set() if done else {f"s{n}" for n in failed})


def test_the_troubles_of_an_operation_come_each_once_before_any_comes_again() -> None:
    proxy = Proxy("http://127.0.0.1:1", random.Random(1), Dose())
    dealt = [proxy._dealt("PUT") for _ in range(2 * len(ANY))]
    assert sorted(dealt[: len(ANY)]) == sorted(ANY) == sorted(dealt[len(ANY) :])
