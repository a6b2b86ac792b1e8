"""Runs a command, passes TERM and INT on to it, and reports what it left running.

As a child subreaper (Linux) it inherits every orphan below it, so none can hide. Its own output is
the command's; its last line is `left: [...]`, and its exit status the command's.
usage: reaper.py COMMAND …
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def children() -> list[tuple[int, str]]:
    """Living children of this process: number and command line."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                command = (folder / "cmdline").read_text().replace("\0", " ").strip()
                found.append((int(folder.name), command))
    return found


def main(command: list[str]) -> int:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    process = subprocess.Popen(command)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: process.send_signal(number))
    status = process.wait()
    # A process that was told to end may need a moment to be gone; the emulator saves its state first.
    deadline = time.monotonic() + 15
    while children() and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.02)
    left = children()
    for pid, _ in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    sys.stdout.write(f"left: {[line for _, line in left]}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
