"""Varnish and nginx of this machine, each with the project's own configuration, on loopback and alone.

Each has a folder of its own, and ends with the block; the machine's own services are not touched.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.functions import ROOT
from workbench import children
from workbench.laptop import free_ports

VCL, NGINX = ROOT / "edge/varnish.vcl", ROOT / "edge/nginx.conf"
_SBIN = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_PATIENCE = 60.0


def program(name: str) -> str:
    """Where it is; skips the test on a machine without it."""
    found = shutil.which(name, path=_SBIN)
    if found is None:
        pytest.skip(f"no {name} on this machine: apt-get install varnish nginx")
    return found


def vcl(origin: int, text: str = "") -> str:
    """The project's VCL, or `text`, with both backends on this port. Fails when it names others."""
    text = text or VCL.read_text()
    found, count = re.subn(r'\.port = "808[12]"', f'.port = "{origin}"', text)
    assert count == 2
    return found


@contextlib.contextmanager
def varnish(origin: int, folder: Path, text: str = "") -> Iterator[int]:
    """The port of a Varnish before `origin`."""
    file, (port,) = folder / "test.vcl", free_ports(1)
    file.write_text(vcl(origin, text))
    command = [program("varnishd"), "-F", "-n", str(folder / "varnish"), "-f", str(file)]
    # Started by root it would read the file as a user that may not enter this folder.
    command += ["-j", "none", "-a", f"127.0.0.1:{port}", "-s", "malloc,64m", "-p", "thread_pools=1"]
    with _running(command, port, folder / "varnish.log"):
        yield port


@contextlib.contextmanager
def nginx(origin: int, folder: Path, text: str = "") -> Iterator[int]:
    """The port of an nginx before `origin`."""
    (port,) = free_ports(1)
    text = text or NGINX.read_text()
    for old, new, times in (
        ("127.0.0.1:8081", f"127.0.0.1:{origin}", 1),
        ("127.0.0.1:8082", f"127.0.0.1:{origin}", 1),
        ("listen 8080;", f"listen 127.0.0.1:{port};", 1),
        ("/var/cache/nginx/hemline", f"{folder}/cache", 1),
    ):
        assert text.count(old) == times, old
        text = text.replace(old, new)
    (folder / "site.conf").write_text(text)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;"
        f"events {{ }} http {{ access_log off; {temporary} include {folder}/site.conf; }}"
    )
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    command += ["-e", str(folder / "nginx.log")]
    with _running(command, port, folder / "start.log"):
        yield port


@contextlib.contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """The process, from when its port answers to when it has ended."""
    with log.open("wb") as out:
        process = children.start(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            _wait(process, port, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


def _wait(process: children.Process, port: int, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    pytest.fail(f"it never listened: {log.read_text()}")
