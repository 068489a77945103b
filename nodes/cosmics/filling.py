"""Entries into histograms: what lies outside of an axis is kept, NaN are counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...schemas.arrays import I4, I8, U1, frozen
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


def places_or_nan(axis: Axis, values: Any) -> I4:
    """Where values belong on an axis, -1 for NaN."""
    is_nan = np.isnan(values)
    found = np.full(len(values), -1, np.int32)
    found[~is_nan] = places_on(axis, values[~is_nan])
    return found


def filled(axis: Axis, places: I4, selected: U1) -> tuple[Histogram, I8]:
    """Counts over an axis and the selections, and how many NaN there are in each selection.

    ``places`` are those of ``places_or_nan``; ``selected`` has a bit a selection for each.
    """
    # Words of four bits: one pass over the values, sixteen sums.
    n_words = (axis.n_places + 1) * 16
    found = np.bincount((places + np.int32(1)) * 16 + selected, minlength=n_words)
    words = found.reshape(axis.n_places + 1, 16)
    counts = np.zeros((axis.n_places + 1, len(SELECTIONS)), np.int64)
    for bit in range(len(SELECTIONS)):
        counts[:, bit] = words[:, (np.arange(16) >> bit & 1).astype(bool)].sum(axis=1)
    n_nan = int(words[0].sum())
    return Histogram((axis, SELECTION_AXIS), frozen(counts[1:].copy()), None, n_nan), counts[0]
