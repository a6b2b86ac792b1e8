# ruff: noqa: INP001 - no module of a package: it is copied to where one was
"""In place of numpy's reading and writing of files, which also hands on two functions of bits."""

from numpy._core.multiarray import packbits, unpackbits

# Of a module that is left out as a whole; for all other names.
from numpy.lib._iotools import __getattr__

__all__ = ["__getattr__", "packbits", "unpackbits"]
