"""Recordings of a simulated run: strikes in, samples out."""

from __future__ import annotations

import numpy as np
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, I8, frozen
from ...schemas.transient_simulation import (
    STRIKE_LEAD_SAMPLES,
    FrequencyNoise,
    Strikes,
    TransientStreams,
)
from .kernels.light_waveforms import hashed
from .kernels.transient_recordings import fill_recordings
from .light_waveforms import normal_quantiles

_STAGES = 8
_FASTEST_S = 2.0e-7


@tag(stage="recordings")
def noise_keys(strikes: Strikes, transient_streams: TransientStreams) -> NDArray[np.uint64]:
    """The key of the noise of each recording, shape (N,): that of the run and of its number."""
    key = transient_streams.noise.generate_state(1, np.uint64)[0]
    numbers = np.arange(1, len(strikes.base_Hz) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        keys = hashed.py_func(np.full_like(numbers, key), numbers)
    return np.asarray(frozen(keys))


@tag(stage="recordings")
def flicker_stages_s(n_pre: int, n_post: int, fs_MHz: float) -> F8:
    """Time constants of the first-order processes whose sum has a spectrum of 1/f, shape (8,).

    Evenly spaced in the logarithm, from 0.2 us to the length of a recording (Hooge and Bobbert,
    Physica B 239 (1997) 223).
    """
    longest = (n_pre + n_post) / (fs_MHz * 1e6)
    return np.asarray(frozen(np.geomspace(_FASTEST_S, longest, _STAGES)))


@tag(stage="recordings")
def recording_samples(
    rows: I8,
    strikes: Strikes,
    noise_keys: NDArray[np.uint64],
    flicker_stages_s: F8,
    noise: FrequencyNoise,
    n_pre: int,
    n_post: int,
    fs_MHz: float,
    cf_MHz: float,
    carrier_codes: float,
) -> NDArray[np.int16]:
    """I and Q of the recordings of ``rows``, shape (len(rows), n_pre + n_post, 2)."""
    fs = fs_MHz * 1e6
    n = n_pre + n_post
    level_Hz = noise.level_ppm * cf_MHz
    kept = np.exp(-1.0 / (noise.slow_us * fs_MHz))
    parts = (
        noise.white_Hz,
        noise.iq_codes,
        level_Hz if noise.model == "slow" else 0.0,
        kept,
        level_Hz / np.sqrt(n) if noise.model == "random_walk" else 0.0,
        level_Hz / np.sqrt(_STAGES) if noise.model == "flicker" else 0.0,
        np.exp(-1.0 / (flicker_stages_s * fs)),
    )
    out = np.empty((len(rows), n, 2), dtype=np.int16)
    fill_recordings(
        noise_keys[rows],
        tuple(values[rows] for values in vars(strikes).values()),
        parts,
        fs,
        cf_MHz,
        STRIKE_LEAD_SAMPLES,
        n_pre,
        carrier_codes,
        normal_quantiles(),
        out,
    )
    return np.asarray(frozen(out))
