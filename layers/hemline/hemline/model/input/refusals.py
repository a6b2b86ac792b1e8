"""Turns msgspec's validation errors into BadInput: the field at fault, the reason, the way out.

Knows the wording of msgspec, and no schema: each endpoint has its own table.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from hemline.model.errors import BadInput
from hemline.model.events.properties import plain

_MOST_NAME = 64


class Refusals(NamedTuple):
    """The error texts of one endpoint."""

    whole: str
    """Name of the field when the whole input is at fault."""
    ways_out: Mapping[str, str]
    """Field without list indices (`lines.item`; empty for the whole input) → what to do."""
    members: Mapping[str, str]
    """Object, named in the same way → the members that it may have."""

    def of(self, error: msgspec.ValidationError, under: str = "") -> BadInput:
        """The BadInput of an error. `under`: path of the decoded object when it is not the whole input."""
        message, _, place = str(error).partition(" - at `")
        path = place.rstrip("`").removeprefix("$").lstrip(".")
        if message.startswith("Object contains unknown field "):
            name = message.removeprefix("Object contains unknown field ").strip("`")[:_MOST_NAME]
            above = _joined(under, path)
            known = self.members.get(bare(above), self.way_out(above))
            return BadInput(plain(_joined(above, name)), "is not a known field.", known)
        if message.startswith("Object missing required field "):
            path, message = _joined(path, message.split("`")[1]), "is missing"
        # Below `properties` msgspec writes [...] in place of names: the path ends before that.
        field = _joined(under, path.partition("[...]")[0])
        reason = f"{_reason(message)}."
        return BadInput(plain(field) or self.whole, reason, self.way_out(field))

    def way_out(self, field: str) -> str:
        """The way out of the field, else of the object around it, else of the whole."""
        known = bare(field)
        while known not in self.ways_out:
            known = known.rpartition(".")[0]
        return self.ways_out[known]


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _reason(message: str) -> str:
    # Most readers cannot read a pattern; the way out says the same in words.
    message = "has another form" if "matching regex" in message else message.replace("`", "")
    return message[0].lower() + message[1:]


def bare(field: str) -> str:
    """`lines[0].item` → `lines.item`."""
    return re.sub(r"\[[0-9]*\]", "", field)
