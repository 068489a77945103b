"""The file of a run, read back: what tables, figures and the page of it are made of."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..arrays import F4, F8
from .config import TransientsConfig
from .recordings import PositionMaps


@dataclass(frozen=True)
class ShownRecordings:
    """The few recordings of a run that are drawn one by one.

    Attributes
    ----------
    rows, labels
        Row of the features, and why it is shown.
    pre_ppm, post_ppm
        (n_shown, n_windows) windows before and after the trigger, off the baseline.
    pre_times_s
        Times of the windows before the trigger, as ``times_s`` of the run has those after it.
    """

    rows: tuple[int, ...]
    labels: tuple[str, ...]
    pre_ppm: F4
    post_ppm: F4
    pre_times_s: F8


@dataclass(frozen=True)
class StoredRun:
    """A run as its file holds it; what was not run, or not asked for, is None.

    ``times_s`` are the times of the windows after the trigger.
    """

    name: str
    dut: str
    config: TransientsConfig
    n_recordings: int
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
    times_s: F8 | None
    shown: ShownRecordings | None = None
    incomplete: str = ""

    @property
    def title(self) -> str:
        """Run, device, what ppm refer to, how many recordings."""
        carrier = {"cf": "f0 = cf + baseline", "cf_plus_lo": "f0 = cf + fs/4 + baseline"}
        counts = f"{self.n_recordings} recordings"
        if self.features is not None:
            counts = f"{int(self.features['usable'].sum())} of {counts} usable"
        if self.outliers is not None:
            counts += f", {int(self.outliers['outlier'].sum())} outliers"
        transients = self.config.transients
        reference = carrier[transients.carrier.reference]
        return f"{self.name}  {self.dut}  ({transients.convention}, {reference}; {counts})"
