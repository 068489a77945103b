"""A/E of a channel whose current amplitude moves with time: medians of time slices, divided out."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.germanium.aoe import AOE_TIMES, TimeCorrection
from ...schemas.germanium.calibration_settings import AoESettings
from ..statistics.widths import MEDIAN_ERROR
from .aoe_fits import PEAK_RANGE_KEV, SINGLE_SITE_SIGMAS, top_of
from .columns import absence, column_of

FEWEST_IN_A_SLICE: Final = 100


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def aoe_time_correction(
    dsp_columns: pd.DataFrame,
    calibration_rows: NDArray[np.bool_],
    uncorrected_aoe: NDArray[np.float64],
    primary_energy_keV: NDArray[np.float64],
    aoe_settings: AoESettings,
) -> TimeCorrection:
    """Medians of the single-site A/E from 1000 to 1300 keV in time slices, where asked for.

    Slices of ``time_slice_s`` from the first event on; neighbours are joined until each has 100
    events. Only what lies within 3 sigma of the mode of its slice counts.
    """
    if not aoe_settings.time_slice_s:
        return TimeCorrection.none("time_slice_s = 0")
    missing = absence(dsp_columns, "timestamp")
    if missing:
        return TimeCorrection.none(missing)
    time, x, energy = column_of(dsp_columns, "timestamp"), uncorrected_aoe, primary_energy_keV
    low, high = PEAK_RANGE_KEV
    used = calibration_rows & np.isfinite(time) & np.isfinite(x)
    used &= (energy >= low) & (energy <= high)
    order = np.argsort(time[used], kind="stable")
    time, x = time[used][order], x[used][order]
    begins, firsts = _slices(time, aoe_settings.time_slice_s)
    if len(begins) < 2:
        return TimeCorrection.none(
            f"{len(time)} events from {low:.0f} to {high:.0f} keV are not two slices of "
            f"{FEWEST_IN_A_SLICE}"
        )
    found = np.array([_median(part) for part in np.split(x, firsts[1:])])
    counts = np.diff(np.append(firsts, len(x)))
    reference = float(np.average(found[:, 0], weights=counts))
    ends = np.append(begins[1:], time[-1])
    return TimeCorrection(begins, ends, counts, found[:, 0], found[:, 1], reference)


def _slices(time_s: F8, slice_s: float) -> tuple[F8, NDArray[np.int64]]:
    """Begins of the slices of ascending times, and the row at which each begins.

    A rest with too few events is a part of the slice before it.
    """
    if not len(time_s):
        return np.empty(0), np.empty(0, np.int64)
    of_slice = np.floor((time_s - time_s[0]) / slice_s)
    numbers, rows = np.unique(of_slice, return_index=True)
    taken = [0]
    while len(time_s) - rows[taken[-1]] >= 2 * FEWEST_IN_A_SLICE:
        # The first slice that begins after enough events of the one before.
        k = int(np.searchsorted(rows, rows[taken[-1]] + FEWEST_IN_A_SLICE))
        if k == len(rows) or len(time_s) - rows[k] < FEWEST_IN_A_SLICE:
            break
        taken.append(k)
    return time_s[0] + numbers[taken] * slice_s, rows[taken]


def _median(x: F8) -> tuple[float, float]:
    """Median of the single-site peak and its error."""
    mode, sigma = top_of(x)
    near = x[np.abs(x - mode) <= SINGLE_SITE_SIGMAS * sigma]
    return float(np.median(near)), MEDIAN_ERROR * sigma / float(np.sqrt(len(near)))


@tag(stage="aoe", scope="channel", schema="AoETimes")
@config.when(constants="own")
def aoe_times(aoe_time_correction: TimeCorrection) -> pd.DataFrame:
    """What A/E is divided by in each time slice; no rows where nothing is."""
    c = aoe_time_correction
    return AOE_TIMES.frame(
        {
            "begin_s": c.begins_s, "end_s": c.ends_s, "n_events": c.n_events,
            "median": c.medians, "median_err": c.errors, "factor": c.reference / c.medians,
        }
    )  # fmt: skip


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def steady_aoe(
    dsp_columns: pd.DataFrame,
    uncorrected_aoe: NDArray[np.float64],
    aoe_time_correction: TimeCorrection,
) -> NDArray[np.float64]:
    """A/E after the correction of time, (n,); a row without a time is of the last slice."""
    if aoe_time_correction.reason:
        return uncorrected_aoe
    factors = aoe_time_correction.factors(column_of(dsp_columns, "timestamp"))
    return np.asarray(uncorrected_aoe * factors)
