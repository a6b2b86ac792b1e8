"""Cold start: new items below their budget of impressions, and those whose time ended below it.

Only confirmed impressions count (`exposure` events). An item is new
by its `published_at`; one that states none never is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hemline.learn.statistics.counts import Statistics
from hemline.model.durations import HOUR_MS
from hemline.model.edition import Payload
from hemline.model.item import Item
from hemline.model.site.slot import ColdStart

_NAMED = 10


class _New(NamedTuple):
    at: int
    age: float
    """Hours since it was published."""
    shown: int


def sections(
    cold: ColdStart | None, statistics: Statistics, items: Sequence[Item], built: int
) -> dict[str, Payload]:
    """`owed` i4 [m]: cold start items, fewest impressions first; absent without a budget."""
    if cold is None:
        return {}
    new = [one for one in _new(cold, statistics, items, built) if one.age < cold.hours]
    owed = [one.at for one in sorted(new, key=lambda one: (one.shown, one.at))]
    return {"owed": ("<i4", (len(owed),), np.array(owed, "<i4").tobytes())}


def missed(
    cold: ColdStart | None, statistics: Statistics, items: Sequence[Item], built: int
) -> list[str]:
    """One line when items whose time ran out lately were shown too little, else none."""
    if cold is None:
        return []
    late = [one for one in _new(cold, statistics, items, built) if one.age >= cold.hours]
    if not late:
        return []
    named = ", ".join(f"{items[one.at].id} ({one.shown})" for one in late[:_NAMED])
    more = f" and {len(late) - _NAMED} more" if len(late) > _NAMED else ""
    line = f"cold start: {len(late)} new items had fewer than {cold.impressions} impressions when"
    return [f"{line} their {cold.hours} hours were over: {named}{more}"]


def _new(cold: ColdStart, statistics: Statistics, items: Sequence[Item], built: int) -> list[_New]:
    """Items of up to twice the hours that were shown too little; their time may be over."""
    shown = shown_times(statistics)
    found = []
    for index, item in enumerate(items):
        age = (built - (item.published_at or 0)) / HOUR_MS
        seen = shown.get(item.id, 0)
        if item.published_at and 0 <= age < 2 * cold.hours and seen < cold.impressions:
            found.append(_New(index, age, seen))
    return found


def shown_times(statistics: Statistics) -> dict[str, int]:
    """Item id → its confirmed impressions."""
    return statistics.confirmed()
