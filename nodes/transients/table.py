"""The recordings of a run together: one table, sorted, with marks that need all of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, frozen
from ...schemas.transients.config import Quality
from ...schemas.transients.frames import FEATURES, FIT_ERRORS, HIT_MATCHES, QUALITY_COUNTS
from ...schemas.transients.quality import QUALITY, UNUSABLE_BITS
from ...schemas.transients.recordings import DemodulationPlan, FitSettings, HitLog
from ..statistics.correlated import variance_inflation
from ..statistics.widths import median_of
from .baseline import LAGS
from .kernels.correlated_errors import correlated_error_rows

_TICK_S: Final = 10e-6
_US: Final = 1e6
_ERRORS: Final = ("fit_N_error", "fit_lambda_error", "fit_c_error", "fit_amplitude_error")


@tag(stage="features", scope="run", schema="HitMatches")
def hit_matches(
    recording_table: pd.DataFrame, hit_log: HitLog, quality_limits: Quality
) -> pd.DataFrame:
    """The nearest hit of the FPGA for each recording; NaN and no mark without a hit log."""
    times = recording_table["hw_time_s"].to_numpy()
    hits = np.sort(hit_log.values[:, 0]) * _TICK_S if hit_log.values.size else np.empty(0)
    delay = _nearest(times, hits) * _US if hits.size else np.full(len(times), np.nan)
    # The clock of the FPGA counts whole ticks: half of one is no distance.
    near = np.abs(delay) <= quality_limits.hit_window_us
    no_hit = ~near & np.isfinite(times) & bool(hits.size)
    return HIT_MATCHES.frame({"hit_delay_us": delay, "no_hit": no_hit})


@tag(stage="features", scope="run", unit="hits")
def unmatched_hits(recording_table: pd.DataFrame, hit_log: HitLog, quality_limits: Quality) -> int:
    """Hits of the FPGA without a recording.

    First rows at (0, 0) precede the scan: it begins with the first row that is elsewhere or has a
    recording, or where all are at (0, 0) without one, with the first at a time of its own.
    """
    values = hit_log.values
    if not values.size:
        return 0
    times = np.sort(recording_table["hw_time_s"].dropna().to_numpy())
    lone = np.abs(_nearest(values[:, 0] * _TICK_S, times)) * _US > quality_limits.hit_window_us
    if {"x_lsb", "y_lsb"} <= set(hit_log.columns):
        x, y = (values[:, hit_log.columns.index(name)] for name in ("x_lsb", "y_lsb"))
        begun = (x != 0) | (y != 0) | ~lone
        lone &= np.logical_or.accumulate(begun if begun.any() else values[:, 0] > 0)
    return int(lone.sum())


def _nearest(values: F8, among: F8) -> F8:
    """From each value to the nearest of a sorted list, signed; infinite where that is empty."""
    if not among.size:
        return np.full(len(values), np.inf)
    after = np.clip(np.searchsorted(among, values), 1, max(among.size - 1, 1))
    before, behind = among[after - 1] - values, among[np.minimum(after, among.size - 1)] - values
    return np.where(np.abs(before) < np.abs(behind), before, behind)


def _duplicates(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    _, place, count = np.unique(numbers, return_inverse=True, return_counts=True)
    return np.asarray(count[place] > 1)


@tag(stage="features", scope="run", unit="ppm")
def noise_level_ppm(trace_features: pd.DataFrame, recording_quality: pd.DataFrame) -> float:
    """Median spread of the windows before the trigger, of usable recordings."""
    return float(_of_usable(trace_features["pretrig_std"], recording_quality))


@tag(stage="features", scope="run")
@config.when(start="samples")
def window_correlation(
    pre_correlations: pd.DataFrame,
    recording_quality: pd.DataFrame,
    demodulation_plan: DemodulationPlan,
) -> F8:
    """Autocorrelation of windows at lags 1 to 8: run median of those before the trigger, (8,).

    About its own mean a series of n comes out lower by (1 + 2 sum rho_k) / n (M. Kendall,
    Biometrika 41 (1954) 403), which is added; lags beyond a quarter of n are not known, 0. At
    least what the overlap of the windows gives alone.
    """
    plan = demodulation_plan
    n = plan.n_pre_windows
    measured = [_of_usable(pre_correlations[name], recording_quality) for name in pre_correlations]
    most = max(n // 4, 1)
    known = np.nan_to_num(np.asarray(measured, dtype=np.float64))[:most]
    lags = np.arange(1, LAGS + 1)
    overlap = np.maximum(1.0 - lags * plan.step / plan.window, 0.0)
    # What is added makes the sum larger, and with it what is to be added.
    whole = max(float(variance_inflation(known)) / (1.0 - 2.0 * known.size / max(n, 4)), 0.0)
    low = max(whole, float(variance_inflation(overlap))) / max(n, 1)
    found = overlap.copy()
    found[: known.size] = np.maximum(known + low, overlap[: known.size])
    return frozen(np.minimum(found, 1.0))


@tag(stage="features", scope="run")
def error_inflation(window_correlation: F8) -> float:
    """By how much correlated windows multiply the variance of a mean: 1 + 2 sum of correlations."""
    return float(variance_inflation(window_correlation))


@tag(stage="features", scope="run", schema="FitErrors")
def fit_errors(
    exponential_fits: pd.DataFrame,
    window_correlation: F8,
    demodulation_plan: DemodulationPlan,
    fit_settings: FitSettings,
) -> pd.DataFrame:
    """Errors of the fits with the correlation of the windows; NaN without a fit."""
    plan, settings, fits = demodulation_plan, fit_settings, exponential_fits
    found = np.full((len(fits), len(_ERRORS)), np.nan)
    # Copies can be written to whatever they came from: the kernel is compiled for one type only.
    correlated_error_rows(
        fits["fit_amplitude"].to_numpy(copy=True),
        fits["fit_lambda"].to_numpy(copy=True),
        fits["fit_sse"].to_numpy(copy=True),
        window_correlation.copy(),
        settings.begin_s,
        plan.step / plan.fs_Hz,
        plan.window,
        plan.fs_Hz,
        settings.averaged,
        plan.n_post_windows,
        found,
    )
    return FIT_ERRORS.frame({name: found[:, k] for k, name in enumerate(_ERRORS)})


def _of_usable(values: pd.Series, quality: pd.DataFrame) -> Any:
    usable = (quality["quality"].to_numpy() & UNUSABLE_BITS) == 0
    return median_of(values.to_numpy()[usable])


@tag(stage="features", scope="run", schema="Features", main="true")
@config.when_not(start="features")
def features(
    recording_table: pd.DataFrame,
    recording_quality: pd.DataFrame,
    baselines: pd.DataFrame,
    trace_features: pd.DataFrame,
    exponential_fits: pd.DataFrame,
    flattops: pd.DataFrame,
    hit_matches: pd.DataFrame,
    noise_level_ppm: float,
    fit_errors: pd.DataFrame,
    demodulation_plan: DemodulationPlan,
) -> pd.DataFrame:
    """Every recording with its features, errors and marks, sorted by number, x and y."""
    table, fits, traces = recording_table, exponential_fits, trace_features
    number = table["number"].to_numpy()
    quality = recording_quality["quality"].to_numpy() | fits["fit_bits"].to_numpy()
    quality = quality | QUALITY.pack(
        {"duplicate": _duplicates(number), "no_hit": hit_matches["no_hit"].to_numpy()}
    )
    order = np.lexsort((table["y_lsb"], table["x_lsb"], number))
    degrees = max(demodulation_plan.n_post_windows - 3, 1)
    noise = np.float64(noise_level_ppm)
    columns: dict[str, Any] = {
        **{name: table[name] for name in ("number", "x_lsb", "y_lsb", "x_um", "y_um")},
        **{str(name): traces[name] for name in traces},
        **{str(name): fits[name] for name in fits if name != "fit_bits"},
        **{str(name): fit_errors[name] for name in fit_errors},
        "fit_chi2_ndf": fits["fit_sse"] / degrees / noise**2 if noise > 0 else np.nan,
        "half_life_s": np.log(2.0) / fits["fit_lambda"].where(fits["fit_lambda"] > 0),
        "snr": traces["trig_val"].abs() / noise if noise > 0 else np.nan,
        "flattop_ppm": flattops["flattop_ppm"],
        "flattop_error": flattops["flattop_error"],
        "baseline_mean_Hz": baselines["mean_Hz"],
        "baseline_std_Hz": baselines["std_Hz"],
        "baseline_error_Hz": baselines["error_Hz"],
        "hw_time_s": table["hw_time_s"],
        "sys_time_s": table["sys_time_s"],
        "amplitude_dip": recording_quality["amplitude_dip"],
        "quality": quality,
        "usable": ((quality & UNUSABLE_BITS) == 0) & traces["trig_val"].notna().to_numpy(),
    }
    n = len(number)
    found = {name: np.broadcast_to(np.asarray(v), n)[order] for name, v in columns.items()}
    return FEATURES.frame({"source_row": order, **found})


@tag(stage="features", scope="run", schema="QualityCounts", main="true")
def quality_counts(
    features: pd.DataFrame, foreign_members: int, unmatched_hits: int, hit_log: HitLog
) -> pd.DataFrame:
    """How many recordings have each mark; recordings, usable ones, foreign members, lone hits."""
    marks = QUALITY.counts(features["quality"].to_numpy())
    counts = {
        "recordings": len(features),
        "usable": int(features["usable"].sum()),
        **marks,
        "foreign_members": foreign_members,
        "hits_without_recording": unmatched_hits,
        "hits_without_time": hit_log.untimed_rows,
    }
    names = pd.Categorical(list(counts), categories=list(counts))
    return QUALITY_COUNTS.frame({"name": names, "count": list(counts.values())})
