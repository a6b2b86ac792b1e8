"""The emulator as `hemline run` uses it: it keeps its state, and says what is in its way."""

import socket
from pathlib import Path

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.connections import drop_connections
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.usecases.ports import Stored
from tests.conftest import EMULATOR
from tests.harness.clouds import REGION, Cloud
from workbench.cloud import emulator as ministack

pytestmark = pytest.mark.cloud


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    with ministack.running(EMULATOR, tmp_path, keep=True) as first:
        cloud = Cloud("ministack", first.endpoint)
        table, bucket = cloud.make_table(), cloud.make_bucket()
        DynamoTable(
            connect("dynamodb", region=REGION, endpoint=first.endpoint), table
        ).write_profile("demo", "v:a", b"kept", expected=0)
        S3Objects(connect("s3", region=REGION, endpoint=first.endpoint), bucket).put("a/b", b"kept")
        cloud.close()
    with ministack.running(EMULATOR, tmp_path, keep=True) as second:
        again = DynamoTable(connect("dynamodb", region=REGION, endpoint=second.endpoint), table)
        objects = S3Objects(connect("s3", region=REGION, endpoint=second.endpoint), bucket)
        assert again.read_profiles("demo", ["v:a"]) == {"v:a": Stored(b"kept", 1)}
        assert objects.get("a/b") == b"kept"
    drop_connections()


def test_a_port_that_is_taken_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server((ministack.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ministack.EmulatorError, match=rf"port {port} .* is taken"):
            ministack.start(EMULATOR, tmp_path, port=port)


def test_an_emulator_that_does_not_start_says_what_it_said(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such module\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(ministack.EmulatorError, match=r"status 3 .*no such module"):
        ministack.start(broken, tmp_path / "state")


def test_stopping_twice_is_fine(tmp_path: Path) -> None:
    running = ministack.start(EMULATOR, tmp_path, keep=False)
    assert ministack.stop(running)
    assert ministack.stop(running)
    assert running.process.returncode is not None
