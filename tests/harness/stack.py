"""A whole stack of `hemline run` for a test: its own state folder, its own port, bounded waits."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, Queue

from workbench import children
from workbench.laptop import ROOT, free_ports

READY = "ready in"
_PATIENCE = 120.0


class Stack:
    """A started `hemline run`; `stop` it in a finally."""

    def __init__(self, state: Path, *options: str, port: int | None = None) -> None:
        self.port = port or free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._queue: Queue[str | None] = Queue()
        command = [sys.executable, "-m", "workbench.cli", "run", "--port", str(self.port), *options]
        self._process = children.start(
            [sys.executable, str(ROOT / "tests/faults/reaper.py"), *command],
            cwd=ROOT,
            env={**os.environ, "HEMLINE_STATE": str(state), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as out:
            for line in out:
                self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def wait_for(self, text: str) -> str:
        """The first new line that holds `text`. Fails when the stack ends or takes too long."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            line = self._next(deadline)
            assert line is not None, "\n".join([f"{text!r} never came:", *self.lines])
            if text in line:
                return line

    def _next(self, deadline: float) -> str | None:
        try:
            line = self._queue.get(timeout=max(0.01, deadline - time.monotonic()))
        except Empty:
            return None
        if line is not None:
            self.lines.append(line)
        return line

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit status. Kills what does not end in time."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Its exit status, once it has ended and all it printed is in `lines`."""
        try:
            status = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._reader.join(_PATIENCE)
        while not self._queue.empty():
            self._next(time.monotonic())
        return status

    @property
    def left(self) -> str:
        """What it left running, as the reaper reports it: `left: []` when nothing."""
        return next((line for line in reversed(self.lines) if line.startswith("left:")), "")
