"""Whether processes are gone, with a bounded wait; a zombie that its parent has not read is gone too."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from workbench.laptop import alive


def wait_for(found: Callable[[], bool], *, seconds: float = 30.0) -> bool:
    """Whether `found` became true in time."""
    until = time.monotonic() + seconds
    while not found():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def gone(pids: Iterable[int], *, seconds: float = 30.0) -> bool:
    """Whether none of these processes lives any more, once they had time to end."""
    numbers = list(pids)
    return wait_for(lambda: not any(_lives(pid) for pid in numbers), seconds=seconds)


def below(root: int) -> dict[int, str]:
    """Living processes below `root` → their command lines (Linux)."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    found, layer = set[int](), {root}
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer} - found
        found |= layer
    return {pid: _command(pid) for pid in found if _lives(pid)}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    if not alive(pid):
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return alive(pid)
