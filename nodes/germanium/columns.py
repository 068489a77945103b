"""Columns of the dsp tier that may be absent. No nodes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.arrays import F8


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
