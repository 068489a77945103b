"""One integer pass over each waveform: sums of its first samples, extremes, greatest steps."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def waveform_pass(
    samples: Any,
    window: int,
    window_sum: Any,
    window_square_sum: Any,
    highest: Any,
    lowest: Any,
    step: Any,
    rise: Any,
    peak: Any,
) -> None:
    """Fill one row of each output a waveform.

    Parameters
    ----------
    samples
        (n_waveforms, n_samples) int16.
    window
        Samples that are summed, at most n_samples.
    window_sum, window_square_sum, highest, lowest, step, rise, peak
        (n_waveforms,) outputs: int32, int64, int16, int16 and three times int32. The step is the
        greatest difference of neighbours, up or down; a 16-bit difference would wrap. The rise is
        the greatest step up, counted from the mean of the window on: the way back from below is
        none. The peak is the first sample that is the highest.
    """
    n_samples = samples.shape[1]
    for row in range(samples.shape[0]):
        wave = samples[row]
        total = 0
        squares = 0
        for i in range(window):
            value = int(wave[i])
            total += value
            squares += value * value
        high = wave[0]
        low = wave[0]
        for i in range(n_samples):
            high = max(high, wave[i])
            low = min(low, wave[i])
        mean = total // window
        largest = 0
        up = 0
        for i in range(1, n_samples):
            largest = max(largest, abs(int(wave[i]) - int(wave[i - 1])))
            up = max(up, int(wave[i]) - max(int(wave[i - 1]), mean))
        window_sum[row] = total
        window_square_sum[row] = squares
        highest[row] = high
        lowest[row] = low
        step[row] = largest
        rise[row] = up
        first = 0
        while wave[first] < high:
            first += 1
        peak[row] = first
