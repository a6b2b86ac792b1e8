# ruff: noqa: INP001 - no module of a package: it is copied to where one was
"""In place of a module that others import at start and that nothing here calls.

Whatever is asked of it is there, and says so when it is called after all.
"""

from collections.abc import Callable
from typing import Any

__all__: tuple[str, ...] = ()


def __getattr__(name: str) -> Callable[..., Any]:
    if name.startswith("__"):
        raise AttributeError(name)

    def missing(*_: object, **__: object) -> None:
        raise NotImplementedError(
            f"{__name__}.{name} is left out of this layer: see its instead.txt"
        )

    missing.__qualname__ = missing.__name__ = name
    return missing
