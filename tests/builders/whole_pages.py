"""Pages of several slots over one catalogue: two rows for each visitor, and a shelf for all."""

from typing import Any

from hemline.model.decision import Fragment, SlotRequest
from hemline.model.site.slot import Slot
from tests.builders.editions import ScoreByPrice, build, catalogue
from tests.harness.deciding import acts, ask, decide_for, table_with

ITEMS = catalogue(40)
HISTORY = acts("v:ann", ["i1", "i5", "i9"])
TABLE = table_with(HISTORY)
ROW = Slot("row", limit=6, sources=("new",))
OTHER = Slot("other", limit=6, sources=("new",))
SHELF = Slot("shelf", personal=False, limit=6, sources=("new",))


def page(
    slots: Any,
    *wants: SlotRequest,
    caps: Any = (),
    rules: Any = (),
    subject: str | None = "v:ann",
    **about: Any,
) -> dict[str, Fragment]:
    """The fragments of one call, by slot."""
    edition = build(ITEMS, slots, history=HISTORY, caps=caps, site_rules=rules)
    question = ask(*(wants or [slot.name for slot in slots]), **about)
    return dict(decide_for(subject, question, edition, TABLE, ScoreByPrice()).fragments)
