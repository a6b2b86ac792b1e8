"""What msgspec finds wrong, as ours: the field at fault, why, and the way out of that very field.

Knows how msgspec words things, and no schema: each door has a table of its own.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from hemline.model.errors import BadInput
from hemline.model.events.properties import plain

_MOST_NAME = 64


class Refusals(NamedTuple):
    """What one door says."""

    whole: str
    """What the field is called when the whole is at fault."""
    ways_out: Mapping[str, str]
    """Field, without the places of lists in it (`lines.item`; of the whole, nothing) → what to do."""
    members: Mapping[str, str]
    """Object, spelt likewise → the members that it may have."""

    def of(self, error: msgspec.ValidationError, under: str = "") -> BadInput:
        """`under`: the object that was decoded, where it is not the whole."""
        message, _, place = str(error).partition(" - at `")
        path = place.rstrip("`").removeprefix("$").lstrip(".")
        if message.startswith("Object contains unknown field "):
            name = message.removeprefix("Object contains unknown field ").strip("`")[:_MOST_NAME]
            above = _joined(under, path)
            known = self.members.get(bare(above), self.way_out(above))
            return BadInput(plain(_joined(above, name)), "is not a known field.", known)
        if message.startswith("Object missing required field "):
            path, message = _joined(path, message.split("`")[1]), "is missing"
        # Below `properties` msgspec writes [...] for names: what it does not know is left out here.
        field = _joined(under, path.partition("[...]")[0])
        reason = f"{_reason(message)}."
        return BadInput(plain(field) or self.whole, reason, self.way_out(field))

    def way_out(self, field: str) -> str:
        """Of the field, else of what it stands in, else of the whole."""
        known = bare(field)
        while known not in self.ways_out:
            known = known.rpartition(".")[0]
        return self.ways_out[known]


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _reason(message: str) -> str:
    # A pattern says nothing to most readers; the way out says the same in words.
    message = "has another form" if "matching regex" in message else message.replace("`", "")
    return message[0].lower() + message[1:]


def bare(field: str) -> str:
    """`lines[0].item` → `lines.item`."""
    return re.sub(r"\[[0-9]*\]", "", field)
