"""Report on cold items: impressions received against the budget, and whether traffic suffices.

Only confirmed impressions count: items of an `exposure` event. Exploration has, each hour, the lists seen
in slots that explore times their share; cold items below the budget divide that among them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from hemline.learn.statistics.counts import Statistics
from hemline.model.durations import HOUR_MS
from hemline.model.events.event import Record
from hemline.model.item import Item
from hemline.model.site.kinds import has_list
from hemline.model.site.slot import ColdStart, Slot
from hemline.usecases.publishing.cold_start import shown_times

TRAFFIC_HOURS = 24
"""How far back traffic is looked at: a whole day, so that the night is in it."""

State = Literal["met", "on course", "behind", "missed"]


class ColdItem(msgspec.Struct, frozen=True):
    """One cold item; `projected`: impressions expected by the end of its time."""

    item: str
    hours: float
    """Since it was published."""
    impressions: int
    owed: int
    """Impressions still missing from the budget, 0 when it is met."""
    projected: int
    state: State


class ColdStartReport(msgspec.Struct, frozen=True):
    """The whole answer, the worst first."""

    impressions: int
    hours: int
    """The budget: so many impressions in so many hours."""
    chance_per_hour: float
    """Places an hour that slots give to chance, by the traffic of the last day."""
    needed_per_hour: float
    """Impressions an hour needed so that every item meets the budget in its own time."""
    items: tuple[ColdItem, ...]

    @property
    def missed(self) -> int:
        """Items whose time ended below the budget."""
        return sum(one.state == "missed" for one in self.items)


def report(
    cold: ColdStart,
    statistics: Statistics,
    items: Sequence[Item],
    chance: float,
    now: int,
) -> ColdStartReport:
    """Items of up to twice the hours at `now` (epoch ms); `chance` places an hour."""
    shown = shown_times(statistics)
    young = [
        (item, (now - (item.published_at or 0)) / HOUR_MS) for item in items if item.published_at
    ]
    young = [(item, age) for item, age in young if 0 <= age < 2 * cold.hours]
    waiting = {
        i.id: a for i, a in young if a < cold.hours and shown.get(i.id, 0) < cold.impressions
    }
    each = chance / max(len(waiting), 1)
    cold_items = [_cold_item(cold, item, age, shown.get(item.id, 0), each) for item, age in young]
    needed = sum(
        (cold.impressions - shown.get(name, 0)) / (cold.hours - age)
        for name, age in waiting.items()
    )
    order = sorted(cold_items, key=lambda one: (-_WORST.index(one.state), -one.owed, one.item))
    return ColdStartReport(
        cold.impressions, cold.hours, round(chance, 3), round(needed, 3), tuple(order)
    )


_WORST: Sequence[State] = ("met", "on course", "behind", "missed")


def _cold_item(cold: ColdStart, item: Item, age: float, shown: int, each: float) -> ColdItem:
    left = max(cold.hours - age, 0.0)
    # What it had so far came by chance too: the better of the two paces, not both.
    pace = max(each, shown / age if age >= 1 else 0.0)
    projected = int(shown + pace * left)
    owed = max(cold.impressions - shown, 0)
    return ColdItem(
        item.id, round(age, 2), shown, owed, projected, _state(cold, owed, left, projected)
    )


def _state(cold: ColdStart, owed: int, left: float, projected: int) -> State:
    if not owed:
        return "met"
    if not left:
        return "missed"
    return "on course" if projected >= cold.impressions else "behind"


def chance_per_hour(records: Iterable[Record], slots: Iterable[Slot], now: int) -> float:
    """Places an hour that went to chance in the last TRAFFIC_HOURS: lists seen, times their share.

    A list that was seen in parts has several exposures and one token.
    """
    share: Mapping[str, float] = {s.name: s.explore for s in slots if has_list(s.kind)}
    since = now - TRAFFIC_HOURS * HOUR_MS
    lists = {
        (event.slot or "", event.token or event.id)
        for event in (record.event for record in records)
        if event.type == "exposure" and since <= event.time < now
    }
    return sum(share.get(slot, 0.0) for slot, _ in lists) / TRAFFIC_HOURS
