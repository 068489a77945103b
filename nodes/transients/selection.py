"""Which recordings enter scores and maps, and with what amplitude."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.transients.quality import QUALITY


def usable_rows(features: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows that have a position and enter scores and maps."""
    unknown = QUALITY.is_set(features["quality"].to_numpy(), "unknown_position")
    return np.asarray(features["usable"].to_numpy() & ~unknown)


def amplitude_of(features: pd.DataFrame, which: str) -> F8:
    """The amplitude of each recording: first window, flat top, or N - c, in ppm."""
    column = {"trig_val": "trig_val", "flattop": "flattop_ppm", "fit": "fit_amplitude"}[which]
    return np.asarray(features[column].to_numpy(), dtype=np.float64)
