"""Noise of baselines: white noise by hand, filters on the waveforms, the least of a curve."""

from __future__ import annotations

import numpy as np
import pytest
from plain_filters import trapezoid
from radiograph.nodes.germanium.noise import (
    filtered_sigma,
    gain_of,
    kernels_of,
    least_of,
    noise_curves,
    noise_spectrum,
    output_sigmas,
    trapezoid_kernel,
    with_baseline,
)
from radiograph.nodes.waveforms.filters import pole_zero

SAMPLE_NS, DECAY_US = 128.0, 440.0
N, LENGTH = 1600, 781
BASELINE_US, N_BASELINE = 44.8, 350


def baselines(n: int = N, seed: int = 1) -> np.ndarray:
    """White noise of 2 ADC, 1/f noise, and a random walk of 0.05 ADC a sample."""
    rng = np.random.default_rng(seed)
    white = 2.0 * rng.normal(size=(n, LENGTH))
    walk = np.cumsum(0.05 * rng.normal(size=(n, LENGTH)), axis=1)
    f = np.fft.rfftfreq(4 * LENGTH)
    shape = np.divide(1.0, np.sqrt(f), out=np.zeros_like(f), where=f > 0)
    pink = np.fft.irfft(np.fft.rfft(rng.normal(size=(n, 4 * LENGTH))) * shape, axis=1)
    return 15000.0 + white + walk + 0.2 * pink[:, :LENGTH]


def test_white_noise_has_a_flat_spectrum() -> None:
    """2 ADC at 7.8125 MHz: 4 ADC^2 over 3.90625 MHz, and a trapezoid of n samples sqrt(2/n)."""
    waves = 2.0 * np.random.default_rng(2).normal(size=(N, LENGTH))
    spectrum = noise_spectrum(waves, SAMPLE_NS)
    power = spectrum.power_adc2_per_Hz
    assert power[5:-1].mean() == pytest.approx(4.0 / 3.90625e6, rel=0.01)
    assert np.isnan(power[0])
    kernel = trapezoid_kernel(62, 20, 1e12)
    assert kernel.sum() == pytest.approx(0.0, abs=1e-9)
    sigma = np.sqrt((output_sigmas(kernel, spectrum) ** 2).mean())
    assert sigma == pytest.approx(2.0 * np.sqrt(2.0 / 62.0), rel=0.04)


def test_the_kernel_of_the_trapezoid_has_its_correction_in_it() -> None:
    wave = np.random.default_rng(3).normal(size=400)
    decay = 3437.5
    of_kernel = np.convolve(wave, trapezoid_kernel(62, 20, decay))[144:400]
    corrected = trapezoid(pole_zero(wave, decay), 62, 20)
    np.testing.assert_allclose(of_kernel, corrected[1:], atol=1e-10)
    assert gain_of(trapezoid_kernel(62, 20, decay), decay) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", ["trap", "cusp", "zac"])
@pytest.mark.parametrize("shaping_us", [2.0, 8.0, 12.0])
def test_the_spectrum_gives_the_noise_of_the_filter(name: str, shaping_us: float) -> None:
    """Within 5 %, of white, 1/f and 1/f^2 noise together."""
    waves = baselines()
    kernel = kernels_of(2.5, 89.6, DECAY_US, SAMPLE_NS)[name](shaping_us)
    groups = output_sigmas(with_baseline(kernel, N_BASELINE), noise_spectrum(waves, SAMPLE_NS))
    sigma = np.sqrt((groups**2).mean())
    of_waves, error = filtered_sigma(kernel, waves, N_BASELINE)
    assert error < 0.03 * of_waves
    assert sigma == pytest.approx(of_waves, rel=0.04)


def test_the_least_noise_lies_between_white_and_walk() -> None:
    spectrum = noise_spectrum(baselines(), SAMPLE_NS)
    curves, optima = noise_curves(
        spectrum, np.arange(2.0, 32.0, 2.0), 2.5, 89.6, DECAY_US, BASELINE_US
    )
    assert set(curves["filter"]) == {"trap", "cusp", "zac"}
    assert (optima["fwhm_adc"] > 0.0).all()
    for _, row in optima.iterrows():
        of_filter = curves[curves["filter"] == row["filter"]]
        assert row["fwhm_adc"] <= of_filter["fwhm_adc"].min() + 1e-12
        assert row["fwhm_err_adc"] > 0.0
    trap = optima.set_index("filter").loc["trap"]
    assert 2.0 < trap["shaping_us"] < 24.0
    assert not trap["at_end"]
    assert trap["shaping_err_us"] > 0.0


def test_what_does_not_fit_is_left_out() -> None:
    spectrum = noise_spectrum(baselines(40)[:, :200], SAMPLE_NS)
    curves, _ = noise_curves(spectrum, (4.0, 16.0), 2.5, 89.6, DECAY_US, 12.0)
    assert curves["shaping_us"].tolist() == [4.0]
    with pytest.raises(ValueError, match="a kernel of 700"):
        output_sigmas(np.ones(700), spectrum)


def test_the_least_of_a_parabola() -> None:
    """(ln t - ln 5)^2 + 1 on whole times."""
    times = np.arange(1.0, 17.0)
    at, value = least_of(times, np.log(times / 5.0) ** 2 + 1.0)
    assert (at, value) == (pytest.approx(5.0), pytest.approx(1.0))
    assert least_of(times, times) == (1.0, 1.0)


def test_bad_waveforms() -> None:
    for shape in ((0, 100), (3, 4), (100,)):
        with pytest.raises(ValueError, match="at least one"):
            noise_spectrum(np.zeros(shape), SAMPLE_NS)
    one = noise_spectrum(np.random.default_rng(1).normal(size=(1, 100)), SAMPLE_NS)
    assert one.n_waveforms == 1
