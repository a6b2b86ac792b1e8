"""The numpy array types of the package, by what an element is. Imported only where numpy already is."""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
"""True where an element is meant."""
Codes = npt.NDArray[np.uint8]
"""Small codes (a source, an event type), or flags packed eight to a byte."""
Vectors = npt.NDArray[np.int8]
"""Content vectors, quantized."""
Ints = npt.NDArray[np.int32]
"""Item indices and counts: the edition stores 32 bits."""
Hashes = npt.NDArray[np.uint32]
"""Fingerprints of item ids."""
Longs = npt.NDArray[np.int64]
"""Epoch ms, 63-bit hashes, positions in a profile."""
Order = npt.NDArray[np.intp]
"""What `argsort` and `flatnonzero` return: positions in another array."""
Floats = npt.NDArray[np.float32]
"""Features, scores and statistics as the edition stores them."""
Reals = npt.NDArray[np.float64]
"""Sums and estimates on the way, where 32 bits would lose digits."""
