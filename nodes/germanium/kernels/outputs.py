"""Outputs of a kernel on waveforms, where a few of them are wanted of each."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

_kernel = partial(njit, cache=True, nogil=True, no_cfunc_wrapper=True, error_model="numpy")


@_kernel()
def greatest_of_fitting(waves: Any, kernel: Any, greatest: Any) -> None:
    """The greatest output of a kernel on each waveform, of those for which it fits, to (n,).

    All outputs of a waveform grow together, four values of the kernel at a time in their order:
    the inner loop runs in vectors without a sum of its own, so its digits depend on nothing else.
    """
    n_kernel = len(kernel)
    n_outputs = waves.shape[1] - n_kernel + 1
    # The first sample is weighed by the last value, as in a convolution.
    weights = kernel[::-1].copy()
    outputs = np.empty(n_outputs)
    for row in range(waves.shape[0]):
        outputs[:] = 0.0
        n_fours = n_kernel // 4
        for four in range(n_fours):
            k = 4 * four
            a, b, c, d = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
            samples = waves[row, k : k + n_outputs + 3]
            for j in range(n_outputs):
                outputs[j] += (
                    a * samples[j] + b * samples[j + 1] + c * samples[j + 2] + d * samples[j + 3]
                )
        for k in range(4 * n_fours, n_kernel):
            samples = waves[row, k : k + n_outputs]
            for j in range(n_outputs):
                outputs[j] += weights[k] * samples[j]
        highest = outputs[0]
        for j in range(1, n_outputs):
            # NaN stays: it is greater than nothing, and nothing than it.
            if outputs[j] > highest or outputs[j] != outputs[j]:
                highest = outputs[j]
        greatest[row] = highest
