"""Raw tables of simulated germanium detectors: pulses, noise, and what the read-out says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F4, F8, I4
from ...schemas.germanium_simulation import (
    BAD,
    CLASSES,
    DT_NS,
    N_SAMPLES,
    PRESUM_RATE,
    WINDOW,
    DetectorConstants,
    GermaniumSimulationSettings,
)
from .germanium_events import Sites
from .kernels.germanium import wave_block

_BLOCK: Final = 256
_ELECTRONICS_NS: Final = 32.0
_BLUR_NS2_NS: Final = 0.12
_BLUR_NS2_KEV: Final = 0.02
_DAQ_FACTOR: Final = 1.43
# Noise that has a spectrum is made of so many presummed samples, four waveforms on end.
_LONG: Final = 3200


@dataclass(frozen=True)
class RawWaveforms:
    """Waveforms of a channel: presummed (n, 781), windowed (n, 1400); samples at the rails."""

    presummed: I4
    windowed: np.ndarray
    t_sat_lo: np.ndarray
    t_sat_hi: np.ndarray


@tag(stage="waveforms", helper="true", stored="false")
def raw_waveforms(
    settings: GermaniumSimulationSettings,
    channel_index: int,
    germanium_truth: pd.DataFrame,
    event_sites: Sites,
    constants: DetectorConstants,
) -> RawWaveforms:
    """The digitised waveforms, in blocks with random numbers of their own."""
    n = len(germanium_truth)
    presummed = np.zeros((n, N_SAMPLES // PRESUM_RATE), np.int32)
    windowed = np.zeros((n, WINDOW[1]), np.uint16)
    low, high = np.zeros(n, np.uint16), np.zeros(n, np.uint16)
    spectrum = _noise_spectrum(constants)
    truth = germanium_truth
    gain = constants.adc_per_keV * (1.0 + settings.gain_drift * np.arange(n) / max(n, 1))
    gain *= 1.0 + settings.gain_step * (np.arange(n) >= n // 2)
    heights = truth["collected_keV"].to_numpy() * gain
    sigmas = np.sqrt(
        _ELECTRONICS_NS**2
        + _BLUR_NS2_NS * truth["drift_ns"].to_numpy()
        + _BLUR_NS2_KEV * truth["deposited_keV"].to_numpy()
    )
    begins = np.concatenate([[0], event_sites.ends[:-1]]).astype(np.int64)
    decay = (
        float(np.exp(-DT_NS / constants.tau1_ns)),
        float(np.exp(-DT_NS / constants.tau2_ns)),
        constants.frac2,
    )
    for first in range(0, n, _BLOCK):
        rng = np.random.default_rng([settings.seed, channel_index, 5, first // _BLOCK])
        rows = slice(first, min(first + _BLOCK, n))
        size = rows.stop - first
        waves = _noise(rng, spectrum, constants.white_adc, size)
        waves += truth["baseline_adc"].to_numpy(np.float32)[rows, np.newaxis]
        wave_block(
            waves,
            heights[rows],
            sigmas[rows],
            truth["start_ns"].to_numpy()[rows],
            truth["bad"].to_numpy()[rows],
            rng.random((size, 3)),
            begins[rows],
            event_sites.ends[rows],
            event_sites.place_mm,
            event_sites.share,
            decay,
            presummed[rows],
            windowed[rows],
            low[rows],
            high[rows],
        )
    return RawWaveforms(presummed, windowed, low, high)


@tag(stage="waveforms", helper="true")
def raw_scalars(
    settings: GermaniumSimulationSettings,
    germanium_truth: pd.DataFrame,
    constants: DetectorConstants,
    event_times_s: F8,
) -> dict[str, np.ndarray]:
    """Columns of the read-out that are no waveforms, in their order."""
    n = len(germanium_truth)
    height = germanium_truth["collected_keV"].to_numpy() * constants.adc_per_keV
    labels = {}
    if settings.train:
        code = {BAD.index(name): label for label, name in enumerate(CLASSES)}
        labels["dc_label"] = np.array([code.get(b, 0) for b in range(len(BAD))], np.int32)[
            germanium_truth["bad"].to_numpy()
        ]
    daq = np.clip(np.rint(_DAQ_FACTOR * height), 0, 65535)
    return {
        "timestamp": event_times_s,
        "eventnumber": np.arange(n, dtype=np.int32),
        "channel": np.full(n, constants.channel, np.uint32),
        "baseline": np.rint(germanium_truth["baseline_adc"].to_numpy()).astype(np.uint16),
        "daqenergy": np.where(germanium_truth["bad"] == BAD.index("negative"), 0, daq).astype(
            np.uint16
        ),
        "presum_rate": np.full(n, PRESUM_RATE, np.uint16),
        **labels,
    }


def _noise_spectrum(constants: DetectorConstants) -> F4:
    """Amplitude of each Fourier coefficient of the 1/f and 1/f^2 noise of presummed samples.

    Of some waveforms on end, so that noise does not come back within one. The density is that of
    which the coefficients of a single waveform have the rms of the constants.
    """
    of_wave = np.arange(1, N_SAMPLES // 2 + 1, dtype=np.float64)
    stretch = _LONG * PRESUM_RATE / N_SAMPLES
    f = np.arange(_LONG // 2 + 1) / stretch
    f[0] = np.inf
    power = np.zeros(len(f))
    for rms, exponent in ((constants.flicker_adc, 1.0), (constants.walk_adc, 2.0)):
        power += rms**2 * f**-exponent / (of_wave**-exponent).sum() / stretch
    # irfft divides by the number of samples, and half of a coefficient is its mirror.
    return np.asarray(0.5 * _LONG * np.sqrt(power), np.float32)


def _noise(rng: np.random.Generator, amplitude: F4, white_adc: float, n: int) -> F4:
    """Noise of n waveforms, (n, N_SAMPLES): white, and what has a spectrum, linear between."""
    from scipy.fft import irfft

    parts = rng.standard_normal((n, 2 * len(amplitude)), np.float32).view(np.complex64)
    parts *= amplitude
    n_coarse = N_SAMPLES // PRESUM_RATE
    coarse = irfft(parts, _LONG, axis=1, overwrite_x=True)[:, : n_coarse + 1]
    noise: F4 = rng.standard_normal((n, n_coarse, PRESUM_RATE), np.float32)
    noise *= np.float32(white_adc)
    noise += coarse[:, :-1, np.newaxis]
    share = np.arange(PRESUM_RATE, dtype=np.float32) / np.float32(PRESUM_RATE)
    noise += np.diff(coarse, axis=1)[:, :, np.newaxis] * share
    return noise.reshape(n, N_SAMPLES)
