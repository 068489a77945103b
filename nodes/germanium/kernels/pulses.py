"""Steps of the pulse processing of one waveform, each over scratch arrays of float64.

Sums of samples stand after zeros: ``sums[pad + i]`` is the sum of the samples before sample i, and
what lies before the first sample counts as 0, as the baseline is subtracted. ``pad`` is at least
the length of the filters that are made of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

# No array is made here, nobody calls from C and no divisor is 0 unseen: less to compile in a first
# run.
step = partial(njit, cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, error_model="numpy")

AOE_SAMPLES: Final = 301
"""Samples from the start of a pulse in which its greatest current is looked for."""
AOE_UP: Final = 16
AOE_WIDTH: Final = 48
AOE_OUTPUTS: Final = (AOE_SAMPLES - 2) * AOE_UP


AGAIN: Final = 36
_BLOCK: Final = 64
# Sums in any order: then several samples are added at a time.
_ANY_ORDER: Final = {"reassoc", "nsz", "contract"}


@step(fastmath=_ANY_ORDER)
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


@step()
def ends_apart(wave: Any, start: int, stop: int) -> float:
    """The mean of the last tenth of some samples less that of the first."""
    n = max((stop - start) // 10, 1)
    low = high = 0.0
    for i in range(n):
        low += wave[start + i]
        high += wave[stop - 1 - i]
    return (high - low) / n


@step()
def corrected(
    wave: Any, pedestal: float, a: float, b: float, f: float, out: Any, sums: Any, pad: int
) -> None:
    """The pole-zero correction of ``wave - pedestal``, f = 0 for a single decay; and its sums.

    Single: y_n = y_(n-1) + x_n - a x_(n-1). Double, with c = b + f a - f b:
    y_n = x_n - (a + b) x_(n-1) + a b x_(n-2) + (1 + c) y_(n-1) - c y_(n-2).
    """
    x1 = x2 = y1 = y2 = total = 0.0
    after = sums[pad + 1 :]
    if f == 0.0:
        for i in range(len(wave)):
            x = wave[i] - pedestal
            y1 += x - a * x1
            x1 = x
            total += y1
            out[i], after[i] = y1, total
        return
    c = b + f * (a - b)
    for i in range(len(wave)):
        x = wave[i] - pedestal
        y = x - (a + b) * x1 + a * b * x2 + (1.0 + c) * y1 - c * y2
        x2, x1 = x1, x
        y2, y1 = y1, y
        total += y
        out[i], after[i] = y, total


@step()
def trapezoid_at(sums: Any, pad: int, n: int, rise: int, flat: int, fall: int) -> float:
    """Mean of the ``rise`` samples up to n less that of ``fall`` samples, rise + flat earlier."""
    late = pad + n + 1 - rise
    early = late - flat
    high, low = sums[late + rise] - sums[late], sums[early] - sums[early - fall]
    return high / rise - low / fall


@step()
def trapezoids(
    sums: Any, pad: int, n: int, rise: int, flat: int, fall: int, sign: float, out: Any
) -> None:
    """``sign`` times ``trapezoid_at`` of the first n samples."""
    high, low = sign / rise, sign / fall
    # Views that begin together: an index that cannot be negative is added several at a time.
    at = pad + 1
    newest, late = sums[at:], sums[at - rise :]
    early, first = sums[at - rise - flat :], sums[at - rise - flat - fall :]
    for i in range(n):
        out[i] = (newest[i] - late[i]) * high - (early[i] - first[i]) * low


@step()
def _places(bits: Any, n: int, sign: Any, rest: Any) -> Any:
    """Where the least and the greatest of some numbers come first, of their bits.

    As whole numbers, of which those below 0 are turned over, they have the same order, and many
    are compared at a time. ``sign`` is the place of the bit of the sign, ``rest`` all others.
    """
    best, least = ~rest, rest
    in_best = in_least = 0
    for begin in range(0, n, _BLOCK):
        block = bits[begin : min(begin + _BLOCK, n)]
        high, low = best, least
        for k in range(len(block)):
            value = block[k] ^ ((block[k] >> sign) & rest)
            high, low = max(high, value), min(low, value)
        if high > best:
            best, in_best = high, begin
        if low < least:
            least, in_least = low, begin
    best ^= (best >> sign) & rest
    least ^= (least >> sign) & rest
    while in_best < n - 1 and bits[in_best] != best:
        in_best += 1
    while in_least < n - 1 and bits[in_least] != least:
        in_least += 1
    return in_least, in_best


@step()
def places(values: Any, n: int) -> Any:
    """Where the least and the greatest of the first numbers, of 64 bits, come first."""
    return _places(values.view(np.int64), n, np.int64(63), np.int64(0x7FFFFFFFFFFFFFFF))


@step()
def extremes(values: Any, n: int) -> Any:
    """The greatest and the least of the first numbers, of 64 bits."""
    low, high = places(values, n)
    return values[high], values[low]


@step()
def trapezoid_between(sums: Any, pad: int, n: int, at: float, rise: int, flat: int) -> float:
    """A trapezoid at a time in samples, linear between two; NaN outside of the wave."""
    if not 0.0 <= at <= n - 1:
        return np.nan
    k = int(at)
    value = trapezoid_at(sums, pad, k, rise, flat, rise)
    rest = at - k
    if rest > 0.0:
        value += rest * (trapezoid_at(sums, pad, k + 1, rise, flat, rise) - value)
    return value


@step(fastmath=_ANY_ORDER)
def convolved(left: Any, n_samples: int, oldest_first: Any, out: Any) -> int:
    """The outputs of a filter that fit into the first ``n_samples``; how many there are.

    ``oldest_first`` is the kernel turned over.
    """
    length = len(oldest_first)
    n_out = n_samples - length + 1
    for j in range(n_out):
        samples = left[j : j + length]
        total = 0.0
        for k in range(length):
            total += oldest_first[k] * samples[k]
        out[j] = total
    return n_out


class Recursion(NamedTuple):
    """A filter whose outputs follow from each other.

    Attributes
    ----------
    oldest_first
        The filter itself, turned over.
    feedback
        What the outputs before count in the next one, negative, the latest first.
    taps, ages
        What samples count in it, and how old each is.
    """

    oldest_first: Any
    feedback: Any
    taps: Any
    ages: Any


@step()
def recursed(left: Any, n_samples: int, made: Any, out: Any) -> int:
    """``convolved`` by a ``Recursion``: a few sums of products, and the others follow from them.

    Anew after AGAIN outputs, as rounding errors grow with their number.
    """
    length, order = len(made.oldest_first), len(made.feedback)
    n_out = n_samples - length + 1
    out[:n_out] = 0.0
    for tap in range(len(made.taps)):
        weight, skip = made.taps[tap], max(made.ages[tap] + 1 - length, 0)
        samples, there = left[length - 1 + skip - made.ages[tap] :], out[skip:n_out]
        for j in range(n_out - skip):
            there[j] += weight * samples[j]
    for begin in range(0, n_out, AGAIN):
        for j in range(begin, min(begin + order, n_out)):
            out[j] = _product(made.oldest_first, left[j : j + length])
        for j in range(begin + order, min(begin + AGAIN, n_out)):
            total = out[j]
            for k in range(order):
                total -= made.feedback[k] * out[j - 1 - k]
            out[j] = total
    return n_out


@step(fastmath=_ANY_ORDER)
def _product(one: Any, other: Any) -> float:
    total = 0.0
    for k in range(len(one)):
        total += one[k] * other[k]
    return total


@step()
def span_of(wave: Any) -> Any:
    """The least and the greatest sample, of 32 bits, and where each comes first."""
    low, high = _places(wave.view(np.int32), len(wave), np.int32(31), np.int32(0x7FFFFFFF))
    return wave[low], wave[high], low, high


@step()
def between(values: Any, n: int, at: float) -> float:
    """The value at a place between samples, linear; NaN outside."""
    if not 0.0 <= at <= n - 1:
        return np.nan
    k = int(at)
    if k + 1 >= n:
        return values[k]
    return values[k] + (at - k) * (values[k + 1] - values[k])


@step()
def crossing_back(wave: Any, start: int, level: float, sign: float = 1.0) -> int:
    """The last sample up to ``start`` at which the wave rises to a level; -1 without one.

    With ``sign`` -1.0 the wave is turned over.
    """
    for i in range(start, 1, -1):
        if sign * wave[i - 1] < level <= sign * wave[i]:
            return i
    return -1


@step()
def crossing_forward(wave: Any, start: int, level: float, sign: float = 1.0) -> int:
    """The first sample from ``start`` on after which the wave exceeds a level; -1 without one."""
    for i in range(start + 1, len(wave)):
        if sign * wave[i] > level and sign * wave[i - 1] <= level:
            return i - 1
    return -1


@step()
def pulse_start(
    sums: Any, pad: int, n: int, shape: Any, level: float, sign: float, scratch: Any
) -> int:
    """Back from the top of an asymmetric trapezoid to where it rises to a level; -1 = nowhere."""
    rise, flat, fall = shape
    trapezoids(sums, pad, n, rise, flat, fall, sign, scratch)
    return crossing_back(scratch, places(scratch, n)[1], level)


@step()
def mean_backward(values: Any, out: Any) -> None:
    """Means of the AOE_WIDTH values up to each; the first one stands for those before it."""
    first = values[0]
    total = first * AOE_WIDTH
    for i in range(len(values)):
        total += values[i] - (values[i - AOE_WIDTH] if i >= AOE_WIDTH else first)
        out[i] = total / AOE_WIDTH


@step()
def mean_forward(values: Any, out: Any) -> None:
    """Means of the AOE_WIDTH values from each on; the last one stands for those after it."""
    n = len(values)
    last = values[n - 1]
    total = last * AOE_WIDTH
    for i in range(n - 1, -1, -1):
        total += values[i] - (values[i + AOE_WIDTH] if i + AOE_WIDTH < n else last)
        out[i] = total / AOE_WIDTH


def _tap_weights() -> Any:
    """What each slope counts in a mean of means, by its place in the AOE_UP outputs of a slope.

    Output 16 m + phase is the sum of weights[phase, k] times slope m - TAPS_BEFORE + k.
    """
    middle = (TAPS_BEFORE + 8) * AOE_UP
    weights = np.zeros((AOE_UP + 1, N_TAPS + 1))
    for k in range(N_TAPS + 1):
        slopes = np.zeros(2 * middle)
        begin = middle + (k - TAPS_BEFORE) * AOE_UP - AOE_UP // 2
        slopes[begin : begin + AOE_UP] = 1.0 / AOE_WIDTH**3
        box = np.ones(AOE_WIDTH)
        backward = np.convolve(slopes, box)[: 2 * middle]
        forward = np.convolve(backward[::-1], box)[: 2 * middle][::-1]
        means = np.convolve(forward, box)[: 2 * middle]
        weights[:, k] = means[middle : middle + AOE_UP + 1]
    return weights


TAPS_BEFORE: Final = 6
N_TAPS: Final = 11
_WEIGHTS: Final = _tap_weights()
_OF_TAP: Final = np.ascontiguousarray(_WEIGHTS[:AOE_UP].T)
# Between two outputs of phase 0 no output is above their line by more than this part of the
# range of the slopes.
_SHARE: Final = np.arange(AOE_UP + 1)[:, np.newaxis] / AOE_UP
_SLACK: Final = float(
    0.5 * np.abs(_WEIGHTS - (1 - _SHARE) * _WEIGHTS[0] - _SHARE * _WEIGHTS[AOE_UP]).sum(1).max()
)
_FIRST_INNER: Final = 6
_LAST_INNER: Final = (AOE_OUTPUTS - AOE_WIDTH) // AOE_UP
_LEFT: Final = 160
_RIGHT: Final = 240


@step()
def greatest_current(wave: Any, start: int, one: Any, two: Any, coarse: Any) -> Any:
    """The greatest slope of a pulse and its place in up-sampled samples from ``start``.

    Differences of neighbours are repeated AOE_UP times and averaged three times over AOE_WIDTH.
    The middle is made of weights of the slopes, and only where it can hold the maximum; both ends,
    where the averages are padded, are averaged as they stand.
    """
    n_slopes = AOE_SAMPLES - 1
    slopes = one[:n_slopes]
    # The last tap of the last output counts nothing, but is read.
    one[n_slopes] = 0.0
    for j in range(n_slopes):
        slopes[j] = wave[start + j + 1] - wave[start + j]
    high, low = extremes(slopes, n_slopes)
    inner = coarse[_FIRST_INNER : _LAST_INNER + 1]
    inner[:] = 0.0
    for k in range(N_TAPS):
        weight = _WEIGHTS[0, k]
        shifted = slopes[_FIRST_INNER - TAPS_BEFORE + k :]
        for i in range(_LAST_INNER + 1 - _FIRST_INNER):
            inner[i] += weight * shifted[i]
    best = extremes(inner, len(inner))[0]
    least = best - _SLACK * (high - low)
    best = -np.inf
    place = 0
    outputs = two[:AOE_UP]
    for m in range(_FIRST_INNER, _LAST_INNER + 1):
        beside = coarse[m + 1] if m < _LAST_INNER else coarse[m]
        if not max(coarse[m], beside) >= least:
            continue
        outputs[:] = 0.0
        for k in range(N_TAPS):
            slope = slopes[m - TAPS_BEFORE + k]
            for phase in range(AOE_UP):
                outputs[phase] += _OF_TAP[k, phase] * slope
        for phase in range(AOE_UP if m < _LAST_INNER else 1):
            if outputs[phase] > best:
                best = outputs[phase]
                place = m * AOE_UP + phase
    # A mean is not above the greatest of its slopes.
    if extremes(slopes, _LEFT // AOE_UP + 1)[0] >= best:
        value, at = _end_current(slopes, 0, _LEFT, 0, _FIRST_INNER * AOE_UP, two)
        if value >= best:
            best, place = value, at
    last = slopes[n_slopes - _RIGHT // AOE_UP - 2 :]
    if extremes(last, len(last))[0] >= best:
        first = AOE_OUTPUTS - _RIGHT
        begin = _LAST_INNER * AOE_UP + 1
        value, at = _end_current(slopes, first, _RIGHT, begin, AOE_OUTPUTS, two)
        if value > best:
            best, place = value, at
    return best, place


@step()
def _end_current(slopes: Any, first: int, n: int, begin: int, stop: int, scratch: Any) -> Any:
    """The greatest mean of ``begin`` to ``stop`` from the up-sampled ``first`` to ``first + n``."""
    one, two = scratch[:n], scratch[n : 2 * n]
    for i in range(n):
        one[i] = slopes[(first + i + AOE_UP // 2) // AOE_UP]
    mean_backward(one, two)
    mean_forward(two, one)
    mean_backward(one, two)
    best = -np.inf
    place = 0
    for i in range(begin - first, stop - first):
        if two[i] > best:
            best = two[i]
            place = first + i
    return best, place
