"""Entries into histograms: what lies outside of an axis is kept, NaN are counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...schemas.arrays import I8, U1, frozen
from ...schemas.cosmics.counts import SELECTIONS
from ...schemas.histograms import Axis, Histogram

SELECTION_AXIS = Axis("selection", "selection", "", categories=SELECTIONS)


def places_on(axis: Axis, values: Any) -> I8:
    """Where values belong on an axis of even bins: 0 below, then the bins, last above.

    A bin holds its lower edge. Values are not NaN.
    """
    assert axis.edges is not None
    n = len(axis.edges) - 1
    lo, hi = float(axis.edges[0]), float(axis.edges[-1])
    values = np.asarray(values, np.float64)
    scaled = np.floor((values - lo) * (n / (hi - lo)))
    places = np.clip(scaled, -1, n).astype(np.int64) + 1
    # Rounding of the product must not move a value over an edge, nor over an end of the axis.
    edges = np.concatenate([[-np.inf], axis.edges, [np.inf]])
    places += (values >= edges[places + 1]).astype(np.int64)
    places -= (values < edges[places]).astype(np.int64)
    return places


def filled(axis: Axis, values: Any, selected: U1) -> tuple[Histogram, I8]:
    """Counts over an axis and the selections, and how many NaN there are in each selection.

    ``selected`` has a bit a selection for each value.
    """
    is_nan = np.isnan(values)
    missing = np.array(
        [np.count_nonzero(is_nan & (selected >> bit & 1).astype(bool)) for bit in range(4)],
        np.int64,
    )
    places, of_number = places_on(axis, values[~is_nan]), selected[~is_nan]
    counts = np.zeros((axis.n_places, len(SELECTIONS)), np.int64)
    # Words of four bits: one pass over the values, sixteen sums.
    words = np.bincount(places * 16 + of_number, minlength=axis.n_places * 16)
    words = words.reshape(axis.n_places, 16)
    for bit in range(len(SELECTIONS)):
        counts[:, bit] = words[:, (np.arange(16) >> bit & 1).astype(bool)].sum(axis=1)
    found = Histogram((axis, SELECTION_AXIS), frozen(counts), None, int(np.count_nonzero(is_nan)))
    return found, missing
