"""The one place that starts processes: every child ends when we end, however that is.

`start` for subprocess.Popen, `run` for subprocess.run, `spawn` for asyncio; a test holds all other
code to them. Between us and the command stands `workbench/guardian.py`, which sees us end by a pipe
that closes. The process that is returned is the guardian: signals pass through it, and its exit
status is the command's. Knows nothing of what is started.
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
"""Seconds between asking an orphaned command to end and killing it."""

_GUARDIAN = str(Path(__file__).with_name("guardian.py"))
_POLL = 0.25

Word = str | os.PathLike[str]
Process = subprocess.Popen[Any]
Done = subprocess.CompletedProcess[Any]


class Options(TypedDict, total=False):
    """What subprocess takes by these names."""

    cwd: Word | None
    env: Mapping[str, str] | None
    stdin: int | IO[Any] | None
    stdout: int | IO[Any] | None
    stderr: int | IO[Any] | None
    text: bool
    limit: int
    """Of `spawn` alone."""


class _Line:
    """Our end of a guardian's pipe; closed when nobody holds the process any more, or when we end."""

    def __init__(self) -> None:
        self.theirs, self._ours = os.pipe()

    def started(self) -> None:
        """The guardian has its end."""
        os.close(self.theirs)

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._ours)


_lines: "weakref.WeakKeyDictionary[object, _Line]" = weakref.WeakKeyDictionary()


class _Child(subprocess.Popen[Any]):
    def send_signal(self, sig: int) -> None:
        """Nobody can pass a SIGKILL on: it goes to the guardian's whole group."""
        if sig == signal.SIGKILL and self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        else:
            super().send_signal(sig)


def start(command: Sequence[Word], *, grace: float = GRACE, **options: Unpack[Options]) -> Process:
    """As subprocess.Popen, in a session of its own. Raises OSError when there is no such program."""
    make: Callable[..., Process] = _Child
    line = _Line()
    try:
        process = make(
            _guarded(command, line, grace, options.get("env")),
            pass_fds=(line.theirs,),
            # Ctrl-C in a terminal goes to a whole group; we end children ourselves, in our order.
            start_new_session=True,
            **options,
        )
    finally:
        line.started()
    _lines[process] = line
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
    """As subprocess.run; `given` is its `input`, `capture` its `capture_output`."""
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
    """As asyncio.create_subprocess_exec, in a session of its own. Raises OSError as `start` does."""
    make: Callable[..., Any] = asyncio.create_subprocess_exec
    line = _Line()
    try:
        process: asyncio.subprocess.Process = await make(
            *_guarded(command, line, grace, options.get("env")),
            pass_fds=(line.theirs,),
            start_new_session=True,
            **options,
        )
    finally:
        line.started()
    _lines[process] = line
    return process


def end_with_parent() -> None:
    """This process, which somebody else started, is killed when its parent is gone.

    By a thread that looks: a death signal of the kernel would come when the parent's *thread* ends.
    """
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=look, name="end-with-parent", daemon=True).start()


def _guarded(
    command: Sequence[Word], line: _Line, grace: float, env: Mapping[str, str] | None
) -> list[str]:
    words = [os.fspath(word) for word in command]
    path = (os.environ if env is None else env).get("PATH") or os.defpath
    # Else it would be the guardian that starts well, and ends at once.
    if shutil.which(words[0], path=path) is None:
        raise FileNotFoundError(f"there is no program {words[0]!r}")
    python = getattr(sys, "_base_executable", sys.executable)
    return [python, "-S", "-E", _GUARDIAN, str(line.theirs), str(grace), *words]
