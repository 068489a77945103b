"""Power spectra of dark waveforms, by channel and by board, and the tones in them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, I1, I4, I8, Mask
from ...schemas.lightdqm.arrays import (
    ChosenWaveforms,
    EpcbSpectra,
    LightLayout,
    PowerSpectra,
    SpectrumWaveforms,
)
from ...schemas.lightdqm.frames import NOISE_TONES
from ...schemas.lightdqm.settings import PulseThreshold, SpectrumSettings
from ...schemas.sources import FileRef
from .columns import by_waveform
from .flow_file import flow_file, samples_of
from .grouping import CHANNELS_OF_EPCB
from .load import KEPT_BYTES
from .selection import spread_places

# Light below the threshold rises towards low frequencies; a tone is looked for above.
_TONES_FROM_MHZ: Final = 0.5
# In short waveforms a pulse looks like few cycles of a tone, and the pedestal (bin 0) is near;
# 1000 samples hold eight cycles of 0.5 MHz.
_LEAST_CYCLES: Final = 8
_BACKGROUND_BINS: Final = 20
# Beside a tone its own power leaks: a sine between two bins fills several.
_TONE_BINS: Final = 2
_ROWS_AT_A_TIME: Final = 32


@tag(stage="spectra", helper="true", stored="false")
@config.when(legacy=False)
def spectrum_waveforms__spread(
    source_file: FileRef,
    light_layout: LightLayout,
    chosen_waveforms: ChosenWaveforms,
    spectrum_settings: SpectrumSettings,
) -> SpectrumWaveforms:
    """The selected events that spectra are made of.

    All of them, or of more than are kept in memory ``powspec_nevts``, spread over the others.
    """
    rows = chosen_waveforms.event_rows
    most = _most_events(light_layout, spectrum_settings)
    return _waveforms_at(
        spread_places(len(rows), most), source_file, light_layout, chosen_waveforms
    )


@tag(stage="spectra", helper="true", stored="false")
@config.when(legacy=True)
def spectrum_waveforms__first(
    source_file: FileRef,
    light_layout: LightLayout,
    chosen_waveforms: ChosenWaveforms,
    spectrum_settings: SpectrumSettings,
) -> SpectrumWaveforms:
    """The selected events that spectra are made of: the first ``powspec_nevts``."""
    rows = chosen_waveforms.event_rows
    most = min(_most_events(light_layout, spectrum_settings), len(rows))
    return _waveforms_at(np.arange(most), source_file, light_layout, chosen_waveforms)


def _most_events(layout: LightLayout, settings: SpectrumSettings) -> int:
    """How many events are read again when not all are kept: within the memory for them."""
    return max(min(settings.powspec_nevts, KEPT_BYTES // layout.event_bytes), 1)


def _waveforms_at(
    places: I8, source_file: FileRef, layout: LightLayout, chosen: ChosenWaveforms
) -> SpectrumWaveforms:
    """What is kept of all selected events, else those at some places of them, read."""
    if chosen.samples is not None:
        return SpectrumWaveforms(np.arange(len(chosen.event_rows)), chosen.samples)
    with flow_file(source_file) as file:
        return SpectrumWaveforms(places, samples_of(file, layout, chosen.event_rows[places]))


@tag(stage="spectra", unit="V^2 per bin", main="true")
@config.when(legacy=False)
def power_spectra__dark(
    spectrum_waveforms: SpectrumWaveforms,
    waveform_features: pd.DataFrame,
    active_channels: Mask,
    pulse_threshold: PulseThreshold,
    spectrum_settings: SpectrumSettings,
    light_layout: LightLayout,
) -> PowerSpectra:
    """One-sided power spectrum of each active channel: mean and median over dark waveforms.

    Dark is a valid waveform that nowhere leaves its baseline by more than the threshold, up or
    down; the first ``powspec_nevts`` of a channel count. The power of bin k is |X_k|^2 / N^2,
    twice that except at 0 and at N/2: a sine of amplitude A gives A^2 / 2 in its bin, and the
    bins add up to the mean square. Transforms are made in double precision; the median is
    taken of powers in single precision (6e-8).
    """
    threshold = pulse_threshold.adc16
    quiet = by_waveform(waveform_features, "maximum_adc16") <= threshold
    quiet &= by_waveform(waveform_features, "minimum_adc16") >= -threshold
    quiet &= by_waveform(waveform_features, "valid")
    dark = (quiet & active_channels)[spectrum_waveforms.places]
    n_samples = light_layout.n_samples
    weight = np.full(n_samples // 2 + 1, 2.0)
    weight[0] = 1.0
    if n_samples % 2 == 0:
        weight[-1] = 1.0
    scale = spectrum_settings.V_per_adc16**2 / n_samples**2 * weight
    waves = spectrum_waveforms.samples
    return _spectra(waves, dark, scale, spectrum_settings, light_layout, np.float32)


@tag(stage="spectra", unit="V^2 per bin", main="true")
@config.when(legacy=True)
def power_spectra__of_script(
    spectrum_waveforms: SpectrumWaveforms,
    active_channels: Mask,
    spectrum_settings: SpectrumSettings,
    light_layout: LightLayout,
) -> PowerSpectra:
    """Spectra as the earlier script has them: 2 |X / (N // 2 + 1)|^2 of the first events.

    Light is not left out, every bin counts twice, and the power is (2N / (N + 2))^2 too large.
    """
    n_samples = light_layout.n_samples
    every = np.ones((len(spectrum_waveforms.places), *active_channels.shape), dtype=bool)
    scale = spectrum_settings.V_per_adc16**2 * 2.0 / (n_samples // 2 + 1) ** 2
    weights = np.full(n_samples // 2 + 1, scale)
    waves = spectrum_waveforms.samples
    return _spectra(waves, every, weights, spectrum_settings, light_layout, np.float64)


def _spectra(
    samples: NDArray[np.int16],
    used: Mask,
    scale: F8,
    settings: SpectrumSettings,
    layout: LightLayout,
    sorted_as: type[np.floating],
) -> PowerSpectra:
    """Mean and median power of the first used waveforms of each channel.

    ``sorted_as`` is the precision of the values that medians are of: those in single precision
    sort several times faster.
    """
    shape = (layout.n_adcs, layout.n_channels, len(scale))
    mean, median = np.full(shape, np.nan), np.full(shape, np.nan)
    n = np.zeros(shape[:2], dtype=np.int32)
    for adc, channel in zip(*np.nonzero(used.any(axis=0)), strict=True):
        rows = np.flatnonzero(used[:, adc, channel])[: settings.powspec_nevts]
        power = _power(samples[rows, adc, channel])
        n[adc, channel] = len(rows)
        mean[adc, channel] = power.mean(axis=0) * scale
        median[adc, channel] = _median(power, sorted_as) * scale
    frequency = np.arange(len(scale)) / (layout.n_samples * layout.sample_ns * 1e-3)
    return PowerSpectra(frequency, mean, median, n, settings.V_per_adc16)


def _power(waves: NDArray[np.int16]) -> F8:
    from scipy.fft import rfft

    transformed = rfft(waves.astype(np.float64), axis=1, overwrite_x=True)
    return np.asarray(transformed.real**2 + transformed.imag**2)


def _median(power: F8, sorted_as: type[np.floating]) -> F8:
    """Median of each bin."""
    n = len(power)
    ordered = np.sort(np.ascontiguousarray(power.T, dtype=sorted_as), axis=1)
    return 0.5 * (ordered[:, (n - 1) // 2].astype(np.float64) + ordered[:, n // 2])


@tag(stage="spectra", unit="V^2 per bin")
def epcb_spectra(power_spectra: PowerSpectra, known_status: I1) -> EpcbSpectra:
    """Spectrum of each board: the mean of its channels that are not known to be bad."""
    good = (known_status == 0) & (power_spectra.n_events > 0)
    of_board = good[:, CHANNELS_OF_EPCB]
    n = of_board.sum(axis=2).astype(np.int32)
    return EpcbSpectra(
        power_spectra.frequency_MHz,
        _board_mean(power_spectra.mean_V2, of_board, n),
        _board_mean(power_spectra.median_V2, of_board, n),
        n,
    )


def _board_mean(spectra: F8, used: Mask, n: I4) -> F8:
    """Mean over the channels of each board that are used, NaN without any."""
    values = np.where(used[..., np.newaxis], spectra[:, CHANNELS_OF_EPCB], 0.0).sum(axis=2)
    return np.where(n[..., np.newaxis] > 0, values / np.maximum(n, 1)[..., np.newaxis], np.nan)


@tag(stage="spectra", schema="NoiseTones", main="true")
@config.when(legacy=True)
def noise_tones__of_script() -> pd.DataFrame:
    """Nothing: the spectra of the script contain the light, which looks like a tone."""
    return NOISE_TONES.empty()


@tag(stage="spectra", schema="NoiseTones", main="true")
@config.when(legacy=False)
def noise_tones__of_dark(power_spectra: PowerSpectra, active_channels: Mask) -> pd.DataFrame:
    """The strongest line in the spectrum of each active channel, above 0.5 MHz and 8 cycles.

    Its background is the median of the 40 bins around it; the amplitude is that of a sine with
    the power of the line and its neighbours beyond the background.
    """
    frequency = power_spectra.frequency_MHz
    adc, channel = np.nonzero(active_channels)
    spectra = power_spectra.mean_V2[active_channels]
    # The median of an exponential distribution is ln 2 of its mean.
    background = _background(power_spectra.median_V2[active_channels]) / np.log(2.0)
    first = max(int(np.searchsorted(frequency, _TONES_FROM_MHZ)), _LEAST_CYCLES)
    found: dict[str, Any] = {
        name: np.full(len(adc), np.nan) for name in ("frequency_MHz", "ratio", "amplitude_adc16")
    }
    known = np.isfinite(spectra).all(axis=1) & (background > 0).all(axis=1)
    if first < spectra.shape[1] and known.any():
        some, below = spectra[known], background[known]
        peak = first + (some / below)[:, first:].argmax(axis=1)
        rows = np.arange(len(some))
        around = peak[:, np.newaxis] + np.arange(-_TONE_BINS, _TONE_BINS + 1)
        # Bin 0 is the pedestal.
        inside = (around > 0) & (around < some.shape[1])
        place = np.where(inside, around, peak[:, np.newaxis])
        excess = np.maximum(some - below, 0.0)[rows[:, np.newaxis], place]
        excess = np.where(inside, excess, 0.0).sum(axis=1)
        found["frequency_MHz"][known] = frequency[peak]
        found["ratio"][known] = (some / below)[rows, peak]
        found["amplitude_adc16"][known] = np.sqrt(2.0 * excess) / power_spectra.V_per_adc16
    return NOISE_TONES.frame({"adc": adc, "channel": channel, **found})


def _background(spectra: F8) -> F8:
    """Median of the bins around each bin."""
    reach = min(_BACKGROUND_BINS, spectra.shape[1] - 1)
    padded = np.pad(spectra, ((0, 0), (reach, reach)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)
    found = np.empty_like(spectra)
    for begin in range(0, len(spectra), _ROWS_AT_A_TIME):
        rows = np.s_[begin : begin + _ROWS_AT_A_TIME]
        found[rows] = np.median(windows[rows], axis=2)
    return found
