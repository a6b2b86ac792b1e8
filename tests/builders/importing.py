"""What importers make, read as the door reads it."""

import json
from pathlib import Path
from typing import Any

from hemline.model.events.schema import check_item, parse_event
from workbench.importers.wire import ReadEvent, Unreadable

DATA = Path(__file__).resolve().parents[3] / "shared/data"
"""Public data sets, where they lie beside the project."""


def wire(made: ReadEvent) -> dict[str, Any]:
    """What was made, once the door's own reader has taken it."""
    assert not isinstance(made, Unreadable), made
    data = made if isinstance(made, bytes) else made.data
    event = parse_event(data)
    if event.type == "item":
        check_item(event)
    found: dict[str, Any] = json.loads(data)
    return found
