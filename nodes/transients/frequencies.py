"""Frequencies sample by sample to means over windows, and in parts per million of the carrier."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.errors import InputError
from ...schemas.transients.config import Demodulation
from ...schemas.transients.recordings import DemodulationPlan, RecordingForm, WindowMeans

_PPM: Final = 1e6


def of_frequencies(
    frequency_Hz: F8, plan: DemodulationPlan, whole: NDArray[np.bool_], out: tuple[F8, F8, F8, F8]
) -> None:
    """The same of frequencies sample by sample (n, n_samples - 129), as older files hold them."""
    pre, post, spread, flat = out
    rows = np.flatnonzero(whole)
    f = frequency_Hz[rows]
    mean = f[:, : plan.n_before].mean(axis=1)
    sums = np.zeros((len(rows), f.shape[1] + 1))
    # Sums of small numbers: no digits are lost to the offset of the carrier.
    np.cumsum(f - mean[:, None], axis=1, out=sums[:, 1:])

    def means(first: int, length: int, count: int) -> F8:
        begins = first + plan.step * np.arange(count)
        return (sums[:, begins + length] - sums[:, begins]) / length + mean[:, None]

    pre[rows] = means(0, plan.window, plan.n_pre_windows)
    post[rows] = means(plan.start, plan.window, plan.n_post_windows)
    flat[rows] = means(plan.start + plan.flat_first, plan.flat_length, 1)[:, 0]
    spread[rows, 0] = mean
    spread[rows, 1] = f[:, : plan.n_before].std(axis=1)
    n_blocks = plan.n_before // plan.flat_length
    blocks = f[:, : n_blocks * plan.flat_length].reshape(len(rows), n_blocks, plan.flat_length)
    spread[rows, 2] = np.sqrt(((blocks.mean(axis=2) - mean[:, None]) ** 2).mean(axis=1))


def ppm(values_Hz: F8, means: WindowMeans, carrier_Hz: float) -> F8:
    """Frequencies off the baseline, in parts per million of carrier + baseline."""
    mean = means.mean_Hz.reshape(-1, *[1] * (values_Hz.ndim - 1))
    return (values_Hz - mean) / (carrier_Hz + mean) * _PPM


def check_rate(form: RecordingForm, settings: Demodulation) -> None:
    """InputError for a sample rate that the filter does not fit to."""
    if settings.stop_MHz * 2e6 >= form.fs_Hz:
        msg = (
            f"sdr_info_fs = {form.fs_Hz:g} Hz: the low pass of {settings.stop_MHz:g} MHz needs a "
            "sample rate of more than twice that; lower [transients.demodulation] stop_MHz."
        )
        raise InputError(msg, key="sdr_info_fs")
