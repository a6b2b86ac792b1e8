"""Functions and commands on stores of the emulator: what each test here begins with, empty."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.canaries import USER_SECRET, Output, Recorder
from tests.harness.account_harness import KEY, Desk
from tests.harness.clouds import Cloud
from tests.harness.commands import standing
from tests.harness.functions import environment, load
from workbench.laptop import Running


@pytest.fixture
def stack(
    request: pytest.FixtureRequest,
    emulator: Cloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Running]:
    """A stack that "runs" here, found by every command; no functions, and empty stores.

    Of the site that the test's module calls `SITE`, or of the demo.
    """
    site = getattr(request.module, "SITE", "demo")
    with standing(emulator, tmp_path / "state", monkeypatch, site=site) as running:
        yield running


@pytest.fixture
def desk(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The account function with empty stores of its own."""
    stream, table, bucket = emulator.make_stream(1), emulator.make_table(), emulator.make_bucket()
    names = environment(emulator, stream=stream, table=table, bucket=bucket)
    names |= {
        "HEMLINE_USER_KEYS": f"1:{KEY.secret.decode()}",
        "HEMLINE_ORIGINS": "https://www.example",
    }
    return Desk(emulator, load("account", names, monkeypatch), stream, table)


@pytest.fixture(params=["DEBUG", "INFO", "ERROR"])
def output(
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Output]:
    """All that a function writes, once at each log level."""
    monkeypatch.setenv("HEMLINE_USER_KEYS", f"k1:{USER_SECRET}")
    for name in ("POWERTOOLS_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"):
        monkeypatch.setenv(name, request.param)
    found, root = Output(capfd), logging.getLogger()
    recorder, before = Recorder(found), root.level
    root.addHandler(recorder)
    root.setLevel(request.param)
    yield found
    root.removeHandler(recorder)
    root.setLevel(before)
