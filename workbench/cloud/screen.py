"""What `hemline run` shows: one line at a time, each with the name of who said it."""

import os
import sys
from typing import TextIO

_COLOURS = ("36", "33", "35", "32", "34", "96", "95")
_WIDTH = 9


class Screen:
    """Prints lines. In colour on a terminal, unless NO_COLOR asks otherwise."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._colour = out.isatty() and "NO_COLOR" not in os.environ
        self._seen: dict[str, str] = {}

    def say(self, label: str, text: str) -> None:
        """One line, or several, from `label`."""
        colour = self._seen.setdefault(label, _COLOURS[len(self._seen) % len(_COLOURS)])
        name = f"{label:>{_WIDTH}}"
        if self._colour:
            name = f"\x1b[{colour}m{name}\x1b[0m"
        for line in text.splitlines():
            print(f"{name} │ {line}", file=self._out, flush=True)

    def step(self, text: str) -> None:
        """What start-up is doing now."""
        self.say("hemline", text)
