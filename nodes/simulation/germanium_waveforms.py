"""Raw tables of simulated germanium detectors: pulses, noise, and what the read-out says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from scipy.fft import irfft

from ...schemas.arrays import F8, I4
from ...schemas.germanium_simulation import (
    BAD,
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
        waves = _coloured(rng, spectrum, size)
        waves += truth["baseline_adc"].to_numpy()[rows, np.newaxis]
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
    }


def _noise_spectrum(constants: DetectorConstants) -> F8:
    """Amplitude of each Fourier coefficient: white, 1/f and 1/f^2 noise of their rms."""
    n = N_SAMPLES // 2 + 1
    f = np.arange(n, dtype=np.float64)
    f[0] = np.inf
    power = np.full(n, constants.white_adc**2 / n)
    for rms, exponent in ((constants.flicker_adc, 1.0), (constants.walk_adc, 2.0)):
        shape = f**-exponent
        power += rms**2 * shape / shape.sum()
    power[0] = 0.0
    # irfft divides by the number of samples, and half of a coefficient is its mirror.
    return np.asarray(0.5 * N_SAMPLES * np.sqrt(power))


def _coloured(rng: np.random.Generator, amplitude: F8, n: int) -> F8:
    """Noise of a spectrum, (n, N_SAMPLES)."""
    parts = rng.standard_normal((n, 2 * len(amplitude))).view(np.complex128)
    parts *= amplitude
    return np.asarray(irfft(parts, N_SAMPLES, axis=1, overwrite_x=True))
