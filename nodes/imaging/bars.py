"""Bars: where the hits of each detector lie in, which way it is long and how far it reaches.

A bar that the settings do not describe is long along the axis on which its hits spread most.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.imaging.bars import BARS, BarExtents
from ...schemas.imaging.detectors import Detectors
from .resolutions import hits_of_events


@tag(stage="calibration", helper="true")
def bar_extents(
    neutron_filtered_events: pd.DataFrame, gamma_filtered_events: pd.DataFrame
) -> BarExtents:
    """Least and greatest coordinates of the hits of each detector, cm."""
    return BarExtents.of_hits(*hits_of_events(neutron_filtered_events, gamma_filtered_events))


@tag(stage="calibration", schema="Bars", scope="run")
def bars(bar_extents: BarExtents, detectors: Detectors) -> pd.DataFrame:
    """Direction, centre and half length of the bar of each detector that has hits."""
    low, high = bar_extents.low_cm, bar_extents.high_cm
    axis = np.eye(3)[np.argmax(high - low, axis=1)]
    centre = 0.5 * (low + high)
    half = 0.5 * (high - low).max(axis=1, initial=0.0)
    told = {bar.det_id: bar for bar in detectors.geometry.bars}
    for row, det_id in enumerate(bar_extents.det_id.tolist()):
        if (bar := told.get(det_id)) is not None:
            axis[row], centre[row], half[row] = bar.axis, bar.center, 0.5 * bar.length
    return BARS.frame(
        {
            "det_id": bar_extents.det_id,
            **{f"axis_{a}": axis[:, k] for k, a in enumerate("xyz")},
            **{f"centre_{a}_cm": centre[:, k] for k, a in enumerate("xyz")},
            "half_length_cm": half,
            "n_hits": bar_extents.n_hits,
        }
    )
