"""Columns of the features with the axes event, ADC, channel, and their percentiles over events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.arrays import F8, I8, Mask
from .grouping import CHANNELS_OF_EPCB, EPCB_OF_CHANNEL, N_CHANNELS


def by_waveform(features: pd.DataFrame, name: str) -> NDArray[Any]:
    """A column of the features with the axes (event, ADC, channel)."""
    n_adcs = int(features["adc"].max()) + 1 if len(features) else 0
    return features[name].to_numpy().reshape(-1, n_adcs, N_CHANNELS)


def of_board(marked: Mask) -> NDArray[np.int64]:
    """How many channels of each board are marked: (..., 64) in, (..., 8) out."""
    return np.asarray(marked[..., CHANNELS_OF_EPCB].sum(axis=-1))


def others_on_board(marked: Mask) -> NDArray[np.int64]:
    """How many other channels of its board are marked, for each channel; 0 without a sensor."""
    counts = of_board(marked)[..., np.maximum(EPCB_OF_CHANNEL, 0)]
    return np.where(EPCB_OF_CHANNEL >= 0, counts - marked, 0)


def others_on_side(marked: Mask) -> NDArray[np.int64]:
    """How many other inputs of its half of the ADC (0-31 or 32-63) are marked, for each input."""
    half = N_CHANNELS // 2
    counts = marked.reshape(*marked.shape[:-1], 2, half).sum(axis=-1)
    return np.repeat(counts, half, axis=-1) - marked


def partner_side(marked: Mask) -> NDArray[np.int64]:
    """How many inputs of its TPC are marked in the other ADC, for each input; 0 without one.

    ADCs 2m and 2m + 1 see the same TPCs, each with the same half of its inputs.
    """
    half = N_CHANNELS // 2
    counts = marked.reshape(*marked.shape[:-1], 2, half).sum(axis=-1)
    partner = np.arange(marked.shape[-2]) ^ 1
    there = partner < marked.shape[-2]
    counts = counts[..., np.where(there, partner, 0), :] * there[:, np.newaxis]
    return np.repeat(counts, half, axis=-1)


def masked_percentiles(values: NDArray[Any], used: Mask, percents: tuple[float, ...]) -> list[F8]:
    """Percentiles over the first axis of what ``used`` marks, linear between values.

    As ``numpy.percentile`` of the marked values of each column; NaN for a column without any.
    """
    n = used.sum(axis=0)
    ordered = np.sort(np.where(used, values, np.nan), axis=0)  # NaN goes to the end
    found = []
    for percent in percents:
        place = percent / 100.0 * np.maximum(n - 1, 0)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(n - 1, 0))
        low = _at(ordered, below)
        high = _at(ordered, above)
        part = place - below
        between = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
        found.append(np.where(n > 0, between, np.nan))
    return found


def _at(ordered: F8, places: I8) -> F8:
    if not len(ordered):
        return np.full(places.shape, np.nan)
    return np.take_along_axis(ordered, places[np.newaxis], axis=0)[0]
