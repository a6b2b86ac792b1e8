"""Time zones as tables of offsets, so that a decision needs no time zone database.

Built when the site file is read; a decision only looks up. Times are epoch minutes, offsets minutes
east of UTC.
"""

from bisect import bisect_right

import msgspec


class Offsets(msgspec.Struct, frozen=True, array_like=True):
    """`offsets[k]` is in force from `starts[k - 1]`; there is one offset more than starts."""

    starts: tuple[int, ...] = ()
    offsets: tuple[int, ...] = (0,)

    def at(self, minute: int) -> int:
        """The offset in force at an epoch minute."""
        return self.offsets[bisect_right(self.starts, minute)]


class SiteTime(msgspec.Struct, frozen=True, omit_defaults=True):
    """Time zones of a site and its visitors."""

    zone: str = "UTC"
    hemisphere: str = "north"
    own: Offsets = Offsets()
    names: dict[str, int] = {}
    """Zone name of visitors → position in `tables`; empty when no rule reads a visitor's local time."""
    tables: tuple[Offsets, ...] = ()

    def of(self, name: str) -> Offsets | None:
        """A visitor's zone, None when unknown."""
        at = self.names.get(name)
        return None if at is None else self.tables[at]
