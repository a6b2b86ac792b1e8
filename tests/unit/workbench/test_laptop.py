import os
import socket
from pathlib import Path

import pytest

from workbench import laptop
from workbench.laptop import NotRunning, Running


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEMLINE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def stack(pid: int) -> Running:
    return Running(pid, "http://127.0.0.1:1", "http://127.0.0.1:2", "r", "demo", "t", "s", "b", "k")


def test_a_running_stack_is_found_for_as_long_as_it_runs() -> None:
    with laptop.announced(stack(os.getpid())):
        assert laptop.running() == stack(os.getpid())
    with pytest.raises(NotRunning, match="make run"):
        laptop.running()


def test_a_killed_stack_is_not_taken_for_a_running_one() -> None:
    with laptop.announced(stack(2**22 + 1)), pytest.raises(NotRunning, match="is gone"):
        laptop.running()


def test_a_broken_note_is_no_running_stack(folder: Path) -> None:
    laptop.state()
    (folder / "run.json").write_text("{")
    with pytest.raises(NotRunning):
        laptop.running()


def test_the_secret_is_made_once_and_readable_by_its_owner_only(folder: Path) -> None:
    secret = laptop.checkout_secret()
    assert len(secret) >= 32
    assert laptop.checkout_secret() == secret
    assert (folder / "secret").stat().st_mode & 0o077 == 0


def test_free_ports_differ_and_are_free() -> None:
    ports = laptop.free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        with socket.socket() as probe:
            probe.bind((laptop.LOOPBACK, port))
