"""Runs one command for `workbench.children`, and ends it when its parent is gone.

usage: guardian.py PIPE GRACE COMMAND …

PIPE is a descriptor whose other end only the parent holds. The kernel closes that end when the parent
ends, even by SIGKILL, so end of file means that the parent is gone; this needs no signal and works on
every POSIX system. The command then gets TERM and, after GRACE seconds, KILL, and so do its
descendants. On Linux this process also adopts orphans, so that none escapes.

Standard library only: it starts before every child and must start fast. It has one thread, because
the kernel's death signal follows the parent's *thread* and would misfire with several.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from typing import NoReturn

_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_RESET = (*_PASSED_ON, signal.SIGCHLD, signal.SIGPIPE)
_LEFTOVERS_SECONDS = 2.0
"""How long descendants that outlive the command have between TERM and KILL."""


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None).prctl(option, value)


class _Guard:
    """The command's process, and what the guardian still waits for."""

    def __init__(self, line: int, grace: float, command: list[str]) -> None:
        self._line, self._grace = line, grace
        self._status: int | None = None
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._child = _started(command)
        for name in _PASSED_ON:
            signal.signal(name, self._pass_on)

    def watch(self) -> int:
        """The command's wait status, once it and all below it have ended."""
        orphaned = False
        until: float | None = None
        while True:
            self._reap()
            if self._status is not None:
                self._sweep()
                return self._status
            if until is not None and time.monotonic() >= until:
                self._kill(self._child, signal.SIGKILL)
            lines = [self._woken] if orphaned else [self._woken, self._line]
            ready, _, _ = select.select(lines, [], [], None if until is None else 0.1)
            if self._woken in ready:
                os.read(self._woken, 4096)
            # Nothing is ever written to it: readable means that the other end is closed.
            if not orphaned and self._line in ready:
                orphaned, until = True, time.monotonic() + self._grace
                self._kill(self._child, signal.SIGTERM)

    def _pass_on(self, number: int, _frame: object) -> None:
        if self._status is None:
            self._kill(self._child, number)

    def _reap(self) -> bool:
        """Collect ended children. Returns whether any child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if not pid:
                return True
            if pid == self._child:
                self._status = status

    def _sweep(self) -> None:
        """End the processes that the command left behind: TERM first, then KILL."""
        until = time.monotonic() + _LEFTOVERS_SECONDS
        asked: set[int] = set()
        while self._reap():
            late = time.monotonic() >= until
            for pid in _children():
                if late or pid not in asked:
                    self._kill(pid, signal.SIGKILL if late else signal.SIGTERM)
                    asked.add(pid)
            time.sleep(0.01)

    @staticmethod
    def _kill(pid: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _started(command: list[str]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        _become(command, parent)
    # Keep none of the command's pipes open: its readers must see end of file when the command ends.
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.close(nothing)
    return pid


def _become(command: list[str], parent: int) -> NoReturn:
    """In the new process: become the command. On Linux it dies with the guardian."""
    try:
        signal.set_wakeup_fd(-1)
        for name in _RESET:
            signal.signal(name, signal.SIG_DFL)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            os.execvp(command[0], command)  # noqa: S606 - the command that the project's own code names
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def _children() -> list[int]:
    """Process ids of our children; on Linux that includes adopted orphans."""
    from pathlib import Path  # noqa: PLC0415 - half of the start-up time, and few commands need it

    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(stat.parent.name))
    return found


def main(line: int, grace: float, command: list[str]) -> NoReturn:
    """Run the command, then end as it did: with the same exit status or by the same signal."""
    os.set_inheritable(line, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    status = _Guard(line, grace, command).watch()
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
