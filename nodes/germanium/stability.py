"""Whether the scale holds with time: the 2614.5 keV line in slices of ten minutes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.germanium.energy import EnergyCalibration
from ...schemas.germanium.lines import FEP_KEV, Q_BB_KEV
from ...schemas.germanium.stability import TIME_STABILITY
from ..statistics.widths import MEDIAN_ERROR, mad_sigma
from .columns import absence, column_of

SLICE_S: Final = 600.0
FEWEST_IN_A_SLICE: Final = 10
_FWHMS: Final = 2.0


@tag(stage="energy", scope="channel", schema="TimeStability")
@config.when(constants="own")
def time_stability(
    dsp_columns: pd.DataFrame,
    primary_energy_keV: NDArray[np.float64],
    primary_calibration: EnergyCalibration,
    calibration_rows: NDArray[np.bool_],
) -> pd.DataFrame:
    """Median of the 2614.5 keV line in slices of 10 minutes, and its drift.

    Slices with fewer than 10 events of the line have no median. The drift is that of a weighted
    straight line, the p-value that of a constant. No rows without timestamps.
    """
    if absence(dsp_columns, "timestamp") or not calibration_rows.any():
        return TIME_STABILITY.empty()
    time = column_of(dsp_columns, "timestamp")
    energy = primary_energy_keV
    known = calibration_rows & np.isfinite(time) & np.isfinite(energy)
    time, energy = time[known], energy[known]
    if not len(time):
        return TIME_STABILITY.empty()
    time = time - time.min()
    of_slice = (time // SLICE_S).astype(np.int64)
    n_slices = int(of_slice.max()) + 1
    fwhm = float(primary_calibration.linear.fwhm_keV(Q_BB_KEV))
    near = np.abs(energy - FEP_KEV) <= _FWHMS * (fwhm if np.isfinite(fwhm) else 3.0)
    order = np.argsort(of_slice[near], kind="stable")
    edges = np.searchsorted(of_slice[near][order], np.arange(n_slices + 1))
    of_line = energy[near][order]
    counts = np.diff(edges)
    median, error = np.full(n_slices, np.nan), np.full(n_slices, np.nan)
    for k in np.flatnonzero(counts >= FEWEST_IN_A_SLICE):
        values = of_line[edges[k] : edges[k + 1]]
        median[k] = np.median(values)
        error[k] = MEDIAN_ERROR * float(mad_sigma(values)) / np.sqrt(len(values))
    begin = SLICE_S * np.arange(n_slices)
    end = np.minimum(begin + SLICE_S, max(float(time.max()), 1e-9))
    middle = 0.5 * (begin + end) / 3600.0
    slope, slope_err, trend, p_value = _drift(middle, median, error)
    return TIME_STABILITY.frame(
        {
            "begin_s": begin,
            "end_s": end,
            "n_events": counts,
            "median_keV": median,
            "median_err_keV": error,
            "rate_Hz": np.bincount(of_slice, minlength=n_slices) / np.maximum(end - begin, 1e-9),
            "trend_keV": trend,
            "drift_keV_per_h": np.full(n_slices, slope),
            "drift_err_keV_per_h": np.full(n_slices, slope_err),
            "p_value": np.full(n_slices, p_value),
        }
    )


def _drift(
    hours: NDArray[np.float64], median: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[float, float, NDArray[np.float64], float]:
    """Slope, its error, the line at each slice, and the p-value of a constant."""
    from scipy.special import gammaincc

    good = np.isfinite(median) & (error > 0.0)
    nothing = np.full(len(hours), np.nan)
    if good.sum() < 2:
        return float("nan"), float("nan"), nothing, float("nan")
    weight = 1.0 / error[good] ** 2
    centre = float((weight * hours[good]).sum() / weight.sum())
    mean = float((weight * median[good]).sum() / weight.sum())
    square = float((weight * (hours[good] - centre) ** 2).sum())
    slope = float((weight * (hours[good] - centre) * median[good]).sum() / square)
    chi2 = float((weight * (median[good] - mean) ** 2).sum())
    p_value = float(gammaincc(0.5 * (good.sum() - 1), 0.5 * chi2))
    return slope, 1.0 / float(np.sqrt(square)), mean + slope * (hours - centre), p_value
