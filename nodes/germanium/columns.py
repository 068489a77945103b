"""Columns of the tiers: those that may be absent, and what of them can be used. No nodes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8

_ABOVE_RANGE: Final = 65_535
"""What the read-out gives of an energy that its 16 bits do not hold."""


def column_of(dsp_columns: pd.DataFrame, name: str) -> F8:
    """A column as float64."""
    return np.asarray(dsp_columns[name].to_numpy(), dtype=np.float64)


def absence(dsp_columns: pd.DataFrame, name: str) -> str:
    """Why a column cannot be used: it is not there, or NaN throughout; empty if it can."""
    if name not in dsp_columns:
        return f"the dsp tier has no column {name}"
    values = dsp_columns[name].to_numpy()
    if len(values) and values.dtype.kind == "f" and np.isnan(values).all():
        return f"{name} is NaN in all {len(values)} rows"
    return ""


def out_of_time(time_s: F8) -> int:
    """How many times are NaN, or before the latest of those above them."""
    latest = np.fmax.accumulate(np.asarray(time_s, dtype=np.float64))
    return int((~(time_s >= latest)).sum())


def chances_of(time_s: F8, seed: int) -> F8:
    """Numbers from 0 to 1 of times (S. Vigna's splitmix64)."""
    x = np.ascontiguousarray(time_s, np.float64).view(np.uint64)
    x = x + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((x ^ (x >> np.uint64(31))) / 2.0**64)


def energies_in_range(raw_scalars: pd.DataFrame, pulser_times_s: F8) -> F8:
    """Energies of the read-out of pulses in its range, ADC, (m,); of no pulser, at no rail.

    The greatest would be the top of a spectrum if many are above the range.
    """
    energy = raw_scalars["daqenergy"].to_numpy().astype(np.float64)
    used = (energy > 0.0) & (energy < _ABOVE_RANGE)
    used &= (raw_scalars["t_sat_lo"] == 0).to_numpy() & (raw_scalars["t_sat_hi"] == 0).to_numpy()
    used &= ~np.isin(raw_scalars["timestamp_s"].to_numpy(), pulser_times_s)
    return np.asarray(energy[used])
