"""Steps of the pulse processing of one waveform, each over scratch arrays of float64.

Sums run from ``sums[0] = 0``: ``sums[i]`` is the sum of the samples before sample i. What lies
before the first sample counts as 0, as the baseline is subtracted.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

AOE_SAMPLES: Final = 301
"""Samples from the start of a pulse in which its greatest current is looked for."""
AOE_UP: Final = 16
AOE_WIDTH: Final = 48
AOE_OUTPUTS: Final = (AOE_SAMPLES - 2) * AOE_UP


@njit(cache=True, nogil=True)
def line(wave: Any, start: int, stop: int) -> Any:
    """Mean, standard deviation (n - 1), slope, intercept at ``start``, rms about the line."""
    n = stop - start
    if n < 2:
        return np.nan, np.nan, np.nan, np.nan, np.nan
    first = wave[start]
    total = 0.0
    weighted = 0.0
    for i in range(n):
        value = wave[start + i] - first
        total += value
        weighted += value * i
    mean = total / n
    middle = 0.5 * (n - 1)
    slope = (weighted - middle * total) / (n * (n * n - 1.0) / 12.0)
    squares = 0.0
    for i in range(n):
        left = wave[start + i] - first - mean
        squares += left * left
    about_line = max(squares - slope * slope * n * (n * n - 1.0) / 12.0, 0.0)
    deviation = np.sqrt(squares / (n - 1))
    mean += first
    return mean, deviation, slope, mean - middle * slope, np.sqrt(about_line / n)


@njit(cache=True, nogil=True)
def ends_apart(wave: Any, start: int, stop: int) -> float:
    """The mean of the last tenth of some samples less that of the first."""
    n = max((stop - start) // 10, 1)
    low = high = 0.0
    for i in range(n):
        low += wave[start + i]
        high += wave[stop - 1 - i]
    return (high - low) / n


@njit(cache=True, nogil=True)
def corrected(wave: Any, pedestal: float, a: float, b: float, f: float, out: Any) -> None:
    """The pole-zero correction of ``wave - pedestal``; f = 0 for a single decay.

    Single: y_n = y_(n-1) + x_n - a x_(n-1). Double, with c = b + f a - f b:
    y_n = x_n - (a + b) x_(n-1) + a b x_(n-2) + (1 + c) y_(n-1) - c y_(n-2).
    """
    x1 = x2 = y1 = y2 = 0.0
    if f == 0.0:
        for i in range(len(wave)):
            x = wave[i] - pedestal
            y1 += x - a * x1
            x1 = x
            out[i] = y1
        return
    c = b + f * (a - b)
    for i in range(len(wave)):
        x = wave[i] - pedestal
        y = x - (a + b) * x1 + a * b * x2 + (1.0 + c) * y1 - c * y2
        x2, x1 = x1, x
        y2, y1 = y1, y
        out[i] = y


@njit(cache=True, nogil=True)
def summed(wave: Any, sums: Any) -> None:
    """Sums of the samples before each."""
    total = 0.0
    sums[0] = 0.0
    for i in range(len(wave)):
        total += wave[i]
        sums[i + 1] = total


@njit(cache=True, nogil=True)
def trapezoid_at(sums: Any, n: int, rise: int, flat: int, fall: int) -> float:
    """Mean of the ``rise`` samples up to n less that of ``fall`` samples, rise + flat earlier."""
    late = n + 1 - rise
    early = late - flat
    high = sums[n + 1] - sums[max(late, 0)]
    low = sums[max(early, 0)] - sums[max(early - fall, 0)]
    return high / rise - low / fall


@njit(cache=True, nogil=True)
def trapezoid_extremes(sums: Any, n_samples: int, rise: int, flat: int) -> Any:
    """The greatest and the least value of a trapezoid over all samples."""
    high = -np.inf
    low = np.inf
    full = min(2 * rise + flat, n_samples)
    for n in range(full):
        value = trapezoid_at(sums, n, rise, flat, rise)
        high = max(high, value)
        low = min(low, value)
    scale = 1.0 / rise
    for n in range(full, n_samples):
        value = (
            sums[n + 1] - sums[n + 1 - rise] - sums[n + 1 - rise - flat]
            + sums[n + 1 - 2 * rise - flat]
        ) * scale  # fmt: skip
        high = max(high, value)
        low = min(low, value)
    return high, low


@njit(cache=True, nogil=True)
def trapezoid_between(sums: Any, n_samples: int, at: float, rise: int, flat: int) -> float:
    """A trapezoid at a time in samples, linear between two; NaN outside of the wave."""
    if not 0.0 <= at <= n_samples - 1:
        return np.nan
    n = int(at)
    value = trapezoid_at(sums, n, rise, flat, rise)
    rest = at - n
    if rest > 0.0:
        value += rest * (trapezoid_at(sums, n + 1, rise, flat, rise) - value)
    return value


@njit(cache=True, nogil=True)
def convolved(wave: Any, pedestal: float, n_samples: int, kernel: Any, out: Any) -> int:
    """The outputs of a filter that fit into the first ``n_samples``; how many there are."""
    length = len(kernel)
    n_out = n_samples - length + 1
    for j in range(n_out):
        out[j] = 0.0
    for k in range(length):
        weight = kernel[length - 1 - k]
        for j in range(n_out):
            out[j] += weight * (wave[j + k] - pedestal)
    return n_out


@njit(cache=True, nogil=True)
def between(values: Any, n: int, at: float) -> float:
    """The value at a place between samples, linear; NaN outside."""
    if not 0.0 <= at <= n - 1:
        return np.nan
    k = int(at)
    if k + 1 >= n:
        return values[k]
    return values[k] + (at - k) * (values[k + 1] - values[k])


@njit(cache=True, nogil=True)
def crossing_back(wave: Any, start: int, level: float) -> int:
    """The last sample up to ``start`` at which the wave rises to a level; -1 without one."""
    for i in range(start, 1, -1):
        if wave[i - 1] < level <= wave[i]:
            return i
    return -1


@njit(cache=True, nogil=True)
def crossing_forward(wave: Any, start: int, level: float) -> int:
    """The first sample from ``start`` on after which the wave exceeds a level; -1 without one."""
    for i in range(start, len(wave) - 1):
        if wave[i] <= level < wave[i + 1]:
            return i
    return -1


@njit(cache=True, nogil=True)
def pulse_start(
    sums: Any, n_samples: int, rise: int, flat: int, fall: int, level: float, scratch: Any
) -> int:
    """Back from the top of an asymmetric trapezoid to where it rises to a level; -1 = nowhere."""
    best = -np.inf
    top = 0
    for n in range(n_samples):
        value = trapezoid_at(sums, n, rise, flat, fall)
        scratch[n] = value
        if value > best:
            best = value
            top = n
    return crossing_back(scratch[:n_samples], top, level)


@njit(cache=True, nogil=True)
def mean_backward(values: Any, out: Any) -> None:
    """Means of the AOE_WIDTH values up to each; the first one stands for those before it."""
    first = values[0]
    total = first * AOE_WIDTH
    for i in range(len(values)):
        total += values[i] - (values[i - AOE_WIDTH] if i >= AOE_WIDTH else first)
        out[i] = total / AOE_WIDTH


@njit(cache=True, nogil=True)
def mean_forward(values: Any, out: Any) -> None:
    """Means of the AOE_WIDTH values from each on; the last one stands for those after it."""
    n = len(values)
    last = values[n - 1]
    total = last * AOE_WIDTH
    for i in range(n - 1, -1, -1):
        total += values[i] - (values[i + AOE_WIDTH] if i + AOE_WIDTH < n else last)
        out[i] = total / AOE_WIDTH


@njit(cache=True, nogil=True)
def greatest_current(wave: Any, start: int, one: Any, two: Any) -> Any:
    """The greatest slope of a pulse and its place in up-sampled samples from ``start``.

    Differences of neighbours are repeated AOE_UP times and averaged three times over AOE_WIDTH.
    """
    for i in range(AOE_OUTPUTS):
        j = (i + AOE_UP // 2) // AOE_UP
        one[i] = wave[start + j + 1] - wave[start + j]
    mean_backward(one, two)
    mean_forward(two, one)
    mean_backward(one, two)
    best = -np.inf
    place = 0
    for i in range(AOE_OUTPUTS):
        if two[i] > best:
            best = two[i]
            place = i
    return best, place
