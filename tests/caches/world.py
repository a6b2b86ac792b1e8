"""Many visitors of warm functions, each with items that nobody else has: their canaries."""

from collections.abc import Sequence
from typing import Any

import pytest

from hemline.adapters.memory import MemoryObjects, MemoryStream
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.engine import Engine
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.rules.eligibility import Rules
from hemline.model.site.slot import Slot
from hemline.usecases.serving.decide_page import Deps
from tests.builders.editions import KEYS, NOW, SITE, build, catalogue
from tests.builders.rankers import linear
from tests.harness.deciding import acts, live, table_with
from tests.harness.functions import load

OWN = 4
"""Items of each visitor alone."""
COMMON = 20
"""Items that are nobody's own."""
ENVIRONMENT = {
    "HEMLINE_SITE": SITE,
    "HEMLINE_KEYS": KEYS[0].decode(),
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
}
PATIENT = 1000
SLOTS = (
    Slot("yours", sources=("own",), limit=2, deadline_ms=PATIENT),
    Slot("for-you", sources=("own", "popular"), limit=2, deadline_ms=PATIENT),
    Slot("bestsellers", personal=False, sources=("popular",), limit=5, deadline_ms=PATIENT),
)


class World:
    """Functions that stay warm, over one edition and one table."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, visitors: Sequence[str]) -> None:
        self.monkeypatch, self.visitors = monkeypatch, visitors
        self._owned = {
            name: [f"i{OWN * at + n}" for n in range(OWN)] for at, name in enumerate(visitors)
        }
        histories = [acts(f"v:{name}", self.canaries(name)) for name in visitors]
        first = len(visitors) * OWN
        crowd = max(60, len(visitors))
        common = [acts(f"v:crowd-{n}", [f"i{first + n % 9}"]) for n in range(crowd)]
        events = [one for history in (*histories, *common) for one in history]
        ranker = linear(own_engaged=1.0, category_share=1.0)
        self.edition = build(catalogue(first + COMMON), SLOTS, history=events, ranker=ranker)
        self.ranker = OnnxRanker(*ranker)
        self.table = table_with(*histories)

    def canaries(self, visitor: str) -> list[str]:
        """The items that only this visitor has ever looked at."""
        return self._owned[visitor]

    def function(self, name: str) -> Any:
        """A cold one, with the parts of this world."""
        app: Any = load(name, ENVIRONMENT, self.monkeypatch)
        self.monkeypatch.setattr(app.time, "time_ns", lambda: NOW * 1_000_000)
        for loud in ("log", "metric"):
            if hasattr(app, loud):
                self.monkeypatch.setattr(app, loud, lambda *_, **__: None)
        if name == "fragments":
            app.deps = self._deciding()
        elif name == "collect":
            app.deps = app.deps._replace(stream=MemoryStream())
        else:
            parts = {"people": self.table, "objects": MemoryObjects(), "stream": MemoryStream()}
            app.deps = app.deps._replace(**parts)
        return app

    def _deciding(self) -> Deps:
        found = live(self.edition, self.ranker)
        snapshot = Snapshot(self.edition)
        found.engine = Engine(snapshot, Rules(snapshot), self.ranker)
        return Deps(SITE, self.table, found, KEYS, 5.0)
