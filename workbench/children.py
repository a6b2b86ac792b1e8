"""The one place that starts processes: every child ends when this process ends, even by SIGKILL.

`start` stands for subprocess.Popen, `run` for subprocess.run, `spawn` for asyncio; a test checks that no
other code starts a process. Between us and the command runs `workbench/guardian.py`, which notices our
end by a pipe that closes. The returned process is the guardian: it passes signals on, and its exit
status is the command's. Knows nothing of the commands.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypedDict, Unpack

GRACE = 10.0
"""Seconds between TERM and KILL for a command whose parent is gone."""

_GUARDIAN = str(Path(__file__).with_name("guardian.py"))
_POLL = 0.25

Word = str | os.PathLike[str]
Process = subprocess.Popen[Any]
Done = subprocess.CompletedProcess[Any]


class Options(TypedDict, total=False):
    """The options of subprocess that may be passed on, under the same names."""

    cwd: Word | None
    env: Mapping[str, str] | None
    stdin: int | IO[Any] | None
    stdout: int | IO[Any] | None
    stderr: int | IO[Any] | None
    text: bool
    limit: int
    """Bytes of the longest line that can be read; `spawn` only."""


class _Lifeline:
    """Our end of a guardian's pipe. Closes when the process object is collected, or when we end."""

    def __init__(self) -> None:
        self.theirs, self._ours = os.pipe()

    def started(self) -> None:
        """Close our copy of the guardian's end: the guardian has inherited its own."""
        os.close(self.theirs)

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._ours)


# Weak, so that a process object that nobody holds any more takes its command with it.
_lifelines: "weakref.WeakKeyDictionary[object, _Lifeline]" = weakref.WeakKeyDictionary()


class _Child(subprocess.Popen[Any]):
    def send_signal(self, sig: int) -> None:
        """Send a signal; SIGKILL goes to the whole process group, as a guardian cannot pass it on."""
        if sig == signal.SIGKILL and self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        else:
            super().send_signal(sig)


def start(command: Sequence[Word], *, grace: float = GRACE, **options: Unpack[Options]) -> Process:
    """Like subprocess.Popen, in a session of its own. Raises OSError when there is no such program."""
    make: Callable[..., Process] = _Child
    line = _Lifeline()
    try:
        process = make(
            _guarded(command, line, grace, options.get("env")),
            pass_fds=(line.theirs,),
            # A terminal sends Ctrl-C to the whole group; we want to end children in our own order.
            start_new_session=True,
            **options,
        )
    finally:
        line.started()
    _lifelines[process] = line
    return process


def run(
    command: Sequence[Word],
    *,
    given: str | bytes | None = None,
    capture: bool = False,
    timeout: float | None = None,
    check: bool,
    **options: Unpack[Options],
) -> Done:
    """Like subprocess.run; `given` is its `input`, `capture` its `capture_output`."""
    if capture:
        options["stdout"] = options["stderr"] = subprocess.PIPE
    if given is not None:
        options["stdin"] = subprocess.PIPE
    with start(command, **options) as process:
        try:
            out, err = process.communicate(given, timeout)
        except BaseException:
            process.kill()
            raise
    done: Done = subprocess.CompletedProcess(command, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


async def spawn(
    command: Sequence[Word], *, grace: float = GRACE, **options: Unpack[Options]
) -> asyncio.subprocess.Process:
    """Like asyncio.create_subprocess_exec, in a session of its own. Raises OSError as `start` does."""
    make: Callable[..., Any] = asyncio.create_subprocess_exec
    line = _Lifeline()
    try:
        process: asyncio.subprocess.Process = await make(
            *_guarded(command, line, grace, options.get("env")),
            pass_fds=(line.theirs,),
            start_new_session=True,
            **options,
        )
    finally:
        line.started()
    _lifelines[process] = line
    return process


def end_with_parent() -> None:
    """Kill this process when its parent, which did not use `start`, is gone.

    A thread polls for it: the kernel's death signal would come when the parent's *thread* ends.
    """
    parent = os.getppid()

    def watch_parent() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch_parent, name="end-with-parent", daemon=True).start()


def _guarded(
    command: Sequence[Word], line: _Lifeline, grace: float, env: Mapping[str, str] | None
) -> list[str]:
    words = [os.fspath(word) for word in command]
    path = (os.environ if env is None else env).get("PATH") or os.defpath
    # Checked here, since the guardian itself would start well and the error would come too late.
    if shutil.which(words[0], path=path) is None:
        raise FileNotFoundError(f"there is no program {words[0]!r}")
    python = getattr(sys, "_base_executable", sys.executable)
    return [python, "-S", "-E", _GUARDIAN, str(line.theirs), str(grace), *words]
