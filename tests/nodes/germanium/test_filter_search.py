"""Event selection and the search for the best shaping, on made-up pulses with known noise."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from radiograph.nodes.germanium.filter_search import (
    Merit,
    about,
    greatest_outputs,
    merit_of,
    searched,
)
from radiograph.nodes.germanium.kernels.outputs import greatest_of_fitting
from radiograph.nodes.germanium.noise import kernels_of
from radiograph.nodes.germanium.selection import filter_begins_us__of_grid
from radiograph.schemas.germanium.lines import Q_BB_KEV
from radiograph.schemas.germanium.settings import Filters

SAMPLE_NS, DECAY_US, N_SAMPLES = 128.0, 440.0, 740
KERNELS = kernels_of(2.5, 89.6, DECAY_US, SAMPLE_NS)


@cache
def pulses() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pulses of two lines at 0.15 keV/ADC with noise, drift times, and the names of the lines."""
    rng = np.random.default_rng(1)
    names = np.repeat(["860.564", "2614.511"], [500, 1500])
    truth = np.where(names == "860.564", 860.564, 2614.511)
    energy = truth + rng.normal(size=len(truth)) * np.sqrt(0.0018 * truth) / 2.355
    dt_eff = rng.uniform(300.0, 1000.0, len(truth))
    height = energy / 0.15 / (1.0 + 6e-7 * dt_eff)
    time = np.arange(N_SAMPLES) - 367.0
    shape = np.where(time >= 0.0, np.exp(-np.maximum(time, 0.0) / (DECAY_US * 1e3 / SAMPLE_NS)), 0)
    white = rng.normal(size=(len(truth), N_SAMPLES)) * 4.0
    walk = np.cumsum(rng.normal(size=white.shape) * 0.15, axis=1)
    waves = height[:, np.newaxis] * shape + white + walk
    waves -= waves[:, :350].mean(axis=1, keepdims=True)
    return waves.astype(np.float32), dt_eff, names


def merit(name: str, us: float) -> Merit:
    waves, dt_eff, names = pulses()
    return merit_of(greatest_outputs(waves, KERNELS[name](us)), dt_eff, names)


def test_widths_of_a_known_noise() -> None:
    found = merit("trap", 6.0)
    assert found.reason == ""
    assert found.alpha_per_ns == pytest.approx(6e-7, rel=0.2)
    fano = np.sqrt(0.0018 * Q_BB_KEV)
    assert fano < found.qbb_fwhm_keV < 1.2 * fano
    assert found.qbb_fwhm_err_keV < 0.1


@pytest.mark.slow
def test_the_optimum_is_that_of_a_fine_scan() -> None:
    """Within 1 % of the least of 40 points, from fewer than 16."""
    scan, best = searched("trap", lambda us: merit("trap", us), about(4.0), (1.0, 12.0))
    fine = [merit("trap", us).qbb_fwhm_keV for us in np.geomspace(1.0, 12.0, 40)]
    assert best["qbb_fwhm_keV"][0] < 1.01 * min(fine)
    assert best["n_computed"][0] == len(scan) < 16
    assert 1.0 <= best["shaping_us"][0] <= 12.0


def test_a_search_goes_on_to_where_the_least_is() -> None:
    """FWHM^2 = 4 + (ln t - ln 9)^2, from 1 us on."""

    def known(us: float) -> Merit:
        width = float(np.sqrt(4.0 + np.log(us / 9.0) ** 2))
        return Merit(0.0, width, 0.05, width, 0.05)

    scan, best = searched("cusp", known, about(1.0), (0.5, 16.0))
    assert best["shaping_us"][0] == pytest.approx(9.0, rel=0.01)
    assert best["qbb_fwhm_keV"][0] == pytest.approx(2.0, rel=1e-4)
    assert not best["at_end"][0]
    assert scan["shaping_us"].is_monotonic_increasing
    _, end = searched("cusp", known, about(1.0), (0.5, 4.0))
    assert (end["shaping_us"][0], end["at_end"][0]) == (4.0, True)


def test_a_grid_finds_the_deeper_of_two_valleys() -> None:
    """From 1 us on alone the search would stay in the valley there."""

    def known(us: float) -> Merit:
        near, deep = ((np.log(us / at)) ** 2 for at in (1.0, 9.0))
        width = float(np.sqrt(min(5.0 + 4.0 * near, 4.0 + 4.0 * deep)))
        return Merit(0.0, width, 0.05, width, 0.05)

    _, stays = searched("cusp", known, about(1.0), (0.5, 16.0))
    assert stays["shaping_us"][0] == pytest.approx(1.0, rel=0.01)
    grid = filter_begins_us__of_grid(Filters(grid=6))
    scan, best = searched("cusp", known, grid["cusp"], (0.5, 16.0))
    assert 6.0 < best["shaping_us"][0] < 13.0
    assert best["qbb_fwhm_keV"][0] < 2.1 < stays["qbb_fwhm_keV"][0]
    assert set(grid["cusp"]) <= set(scan["shaping_us"])
    assert best["n_computed"][0] == len(scan)


def test_a_grid_goes_from_end_to_end() -> None:
    """Ends of section 4.4, 12 shaping times at equal ratios; a trapezoid that fits."""
    grid = filter_begins_us__of_grid(Filters())
    assert {name: len(times) for name, times in grid.items()} == dict.fromkeys(grid, 12)
    assert (grid["cusp"][0], grid["cusp"][-1]) == pytest.approx((0.5, 16.0))
    assert (grid["trap"][0], grid["trap"][-1]) == pytest.approx((1.0, 12.0))
    np.testing.assert_allclose(np.diff(np.log(grid["zac"])), np.log(32.0) / 11)
    wide = filter_begins_us__of_grid(Filters(flat_us=80.0))
    assert wide["trap"][-1] == pytest.approx(0.5 * (94.7 - 2.0 - 80.0))


def test_without_any_width_the_reason_stays() -> None:
    nan = float("nan")
    none = Merit(nan, nan, nan, nan, nan, "no")
    scan, best = searched("zac", lambda us: none, about(4.0), (1.0, 12.0))
    assert (scan["reason"] == "no").all()
    assert np.isnan(best["qbb_fwhm_keV"][0])
    noise = np.random.default_rng(3).normal(size=300)
    found = merit_of(noise, np.full(300, 500.0), np.full(300, "2614.511"))
    assert found.reason.startswith("2614.5 keV")


@pytest.mark.parametrize("n_kernel", [1, 3, 4, 6, 60])
def test_the_kernel_of_outputs_is_its_plain_form(n_kernel: int) -> None:
    rng = np.random.default_rng(7)
    waves, kernel = rng.normal(size=(5, 60)), rng.normal(size=n_kernel)
    waves[3, 59] = np.nan
    compiled, plain = np.zeros(5), np.zeros(5)
    greatest_of_fitting(waves, kernel, compiled)
    greatest_of_fitting.py_func(waves, kernel, plain)
    np.testing.assert_array_equal(compiled, plain)
    expected = [np.convolve(w, kernel, "valid").max() for w in waves]
    np.testing.assert_allclose(compiled, expected, rtol=1e-12)
    assert np.isnan(compiled).tolist() == [False, False, False, True, False]


def test_greatest_outputs_against_numpy() -> None:
    waves = np.random.default_rng(5).normal(size=(3, 60))
    kernel = np.random.default_rng(6).normal(size=20)
    expected = [np.convolve(w, kernel, "valid").max() for w in waves]
    np.testing.assert_allclose(greatest_outputs(waves, kernel), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="a kernel of 61"):
        greatest_outputs(waves, np.ones(61))
