"""Paths on a laptop (the checkout, its state folder) and the addresses of the running stack.

Knows no AWS and starts nothing. `HEMLINE_STATE` names another state folder, so that tests and a
second stack stay separate; environments and built layers are shared.
"""

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hemline.model.consent import ConsentRules, Policy

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

HOME = ROOT / ".hemline"
ENVIRONMENTS = HOME / "env"
"""Tools whose dependencies conflict with ours (the emulator, SAM), each in its own environment."""
BUILD = HOME / "build"
"""Layers and functions as a Lambda would see them, built for this machine."""

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8080


class NotRunning(Exception):  # noqa: N818 - a state of the machine, reported to the user
    """No stack runs from this state folder; the message says how to start one."""


class Running(msgspec.Struct, frozen=True):
    """Addresses and names of a running stack, as stored in `run.json`."""

    pid: int
    """Process id of `hemline run`."""
    gateway: str
    """`http://127.0.0.1:8080`: the one origin of the shop and of `/v1/*`."""
    cloud: str
    """Endpoint of the embedded AWS emulator."""
    region: str
    site: str
    table: str
    stream: str
    bucket: str
    keys: str
    """HEMLINE_KEYS: comma-separated secrets, the first one signs."""
    consent_default: bool = True
    """Whether this stack remembers visitors who have not been asked for consent."""
    consent_exceptions: tuple[str, ...] = ()
    honour_dnt: bool = False
    user_keys: str = ""
    """HEMLINE_USER_KEYS: the secrets that sign user tokens."""
    failed: str = ""
    """Bucket of batches that used up their retries."""

    @property
    def policy(self) -> Policy:
        """The consent policy for visitors who have made no choice."""
        rules = ConsentRules(self.consent_exceptions, self.honour_dnt)
        return rules.policy(default=self.consent_default)


def state() -> Path:
    """The state folder of this process, created when missing and readable by its owner only."""
    folder = Path(os.environ.get("HEMLINE_STATE") or HOME)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def running() -> Running:
    """The running stack. Raises NotRunning, also when a killed stack left its `run.json` behind."""
    try:
        stack = msgspec.json.decode((state() / "run.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        raise NotRunning("no stack is running here; start one with `make run`") from None
    if not alive(stack.pid):
        raise NotRunning("the stack that ran here is gone; start it again with `make run`")
    return stack


@contextlib.contextmanager
def announced(stack: Running) -> Iterator[None]:
    """Publish `stack` in `run.json` for the length of the block, so that `running()` finds it."""
    path = state() / "run.json"
    write_private(path, msgspec.json.format(msgspec.json.encode(stack)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def checkout_secret(name: str = "secret") -> str:
    """The random secret `name` of this state folder, created on first use and stored in a file."""
    path = state() / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    return path.read_text().strip()


def write_private(path: Path, data: bytes) -> None:
    """Write a file atomically, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(name).replace(path)
    except BaseException:
        # On a full disk each attempt would leave one more temporary file.
        Path(name).unlink(missing_ok=True)
        raise


def alive(pid: int) -> bool:
    """Whether a process with that id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def free_ports(count: int) -> list[int]:
    """`count` distinct loopback ports that are free now; another process may still take one."""
    with contextlib.ExitStack() as held:
        ports = []
        # All are held until the last is found, or the system could give the same one twice.
        for _ in range(count):
            probe = held.enter_context(socket.socket())
            probe.bind((LOOPBACK, 0))
            ports.append(int(probe.getsockname()[1]))
        return ports
