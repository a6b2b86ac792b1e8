"""A shop with a row for each visitor, a shelf for all and a hero, and what operators stop in it."""

from typing import Any

from hemline.model.brake import Stop
from hemline.model.site.slot import Slot, Variant
from tests.builders.editions import NOW, catalogue
from tests.harness.deciding import acts

ITEMS = catalogue(24)
HISTORY = acts("v:ann", ["i1", "i5", "i9"])
FOR_YOU = Slot("for-you", limit=6, fallback=("i20", "i21", "i3"))
SHELF = Slot("shelf", personal=False, sources=("popular",), limit=5, fallback=("i3", "i4"))
HERO = Slot(
    "hero",
    kind="content",
    variants=(
        Variant("mug", {"headline": "The mug"}, item="i3"),
        Variant("link", {"headline": "Also", "url": "/items/i3"}),
        Variant("plain", {"headline": "Good things"}),
    ),
    fallback=("mug",),
)
SLOTS = (FOR_YOU, SHELF, HERO)


def stop(kind: Any, name: str = "", *shows: str) -> Stop:
    """As somebody on call said it."""
    return Stop(kind, "ops", NOW, "because", name, shows)
