"""Names for the array types on the edges of the graphs, and the one way to freeze an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

F4 = NDArray[np.float32]
F8 = NDArray[np.float64]
I1 = NDArray[np.int8]
I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
U1 = NDArray[np.uint8]
U4 = NDArray[np.uint32]
U8 = NDArray[np.uint64]
Mask = NDArray[np.bool_]


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, C-contiguous and read-only: what a node hands on."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
