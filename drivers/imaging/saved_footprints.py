"""The pixels of cones as they stand in a file: compressed rows, or ngimager's table of pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from ...nodes.imaging.tracing import footprints_of
from ...schemas.arrays import I8
from ...schemas.errors import InputError
from ...schemas.imaging.images import Footprints
from ..runfile.datasets import Datasets
from ..runfile.limits import misfit

_PIXELS: Final = "/lm/footprint_pixels"
_OFFSETS: Final = "/lm/footprint_offsets"
_PAIRS: Final = "/lm/cone_pixel_indices"
_IMAGE: Final = "/images/summed/all"
_PAIRS_A_BLOCK: Final = 1 << 20


def are_in(data: Datasets) -> bool:
    """Whether a file holds the pixels of each cone, in either form."""
    return _PIXELS in data or _PAIRS in data


def all_footprints(data: Datasets, n_cones: int) -> Footprints:
    """The lit pixels of each cone; InputError without list mode."""
    need(data)
    if _PIXELS not in data:
        return _of_pairs(data, n_cones)
    offsets = _offsets(data, n_cones)
    return Footprints(offsets.astype(np.uint64), data.rows(_PIXELS))


def footprints_at(data: Datasets, n_cones: int, cone_ids: I8) -> Footprints:
    """The lit pixels of some cones, in the order in which they are named."""
    need(data)
    if _PIXELS not in data:
        return footprints_of(_of_pairs(data, n_cones), cone_ids)
    offsets = _offsets(data, n_cones)
    spans = [(int(offsets[c]), int(offsets[c + 1])) for c in np.asarray(cone_ids)]
    parts = [data.span(_PIXELS, *span) for span in spans]
    lit = np.array([stop - start for start, stop in spans], np.uint32)
    return Footprints.of_counts(lit, np.concatenate(parts) if parts else np.zeros(0, np.uint32))


def footprint_blocks(
    data: Datasets, n_cones: int, n_pixels: int
) -> Iterator[tuple[int, Footprints]]:
    """(first cone, footprints) of successive cones, about ``n_pixels`` at a time."""
    need(data)
    if _PIXELS not in data:
        yield 0, _of_pairs(data, n_cones)
        return
    offsets = _offsets(data, n_cones)
    begin = 0
    while begin < n_cones:
        full = int(np.searchsorted(offsets, offsets[begin] + n_pixels, "right")) - 1
        end = min(max(full, begin + 1), n_cones)
        pixels = data.span(_PIXELS, int(offsets[begin]), int(offsets[end]))
        yield begin, Footprints((offsets[begin : end + 1] - offsets[begin]).astype("u8"), pixels)
        begin = end


def need(data: Datasets) -> None:
    """InputError if a file does not hold the pixels of each cone."""
    if not are_in(data):
        msg = (
            f"{data.path}: holds no footprints: it was not run in list mode. Run it again with "
            "--list."
        )
        raise InputError(msg, file=data.path, code="not_in_file")


def check(data: Datasets, n_cones: int) -> None:
    """InputError if what a file holds of footprints does not fit its cones and its image."""
    if _PIXELS in data:
        _offsets(data, n_cones)
    if _PAIRS in data:
        for begin in range(0, data.length(_PAIRS), _PAIRS_A_BLOCK):
            _check_pairs(data, data.span(_PAIRS, begin, begin + _PAIRS_A_BLOCK), begin, n_cones)


def _check_pairs(data: Datasets, pairs: np.ndarray, begin: int, n_cones: int) -> None:
    """``pairs`` are the rows from ``begin``."""
    n_pixels = math.prod(data.shape(_IMAGE)) if _IMAGE in data else None
    for column, n, noun in ((0, n_cones, "cones"), (1, n_pixels, "pixels")):
        if n is not None and len(pairs) and pairs[:, column].max() >= n:
            row = int(np.argmax(pairs[:, column] >= n))
            value = pairs[row, column]
            raise misfit(data.path, _PAIRS, begin + row, value, f"0 to {n - 1}, the {noun}")


def _offsets(data: Datasets, n_cones: int) -> I8:
    offsets = data.rows(_OFFSETS).astype(np.int64)
    fits = len(offsets) == n_cones + 1 and offsets[0] == 0 and offsets[-1] == data.length(_PIXELS)
    if not fits or np.any(np.diff(offsets) < 0):
        msg = f"{data.path}: {_OFFSETS} does not fit its cones and pixels: the file is damaged."
        raise InputError(msg, file=data.path, code="damaged_file")
    return offsets


def _of_pairs(data: Datasets, n_cones: int) -> Footprints:
    """From rows (cone_id, pixel), in any order of the cones."""
    pairs = data.rows(_PAIRS)
    _check_pairs(data, pairs, 0, n_cones)
    cone, pixels = pairs[:, 0].astype(np.int64), pairs[:, 1]
    if np.any(np.diff(cone) < 0):
        pixels = pixels[np.argsort(cone, kind="stable")]
    lit = np.bincount(cone, minlength=n_cones).astype(np.uint32)
    return Footprints.of_counts(lit, np.ascontiguousarray(pixels, np.uint32))
