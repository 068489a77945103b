"""Samples of recordings: a carrier whose frequency steps and decays, with noise, digitised.

Every random number is a hash of the key of its recording and of the sample, so a recording is the
same whatever others are made with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from .light_waveforms import hashed

_LOW_16 = np.uint64(0xFFFF)
_16 = np.uint64(16)
_LOWEST = -2048.0
_HIGHEST = 2047.0
# 12-bit codes are left-justified in 16 bits.
_CODE_STEP = 16
_STAGES = 8
_STREAMS = 4


@njit(cache=True, nogil=True, inline="always")
def _normal(bits: Any, quantiles: Any) -> Any:
    return np.float64(quantiles[bits & _LOW_16])


@njit(cache=True, nogil=True)
def fill_recordings(
    keys: Any,
    strikes: Any,
    noise: Any,
    fs: float,
    ppm: float,
    lead: int,
    n_pre: int,
    carrier: float,
    quantiles: Any,
    out: Any,
) -> None:
    """Fill ``out`` (N, n, 2) int16 with I and Q.

    Parameters
    ----------
    keys
        (N,) uint64, one a recording.
    strikes
        Arrays (N,) in the order of Strikes.
    noise
        White noise (Hz a sample); noise of I and Q (codes); a first-order process (Hz) and its
        correlation from sample to sample; a random walk (Hz a sample); each of eight first-order
        processes that make 1/f noise (Hz), and their correlations (8,).
    fs, ppm
        Sample rate, Hz; Hz of a ppm.
    lead, n_pre, carrier
        Samples from the strike to the trigger; samples before the trigger; amplitude, codes.
    quantiles
        65536 equally probable values of the standard normal distribution.
    """
    (
        base,
        drift,
        amplitude,
        offset,
        fast,
        decay,
        fast_decay,
        second_at,
        second,
        second_decay,
        weak_first,
        weak_end,
        weak,
        loudness,
    ) = strikes
    white, iq, slow, slow_kept, walk, flicker, flicker_kept = noise
    slow_new = np.sqrt(1.0 - slow_kept * slow_kept)
    flicker_new = np.sqrt(1.0 - flicker_kept * flicker_kept)
    stage = np.empty(_STAGES)
    turn = 2.0 * np.pi / fs
    n = out.shape[1]
    strike = n_pre - lead
    for i in range(out.shape[0]):
        key = hashed(keys[i], 0)
        first = hashed(keys[i], 1)
        phase = 2.0 * np.pi * np.float64(first & _LOW_16) / 65536.0
        slow_now = slow * _normal(hashed(keys[i], 2), quantiles)
        walk_now = 0.0
        for s in range(_STAGES):
            stage[s] = flicker * _normal(hashed(keys[i], 3 + s), quantiles)
        for k in range(n):
            bits = hashed(key, _STREAMS * k)
            f = base[i] + drift[i] * k / fs + white * _normal(bits, quantiles)
            bits >>= _16
            slow_now = slow_kept * slow_now + slow * slow_new * _normal(bits, quantiles)
            bits >>= _16
            i_noise = iq * _normal(bits, quantiles)
            bits >>= _16
            q_noise = iq * _normal(bits, quantiles)
            f += slow_now
            if walk > 0.0:
                walk_now += walk * _normal(hashed(key, _STREAMS * k + 1), quantiles)
                f += walk_now
            if flicker > 0.0:
                bits = hashed(key, _STREAMS * k + 2)
                for s in range(_STAGES):
                    if s == 4:
                        bits = hashed(key, _STREAMS * k + 3)
                    fresh = flicker_new[s] * _normal(bits, quantiles)
                    stage[s] = flicker_kept[s] * stage[s] + flicker * fresh
                    bits >>= _16
                    f += stage[s]
            if k >= strike:
                # The mean over the interval from this sample to the next.
                t = (k - strike + 0.5) / fs
                y = offset[i] + fast[i] * np.exp(-fast_decay[i] * t)
                y += (amplitude[i] - offset[i] - fast[i]) * np.exp(-decay[i] * t)
                f += y * ppm
            if second[i] != 0.0 and k >= second_at[i]:
                f += second[i] * np.exp(-second_decay[i] * (k - second_at[i]) / fs) * ppm
            level = carrier * loudness[i]
            if weak_first[i] <= k < weak_end[i]:
                level *= weak[i]
                if weak[i] == 0.0:
                    i_noise = 0.0
                    q_noise = 0.0
            angle = phase + (k % 4) * (0.5 * np.pi)
            out[i, k, 0] = _digitised(level * np.cos(angle) + i_noise)
            out[i, k, 1] = _digitised(level * np.sin(angle) + q_noise)
            phase = (phase + turn * f) % (2.0 * np.pi)


@njit(cache=True, nogil=True)
def _digitised(value: float) -> Any:
    """Code of a 12-bit digitiser, left-justified in 16 bits."""
    return np.int16(_CODE_STEP * min(max(np.floor(value + 0.5), _LOWEST), _HIGHEST))
