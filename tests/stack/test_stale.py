"""A stack that was killed outright leaves its emulator; the next start ends it, and only it."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench import children
from workbench.cloud import emulator as emulation
from workbench.cloud.parts import end_stale
from workbench.laptop import ENVIRONMENTS

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


def test_the_emulator_of_a_killed_stack_is_ended(tmp_path: Path) -> None:
    left = emulation.start(ENVIRONMENTS / "cloud/bin/python", tmp_path)
    try:
        (tmp_path / "emulator.pid").write_text(str(left.process.pid))
        # Its parent here is this test, so it stays a zombie until it is waited for.
        assert end_stale(tmp_path, seconds=3)
        assert left.process.wait(5) is not None
    finally:
        emulation.stop(left)


def test_a_process_that_only_has_its_number_is_left_alone(tmp_path: Path) -> None:
    other = children.start([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        (tmp_path / "emulator.pid").write_text(str(other.pid))
        assert not end_stale(tmp_path)
        assert other.poll() is None
    finally:
        other.kill()
        other.communicate()


@pytest.mark.parametrize("text", ["", "nonsense", "999999999"])
def test_a_file_that_names_nothing_of_ours_is_no_matter(tmp_path: Path, text: str) -> None:
    (tmp_path / "emulator.pid").write_text(text)
    assert not end_stale(tmp_path)
