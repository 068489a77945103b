"""Compiled kernels against the same in plain numpy and scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from campaigns import FS, samples
from numpy.typing import NDArray
from radiograph.nodes.transients.kernels import fits, two_fits
from radiograph.nodes.transients.kernels.correlated_errors import correlated_error_rows
from radiograph.nodes.transients.kernels.demodulation import demodulated_rows, frequency_rows
from radiograph.nodes.transients.kernels.filtering import filtered_every, work_size
from radiograph.nodes.transients.kernels.local import local_statistics
from radiograph.nodes.transients.kernels.samples import sample_pass
from scipy.optimize import curve_fit
from scipy.signal import remez

TAPS = remez(129, [0, 3e6, 3.2e6, FS / 2], [1, 0], fs=FS)
STEP_S, WINDOW = 250 / FS, 500


def plain_filtered(iq: NDArray[np.int16]) -> NDArray[np.complex128]:
    z = iq[:, 0] + 1j * iq[:, 1].astype(float)
    mixer = np.array([1, -1j, -1, 1j])[np.arange(len(z)) % 4]
    return np.convolve(z * mixer, TAPS, mode="valid")


def plain_frequency(iq: NDArray[np.int16]) -> NDArray[np.float64]:
    return np.diff(np.unwrap(np.angle(plain_filtered(iq)))) * FS / (2 * np.pi)


@pytest.mark.parametrize("every", [1, 2, 5, 10])
@pytest.mark.parametrize("first", [0, 3, 936])
@pytest.mark.parametrize("length", [4001, 4002, 4003])
def test_filtered_samples(every: int, first: int, length: int) -> None:
    iq = samples(10.0, 5000.0, 1)[:length]
    expected = plain_filtered(iq)[first::every]
    work = np.empty((2, work_size(every, TAPS.size)))
    found = np.empty((2, len(expected)))
    filtered_every(iq, TAPS, first, every, len(expected), work, found)
    np.testing.assert_allclose(found[0] + 1j * found[1], expected, rtol=0, atol=1e-8)


def demodulated(iq: Any, decimate: int, start: int = 1936, n_before: int = 1800) -> list[Any]:
    n = len(iq)
    n_pre, n_post = (n_before - 500) // 250 + 1, (iq.shape[1] - 129 - start - 500) // 250 + 1
    out = [np.full((n, n_pre), np.nan), np.full((n, n_post), np.nan), np.full((n, 3), np.nan),
           np.full(n, np.nan), np.full(n, np.nan)]  # fmt: skip
    demodulated_rows(iq, np.arange(n), TAPS, decimate, n_before, start, 500, 250, 80, 220, FS, *out)
    return out


@pytest.mark.parametrize("decimate", [1, 2, 5, 10])
def test_window_means_are_means_of_the_frequency(decimate: int) -> None:
    iq = np.stack([samples(15.0, 6000.0, 1), samples(-20.0, 900.0, 2)])
    kept = iq.copy()
    pre, post, spread, flat, _ = demodulated(iq, decimate)
    for row in range(2):
        f = plain_frequency(iq[row])
        expected = [f[i : i + 500].mean() for i in range(0, 1301, 250)]
        np.testing.assert_allclose(pre[row], expected, rtol=1e-11)
        late = f[1936:]
        expected = [late[250 * i : 250 * i + 500].mean() for i in range(post.shape[1])]
        np.testing.assert_allclose(post[row], expected, rtol=1e-11)
        assert flat[row] == pytest.approx(late[80:300].mean(), rel=1e-11)
        assert spread[row, 0] == pytest.approx(f[:1800].mean(), rel=1e-11)
        assert spread[row, 1] == pytest.approx(f[:1800].std(), rel=1e-11)
    assert (iq == kept).all()


def test_a_dip_between_the_samples_that_are_kept_is_found() -> None:
    iq = samples(15.0, 6000.0, 3)
    iq[4000:4040] = 16
    dips = [demodulated(iq[np.newaxis], decimate)[4][0] for decimate in (1, 5, 10)]
    assert dips[0] < 0.3
    assert dips[1:] == [dips[0]] * 2
    amplitude = np.abs(plain_filtered(iq))
    assert dips[0] == pytest.approx(amplitude.min() / np.median(amplitude), rel=1e-9)


def test_frequencies_sample_by_sample() -> None:
    iq = samples(15.0, 6000.0, 1)[np.newaxis]
    found = np.empty((1, iq.shape[1] - 129))
    frequency_rows(iq, np.arange(1), TAPS, FS, found)
    np.testing.assert_allclose(found[0], plain_frequency(iq[0]), atol=1e-6)


def test_zeros_and_clipped_samples() -> None:
    iq = np.full((2, 50, 2), 160, np.int16)
    iq[0, 10:15] = 0
    iq[0, 20:27] = 0
    iq[0, 30, 0] = 0
    iq[1, 5, 1], iq[1, 6, 0], iq[1, 7, 0], iq[1, 49, 0] = 32752, -32768, 32751, 32767
    zeros, clipped = np.zeros(2, np.int64), np.zeros(2, np.int64)
    sample_pass(iq, np.array([50, 40]), 32752, zeros, clipped)
    assert zeros.tolist() == [7, 0]
    assert clipped.tolist() == [0, 2]


# --- fits ----------------------------------------------------------------------------------------


def fitted(means: Any, *, averaged: bool = True, begin_s: float = 0.5 / FS) -> Any:
    found = np.full((len(means), 7), np.nan)
    fits.exponential_rows(means, begin_s, STEP_S, WINDOW, FS, averaged, 2e5, found)
    return found


def window_averages(amplitude: float, decay: float, c: float, n: int) -> NDArray[np.float64]:
    """Means of (N - c) exp(-decay t) + c over 500 samples that begin half a sample late."""
    k = np.arange(WINDOW) + 0.5
    begins = 250 * np.arange(n)[:, None]
    return np.exp(-decay * (begins + k) / FS).mean(axis=1) * amplitude + c


@pytest.mark.parametrize("decay", [700.0, 5000.0, 20_000.0, 60_000.0])
@pytest.mark.parametrize("amplitude", [25.0, -8.0])
def test_an_exact_exponential_is_recovered(decay: float, amplitude: float) -> None:
    found = fitted(window_averages(amplitude, decay, 0.7, 120)[np.newaxis])[0]
    assert found[2] == pytest.approx(decay, rel=1e-5)
    assert found[4] == pytest.approx(amplitude, rel=1e-5)
    assert found[3] == pytest.approx(0.7, abs=1e-4)
    assert found[1] == pytest.approx(amplitude + 0.7, rel=1e-4)


def test_no_worse_than_a_general_fit() -> None:
    rng = np.random.default_rng(5)
    t = 499 / FS + STEP_S * np.arange(60)

    def model(t: Any, n: float, decay: float, c: float) -> Any:
        return (n - c) * np.exp(-decay * t) + c

    means = model(t, 12.0, 3000.0, 0.5) + rng.normal(0, 0.4, (20, t.size))
    found = fitted(means, averaged=False, begin_s=t[0])
    errors = np.empty((len(means), 4))
    form = (t[0], STEP_S, WINDOW, FS, False)
    correlated_error_rows(*found[:, [4, 2, 0]].T.copy(), np.empty(0), *form, means.shape[1], errors)
    for row, of_row, values in zip(found, errors, means, strict=True):
        best, covariance = curve_fit(model, t, values, (12.0, 3000.0, 0.5))
        assert row[0] <= ((values - model(t, *best)) ** 2).sum() * (1 + 1e-9)
        np.testing.assert_allclose(row[1:4], best, rtol=2e-4)
        np.testing.assert_allclose(of_row[:3], np.sqrt(np.diag(covariance)), rtol=2e-3)
        assert row[5] == pytest.approx(((values - values.mean()) ** 2).sum())


def test_what_is_no_exponential() -> None:
    line = np.linspace(3.0, 1.0, 40)
    found = fitted(np.stack([line, np.full(40, 2.0), np.where(np.arange(40) == 7, np.nan, line)]))
    assert found[0, 0] < 1e-6
    assert found[0, 6] == 1.0
    assert found[1, 5] == 0.0
    assert np.isnan(found[2]).all()


def test_two_exponentials_are_recovered() -> None:
    values = window_averages(10.0, 9000.0, 0.0, 160) + window_averages(20.0, 700.0, 1.0, 160)
    noise = np.random.default_rng(2).normal(0, 0.01, 160)
    found = np.full((2, 7), np.nan)
    one = window_averages(20.0, 700.0, 1.0, 160)
    rows = np.stack([values + noise, one + 30 * noise])
    two_fits.two_exponential_rows(rows, 0.5 / FS, STEP_S, WINDOW, FS, True, 2, found)
    np.testing.assert_allclose(found[0, :5], [10.0, 9000.0, 20.0, 700.0, 1.0], rtol=0.03, atol=0.1)
    assert found[0, 6] > 100
    assert found[1, 6] < 10


# --- local statistics ----------------------------------------------------------------------------


def test_local_centres_and_spreads() -> None:
    values = np.array([1.0, 2.0, 4.0, 10.0, 11.0, np.nan, 5.0])
    offsets = np.array([0, 3, 6, 7])
    around = np.array([[0, 1, -1], [0, 1, 2], [-1, 1, 2]])
    out = np.empty(3), np.empty(3), np.zeros(3, np.int64)
    local_statistics(values, offsets, around, 3, *out)
    centre, spread, n = out
    # The first has three hits of its own: centre 2, residuals 1 and 2 (one exact zero left out);
    # its neighbour has no centre of its own.
    assert centre[0] == 2.0
    assert n[0] == 2
    assert spread[0] == pytest.approx(1.4826 * 1.5)
    # The second takes all around it: 1 2 4 10 11 5.
    assert centre[1] == 4.5
    assert n[1] == 6
    assert spread[1] == pytest.approx(1.4826 * np.median([3.5, 2.5, 0.5, 5.5, 6.5, 0.5]))
    assert centre[2] == 10.0


def test_plain_form_of_small_helpers() -> None:
    values = np.random.default_rng(1).normal(size=23)
    assert fits.horner(values, 0.9) == pytest.approx((values * 0.9 ** np.arange(23)).sum())
    assert fits.series(0.9, 23) == pytest.approx((0.9 ** np.arange(23)).sum())
    means = window_averages(10.0, 5000.0, 0.3, 30)[np.newaxis]
    plain = np.full((1, 7), np.nan)
    fits.exponential_rows.py_func(means, 0.5 / FS, STEP_S, WINDOW, FS, True, 2e5, plain)
    np.testing.assert_allclose(plain, fitted(means), rtol=1e-6, atol=1e-9)
