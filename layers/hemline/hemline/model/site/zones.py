"""Time zones as tables of offsets, so that a decision needs no time zone database.

Made where the site file is read; a decision only looks up. Times are epoch minutes, offsets minutes
east of Greenwich.
"""

from bisect import bisect_right

import msgspec


class Offsets(msgspec.Struct, frozen=True, array_like=True):
    """`offsets[k]` is in force from `starts[k - 1]`; one offset more than starts."""

    starts: tuple[int, ...] = ()
    offsets: tuple[int, ...] = (0,)

    def at(self, minute: int) -> int:
        """The offset in force at an epoch minute."""
        return self.offsets[bisect_right(self.starts, minute)]


class SiteTime(msgspec.Struct, frozen=True, omit_defaults=True):
    """What local times of a site and its visitors follow from."""

    zone: str = "UTC"
    hemisphere: str = "north"
    own: Offsets = Offsets()
    names: dict[str, int] = {}
    """Visitors' zones → position in `tables`; empty when nothing asks for a visitor's local time."""
    tables: tuple[Offsets, ...] = ()

    def of(self, name: str) -> Offsets | None:
        """A visitor's zone, None when unknown."""
        at = self.names.get(name)
        return None if at is None else self.tables[at]
