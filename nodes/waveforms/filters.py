"""Moving averages, trapezoids and pole-zero correction of waveforms, in float64.

Samples stand along the last axis; NaN in a waveform makes NaN of what it reaches.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ...schemas.arrays import F8


def moving_average(
    waves: Any, width: int, direction: Literal["backward", "forward"] = "backward"
) -> F8:
    """The mean of ``width`` samples that end (backward) or begin (forward) at each sample.

    Where there are not so many, the outermost sample stands for those that are missing. Shape as
    the waves. ValueError unless width >= 1.
    """
    x = np.asarray(waves, dtype=np.float64)
    _check_length("width", width, least=1)
    if x.shape[-1] == 0:
        return x
    before = [(0, 0)] * (x.ndim - 1)
    ends = (width - 1, 0) if direction == "backward" else (0, width - 1)
    return _means(np.pad(x, [*before, ends], mode="edge"), width)


def trapezoid(waves: Any, rise: int, flat: int) -> F8:
    """The mean of ``rise`` samples less that of the ``rise`` samples that lie rise + flat before.

    A step of height 1 gives a trapezoid of height 1 with ``flat`` + 1 samples at its top.

    Parameters
    ----------
    waves
        Shape (..., n), pole-zero corrected.
    rise, flat
        Samples, rise >= 1 and flat >= 0.

    Returns
    -------
    Shape (..., n - 2 rise - flat + 1): the outputs that lie wholly within the wave. Output i ends
    at sample i + 2 rise + flat - 1.

    Raises
    ------
    ValueError
        If a length is too small, or the wave is shorter than 2 rise + flat.
    """
    x = np.asarray(waves, dtype=np.float64)
    _check_length("rise", rise, least=1)
    _check_length("flat", flat, least=0)
    needed = 2 * rise + flat
    if x.shape[-1] < needed:
        msg = (
            f"a trapezoid of rise {rise} and flat {flat} needs {needed} samples, not {x.shape[-1]}"
        )
        raise ValueError(msg)
    means = _means(x, rise)
    return means[..., rise + flat :] - means[..., : means.shape[-1] - rise - flat]


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


def _means(x: F8, width: int) -> F8:
    """Means of ``width`` neighbours, shape (..., n - width + 1)."""
    # Sums of what is left of the first sample keep the digits that a pedestal would take.
    first = x[..., :1]
    sums = np.cumsum(np.pad(x - first, [(0, 0)] * (x.ndim - 1) + [(1, 0)]), axis=-1)
    return (sums[..., width:] - sums[..., :-width]) / width + first


def _filtered(numerator: list[float], denominator: list[float], waves: Any) -> F8:
    from scipy.signal import lfilter

    x = np.asarray(waves, dtype=np.float64)
    return np.asarray(lfilter(numerator, denominator, x, axis=-1)) if x.size else x


def _decay_factor(name: str, decay: float) -> float:
    if not 0.0 < decay < np.inf:
        msg = f"{name} = {decay}; it is a number of samples above zero"
        raise ValueError(msg)
    return float(np.exp(-1.0 / decay))


def _check_length(name: str, samples: int, *, least: int) -> None:
    if samples < least:
        msg = f"{name} = {samples}; it is a number of samples from {least} on"
        raise ValueError(msg)
