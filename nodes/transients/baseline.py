"""From samples to mean frequencies over windows, and the baseline before the trigger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, I8, frozen
from ...schemas.transients.config import Demodulation, Quality
from ...schemas.transients.frames import BASELINES, PRE_CORRELATIONS, RECORDING_QUALITY
from ...schemas.transients.quality import QUALITY
from ...schemas.transients.recordings import (
    DemodulationPlan,
    FitSettings,
    RecordingForm,
    Recordings,
    WindowMeans,
)
from ..statistics.correlated import autocorrelation
from .frequencies import of_frequencies, ppm
from .kernels.demodulation import demodulated_rows, frequency_rows

LAGS: Final = 8
_NO_WINDOWS: Final = ("short", "long")


@tag(stage="baseline", scope="run")
def lowpass_taps(recording_form: RecordingForm, lowpass_settings: Demodulation) -> F8:
    """Taps of the low pass (Parks-McClellan, as scipy.signal.remez gives it)."""
    # Half of the start of a run goes into this import: it is made while an archive is unpacked.
    from scipy.signal import remez

    settings, fs = lowpass_settings, recording_form.fs_Hz
    bands = [0.0, settings.pass_MHz * 1e6, settings.stop_MHz * 1e6, 0.5 * fs]
    return frozen(remez(settings.taps, bands, [1.0, 0.0], fs=fs))


@tag(stage="baseline", helper="true")
def window_means(
    recordings: Recordings,
    sample_quality: NDArray[np.uint16],
    lowpass_taps: F8,
    demodulation_plan: DemodulationPlan,
    threads: int,
) -> WindowMeans:
    """Mean frequencies of windows, spread before the trigger, amplitude: NaN where not whole."""
    plan = demodulation_plan
    n = recordings.numbers.size
    pre = np.full((n, plan.n_pre_windows), np.nan)
    post = np.full((n, plan.n_post_windows), np.nan)
    spread, flat, dip = np.full((n, 3), np.nan), np.full(n, np.nan), np.full(n, np.nan)
    cut = np.zeros(n, np.bool_)
    for name in _NO_WINDOWS:
        cut |= QUALITY.is_set(sample_quality, name)
    if recordings.frequency_Hz.shape[1]:
        of_frequencies(recordings.frequency_Hz, plan, ~cut, (pre, post, spread, flat))
    else:
        iq = recordings.iq_adc[:, : plan.n_samples]
        # What is zero throughout has no phase.
        rows = np.flatnonzero(~cut & iq.any(axis=(1, 2)))
        lengths = (plan.n_before, plan.start, plan.window, plan.step)

        def work(some: I8) -> None:
            demodulated_rows(
                iq, some, lowpass_taps, plan.decimate, *lengths, plan.flat_first,
                plan.flat_length, plan.fs_Hz, pre, post, spread, flat, dip,
            )  # fmt: skip

        shares = [s for s in np.array_split(rows, max(threads, 1)) if s.size]
        with ThreadPoolExecutor(max(len(shares), 1)) as pool:
            list(pool.map(work, shares))
    return WindowMeans(
        pre_Hz=frozen(pre),
        post_Hz=frozen(post),
        mean_Hz=frozen(spread[:, 0].copy()),
        std_Hz=frozen(spread[:, 1].copy()),
        block_std_Hz=frozen(spread[:, 2].copy()),
        flat_Hz=frozen(flat),
        amplitude_dip=frozen(dip),
    )


@tag(stage="baseline", unit="Hz", stored="false")
def instantaneous_frequencies_Hz(
    recordings: Recordings,
    sample_quality: NDArray[np.uint16],
    lowpass_taps: F8,
    recording_form: RecordingForm,
) -> F8:
    """Frequency sample by sample, relative to +fs/4: (n_recordings, n_samples - n_taps).

    NaN for a recording that is not whole. On request only: as large as the recordings.
    """
    if recordings.frequency_Hz.shape[1]:
        return recordings.frequency_Hz
    iq = recordings.iq_adc
    found = np.full((iq.shape[0], max(iq.shape[1] - lowpass_taps.size, 0)), np.nan)
    whole = ~(QUALITY.is_set(sample_quality, "short") | QUALITY.is_set(sample_quality, "long"))
    rows = np.flatnonzero(whole & iq.any(axis=(1, 2)))
    frequency_rows(iq, rows, lowpass_taps, recording_form.fs_Hz, found)
    return frozen(found)


@tag(stage="structure", unit="Hz", stored="false")
@config.when(samples="frequency")
def kept_frequencies_Hz(instantaneous_frequencies_Hz: F8) -> F8:
    """Frequency sample by sample, kept with seven digits: (n_recordings, n_samples - n_taps)."""
    return instantaneous_frequencies_Hz


@tag(stage="baseline", schema="RecordingQuality", main="true")
@config.when(start="samples")
def recording_quality(
    sample_quality: NDArray[np.uint16], window_means: WindowMeans, quality_limits: Quality
) -> pd.DataFrame:
    """Marks of each recording that it has by itself, in the order of the source."""
    dip = window_means.amplitude_dip
    dropped = QUALITY.is_set(sample_quality, "dropout")
    lost = (dip < quality_limits.carrier_dip) & ~dropped
    quality = sample_quality | QUALITY.pack({"carrier_lost": lost})
    return RECORDING_QUALITY.frame({"quality": quality, "amplitude_dip": dip})


@tag(stage="baseline", schema="Baselines", main="true")
@config.when(start="samples")
def baselines(window_means: WindowMeans, demodulation_plan: DemodulationPlan) -> pd.DataFrame:
    """Frequency before the trigger; the error from windows that do not overlap."""
    apart = -(-demodulation_plan.window // demodulation_plan.step)
    of_blocks = window_means.pre_Hz[:, ::apart]
    n = of_blocks.shape[1]
    error = of_blocks.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(of_blocks), np.nan)
    return BASELINES.frame(
        {"mean_Hz": window_means.mean_Hz, "std_Hz": window_means.std_Hz, "error_Hz": error}
    )


@tag(stage="baseline", scope="run", unit="s")
def window_times_s(demodulation_plan: DemodulationPlan, fit_settings: FitSettings) -> F8:
    """Times of the windows after the trigger: their begin (physical), or their last sample."""
    plan = demodulation_plan
    steps = np.arange(plan.n_post_windows) * (plan.step / plan.fs_Hz)
    return frozen(fit_settings.begin_s + steps)


@tag(stage="baseline", unit="ppm", stored="false")
@config.when(start="samples")
def pre_window_means_ppm(window_means: WindowMeans, carrier_Hz: float) -> F8:
    """Windows before the trigger, off the baseline: (n_recordings, n_windows)."""
    return frozen(ppm(window_means.pre_Hz, window_means, carrier_Hz))


@tag(stage="baseline", schema="PreCorrelations")
def pre_correlations(pre_window_means_ppm: F8) -> pd.DataFrame:
    """Autocorrelation of the windows before the trigger, lags 1 to 8; NaN beyond their number."""
    n, n_windows = pre_window_means_ppm.shape
    found = np.full((n, LAGS), np.nan)
    lags = min(LAGS, n_windows - 1)
    if n and lags > 0:
        found[:, :lags] = autocorrelation(pre_window_means_ppm, lags)
    return PRE_CORRELATIONS.frame({f"lag_{k + 1}": found[:, k] for k in range(LAGS)})
