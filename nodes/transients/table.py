"""The recordings of a run together: one table, sorted, with marks that need all of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.transients.config import Quality
from ...schemas.transients.frames import FEATURES, HIT_MATCHES, QUALITY_COUNTS
from ...schemas.transients.quality import QUALITY, UNUSABLE_BITS
from ...schemas.transients.recordings import DemodulationPlan, HitLog
from ..statistics.correlated import variance_inflation
from ..statistics.widths import median_of

_TICK_S: Final = 10e-6
_US: Final = 1e6
_ERRORS: Final = ("fit_N_error", "fit_lambda_error", "fit_c_error", "fit_amplitude_error")


@tag(stage="features", scope="run", schema="HitMatches")
def hit_matches(
    recording_table: pd.DataFrame, hit_log: HitLog, quality_limits: Quality
) -> pd.DataFrame:
    """The nearest hit of the FPGA for each recording; NaN and no mark without a hit log."""
    times = recording_table["hw_time_s"].to_numpy()
    delay = np.full(len(times), np.nan)
    hits = np.sort(hit_log.values[:, 0]) * _TICK_S if hit_log.values.size else np.empty(0)
    if hits.size:
        after = np.clip(np.searchsorted(hits, times), 1, max(hits.size - 1, 1))
        before = hits[after - 1] - times
        behind = hits[np.minimum(after, hits.size - 1)] - times
        delay = np.where(np.abs(before) < np.abs(behind), before, behind) * _US
    # The clock of the FPGA counts whole ticks: half of one is no distance.
    near = np.abs(delay) <= quality_limits.hit_window_us
    no_hit = ~near & np.isfinite(times) & bool(hits.size)
    return HIT_MATCHES.frame({"hit_delay_us": delay, "no_hit": no_hit})


@tag(stage="features", scope="run", unit="hits")
def unmatched_hits(recording_table: pd.DataFrame, hit_log: HitLog, quality_limits: Quality) -> int:
    """Hits of the FPGA without a recording; those before the scan (at 0, 0) are no hits."""
    values = hit_log.values
    if not values.size:
        return 0
    if {"x_lsb", "y_lsb"} <= set(hit_log.columns):
        x, y = (values[:, hit_log.columns.index(name)] for name in ("x_lsb", "y_lsb"))
        scanning = np.cumsum((x != 0) | (y != 0) | (values[:, 0] > 0)) > 0
        values = values[scanning]
    times = np.sort(recording_table["hw_time_s"].dropna().to_numpy())
    hits = values[:, 0] * _TICK_S
    if not times.size:
        return len(hits)
    after = np.clip(np.searchsorted(times, hits), 1, max(times.size - 1, 1))
    nearest = np.minimum(
        np.abs(times[after - 1] - hits), np.abs(times[np.minimum(after, times.size - 1)] - hits)
    )
    return int((nearest * _US > quality_limits.hit_window_us).sum())


def _duplicates(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    _, place, count = np.unique(numbers, return_inverse=True, return_counts=True)
    return np.asarray(count[place] > 1)


@tag(stage="features", scope="run", unit="ppm")
def noise_level_ppm(trace_features: pd.DataFrame, recording_quality: pd.DataFrame) -> float:
    """Median spread of the windows before the trigger, of usable recordings."""
    return float(_of_usable(trace_features["pretrig_std"], recording_quality))


@tag(stage="features", scope="run")
def error_inflation(
    pre_correlations: pd.DataFrame,
    recording_quality: pd.DataFrame,
    demodulation_plan: DemodulationPlan,
) -> float:
    """By how much correlated windows multiply a variance: 1 + 2 sum of the median correlations.

    At least what the overlap of the windows gives alone (2 for half of a window): the correlations
    of a short series about its own mean come out too small.
    """
    lags = [_of_usable(pre_correlations[name], recording_quality) for name in pre_correlations]
    known = np.asarray([value for value in lags if np.isfinite(value)])
    steps = np.arange(1, 1 + demodulation_plan.window // demodulation_plan.step)
    overlap = 1.0 - steps * demodulation_plan.step / demodulation_plan.window
    measured = float(variance_inflation(known)) if known.size else 1.0
    return max(measured, float(variance_inflation(overlap)))


def _of_usable(values: pd.Series, quality: pd.DataFrame) -> Any:
    usable = (quality["quality"].to_numpy() & UNUSABLE_BITS) == 0
    return median_of(values.to_numpy()[usable])


@tag(stage="features", scope="run", schema="Features", main="true")
def features(
    recording_table: pd.DataFrame,
    recording_quality: pd.DataFrame,
    baselines: pd.DataFrame,
    trace_features: pd.DataFrame,
    exponential_fits: pd.DataFrame,
    flattops: pd.DataFrame,
    hit_matches: pd.DataFrame,
    noise_level_ppm: float,
    error_inflation: float,
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
        **{name: fits[name] * np.sqrt(error_inflation) for name in _ERRORS},
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
    features: pd.DataFrame, foreign_members: int, unmatched_hits: int
) -> pd.DataFrame:
    """How many recordings have each mark; recordings, usable ones, foreign members, lone hits."""
    marks = QUALITY.counts(features["quality"].to_numpy())
    counts = {
        "recordings": len(features),
        "usable": int(features["usable"].sum()),
        **marks,
        "foreign_members": foreign_members,
        "hits_without_recording": unmatched_hits,
    }
    names = pd.Categorical(list(counts), categories=list(counts))
    return QUALITY_COUNTS.frame({"name": names, "count": list(counts.values())})
