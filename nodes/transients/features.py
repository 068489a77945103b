"""What one recording says by itself: extremes, decay, flat top."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, frozen
from ...schemas.transients.frames import (
    EXPONENTIAL_FITS,
    FLATTOPS,
    TRACE_FEATURES,
    TWO_EXPONENTIAL_FITS,
)
from ...schemas.transients.quality import QUALITY
from ...schemas.transients.recordings import DemodulationPlan, FitSettings, WindowMeans
from .frequencies import ppm
from .kernels.fits import exponential_rows
from .kernels.two_fits import two_exponential_rows

# A pile-up is looked for where the strike itself is over.
_EARLY_WINDOWS = 10
_HIGHEST_PER_S = 2e5
# What the earlier scripts find beyond is the first window alone.
_HIGHEST_UNBOUNDED_PER_S = 2e6
_MOST_DECAYS_A_WINDOW = 3.0
_BIC_GAIN = 10.0


@tag(stage="features", unit="ppm", stored="false", main="true")
@config.when(start="samples")
def post_window_means_ppm(window_means: WindowMeans, carrier_Hz: float) -> F8:
    """Windows after the trigger, off the baseline: (n_recordings, n_windows)."""
    return frozen(ppm(window_means.post_Hz, window_means, carrier_Hz))


@tag(stage="features", schema="TraceFeatures", main="true")
@config.when(start="samples")
def trace_features(
    pre_window_means_ppm: F8, post_window_means_ppm: F8, demodulation_plan: DemodulationPlan
) -> pd.DataFrame:
    """First window, extremes and spreads of the windows; NaN for a recording without any."""
    pre, post = pre_window_means_ppm, post_window_means_ppm
    plan = demodulation_plan
    apart = -(-plan.window // plan.step)
    late = post[:, _EARLY_WINDOWS:]
    # Away from the baseline, whichever side the strike went to: the way back is none.
    steps = (late[:, apart:] - late[:, :-apart]) * np.sign(post[:, :1])
    n = post.shape[1]
    places = np.arange(n) - 0.5 * (n - 1)
    step_s = plan.step / plan.fs_Hz
    # A sum a row: what a matrix product gives depends on how many rows there are.
    products = ((post - post.mean(axis=1, keepdims=True)) * places).sum(axis=1)
    slope = products / (places @ places) / step_s
    return TRACE_FEATURES.frame(
        {
            "trig_val": post[:, 0],
            "pretrig_min": pre.min(axis=1),
            "posttrig_min": post.min(axis=1),
            "pretrig_max": pre.max(axis=1),
            "posttrig_max": post.max(axis=1),
            "pretrig_std": pre.std(axis=1),
            "posttrig_std": post.std(axis=1),
            "largest_step": steps.max(axis=1) if steps.shape[1] else np.full(len(post), np.nan),
            "slope_ppm_per_s": slope,
        }
    )


@tag(stage="features", schema="ExponentialFits", main="true")
def exponential_fits(
    post_window_means_ppm: F8, demodulation_plan: DemodulationPlan, fit_settings: FitSettings
) -> pd.DataFrame:
    """(N - c) exp(-lambda t) + c by least squares, lambda >= 0, with marks of what it is worth.

    A rejected or degenerate fit is NaN, with the mark; in the convention ml4see a rejected one is
    zero and a degenerate one as it was found.
    """
    plan, settings = demodulation_plan, fit_settings
    post = np.ascontiguousarray(post_window_means_ppm)
    n, n_windows = post.shape
    step_s = plan.step / plan.fs_Hz
    found = np.full((n, 7), np.nan)
    highest = _HIGHEST_UNBOUNDED_PER_S if settings.keeps_rejected else _HIGHEST_PER_S
    exponential_rows(
        post, settings.begin_s, step_s, plan.window, plan.fs_Hz, settings.averaged, highest, found
    )
    sse, lam = found[:, 0], found[:, 2]
    total = found[:, 5]
    r2 = 1.0 - np.divide(sse, total, out=np.full(n, np.nan), where=total > 0)
    has_windows = np.isfinite(post).all(axis=1)
    failed = has_windows & ~np.isfinite(r2)
    rejected = has_windows & (r2 <= settings.r2_min)
    per_window = lam * plan.window / plan.fs_Hz
    span_s = (n_windows - 1) * step_s
    degenerate = (
        (lam * span_s < settings.degenerate_span)
        | (found[:, 6] == 1.0)
        | (per_window > _MOST_DECAYS_A_WINDOW)
    )
    values = found[:, 1:5].copy()
    if settings.keeps_rejected:
        values[rejected] = 0.0
    else:
        values[rejected | degenerate] = np.nan
    values[failed] = np.nan
    names = ("fit_N", "fit_lambda", "fit_c", "fit_amplitude")
    marks = {"fit_rejected": rejected, "fit_degenerate": degenerate, "fit_failed": failed}
    return EXPONENTIAL_FITS.frame(
        {
            "fit_R2": r2,
            **{name: values[:, k] for k, name in enumerate(names)},
            "fit_sse": sse,
            "fit_residual": np.sqrt(sse / n_windows),
            "fit_bits": QUALITY.pack(marks),
        }
    )


@tag(stage="features", schema="TwoExponentialFits")
@config.when_not(start="features")
def two_exponential_fits(
    post_window_means_ppm: F8, demodulation_plan: DemodulationPlan, fit_settings: FitSettings
) -> pd.DataFrame:
    """N1 exp(-l1 t) + N2 exp(-l2 t) + c with l1 > 3 l2; without rows' values if not asked for.

    BIC = n ln(SSE / n) + k ln n, n the windows that do not overlap.
    """
    plan, settings = demodulation_plan, fit_settings
    post = np.ascontiguousarray(post_window_means_ppm)
    found = np.full((len(post), 7), np.nan)
    if settings.components == 2:
        apart = -(-plan.window // plan.step)
        step_s = plan.step / plan.fs_Hz
        two_exponential_rows(
            post, settings.begin_s, step_s, plan.window, plan.fs_Hz, settings.averaged, apart, found
        )
    names = TWO_EXPONENTIAL_FITS.names
    columns = {name: found[:, k] for k, name in enumerate(names[:7])}
    return TWO_EXPONENTIAL_FITS.frame({**columns, names[7]: found[:, 6] > _BIC_GAIN})


@tag(stage="features", schema="Flattops")
@config.when(start="samples")
def flattops(window_means: WindowMeans, carrier_Hz: float) -> pd.DataFrame:
    """Mean of 4 to 15 us after the trigger; its error from such means before the trigger."""
    error = window_means.block_std_Hz / (carrier_Hz + window_means.mean_Hz) * 1e6
    return FLATTOPS.frame(
        {"flattop_ppm": ppm(window_means.flat_Hz, window_means, carrier_Hz), "flattop_error": error}
    )
