# ruff: noqa: INP001 - no module of a package: it is copied to where one was
"""In place of numpy's hand-over of its functions to other kinds of arrays, of which a layer has none.

Every function is what it is, undecorated: a third of numpy's start was spent on wrapping them and on
comparing signatures, and each call went through one more function. numpy itself had a switch for it once.
"""

from collections.abc import Callable
from typing import Any

from numpy._utils import set_module

__all__ = ["set_module"]

Function = Callable[..., Any]
ARRAY_FUNCTIONS: set[Function] = set()


def get_array_function_like_doc(_function: Function, docs: str = "") -> str:
    """Documentation of `like=`: none."""
    return docs


def finalize_array_function_like(function: Function) -> Function:
    """Itself."""
    return function


def array_function_dispatch(*_: object, **__: object) -> Callable[[Function], Function]:
    """A decorator that leaves functions as they are."""
    return finalize_array_function_like


def array_function_from_dispatcher(
    implementation: Function, *_: object, **__: object
) -> Callable[[Function], Function]:
    """A decorator that puts a function of C in the place of its description in Python."""
    return lambda _described: implementation
