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
