"""The decay of the preamplifier: truth of simulated pulses, sums that do not depend on order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.germanium.simulation import simulated
from radiograph.nodes.germanium.kernels import tails as kernels
from radiograph.nodes.germanium.pole_zero import (
    discharge_times_s__of_raw,
    least_daqenergy__of_raw,
    pole_zero_constants_ns__fitted,
    pole_zero_sample__of_raw,
    pole_zero_share__of_raw,
    tail_decays_ns__of_raw,
    tail_sum__of_raw,
)
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.errors import NotAddableError, Unfit
from radiograph.schemas.germanium.dsp import Waveforms
from radiograph.schemas.germanium.frames import RAW_SCALARS
from radiograph.schemas.germanium.settings import PoleZero
from radiograph.schemas.germanium_simulation import GermaniumSimulationSettings

SETTINGS = PoleZero()


def _simulated(*, two_poles: bool, seed: int, n: int = 1500) -> tuple[Waveforms, Any, Any]:
    settings = GermaniumSimulationSettings(seed=seed, n_events=n, two_poles=two_poles)
    constants = detector_constants(settings, 0)
    found = simulated(settings, 0, constants)
    waves = found["raw_waveforms"]
    slow = waves.presummed.astype(np.float32) / np.float32(8)
    raw = found["raw_scalars"]
    scalars = RAW_SCALARS.frame(
        {
            "daqenergy": raw["daqenergy"],
            "timestamp_s": raw["timestamp"],
            "baseline_adc": raw["baseline"],
            "t_sat_lo": waves.t_sat_lo,
            "t_sat_hi": waves.t_sat_hi,
        }
    )
    fast = waves.windowed.astype(np.float32)
    return Waveforms(slow, fast, 128.0, 16.0, 42_000.0), scalars, constants


def _constants(waves: Waveforms, scalars: Any, settings: PoleZero = SETTINGS) -> Any:
    none = np.empty(0)
    least = least_daqenergy__of_raw(scalars, none)
    at = discharge_times_s__of_raw(scalars)
    share = pole_zero_share__of_raw(scalars, at, least, none, settings)
    sample = pole_zero_sample__of_raw(scalars, at, least, none, share, 1)
    total = tail_sum__of_raw(waves, sample, settings)
    return pole_zero_constants_ns__fitted(
        tail_decays_ns__of_raw(waves, sample, settings), total, settings
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_decay(seed: int) -> None:
    waves, scalars, truth = _simulated(two_poles=False, seed=seed)
    found = _constants(waves, scalars)
    assert found.model == "single"
    assert found.tau1_ns == pytest.approx(truth.tau1_ns, rel=1e-3)
    assert abs(found.tau1_ns - truth.tau1_ns) < 5.0 * found.tau1_err_ns
    assert 0.8 < found.chi2_per_ndf < 1.3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_decays(seed: int) -> None:
    waves, scalars, truth = _simulated(two_poles=True, seed=seed)
    found = _constants(waves, scalars)
    assert found.model == "double"
    assert found.tau1_ns == pytest.approx(truth.tau1_ns, rel=2e-3)
    assert found.tau2_ns == pytest.approx(truth.tau2_ns, rel=0.03)
    assert found.frac2 == pytest.approx(truth.frac2, rel=0.05)
    # One decay forced upon two: its chi2 says so.
    with pytest.raises(Unfit, match="has two decays") as forced:
        _constants(waves, scalars, PoleZero(model="single"))
    assert forced.value.code == "two_decays"
    numbers = forced.value.numbers
    assert numbers["chi2_single"] > numbers["chi2_double"] + 1000.0


def test_about_so_many_tails_are_taken() -> None:
    """By time and seed, whatever the cut of the rows; not more than are there."""
    n = 20_000
    scalars = RAW_SCALARS.frame(
        {
            "daqenergy": np.arange(n) % 2 * 5000,
            "timestamp_s": np.sort(np.random.default_rng(7).uniform(0.0, 3600.0, n)),
            **{name: np.zeros(n, np.int64) for name in ("baseline_adc", "t_sat_lo", "t_sat_hi")},
        }
    )
    before = scalars.copy()
    none = np.empty(0)

    def taken(n_events: int, seed: int, rows: slice = slice(None)) -> Any:
        share = pole_zero_share__of_raw(scalars, none, 1.0, none, PoleZero(n_events=n_events))
        return pole_zero_sample__of_raw(scalars.iloc[rows], none, 1.0, none, share, seed)

    few = taken(1000, 1)
    # Five standard deviations of a binomial of 1 in 10.
    assert few.sum() == pytest.approx(1000, abs=5.0 * np.sqrt(1000 * 0.9))
    assert not few[::2].any()
    cut = np.concatenate([taken(1000, 1, slice(0, 77)), taken(1000, 1, slice(77, None))])
    np.testing.assert_array_equal(few, cut)
    assert (taken(1000, 2) != few).any()
    assert taken(10_000, 1).sum() == taken(50_000, 1).sum() == n // 2
    assert pole_zero_share__of_raw(scalars.iloc[:0], none, 1.0, none, PoleZero()) == 1.0
    pd.testing.assert_frame_equal(scalars, before)


def test_sums_do_not_depend_on_the_cut() -> None:
    """Ranges added in any order give the same numbers, bit for bit."""
    waves, _, _ = _simulated(two_poles=False, seed=4, n=300)
    sample = np.ones(300, bool)
    whole = tail_sum__of_raw(waves, sample, SETTINGS)
    parts = []
    for rows in (slice(200, 300), slice(0, 7), slice(7, 200)):
        part = Waveforms(waves.slow[rows], waves.fast[rows], 128.0, 16.0, 42_000.0)
        parts.append(tail_sum__of_raw(part, sample[rows], SETTINGS))
    total = parts[0] + parts[1] + parts[2]
    assert np.array_equal(total.sums, whole.sums)
    assert np.array_equal(total.squares, whole.squares)
    assert np.array_equal(total.codes, whole.codes)
    assert total.n_pulses == whole.n_pulses > 100
    with pytest.raises(NotAddableError):
        whole + tail_sum__of_raw(waves, sample, PoleZero(tail_us=(53.8, 90.0)))


def test_too_few_and_none() -> None:
    waves, scalars, _ = _simulated(two_poles=False, seed=4, n=40)
    with pytest.raises(Unfit, match="tails of pulses") as raised:
        _constants(waves, scalars)
    assert raised.value.code == "too_few_tails"
    empty = Waveforms(waves.slow[:0], waves.fast[:0], 128.0, 16.0, 42_000.0)
    with pytest.raises(Unfit, match="0 tails of pulses"):
        _constants(empty, scalars.iloc[:0])


@pytest.mark.parametrize("model", ["auto", "double"])
def test_tails_that_do_not_decay(model: Any) -> None:
    """Pulses at a rail: a sentence, not a fit without an answer."""
    t = np.arange(781)
    slow = np.tile(np.where(t > 375, 65_535.0, 15_000.0).astype(np.float32), (120, 1))
    waves = Waveforms(slow, np.zeros((120, 1400), np.float32), 128.0, 16.0, 42_000.0)
    sample, settings = np.ones(120, bool), PoleZero(model=model)
    total = tail_sum__of_raw(waves, sample, settings)
    assert total.n_pulses == 120
    taus = tail_decays_ns__of_raw(waves, sample, settings)
    with pytest.raises(Unfit, match="mean of 120 tails does not decay") as raised:
        pole_zero_constants_ns__fitted(taus, total, settings)
    assert raised.value.code == "no_decay"


def test_a_time_that_is_none_is_after_no_discharge() -> None:
    scalars = RAW_SCALARS.frame(
        {
            "daqenergy": [5000] * 3,
            "timestamp_s": [np.nan, 10.0, np.nan],
            "baseline_adc": [0] * 3,
            "t_sat_lo": [0, 30, 30],
            "t_sat_hi": [0] * 3,
        }
    )
    at = discharge_times_s__of_raw(scalars)
    taken = pole_zero_sample__of_raw(scalars, at, 0.0, np.empty(0), 1.0, 1)
    assert taken.tolist() == [True, False, False]


def test_veto_after_a_discharge() -> None:
    """Pulses within 10 ms after a discharge are left out, one before it is not."""
    scalars = RAW_SCALARS.frame(
        {
            "daqenergy": [5000] * 4,
            "timestamp_s": [9.999, 10.0, 10.005, 10.02],
            "baseline_adc": [0] * 4,
            "t_sat_lo": [0, 30, 0, 0],
            "t_sat_hi": [0] * 4,
        }
    )
    times = discharge_times_s__of_raw(scalars)
    assert times.tolist() == [10.0]
    taken = pole_zero_sample__of_raw(scalars, times, 0.0, np.empty(0), 1.0, 1)
    assert taken.tolist() == [True, False, False, True]
    of_pulser = pole_zero_sample__of_raw(scalars, times, 0.0, np.array([10.02]), 1.0, 1)
    assert of_pulser.tolist() == [True, False, False, False]


def test_bad_pulses_are_not_taken() -> None:
    """A drifting baseline, a small pulse, a late one, a second pulse in the tail."""
    t = np.arange(781) * 128.0
    good = np.where(t > 48_000.0, 8000.0 * np.exp(-(t - 48_000.0) / 4e5), 0.0)
    late = np.where(t > 90_000.0, 8000.0, 0.0)
    pile_up = good + np.where(t > 70_000.0, 500.0, 0.0)
    rng = np.random.default_rng(2)
    shapes = np.stack([good, good + 0.05 * np.arange(781), good / 100.0, late, pile_up])
    slow = (15_000.0 + shapes + rng.normal(0, 2.0, (5, 781))).astype(np.float32)
    outputs = np.empty(5), np.zeros(5, np.int64), *(np.zeros(360, np.int64) for _ in range(2))
    arguments = (slow, np.ones(5, bool), 350, 39, 360, 1000.0)
    assert kernels.tail_rows(*arguments, *outputs) == 1
    names = ["TAKEN", "DRIFTING", "SMALL", "LATE", "PILED_UP"]
    assert outputs[1].tolist() == [getattr(kernels, name) for name in names]
    plain = np.empty(5), np.zeros(5, np.int64), *(np.zeros(360, np.int64) for _ in range(2))
    kernels.tail_rows.py_func(slow.astype(np.float64), *arguments[1:], *plain)
    for compiled, python in zip(outputs, plain, strict=True):
        np.testing.assert_array_equal(compiled, python)
    assert outputs[0][0] * 128.0 == pytest.approx(4e5, rel=0.01)
