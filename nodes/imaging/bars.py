"""Bars: where the hits of each detector lie in, which way it is long and how far it reaches.

A bar that the settings do not describe is long along the axis on which its hits spread most.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I8
from ...schemas.imaging.bars import BARS, BarExtents
from ...schemas.imaging.detectors import Detectors

HITS_OF_NEUTRON: Final = (1, 2)
HITS_OF_GAMMA: Final = (1, 2, 3)


@tag(stage="calibration", helper="true")
def bar_extents(
    neutron_filtered_events: pd.DataFrame, gamma_filtered_events: pd.DataFrame
) -> BarExtents:
    """Least and greatest coordinates of the hits of each detector, cm."""
    parts = [_hits(neutron_filtered_events, k) for k in HITS_OF_NEUTRON]
    parts += [_hits(gamma_filtered_events, k) for k in HITS_OF_GAMMA]
    det_id = np.concatenate([ids for ids, _ in parts])
    position = np.concatenate([x for _, x in parts])
    return BarExtents.of_hits(det_id, position)


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


def _hits(events: pd.DataFrame, number: int) -> tuple[I8, F8]:
    position = np.column_stack([events[f"{a}{number}_cm"].to_numpy() for a in "xyz"])
    return events[f"det_id{number}"].to_numpy(np.int64), position
