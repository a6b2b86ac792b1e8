"""What importers make, read as the door reads it."""

import json
from pathlib import Path
from typing import Any

from hemline.model.event_input import check_item, parse_event
from workbench.importers.wire import Made

DATA = Path(__file__).resolve().parents[3] / "shared/data"
"""Public data sets, where they lie beside the project."""


def wire(made: Made) -> dict[str, Any]:
    """What was made, once the door's own reader has taken it."""
    assert isinstance(made, bytes), made
    event = parse_event(made)
    if event.type == "item":
        check_item(event)
    found: dict[str, Any] = json.loads(made)
    return found
