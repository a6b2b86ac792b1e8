"""`hemline run` as a user has it: starts, answers, keeps its state, and stops all it started."""

import contextlib
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.stack import READY, Stack
from workbench import children
from workbench.cloud import resources
from workbench.laptop import ROOT, Running

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(sys.platform != "linux", reason="the reaper needs Linux"),
    # One after the other: each is a whole stack.
    pytest.mark.xdist_group("stack"),
]

Start = Callable[..., Stack]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a stack on this test's state folder, without the demo shop's history."""
    started: list[Stack] = []

    def one(*options: str, port: int | None = None) -> Stack:
        stack = Stack(tmp_path, "--no-seed", *options, port=port)
        started.append(stack)
        return stack

    yield one
    for stack in started:
        stack.stop()


def call(stack: Stack, path: str, body: object = None) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        stack.url + path,
        data=data,
        headers={"content-type": "application/json", "user-agent": "Mozilla/5.0"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as got:
            return got.status, json.load(got), dict(got.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null"), dict(error.headers)


def running(folder: Path) -> Running:
    return Running(**json.loads((folder / "run.json").read_bytes()))


def table(stack: Running) -> list[dict[str, Any]]:
    with contextlib.closing(resources.client("dynamodb", stack.cloud, stack.region)) as client:
        items: list[dict[str, Any]] = client.scan(TableName=stack.table)["Items"]
    return items


def eventually(found: Callable[[], Any]) -> Any:
    """The first truthy result; fails after half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.1)
    pytest.fail("it never came")


EVENT = {"events": [{"id": "e-1", "type": "view", "item": "lamp-1"}]}


def test_an_event_becomes_a_profile_and_both_outlive_a_restart(
    start: Start, tmp_path: Path
) -> None:
    first = start()
    first.wait_for(READY)
    status, answer, headers = call(first, "/v1/events", EVENT)
    assert (status, answer["accepted"]) == (202, 1), answer
    assert "hem_v=" in headers["set-cookie"]
    profiles = eventually(lambda: table(running(tmp_path)))
    assert first.stop() == 0
    assert first.left == "left: []"
    assert not (tmp_path / "run.json").exists()

    second = start()
    second.wait_for(READY)
    assert table(running(tmp_path)) == profiles
    assert second.stop() == 0


def test_where_visitors_are_asked_first_silence_leaves_nothing(
    start: Start, tmp_path: Path
) -> None:
    stack = start("--ask-first")
    stack.wait_for(READY)
    status, answer, headers = call(stack, "/v1/events", EVENT)
    assert (status, answer["accepted"]) == (202, 0)
    assert answer["rejected"][0]["reason"] == "no_consent"
    assert "set-cookie" not in headers
    assert not running(tmp_path).consent_default
    assert stack.stop() == 0


def test_a_fragment_answers_before_anything_is_published(start: Start) -> None:
    stack = start()
    stack.wait_for(READY)
    status, answer, headers = call(stack, "/v1/fragments/hero")
    assert status == 200
    assert answer["fragments"]["hero"]["rung"] == "static"
    assert "no-store" in headers["cache-control"]
    assert any(line.startswith("fragments │") for line in stack.lines) or stack.wait_for(
        "fragments │"
    )


def test_a_record_that_nobody_can_read_does_not_block_its_shard(
    start: Start, tmp_path: Path
) -> None:
    stack = start()
    stack.wait_for(READY)
    found = running(tmp_path)
    with contextlib.closing(resources.client("kinesis", found.cloud, found.region)) as kinesis:
        for partition in "abcdefgh":  # both shards
            kinesis.put_record(StreamName=found.stream, Data=b"\xff{", PartitionKey=partition)
    assert call(stack, "/v1/events", EVENT)[0] == 202
    assert eventually(lambda: table(found))
    with contextlib.closing(resources.client("s3", found.cloud, found.region)) as s3:
        kept = eventually(
            lambda: s3.list_objects_v2(Bucket=found.bucket, Prefix="quarantine/").get("Contents")
        )
    assert stack.stop() == 0
    assert kept


def test_a_signal_while_the_shop_is_stocked_leaves_nothing_running(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    try:
        stack.wait_for("stocking the demo shop")
    finally:
        status = stack.stop()
    assert status == 0, stack.lines
    assert stack.left == "left: []"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["starting the AWS emulator", "GET ", READY])
def test_a_signal_at_any_moment_leaves_nothing_running(
    start: Start, moment: str, number: signal.Signals
) -> None:
    stack = start()
    stack.wait_for(moment)
    assert stack.stop(number) == 0, stack.lines
    assert stack.left == "left: []"


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.2, 1.6])
def test_a_signal_between_two_lines_leaves_nothing_running(start: Start, seconds: float) -> None:
    stack = start()
    time.sleep(seconds)
    # Before Python has begun there is nobody to be polite; what counts is what is left.
    assert stack.stop() in {0, -signal.SIGTERM, 256 - signal.SIGTERM}, stack.lines
    assert stack.left == "left: []"


def test_the_check_for_orphans_can_fail(tmp_path: Path) -> None:
    leaves = ["sh", "-c", "sleep 600 & exit 3"]
    done = children.run(
        [sys.executable, ROOT / "tests/faults/reaper.py", *leaves],
        capture=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "left: ['sleep 600']\n")


def test_a_stack_that_is_killed_leaves_no_process_and_its_emulator_saves(
    start: Start, tmp_path: Path
) -> None:
    first = start()
    first.wait_for(READY)
    assert call(first, "/v1/events", EVENT)[0] == 202
    profiles = eventually(lambda: table(running(tmp_path)))
    os.kill(running(tmp_path).pid, signal.SIGKILL)
    first.wait()
    assert first.left == "left: []"

    second = start()
    second.wait_for(READY)
    assert table(running(tmp_path)) == profiles
    assert second.stop() == 0


def test_a_stack_without_its_emulator_ends_and_says_so_and_no_refusal_is_lost(
    start: Start, tmp_path: Path
) -> None:
    stack = start()
    stack.wait_for(READY)
    assert call(stack, "/v1/events", EVENT)[0] == 202
    profiles = eventually(lambda: table(running(tmp_path)))
    os.kill(int((tmp_path / "cloud/emulator.pid").read_text()), signal.SIGKILL)
    assert stack.wait() == 1
    assert "the AWS emulator has ended by itself" in "\n".join(stack.lines)
    assert stack.left == "left: []"

    second = start()
    second.wait_for("the AWS emulator had been killed: ")
    second.wait_for(READY)
    assert table(running(tmp_path)) == profiles
    assert second.stop() == 0


def test_a_busy_port_is_refused_with_a_sentence(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stack = start(port=taken.getsockname()[1])
        assert stack.wait() == 2
    assert "choose another one: make run PORT=" in "\n".join(stack.lines)
    assert stack.left == "left: []"


def test_a_second_stack_on_the_same_state_is_refused(start: Start) -> None:
    first = start()
    first.wait_for("starting the AWS emulator")
    second = start()
    assert second.wait() == 2
    assert "runs from this checkout already" in "\n".join(second.lines)
