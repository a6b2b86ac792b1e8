"""What all visitors did with an item: counts by window, rates, popularity. The same for every visitor."""

from hemline.decide.facts.snapshot import Snapshot
from hemline.learn.array_types import Floats
from hemline.learn.statistics.columns import STATS

NAMES = STATS


def base(out: Floats, snapshot: Snapshot) -> None:
    """[n items, NAMES], filled once per edition."""
    out[:] = snapshot.item_stats if snapshot.item_stats.size else 0.0
