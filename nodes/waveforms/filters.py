"""Pole-zero correction of waveforms, in float64.

Samples stand along the last axis; NaN in a waveform makes NaN of what it reaches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...schemas.arrays import F8


def pole_zero(waves: Any, decay: float) -> F8:
    """Waves whose pulses fall as exp(-i / decay) of sample i, as steps.

    y_n = y_(n-1) + x_n - x_(n-1) e^(-1/decay), from zero before the first sample. ``decay`` is in
    samples. Shape as the waves, baseline subtracted. ValueError unless decay > 0.
    """
    a = _decay_factor("decay", decay)
    return _filtered([1.0, -a], [1.0, -1.0], waves)


def double_pole_zero(waves: Any, slow: float, fast: float, fraction: float) -> F8:
    """Waves whose pulses fall as (1-f) exp(-i/slow) + f exp(-i/fast) of sample i, as steps.

    With a = e^(-1/slow), b = e^(-1/fast) and c = b + f a - f b:
    y_n = x_n - (a + b) x_(n-1) + a b x_(n-2) + (1 + c) y_(n-1) - c y_(n-2).

    ``slow`` and ``fast`` are in samples, slow > fast > 0, and 0 <= f <= 1; ValueError otherwise.
    """
    a, b = _decay_factor("slow", slow), _decay_factor("fast", fast)
    if not slow > fast or not 0.0 <= fraction <= 1.0:
        msg = (
            f"slow = {slow}, fast = {fast}, fraction = {fraction}: slow > fast, fraction in 0 to 1"
        )
        raise ValueError(msg)
    c = b + fraction * (a - b)
    return _filtered([1.0, -(a + b), a * b], [1.0, -(1.0 + c), c], waves)


def _filtered(numerator: list[float], denominator: list[float], waves: Any) -> F8:
    from scipy.signal import lfilter

    x = np.asarray(waves, dtype=np.float64)
    return np.asarray(lfilter(numerator, denominator, x, axis=-1)) if x.size else x


def _decay_factor(name: str, decay: float) -> float:
    if not 0.0 < decay < np.inf:
        msg = f"{name} = {decay}; it is a number of samples above zero"
        raise ValueError(msg)
    return float(np.exp(-1.0 / decay))
