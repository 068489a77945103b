"""Baseband samples of recordings to phases at the ends of windows, one pass each.

The mean frequency over a window is the difference of two unwrapped phases, so the phase is asked
for at the ends of windows only; in between, turns are counted where the filtered signal crosses the
negative real axis. Each sample's frequency is needed before the trigger alone, for its spread.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from .filtering import filtered_every, work_size
from .ordering import ordered

# Below this share of the median amplitude, or with a phase step beyond a quarter turn, a decimated
# signal may have lost a turn, or hidden a dip: every sample is looked at then.
_SAFE_DIP = 0.7
_BINS = 2048


@njit(cache=True, nogil=True)
def demodulated_rows(
    iq: Any,
    rows: Any,
    taps: Any,
    decimate: int,
    n_before: int,
    start: int,
    window: int,
    step: int,
    flat_first: int,
    flat_length: int,
    fs: float,
    pre_Hz: Any,
    post_Hz: Any,
    spread_Hz: Any,
    flat: Any,
    dip: Any,
) -> None:
    """Fill the rows of the outputs for ``rows`` of the recordings.

    Parameters
    ----------
    iq
        (n_recordings, n_samples, 2) int16, I and Q.
    rows
        Which of them, int64.
    taps
        The low pass, odd in length, symmetric.
    decimate
        After ``start`` every such sample of the filter is computed; divides step and window.
    n_before, start
        Frequencies [0, n_before) are the baseline; windows after the trigger begin at ``start``.
    window, step
        Length and distance of the windows in samples.
    flat_first, flat_length
        The flat top: frequencies from ``start + flat_first`` on.
    fs
        Sampling frequency, Hz.
    pre_Hz, post_Hz
        Outputs (n_recordings, n_windows): mean frequency of windows, Hz relative to +fs/4.
    spread_Hz
        Output (n_recordings, 3): mean and population standard deviation of the frequency in
        the baseline; standard deviation of its means over ``flat_length`` samples.
    flat
        Output (n_recordings,): mean frequency of the flat top, Hz.
    dip
        Output (n_recordings,): smallest filtered amplitude over its median.
    """
    n_filtered = iq.shape[1] - taps.size + 1
    n_late = (n_filtered - 1 - start) // decimate + 1
    n_early = n_filtered if decimate == 1 else start + 1
    # Numbers, not literals: for these everything would be compiled a second time.
    origin, one = np.int64(0), np.int64(1)
    work = np.empty((2, max(work_size(one, taps.size), work_size(decimate, taps.size))))
    early = np.empty((2, n_filtered))
    late = np.empty((2, n_late))
    scratch = np.empty(n_filtered)
    turns = np.empty(n_filtered, np.int64)
    for row in rows:
        filtered_every(iq[row], taps, origin, one, n_early, work, early)
        every, count, after = 1, n_filtered, early
        if decimate > 1:
            filtered_every(iq[row], taps, start, decimate, n_late, work, late)
            dip[row] = _dip(early, n_early, late, n_late, decimate, scratch)
            if dip[row] < _SAFE_DIP or _turns_far(late, n_late):
                filtered_every(iq[row], taps, origin, one, n_filtered, work, early)
            else:
                every, count, after = decimate, n_late, late
        if every == 1:
            dip[row] = _dip(early, n_filtered, late, origin, one, scratch)
        _baseline(early, n_before, fs, flat_length, scratch, spread_Hz[row])
        _count_turns(early, n_before + 1, turns)
        for i in range(pre_Hz.shape[1]):
            pre_Hz[row, i] = _mean_Hz(early, turns, i * step, i * step + window, window, fs)
        _count_turns(after, count, turns)
        first = start if every == 1 else 0
        stride, length = step // every, window // every
        for i in range(post_Hz.shape[1]):
            a = first + i * stride
            post_Hz[row, i] = _mean_Hz(after, turns, a, a + length, window, fs)
        a = first + flat_first // every
        flat[row] = _mean_Hz(after, turns, a, a + flat_length // every, flat_length, fs)


@njit(cache=True, nogil=True)
def frequency_rows(iq: Any, rows: Any, taps: Any, fs: float, frequency_Hz: Any) -> None:
    """Fill ``rows`` of a (n_recordings, n_samples - n_taps) output: frequency, sample by sample."""
    n_filtered = iq.shape[1] - taps.size + 1
    origin, one = np.int64(0), np.int64(1)
    work = np.empty((2, work_size(one, taps.size)))
    signal = np.empty((2, n_filtered))
    scale = fs / (2.0 * math.pi)
    for row in rows:
        filtered_every(iq[row], taps, origin, one, n_filtered, work, signal)
        for k in range(n_filtered - 1):
            x0, y0, x1, y1 = signal[0, k], signal[1, k], signal[0, k + 1], signal[1, k + 1]
            frequency_Hz[row, k] = scale * math.atan2(x0 * y1 - x1 * y0, x0 * x1 + y0 * y1)


@njit(cache=True, nogil=True)
def _count_turns(signal: Any, count: int, turns: Any) -> None:
    """The turns of the phase up to each of ``count`` samples, as its angle crosses -pi or pi."""
    total = 0
    turns[0] = 0
    for k in range(1, count):
        before, y = signal[1, k - 1], signal[1, k]
        if (before < 0.0) != (y < 0.0):
            cross = signal[0, k - 1] * y - signal[0, k] * before
            if before >= 0.0 and cross > 0.0:
                total += 1
            elif before < 0.0 and cross < 0.0:
                total -= 1
        turns[k] = total


@njit(cache=True, nogil=True)
def _mean_Hz(signal: Any, turns: Any, a: int, b: int, length: int, fs: float) -> float:
    """Mean frequency between two samples that stand ``length`` raw samples apart."""
    begin = math.atan2(signal[1, a], signal[0, a])
    end = math.atan2(signal[1, b], signal[0, b])
    angle = 2.0 * math.pi * (turns[b] - turns[a]) + (end - begin)
    return angle * fs / (2.0 * math.pi * length)


@njit(cache=True, nogil=True)
def _baseline(
    signal: Any, count: int, fs: float, block: int, frequency: Any, spread_Hz: Any
) -> None:
    """Mean, population standard deviation, and the deviation of means over ``block`` samples."""
    scale = fs / (2.0 * math.pi)
    total = 0.0
    for k in range(count):
        x0, y0, x1, y1 = signal[0, k], signal[1, k], signal[0, k + 1], signal[1, k + 1]
        frequency[k] = scale * _angle(x0 * y1 - x1 * y0, x0 * x1 + y0 * y1)
        total += frequency[k]
    mean = total / count
    squares = 0.0
    for k in range(count):
        squares += (frequency[k] - mean) ** 2
    n_blocks = count // block
    of_blocks = 0.0
    for i in range(n_blocks):
        part = 0.0
        for k in range(i * block, (i + 1) * block):
            part += frequency[k] - mean
        of_blocks += (part / block) ** 2
    spread_Hz[0] = mean
    spread_Hz[1] = math.sqrt(squares / count)
    spread_Hz[2] = math.sqrt(of_blocks / n_blocks) if n_blocks else np.nan


@njit(cache=True, nogil=True)
def _angle(y: float, x: float) -> float:
    """atan2(y, x); for a small angle by its series, to the last digits."""
    if x > 0.0 and abs(y) < 0.04 * x:
        t = y / x
        u = t * t
        return t * (1.0 - u * (1 / 3 - u * (1 / 5 - u * (1 / 7 - u * (1 / 9 - u / 11)))))
    return math.atan2(y, x)


@njit(cache=True, nogil=True)
def _median_root(values: Any, n: int) -> float:
    """The median of the square roots of the first ``n`` values.

    The middle ones are looked for in the one bin of a histogram that holds them.
    """
    least, most = values[0], values[0]
    for k in range(n):
        least, most = min(least, values[k]), max(most, values[k])
    if not most > least:
        return math.sqrt(most)
    counts = np.zeros(_BINS + 1, np.int64)
    scale = _BINS / (most - least)
    for k in range(n):
        counts[int((values[k] - least) * scale)] += 1
    upper, lower = n // 2, (n - 1) // 2
    first = last = below = 0
    while below + counts[first] <= lower:
        below += counts[first]
        first += 1
    last, up_to = first, below + counts[first]
    while up_to <= upper:
        last += 1
        up_to += counts[last]
    some = np.empty(up_to - below)
    found = np.int64(0)
    for k in range(n):
        place = int((values[k] - least) * scale)
        if first <= place <= last:
            some[found] = values[k]
            found += 1
    at_lower = ordered(some, found, lower - below)
    return 0.5 * (math.sqrt(at_lower) + math.sqrt(ordered(some, found, upper - below)))


@njit(cache=True, nogil=True)
def _dip(early: Any, n_early: int, late: Any, n_late: int, every: int, power: Any) -> float:
    """The smallest amplitude over the median of those that stand ``every`` samples apart.

    The samples of ``late`` begin where those of ``early`` end: the last of these is its first.
    """
    least = np.inf
    count = np.int64(0)
    for k in range(n_early):
        square = early[0, k] ** 2 + early[1, k] ** 2
        least = min(least, square)
        if n_late == 0 or ((n_early - 1 - k) % every == 0 and k < n_early - 1):
            power[count] = square
            count += 1
    for k in range(n_late):
        square = late[0, k] ** 2 + late[1, k] ** 2
        least = min(least, square)
        power[count] = square
        count += 1
    median = _median_root(power, count)
    return math.sqrt(least) / median if median > 0.0 else np.nan


@njit(cache=True, nogil=True)
def _turns_far(signal: Any, count: int) -> bool:
    """Whether the phase turns by more than a quarter between two neighbours."""
    for k in range(1, count):
        if signal[0, k - 1] * signal[0, k] + signal[1, k - 1] * signal[1, k] < 0.0:
            return True
    return False
