# ruff: noqa: INP001 - no module of a package: it is copied to where one was
"""In place of numpy's names for types: annotations alone use them, and making them all delays a start.

They are here for annotations that are read when a module is loaded. Checkers never see this file.
"""

from typing import Any, TypeAlias

ArrayLike: TypeAlias = Any
DTypeLike: TypeAlias = Any


class NBitBase:
    """Of numpy's generic numbers."""


class NDArray:
    """`NDArray[anything]`."""

    def __class_getitem__(cls, _item: object) -> type["NDArray"]:
        """Itself: nothing reads it."""
        return cls
