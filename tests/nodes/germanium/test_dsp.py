"""Dsp columns: the published reference, plain numpy, pulses whose answer is known, odd ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from germanium_data import TEST_STAND_DSP, TEST_STAND_RAW, THREE_TIERS, reference
from plain_filters import moving_average, trapezoid
from radiograph.nodes.germanium.dsp import (
    dsp_columns__of_raw,
    dsp_parameters__of_raw,
    filter_settings__given,
    n_duplicates,
    n_out_of_time__of_dsp,
    n_out_of_time__of_raw,
    pole_zero_constants_ns__given,
)
from radiograph.nodes.germanium.dsp_frames import pulse_columns
from radiograph.nodes.germanium.filters import cusp_kernel, falling_pulse, recursion, zac_kernel
from radiograph.nodes.germanium.kernels import pulses
from radiograph.nodes.germanium.kernels.dsp import COLUMNS, Decay, Recipe, Trapezoid, dsp_rows
from radiograph.nodes.germanium.lh5 import layout_of
from radiograph.nodes.germanium.load import raw_scalars__of_raw
from radiograph.nodes.germanium.recipes import recipe_of, whole_samples
from radiograph.nodes.germanium.waveforms import waveforms_of
from radiograph.nodes.waveforms.filters import (
    double_pole_zero,
    pole_zero,
)
from radiograph.schemas.errors import InputError
from radiograph.schemas.germanium.dsp import (
    DspParameters,
    FilterSettings,
    PoleZeroConstants,
    RawTable,
    Waveforms,
)
from radiograph.schemas.germanium.settings import Filters, PoleZero
from radiograph.schemas.sources import EventRange, FileRef

TAU_NS = 400_000.0
FILTERS = FilterSettings(8.0, 2.5, 8.0, 2.5, 8.0, 2.5, 89.6)
PARAMETERS = DspParameters(PoleZeroConstants(TAU_NS), FILTERS, (0.0, 44.8), (53.8, 99.9))
FAST_T0_NS = 42_000.0


def pulse_train(
    heights: Any, start_ns: float = 48_000.0, rise_ns: float = 400.0, noise: float = 0.0
) -> Waveforms:
    """Pulses on a baseline of 15000 ADC that rise linearly and fall with TAU_NS."""
    rng = np.random.default_rng(11)

    def at(t: Any) -> Any:
        rising = np.clip((t - start_ns) / rise_ns, 0.0, 1.0)
        falling = np.exp(-np.maximum(t - start_ns - rise_ns, 0.0) / TAU_NS)
        shape = rising * falling
        waves = 15000.0 + np.multiply.outer(np.asarray(heights, float), shape)
        return (waves + noise * rng.normal(size=waves.shape)).astype(np.float32)

    slow = at(np.arange(781 * 8) * 16.0).reshape(len(heights), 781, 8).mean(axis=2)
    fast = at(FAST_T0_NS + np.arange(1400) * 16.0)
    return Waveforms(slow.astype(np.float32), fast, 128.0, 16.0, FAST_T0_NS)


def test_the_published_columns() -> None:
    """100 real waveforms by the recipe that is published with them, every row of every column."""
    with h5py.File(reference(TEST_STAND_RAW)) as file:
        waves = file["geds/raw/waveform/values"][()].astype(np.float32)
    waves.flags.writeable = False
    decay = Decay(float(np.exp(-16.0 / 180_000.0)), 0.0, 0.0)
    long_trap = Trapezoid(500, whole_samples(2500.0, 16.0), 625.0)
    recipe = Recipe(
        2400, 3500, decay, decay, long_trap, long_trap, Trapezoid(62, 6, 62.0), 5192, 0.0, 0.0,
        Trapezoid(250, 6, 506.0), 2400, (8, 4, 125), (8, 4, 125), 16.0, 16.0, 0.0, 65535.0, 4000.0,
        tail_slope=True,
    )  # fmt: skip
    out = np.empty((len(COLUMNS), len(waves)), np.float32)
    decay_samples = 180_000.0 / 16.0
    filters = [
        recursion(make(4200, 500.0, 156, decay_samples), 500.0, decay_samples, parabolic=is_zac)
        for make, is_zac in ((cusp_kernel, False), (zac_kernel, True))
    ]
    dsp_rows(waves, waves, *filters, np.empty(0), recipe, out)
    found = dict(zip(COLUMNS, out, strict=True))
    with h5py.File(reference(TEST_STAND_DSP)) as file:
        published = {name: item[()] for name, item in file["geds/dsp"].items()}
    del published["timestamp"]
    for name, column in published.items():
        assert np.array_equal(np.isnan(found[name]), np.isnan(column)), name
    # Its sums of thousands of samples are of 32 bits: their last digits are its own.
    height = np.abs(published["trapTmax"])
    loose = {"bl_std": 1e-4, "pz_std": 1e-4, "pz_mean": 2e-5, "tail_slope": 2e-5}
    for name, column in published.items():
        if name in ("dt_eff", "lq80", "pz_slope"):
            continue
        np.testing.assert_allclose(
            found[name], column, rtol=loose.get(name, 1e-5), atol=0.0, err_msg=name
        )
    np.testing.assert_allclose(found["dt_eff"], published["dt_eff"], rtol=0.0, atol=0.01)
    assert np.nanmax(np.abs(found["lq80"] - published["lq80"]) / np.maximum(height, 1e3)) < 0.01
    np.testing.assert_allclose(found["pz_slope"], published["pz_slope"], rtol=0.0, atol=1e-5)
    tall = found["trapTmax"] > 3000.0
    taus = -16.0 / found["tail_slope"][tall & np.isfinite(found["tail_slope"])]
    assert len(taus) == 57
    assert np.nanmedian(taus) == pytest.approx(180_600.0, rel=1e-3)


def test_columns_of_the_production() -> None:
    """A_max of real pulses as LEGEND's production stored it, its energies to 0.5 %."""
    path = reference(THREE_TIERS.format("raw"))
    table = next(t for t in layout_of(path).tables if t.channel == "ch1084804")
    raw, rows = RawTable(FileRef(str(path), 0, ""), table), EventRange(0, 10)
    parameters = dsp_parameters__of_raw(
        pole_zero_constants_ns__given(PoleZero(tau1_us=439.0)),
        filter_settings__given(Filters()),
        PoleZero(),
    )
    frame = dsp_columns__of_raw(waveforms_of(raw, rows), raw_scalars__of_raw(raw, rows), parameters)
    np.testing.assert_allclose(frame["A_max"][:3], [1702.2, 164.9, 1645.1], rtol=1e-3)
    with h5py.File(reference(THREE_TIERS.format("dsp"))) as file:
        stored = file["ch1084804/dsp"]
        for name in ("trapEmax", "cuspEmax", "zacEmax", "trapTmax"):
            np.testing.assert_allclose(frame[name][:4], stored[name][:4], rtol=5e-3, err_msg=name)
        for name in ("tp_99", "wf_max_win", "tp_max_win", "tp_aoe_max"):
            assert np.array_equal(frame[name][:4], stored[name][:4]), name


def test_energy_and_time_of_a_pulse() -> None:
    """Heights come back by every filter, levels at their times, the drift as the mean delay."""
    heights = np.array([1000.0, 4000.0, 16000.0])
    columns = pulse_columns(pulse_train(heights, noise=0.5), PARAMETERS)
    for name in ("trapEmax", "trapTmax", "cuspEmax", "trapEftp", "cuspEftp", "trapTftp"):
        np.testing.assert_allclose(columns[name], heights, rtol=3e-3, err_msg=name)
    np.testing.assert_allclose(columns["bl_mean"], 15000.0, atol=0.1)
    np.testing.assert_allclose(columns["tp_50"], 48_200.0, atol=20.0)
    np.testing.assert_allclose(columns["tp_90"] - columns["tp_10"], 320.0, atol=20.0)
    # A pulse that rises linearly in 400 ns is late by 200 ns on average.
    np.testing.assert_allclose(columns["dt_eff"] + columns["tp_0_est"] - 48_000.0, 200.0, atol=25.0)
    # Its slope is the height over 25 samples of 16 ns.
    np.testing.assert_allclose(columns["A_max"], heights / 25.0, rtol=0.02)
    np.testing.assert_allclose(columns["pz_slope"], 0.0, atol=0.01)


def test_two_decays() -> None:
    """The tail of two decays is flat after its own correction, and not after one of them."""
    t = np.arange(781) * 128.0 - 48_000.0
    f, tau2 = 0.02, 17_600.0
    tail = np.where(t >= 0, (1 - f) * np.exp(-t / TAU_NS) + f * np.exp(-t / tau2), 0.0)
    slow = (15000.0 + 5000.0 * tail)[np.newaxis].astype(np.float32)
    out, sums = np.empty(781), np.zeros(781 + 10)
    a, b = np.exp(-128.0 / TAU_NS), np.exp(-128.0 / tau2)
    pulses.corrected(slow[0], 15000.0, a, b, f, out, sums, 9)
    np.testing.assert_allclose(out[380:], 5000.0, rtol=1e-4)
    np.testing.assert_allclose(sums, np.concatenate([np.zeros(10), np.cumsum(out)]), rtol=1e-12)
    np.testing.assert_allclose(
        out, double_pole_zero(slow[0] - 15000.0, TAU_NS / 128, tau2 / 128, f), rtol=1e-9, atol=1e-6
    )
    pulses.corrected(slow[0], 15000.0, a, b, 0.0, out, sums, 9)
    assert out[-1] < 4950.0


def test_steps_are_those_of_plain_numpy() -> None:
    """Pole-zero, trapezoid, filters and current against the same written in whole arrays."""
    waves = pulse_train([3000.0], noise=3.0)
    recipe, cusp, zac = recipe_of(PARAMETERS, waves)
    columns = pulse_columns(waves, PARAMETERS)
    slow = waves.slow[0].astype(float)
    left = slow - slow[:350].mean()
    corrected = pole_zero(left, TAU_NS / 128.0)
    before = np.concatenate([np.zeros(2 * 62 + 20 - 1), corrected])
    assert columns["trapTmax"][0] == pytest.approx(trapezoid(before, 62, 20).max(), rel=1e-6)
    for name, made in (("cuspEmax", cusp), ("zacEmax", zac)):
        kernel = made.oldest_first[::-1]
        plain = np.convolve(left[: recipe.cusp_samples], kernel, "valid").max()
        assert columns[name][0] == pytest.approx(plain, rel=1e-6)
    fast = pole_zero(waves.fast[0].astype(float) - slow[:350].mean(), TAU_NS / 16.0)
    start = round((columns["tp_0_est"][0] - FAST_T0_NS) / 16.0)
    slopes = np.diff(fast[start : start + 301])
    up = np.repeat(slopes, 16)[8 : 8 + 4784]
    smooth = moving_average(moving_average(moving_average(up, 48), 48, "forward"), 48)
    assert columns["A_max"][0] == pytest.approx(smooth.max(), rel=1e-6)


def test_kernel_is_its_python() -> None:
    """The compiled row equals the same instructions in Python."""
    waves = pulse_train([900.0], noise=2.0)
    for samples in (waves.slow, waves.fast):
        samples.flags.writeable = False
    recipe, cusp, zac = recipe_of(PARAMETERS, waves)
    dplms = np.random.default_rng(1).normal(size=500)
    compiled, plain = (np.empty((len(COLUMNS), 1), np.float32) for _ in range(2))
    dsp_rows(waves.slow, waves.fast, cusp, zac, dplms, recipe, compiled)
    dsp_rows.py_func(waves.slow, waves.fast, cusp, zac, dplms, recipe, plain)
    # A column is of 32 bits, in which Python goes on with its values.
    np.testing.assert_allclose(compiled, plain, rtol=2e-7)


@pytest.mark.parametrize("spike", [0, 1, 5, 9, 150, 290, 296, 299, -1])
def test_current_is_that_of_the_full_form(spike: int) -> None:
    """The bounded search finds the maximum of all outputs, in the middle and at both ends."""
    rng = np.random.default_rng(spike + 2)
    slopes = rng.normal(size=300)
    if spike >= 0:
        slopes[spike] += 30.0
    wave = np.concatenate([[0.0], np.cumsum(slopes)]) + 5.0
    up = np.repeat(slopes, 16)[8 : 8 + 4784]
    smooth = moving_average(moving_average(moving_average(up, 48), 48, "forward"), 48)
    # What stands in scratch arrays counts nothing.
    scratch = np.full(301, np.nan), np.full(4784, np.nan), np.full(301, np.nan)
    current, place = pulses.greatest_current(wave, 0, *scratch)
    assert current == pytest.approx(smooth.max(), rel=1e-9)
    assert smooth[place] == pytest.approx(smooth.max(), rel=1e-9)


def test_rows_do_not_depend_on_each_other() -> None:
    """Any cut into ranges gives the same bits; inputs stay as they are."""
    waves = pulse_train(np.linspace(100.0, 9000.0, 9), noise=4.0)
    before = waves.slow.copy(), waves.fast.copy()
    whole = pulse_columns(waves, PARAMETERS)
    for rows in (slice(0, 1), slice(3, 7), slice(9, 9)):
        part = Waveforms(waves.slow[rows], waves.fast[rows], 128.0, 16.0, FAST_T0_NS)
        for name, column in pulse_columns(part, PARAMETERS).items():
            np.testing.assert_array_equal(column, whole[name][rows], err_msg=name)
    assert np.array_equal(before[0], waves.slow)
    assert np.array_equal(before[1], waves.fast)


def test_odd_waveforms() -> None:
    """Only baseline, a negative pulse, one at the rails, NaN: NaN where there is no answer."""
    waves = pulse_train([0.0, -3000.0, 4000.0, 4000.0], noise=1.0)
    slow, fast = waves.slow.copy(), waves.fast.copy()
    slow[2, 400:] = 65535.0
    slow[2, :3] = 0.0
    slow[3, 500] = np.nan
    columns = pulse_columns(Waveforms(slow, fast, 128.0, 16.0, FAST_T0_NS), PARAMETERS)
    assert columns["trapTmax_invert"][1] == pytest.approx(3000.0, rel=1e-3)
    assert columns["trapTmax"][1] < 100.0
    assert columns["t_sat_hi"][2] == pytest.approx((781 - 400) * 128.0)
    assert columns["t_sat_lo"][2] == pytest.approx(3 * 128.0)
    assert columns["t_discharge"][2] == 0.0
    assert np.isnan(columns["t_discharge"][:2]).all()
    assert np.isnan(columns["pz_mean"][3])
    assert np.isfinite(columns["bl_mean"]).all()


def test_filters_have_their_shape() -> None:
    """A cusp gives the height of a pulse; a ZAC has no area, so no baseline passes."""
    decay = TAU_NS / 128.0
    wave = np.concatenate([np.zeros(400), np.exp(-np.arange(400) / decay)])
    for kernel in (cusp_kernel(700, 62.5, 20, decay), zac_kernel(700, 62.5, 20, decay)):
        assert np.convolve(wave, kernel, "valid").max() == pytest.approx(1.0, rel=2e-3)
    area = np.cumsum(zac_kernel(700, 62.5, 20, 1e12))[-1]
    assert abs(area) < 0.02
    with pytest.raises(ValueError, match="no wings"):
        cusp_kernel(20, 3.0, 20, decay)


@pytest.mark.parametrize("make", [cusp_kernel, zac_kernel])
def test_filters_of_two_decays(make: Callable[..., Any]) -> None:
    """The output is that of the steps: as of one decay, where its own is taken back."""
    decay, second = TAU_NS / 128.0, (17_600.0 / 128.0, 0.02)
    steps = make(700, 62.5, 20, 1e15)
    both = make(700, 62.5, 20, decay, second)
    pulse = falling_pulse(300, decay, second)
    np.testing.assert_allclose(
        np.convolve(pulse, both)[:300], np.convolve(np.ones(300), steps)[:300], atol=1e-9
    )
    one = make(700, 62.5, 20, decay)
    assert np.abs(np.convolve(pulse, one)[:300] - np.convolve(np.ones(300), steps)[:300]).max() > (
        1e-3
    )


@pytest.mark.parametrize("sigma_us", [0.5, 3.0, 16.0])
@pytest.mark.parametrize("second", [(0.0, 0.0), (17_600.0 / 128.0, 0.02)])
@pytest.mark.parametrize("is_zac", [False, True])
def test_outputs_follow_from_each_other(
    sigma_us: float, second: tuple[float, float], is_zac: bool
) -> None:
    """The recursion gives the outputs of the convolution, of noise too, and anew after 36.

    What rounding leaves grows between two beginnings, most of all with the shortest sigma, and by
    how much depends on whether the processor multiplies and adds in one step.
    """
    decay, sigma = TAU_NS / 128.0, 1e3 * sigma_us / 128.0
    make = zac_kernel if is_zac else cusp_kernel
    kernel = make(640, sigma, 20, decay, second)
    made = recursion(kernel, sigma, decay, second, parabolic=is_zac)
    assert len(made.ages) < 30
    wave = np.random.default_rng(4).normal(0.0, 30.0, 740)
    wave[375:] += 3000.0 * np.exp(-np.arange(365) / decay)
    out = np.empty(740)
    n_out = pulses.recursed(wave, 740, made, out)
    plain = np.convolve(wave, kernel, "valid")
    np.testing.assert_allclose(out[:n_out], plain, rtol=0.0, atol=1e-7 * 3000.0)


def test_a_filter_that_does_not_fit() -> None:
    waves = pulse_train([1000.0])
    long = FilterSettings(8.0, 2.5, 8.0, 2.5, 8.0, 2.5, 94.0)
    with pytest.raises(InputError, match=r"kernel_us = 94.0"):
        recipe_of(DspParameters(PoleZeroConstants(TAU_NS), long, (0.0, 44.8), (53.8, 99.9)), waves)
    with pytest.raises(InputError, match="no baseline up to"):
        recipe_of(
            DspParameters(PoleZeroConstants(TAU_NS), FILTERS, (0.0, 44.8), (153.8, 199.9)), waves
        )


def test_the_recipe_of_a_run() -> None:
    """Its times are those of the published columns, in samples of 128 and 16 ns."""
    usual = PoleZero()
    parameters = DspParameters(PoleZeroConstants(TAU_NS), FILTERS, usual.baseline_us, usual.tail_us)
    recipe, _, _ = recipe_of(parameters, pulse_train([1000.0]))
    assert recipe.drift == Trapezoid(250, 6, 506.0)
    assert recipe.drift_ns == 4000.0
    assert (recipe.start, recipe.slow_start) == ((8, 4, 125), (1, 0, 16))
    assert (recipe.timing.rise, recipe.timing.flat) == (62, 20)
    assert recipe.timing.pick == 10_000.0 / 128.0
    assert (recipe.short.rise, recipe.short.flat) == (8, 1)
    assert recipe.baseline == 350
    assert recipe.decay.a == pytest.approx(np.exp(-128.0 / TAU_NS), rel=1e-12)
    assert recipe.fast_decay.a == pytest.approx(np.exp(-16.0 / TAU_NS), rel=1e-12)


def test_half_samples_are_rounded_to_even() -> None:
    """8 us are 62 samples of 128 ns, 2.5 us are 20."""
    assert [whole_samples(t, 128.0) for t in (8000.0, 2500.0)] == [62, 20]
    assert whole_samples(2500.0, 16.0) == 156


def test_rows_that_are_given_twice() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({n: rng.normal(size=20) for n in ("timestamp", "trapEmax", "bl_std")})
    assert n_duplicates(frame) == 0
    assert n_duplicates(pd.concat([frame, frame.tail(7)])) == 7
    # Two triggers at one time are two; without a time nothing is told.
    assert n_duplicates(pd.concat([frame, frame.assign(trapEmax=0.0)])) == 0
    assert n_duplicates(pd.concat([frame, frame]).assign(timestamp=np.nan)) == 0
    assert n_duplicates(frame.head(0)) == 0
    assert n_duplicates(frame.drop(columns="timestamp")) == 0


def test_rows_out_of_time() -> None:
    """Times before the latest above them, and those that are none; twice the same is in order."""
    times = {
        (): 0, (5.0,): 0, (1.0, 2.0, 2.0, 3.0): 0, (3.0, 1.0, 2.0, 3.0): 2, (3.0, 2.0, 1.0): 2,
        (np.nan, 2.0, np.nan, 1.0, 4.0): 3,
    }  # fmt: skip
    for time, expected in times.items():
        frame = pd.DataFrame({"timestamp": np.array(time)})
        assert n_out_of_time__of_raw(frame) == n_out_of_time__of_dsp(frame) == expected
    # Of a raw file a time is wanted in each row, which a file of the dsp tier need not have.
    without = pd.DataFrame({"timestamp": [np.nan, np.nan]})
    assert n_out_of_time__of_raw(without) == 2
    assert n_out_of_time__of_dsp(without) == 0
