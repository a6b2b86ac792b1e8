"""The terminal output of `hemline run`: one line at a time, each labelled with its source.

Functions log JSON for CloudWatch; a person at the terminal reads `decided ms=1.1 rungs=segment`.
"""

import json
import os
import sys
from typing import TextIO

_COLOURS = ("36", "33", "35", "32", "34", "96", "95")
_WIDTH = 9
# Fields that every log line has and nobody needs to read again.
_HIDDEN_FIELDS = frozenset({"level", "message", "timestamp", "location", "service"})


class Screen:
    """Prints lines; in colour on a terminal, unless NO_COLOR is set."""

    def __init__(self, out: TextIO = sys.stdout, *, raw: bool = False) -> None:
        self._out, self._raw = out, raw
        self._colour = out.isatty() and "NO_COLOR" not in os.environ
        self._lost = 0
        self._seen: dict[str, str] = {}

    def say(self, label: str, text: str) -> None:
        """Print `text`, one line or several, labelled with `label`."""
        shown = text if self._raw else readable(text)
        for line in shown.splitlines():
            self._print(f"{self._name(label)} │ {line}")

    def _print(self, line: str) -> None:
        """Print a line. On a full disk or a closed pipe lines are lost; the next print says how many."""
        try:
            if self._lost:
                print(f"({self._lost} lines could not be shown)", file=self._out, flush=True)
                self._lost = 0
            print(line, file=self._out, flush=True)
        except OSError:
            self._lost += 1

    def step(self, text: str) -> None:
        """Print a step of start-up or shutdown."""
        self.say("hemline", text)

    def _name(self, label: str) -> str:
        name = f"{label:>{_WIDTH}}"
        if not self._colour:
            return name
        colour = self._seen.setdefault(label, _COLOURS[len(self._seen) % len(_COLOURS)])
        return f"\x1b[{colour}m{name}\x1b[0m"


def readable(line: str) -> str:
    """A structured log line as short text; empty for metrics, which only CloudWatch needs."""
    if not line.startswith("{"):
        return line
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if "_aws" in said:
        return ""
    if "message" not in said:
        return line
    level = str(said.get("level", "INFO"))
    words = [] if level == "INFO" else [level]
    fields = [f"{key}={_short(value)}" for key, value in said.items() if key not in _HIDDEN_FIELDS]
    return " ".join([*words, str(said["message"]), *fields])


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{k}:{_short(v)}" for k, v in value.items() if v) or "{}"
    if isinstance(value, list):
        return ",".join(map(_short, value)) or "[]"
    return str(value)
