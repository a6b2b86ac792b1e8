"""A stack that "runs" here: its stores in the emulator, no functions, found by every command."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hemline.adapters.aws_http import drop_connections
from tests.support.clouds import REGION, Cloud
from tests.support.editions import KEYS
from workbench import laptop
from workbench.laptop import Running


@pytest.fixture
def stack(
    request: pytest.FixtureRequest,
    emulator: Cloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Running]:
    """Empty stores of the site that the test's module calls `SITE`, or of the demo."""
    monkeypatch.setenv("HEMLINE_STATE", str(tmp_path / "state"))
    running = Running(
        pid=os.getpid(),
        gateway="http://127.0.0.1:1",
        cloud=emulator.endpoint,
        region=REGION,
        site=getattr(request.module, "SITE", "demo"),
        table=emulator.make_table(),
        stream="",
        bucket=emulator.make_bucket(),
        keys=KEYS[0].decode(),
    )
    with laptop.announced(running):
        yield running
    drop_connections()
