"""The command line in this process, and the stores of a stack that it finds as one that runs."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from hemline.adapters.aws.connections import drop_connections
from tests.builders.editions import KEYS
from tests.harness.clouds import REGION, Cloud
from workbench import cli, laptop
from workbench.laptop import Running

SITE_FILE = "title: Shop\ncurrency: EUR\nconsent_default: true\nslots:\n  - {name: row, limit: 3}\n"
"""The smallest site file that a publish takes."""


def hemline(*arguments: str | Path) -> Result:
    """What a command says, on a wide screen; what it raises but for its exit is raised here too."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(cli.build(), [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@contextmanager
def standing(
    cloud: Cloud, state: Path, monkeypatch: pytest.MonkeyPatch, **changes: str
) -> Iterator[Running]:
    """Empty stores of `cloud`, announced as a running stack is; it has no functions."""
    monkeypatch.setenv("HEMLINE_STATE", str(state))
    running = Running(
        pid=os.getpid(),
        gateway="http://127.0.0.1:1",
        cloud=cloud.endpoint,
        region=REGION,
        site="demo",
        table=cloud.make_table(),
        stream="",
        bucket=cloud.make_bucket(),
        keys=KEYS[0].decode(),
    )
    running = msgspec.structs.replace(running, **changes)
    with laptop.announced(running):
        yield running
    drop_connections()


def figures(*arguments: str | Path) -> dict[str, Any]:
    """What a command prints with `--json`."""
    result = hemline(*arguments, "--json")
    found: dict[str, Any] = json.loads(result.stdout)
    return found
