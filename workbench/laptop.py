"""Where things lie on a laptop: the checkout, its state folder, the addresses of what runs now.

Knows no AWS and starts nothing. `HEMLINE_STATE` names another state folder, so that tests and a
second stack keep theirs apart; environments and built layers are shared by all of them.
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
"""Tools that pin what we pin otherwise (the emulator, SAM), each in an environment of its own."""
BUILD = HOME / "build"
"""Layers and functions as a Lambda would find them, built for this machine."""

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8080


class NotRunning(Exception):  # noqa: N818 - named for what the user reads
    """No stack runs from this state folder; the message says how to start one."""


class Running(msgspec.Struct, frozen=True):
    """Addresses and names of a running stack, as `run.json` keeps them."""

    pid: int
    """The process of `hemline run`."""
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
    """Whether this stack remembers visitors who were not asked."""
    consent_exceptions: tuple[str, ...] = ()
    honour_dnt: bool = False
    user_keys: str = ""
    """HEMLINE_USER_KEYS: what user tokens are signed with here."""
    failed: str = ""
    """The bucket of batches that used up their retries."""

    @property
    def policy(self) -> Policy:
        """What holds here for visitors who said nothing."""
        rules = ConsentRules(self.consent_exceptions, self.honour_dnt)
        return rules.policy(default=self.consent_default)


def state() -> Path:
    """The state folder of this process; made when it is not there, readable by its owner only."""
    folder = Path(os.environ.get("HEMLINE_STATE") or HOME)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def running() -> Running:
    """What runs now. Raises NotRunning, also when a killed stack left its `run.json` behind."""
    try:
        found = msgspec.json.decode((state() / "run.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        raise NotRunning("no stack is running here; start one with `make run`") from None
    if not alive(found.pid):
        raise NotRunning("the stack that ran here is gone; start it again with `make run`")
    return found


@contextlib.contextmanager
def announced(stack: Running) -> Iterator[None]:
    """Others find `stack` through `running()` for as long as the block lasts."""
    path = state() / "run.json"
    write_private(path, msgspec.json.format(msgspec.json.encode(stack)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def checkout_secret(name: str = "secret") -> str:
    """A random secret of this state folder, in a file of its own: made once, then kept."""
    path = state() / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    return path.read_text().strip()


def write_private(path: Path, data: bytes) -> None:
    """Whole or not at all, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(name).replace(path)
    except BaseException:
        # On a full disk each try would leave one more file.
        Path(name).unlink(missing_ok=True)
        raise


def alive(pid: int) -> bool:
    """Whether a process of that number exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nobody listens on now."""
    with contextlib.ExitStack() as held:
        found = []
        for _ in range(count):
            probe = held.enter_context(socket.socket())
            probe.bind((LOOPBACK, 0))
            found.append(int(probe.getsockname()[1]))
        return found
