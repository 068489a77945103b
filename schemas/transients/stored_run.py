"""The file of a run, read back: what tables, figures and the page of it are made of."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..arrays import F4, F8
from .config import TransientsConfig
from .recordings import PositionMaps


@dataclass(frozen=True)
class StoredRun:
    """A run as its file holds it; a frame of a stage that was not run is None.

    ``post_ppm`` are the windows after the trigger in the order of the source (``source_row`` of
    the features), ``times_s`` their times.
    """

    name: str
    dut: str
    config: TransientsConfig
    recordings: pd.DataFrame
    features: pd.DataFrame | None
    scores: pd.DataFrame | None
    outliers: pd.DataFrame | None
    counts: pd.DataFrame | None
    alarms: pd.DataFrame | None
    kinds: pd.DataFrame | None
    detection: pd.DataFrame | None
    sections: pd.DataFrame | None
    maps: PositionMaps | None
    filtered_maps: PositionMaps | None
    post_ppm: F4 | None
    times_s: F8 | None
    incomplete: str = ""

    @property
    def title(self) -> str:
        """Run, device, what ppm refer to, how many recordings."""
        carrier = {"cf": "f0 = cf + baseline", "cf_plus_lo": "f0 = cf + fs/4 + baseline"}
        counts = f"{len(self.recordings)} recordings"
        if self.features is not None:
            counts = f"{int(self.features['usable'].sum())} of {counts} usable"
        if self.outliers is not None:
            counts += f", {int(self.outliers['outlier'].sum())} outliers"
        transients = self.config.transients
        reference = carrier[transients.carrier.reference]
        return f"{self.name}  {self.dut}  ({transients.convention}, {reference}; {counts})"
