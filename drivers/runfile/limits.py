"""What the values of a file's datasets may be: rows of other datasets, codes, finite numbers.

A file may be damaged where it has no checksum, or written by another program: a value is looked
at before it counts rows or names a code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ...nodes.hdf5_content import damaged_file
from ...schemas.errors import InputError
from ..hdf5 import GREATEST, Limits

if TYPE_CHECKING:
    from ..hdf5 import Dataset

SizeOf = Callable[[str], int | None]
"""How many values a dataset has; None if it is not there."""
FINITE: Final = Limits(-GREATEST)


def check_limits(
    path: Path, dataset: Dataset, values: np.ndarray, row_of: Callable[[int], int], size_of: SizeOf
) -> None:
    """InputError with dataset, row and value where values of a dataset are not allowed.

    ``row_of`` gives the row of the dataset of a row of ``values``.
    """
    limits = dataset.allowed
    if limits is None or not values.size or values.dtype.kind not in "iuf":
        return
    n_rows = size_of(limits.rows_of) if limits.rows_of else None
    greatest = limits.high if n_rows is None else n_rows - 1
    # A NaN is neither the least nor the greatest: no comparison with it holds.
    if float(values.min()) >= limits.low and float(values.max()) <= greatest:
        return
    exact = values.astype(np.float64)
    place = np.argwhere(~((exact >= limits.low) & (exact <= greatest)))[0]
    allowed = f"{limits.low:g} to {greatest:g}" if greatest < GREATEST else "finite numbers"
    if greatest == GREATEST and limits.low > -GREATEST:
        allowed = f"{limits.low:g} and more"
    raise misfit(path, dataset.path, row_of(int(place[0])), values[tuple(place)], allowed)


def check_shape(path: Path, dataset: Dataset, shape: tuple[int, ...], size_of: SizeOf) -> None:
    """InputError if a dataset has not the shape of its kind, or not the rows of its table."""
    tail, first = dataset.tail, dataset.counted_by
    n_rows = size_of(first) if first not in ("", dataset.path) else None
    if len(shape) == 1 + len(tail) and shape[1:] == tail and n_rows in (None, shape[0]):
        return
    rows = "n" if n_rows is None else str(n_rows)
    allowed = ", ".join((rows, *map(str, tail))) + ("" if tail else ",")
    reason = f"its shape is {shape}, that of its kind is ({allowed})"
    raise damaged_file(path, dataset.path, reason)


def misfit(path: Path, name: str, row: int, value: object, allowed: str) -> InputError:
    """What is said of a value that cannot be."""
    msg = (
        f"{path}: {name} holds {value} in row {row}; allowed: {allowed}. The file is damaged, or "
        "written by a program that means something else. Run its input again."
    )
    return InputError(msg, file=path, code="damaged_file")
