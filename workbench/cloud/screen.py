"""What `hemline run` shows: one line at a time, each with the name of who said it.

A function logs JSON for CloudWatch; a person at a terminal reads `decided ms=1.1 rungs=segment`.
"""

import json
import os
import sys
from typing import TextIO

_COLOURS = ("36", "33", "35", "32", "34", "96", "95")
_WIDTH = 9
# Said on every line, and known already.
_KNOWN = frozenset({"level", "message", "timestamp", "location", "service"})


class Screen:
    """Prints lines. In colour on a terminal, unless NO_COLOR asks otherwise."""

    def __init__(self, out: TextIO = sys.stdout, *, raw: bool = False) -> None:
        self._out, self._raw = out, raw
        self._colour = out.isatty() and "NO_COLOR" not in os.environ
        self._lost = 0
        self._seen: dict[str, str] = {}

    def say(self, label: str, text: str) -> None:
        """One line, or several, from `label`."""
        shown = text if self._raw else readable(text)
        for line in shown.splitlines():
            self._print(f"{self._name(label)} │ {line}")

    def _print(self, line: str) -> None:
        """A disk that is full or a pipe that is closed costs lines, which is said, and no more."""
        try:
            if self._lost:
                print(f"({self._lost} lines could not be shown)", file=self._out, flush=True)
                self._lost = 0
            print(line, file=self._out, flush=True)
        except OSError:
            self._lost += 1

    def step(self, text: str) -> None:
        """What start-up is doing now."""
        self.say("hemline", text)

    def _name(self, label: str) -> str:
        name = f"{label:>{_WIDTH}}"
        if not self._colour:
            return name
        colour = self._seen.setdefault(label, _COLOURS[len(self._seen) % len(_COLOURS)])
        return f"\x1b[{colour}m{name}\x1b[0m"


def readable(line: str) -> str:
    """A structured log line in few words; empty for metrics, which are figures for CloudWatch."""
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
    fields = [f"{key}={_short(value)}" for key, value in said.items() if key not in _KNOWN]
    return " ".join([*words, str(said["message"]), *fields])


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{k}:{_short(v)}" for k, v in value.items() if v) or "{}"
    if isinstance(value, list):
        return ",".join(map(_short, value)) or "[]"
    return str(value)
