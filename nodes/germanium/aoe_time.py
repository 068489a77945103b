"""A/E of a channel whose current amplitude moves with time: medians of time slices, divided out."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.errors import Unfit
from ...schemas.germanium.aoe import AOE_TIMES, FILE_TIMES, SliceStarts, TimeCorrection
from ...schemas.germanium.calibration_settings import AoESettings
from ...schemas.germanium.lh5 import InputRun
from ..statistics.widths import MEDIAN_ERROR
from .aoe_fits import PEAK_RANGE_KEV, SINGLE_SITE_SIGMAS, top_of
from .columns import absence, column_of

FEWEST_IN_A_SLICE: Final = 100


@tag(stage="aoe", schema="FileTimes", helper="true")
@config.when(constants="own")
def file_times(dsp_columns: pd.DataFrame, input_run: InputRun) -> pd.DataFrame:
    """Earliest and latest time of a range of rows, and the run and file that it is of: one row."""
    time = column_of(dsp_columns, "timestamp") if "timestamp" in dsp_columns else np.empty(0)
    known = time[np.isfinite(time)]
    first, last = (known.min(), known.max()) if len(known) else (np.nan, np.nan)
    return FILE_TIMES.frame(
        {"run": [input_run.run], "file": [input_run.file], "first_s": [first], "last_s": [last]}
    )


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def aoe_slice_starts(file_times: pd.DataFrame, aoe_settings: AoESettings) -> SliceStarts:
    """When each run or file begins, in the order of time, where slices follow these.

    Unfit where one begins before another has ended: a time would then not tell its slice.
    """
    key = aoe_settings.slice_by
    if key == "input":
        return SliceStarts(np.empty(0))
    known = file_times[file_times["first_s"].notna()]
    of_each = known.groupby(known[key].astype(str))
    spans = of_each.agg({"first_s": "min", "last_s": "max"})
    spans = spans.sort_values("first_s", kind="stable")
    first, last = spans["first_s"].to_numpy(), spans["last_s"].to_numpy()
    within = np.flatnonzero(first[1:] <= last[:-1])
    if len(within):
        one, other = spans.index[within[0]], spans.index[within[0] + 1]
        msg = (
            f"{other} begins at {first[within[0] + 1]:.3f} s, before {one} ends at "
            f'{last[within[0]]:.3f} s: [germanium.aoe] slice_by = "{key}" needs one after another'
        )
        raise Unfit(code="slices_overlap", message=msg, numbers={"n_slices": len(spans)})
    return SliceStarts(first, tuple(map(str, spans.index)))


@tag(stage="aoe", scope="channel", helper="true")
@config.when(constants="own")
def aoe_time_correction(
    dsp_columns: pd.DataFrame,
    calibration_rows: NDArray[np.bool_],
    uncorrected_aoe: NDArray[np.float64],
    primary_energy_keV: NDArray[np.float64],
    aoe_slice_starts: SliceStarts,
    aoe_settings: AoESettings,
) -> TimeCorrection:
    """Medians of the single-site A/E from 1000 to 1300 keV in time slices, where asked for.

    Slices of ``time_slice_s`` from the first event on, or from the first of each run or file, or
    these as they are; neighbours are joined until each has 100 events, of one run before others.
    Only what lies within 3 sigma of the mode of its slice counts.
    """
    starts = aoe_slice_starts
    if not aoe_settings.time_slice_s and aoe_settings.slice_by == "input":
        return TimeCorrection.none('slice_by = "input", time_slice_s = 0')
    missing = absence(dsp_columns, "timestamp")
    if missing:
        return TimeCorrection.none(missing)
    time, x, energy = column_of(dsp_columns, "timestamp"), uncorrected_aoe, primary_energy_keV
    low, high = PEAK_RANGE_KEV
    used = calibration_rows & np.isfinite(time) & np.isfinite(x)
    used &= (energy >= low) & (energy <= high)
    order = np.argsort(time[used], kind="stable")
    time, x = time[used][order], x[used][order]
    anew = starts.begins_s if len(starts.begins_s) else time[:1]
    begins, firsts = _slices(time, anew, aoe_settings.time_slice_s)
    if len(begins) < 2:
        return TimeCorrection.none(
            f"{len(time)} events from {low:.0f} to {high:.0f} keV are not two slices of "
            f"{FEWEST_IN_A_SLICE}"
        )
    found = np.array([_median(part) for part in np.split(x, firsts[1:])])
    counts = np.diff(np.append(firsts, len(x)))
    reference = float(np.average(found[:, 0], weights=counts))
    ends = np.append(begins[1:], time[-1])
    names = _names(starts, time, firsts)
    return TimeCorrection(begins, ends, counts, found[:, 0], found[:, 1], reference, names=names)


def _slices(time_s: F8, starts_s: F8, slice_s: float) -> tuple[F8, NDArray[np.int64]]:
    """Begins of the slices of ascending times, and the row at which each begins.

    They begin anew with each of ``starts_s``, of which none is after the first time, and have the
    length ``slice_s``; of 0 they last until the next. What has too few events is a part of the
    slice before it, of the same start where that has enough.
    """
    if not len(time_s):
        return np.empty(0), np.empty(0, np.int64)
    of_start = np.searchsorted(starts_s, time_s, side="right") - 1
    since = time_s - starts_s[of_start]
    number = np.floor(since / slice_s) if slice_s else np.zeros(len(time_s))
    is_anew = np.append(True, np.diff(of_start) != 0)
    rows = np.flatnonzero(is_anew | np.append(True, np.diff(number) != 0))
    # Each start has a part of the rows of its own.
    bounds = np.append(np.flatnonzero(is_anew), len(time_s))
    parts = np.split(rows, np.searchsorted(rows, bounds[1:-1]))
    joined = [_joined(part, int(end)) for part, end in zip(parts, bounds[1:], strict=True)]
    rows = _joined(np.concatenate(joined), len(time_s))
    # What comes in a run before the first event that counts is of that run too.
    since_start = np.where(is_anew[rows], 0.0, number[rows] * slice_s)
    return starts_s[of_start[rows]] + since_start, rows


def _joined(rows: NDArray[np.int64], end: int) -> NDArray[np.int64]:
    """Of the rows at which slices begin, those that leave each with enough events up to ``end``."""
    taken = [0]
    while end - rows[taken[-1]] >= 2 * FEWEST_IN_A_SLICE:
        # The first slice that begins after enough events of the one before.
        k = int(np.searchsorted(rows, rows[taken[-1]] + FEWEST_IN_A_SLICE))
        if k == len(rows) or end - rows[k] < FEWEST_IN_A_SLICE:
            break
        taken.append(k)
    return rows[taken]


def _names(starts: SliceStarts, time_s: F8, firsts: NDArray[np.int64]) -> tuple[str, ...]:
    """The runs or files of each slice: the first and, where several are joined, the last."""
    if not starts.names:
        return ()
    lasts = np.append(firsts[1:], len(time_s)) - 1
    of = np.searchsorted(starts.begins_s, time_s, side="right") - 1
    pairs = ((starts.names[a], starts.names[b]) for a, b in zip(of[firsts], of[lasts], strict=True))
    return tuple(a if a == b else f"{a} to {b}" for a, b in pairs)


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
            "of": list(c.names) or [""] * len(c.medians),
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
