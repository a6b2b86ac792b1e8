# ruff: noqa: INP001 - no module of a package: it is copied to where one was
"""In place of numpy's matrices: nothing is one, and to ask that of an array needs the type."""

# Of a module that is left out as a whole; for all other names.
from numpy.lib._iotools import __getattr__

__all__ = ["__getattr__", "matrix"]


class matrix:  # noqa: N801 - numpy's name
    """No array is one."""
