"""Samples of a simulated light read-out: hand values, statistics, and blocks that do not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from radiograph.drivers.lightdqm.simulation import LightSimulation
from radiograph.nodes.simulation.kernels import light_waveforms as kernels
from radiograph.nodes.simulation.light_waveforms import normal_quantiles
from radiograph.schemas.light_faults import Fault
from radiograph.schemas.light_simulation import (
    LightSimulationSettings,
    Readout,
    Scintillation,
    Tone,
    Triggers,
)

QUIET = Readout(
    pedestal_scatter_adc16=0.0, pedestal_jitter_adc16=0.0, noise_adc16=0.0, noise_scatter=0.0
)
EVEN = Scintillation(gain_scatter=0.0, log_sigma=0.0, crosstalk=0.0, undershoot=0.0)


def simulated(**settings: Any) -> LightSimulation:
    return LightSimulation(LightSimulationSettings.model_validate({"n_samples": 300} | settings))


def test_blocks_do_not_show() -> None:
    faults = (Fault(kind="sparking"), Fault(kind="tone"), Fault(kind="missing_adc"))
    run = simulated(n_events=7, faults=faults)
    whole = run.samples(0, 7)
    parts = [run.samples(first, n) for first, n in ((0, 3), (3, 1), (4, 3))]
    assert np.array_equal(whole, np.concatenate(parts))
    assert whole.shape == (7, 8, 64, 300)
    assert whole.dtype == np.int16
    assert run.samples(7, 0).shape == (0, 8, 64, 300)


def test_samples_are_14_bit_codes_times_four() -> None:
    samples = simulated(n_events=3, faults=(Fault(kind="clipping", adc=1),)).samples(0, 3)
    assert not (samples & 3).any()
    assert samples.max() == 32764


def test_noise_has_the_width_asked_for() -> None:
    readout = Readout(pedestal_jitter_adc16=0.0, noise_scatter=0.0, pedestal_scatter_adc16=0.0)
    samples = simulated(n_events=20, readout=readout).samples(0, 20)[:, :, :4]
    # Inputs without sensor: 20 * 8 * 4 * 300 = 192,000 samples; rounding to codes of 4 adds
    # 4^2 / 12 to the variance.
    assert abs(samples.mean() + 28000.0) < 5 * 35 / np.sqrt(samples.size)
    assert abs(samples.std() / np.sqrt(35**2 + 16 / 12) - 1.0) < 5 / np.sqrt(2 * samples.size)
    step = np.diff(samples.astype(np.int32), axis=-1)
    assert abs(step.std() / samples.std() - np.sqrt(2.0)) < 0.01


def test_a_tone_has_its_amplitude_and_the_phase_of_its_adc() -> None:
    # 6.25 MHz are ten samples a cycle.
    run = simulated(
        n_events=2,
        readout=QUIET,
        tones=(Tone(adc=3, frequency_MHz=6.25, amplitude_adc16=400.0),),
        triggers=Triggers(beam_fraction=0.0),
    )
    samples = run.samples(0, 2).astype(np.float64) + 28000.0
    power = 2 * np.abs(np.fft.rfft(samples[:, 3, 0])) ** 2 / 300**2
    assert np.allclose(power[:, 30], 400.0**2 / 2, rtol=1e-2)
    assert np.array_equal(samples[0, 3, 0], samples[0, 3, 1])
    assert not np.array_equal(samples[0, 3, 0], samples[1, 3, 0])
    assert np.all(samples[:, 2, 0] == 0.0)


def test_light_falls_on_the_channels_of_its_tpc() -> None:
    run = simulated(
        n_events=40, readout=QUIET, scintillation=EVEN, triggers=Triggers(beam_fraction=0.0)
    )
    height = run.samples(0, 40).max(axis=-1).astype(np.int64) + 28000
    pulses = run.shared["light_pulses"]
    for event in range(40):
        module, half = divmod(int(pulses["tpc"][event]), 2)
        lit = np.argwhere(height[event] > 0)
        assert set(lit[:, 0]) == {2 * module, 2 * module + 1}
        assert set(lit[:, 1] // 32) == {half}
        assert set(lit[:, 1]) == {c for c in range(64) if c % 16 >= 4 and c // 32 == half}
        # An ArcLight tile sees 0.6 of what an LCM sees; the nearest board sees most.
        a, b = height[event, 2 * module : 2 * module + 2, 32 * half : 32 * half + 32]
        assert np.allclose(a[a > 0] / b[b > 0], 0.6, atol=4 / b[b > 0].min())
        # Channels 4-9 are the first board of a TPC, 10-15 the second, and so on by hand.
        nearest = int(pulses["position"][event])
        assert np.argmax(b) in ((4, 10, 20, 26)[nearest] + np.arange(6))
        assert b.max() == pytest.approx(
            8000 * max(kernels.board_share(board, pulses["position"][event]) for board in range(4)),
            abs=2.1,
        )


def test_the_nearest_board_sees_most() -> None:
    shares = [kernels.board_share(board, 1.5) for board in range(4)]
    assert shares[1] == 1.0
    assert shares[0] == shares[2] == pytest.approx(np.exp(-1 / 1.5))
    assert shares == [kernels.board_share.py_func(board, 1.5) for board in range(4)]


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("railed_top", lambda w: np.all(w == 32764)),
        ("railed_bottom", lambda w: np.all(w == -32768)),
        ("flatline", lambda w: np.ptp(w) == 0),
        ("dead", lambda w: np.ptp(w, axis=-1).min() > 100 and np.ptp(w) < 500),
        ("sparking", lambda w: np.diff(w).min() < -15_000),
        ("negative", lambda w: w.min() < -29_000),
        ("undershoot", lambda w: w.min() < -28_500),
        ("clipping", lambda w: w.max() == 32764),
        ("noisy", lambda w: w[:, :50].std(axis=1).min() > 250),
        ("baseline_spread", lambda w: np.ptp(np.median(w, axis=1)) > 3000),
    ],
)
def test_faults_are_seen_in_the_samples(kind: str, check: Any) -> None:
    fault = {"kind": kind, "adc": 1, "channel": 22}
    readout = Readout(pedestal_scatter_adc16=0.0)
    run = simulated(n_events=60, n_samples=500, n_adcs=2, faults=(fault,), readout=readout)
    assert check(run.samples(0, 60)[:, 1, 22].astype(np.int64))
    sound = simulated(n_events=60, n_samples=500, n_adcs=2, readout=readout)
    assert not check(sound.samples(0, 60)[:, 1, 22].astype(np.int64))


def test_an_absent_adc_is_zero() -> None:
    run = simulated(n_events=8, faults=(Fault(kind="missing_adc", adc=2, value=0.5),))
    samples, missing = run.samples(0, 8), run.shared["adc_missing"]
    assert missing.sum() == 4
    assert np.array_equal((samples == 0).all(axis=(2, 3)), missing)


class TestKernels:
    """Compiled and plain Python give the same."""

    def test_hash_of_splitmix64(self) -> None:
        # The first outputs of splitmix64 from state 0, as its reference code prints them.
        with np.errstate(over="ignore"):
            plain = [int(kernels.hashed.py_func(np.uint64(0), i)) for i in (1, 2)]
        assert plain == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
        assert [int(kernels.hashed(np.uint64(0), i)) for i in (1, 2)] == plain

    def test_noise(self) -> None:
        got, plain = np.zeros(11, np.float32), np.zeros(11, np.float32)
        arguments = (np.float32(5.0), np.float32(2.0), np.uint64(77), normal_quantiles())
        kernels.add_noise(got, *arguments)
        with np.errstate(over="ignore"):
            kernels.add_noise.py_func(plain, *arguments)
        assert np.allclose(got, plain, rtol=1e-6)
        assert np.unique(got).size == 11

    def test_pulse(self) -> None:
        shape, after = np.array([1, 0.5, 0.25], np.float32), np.array([0, 1, 1], np.float32)
        got, plain = np.zeros(4, np.float32), np.zeros(4, np.float32)
        for add, values in ((kernels.add_pulse, got), (kernels.add_pulse.py_func, plain)):
            add(values, 2, 100.0, 0.1, np.append(shape, 0), np.append(after, 0))
        assert got.tolist() == plain.tolist() == [0, 0, 100, 40]

    @pytest.mark.parametrize(
        ("value", "code"),
        [(-28000, -28000), (-28001.9, -28000), (-28002.1, -28004), (4e4, 32764), (-4e4, -32768)],
    )
    def test_digitiser(self, value: float, code: int) -> None:
        values = np.full(3, value, np.float32)
        for digitise in (kernels.digitise, kernels.digitise.py_func):
            out = np.zeros(3, np.int16)
            digitise(values, out)
            assert out.tolist() == [code] * 3

    def test_all_together(self) -> None:
        """fill_waveforms compiled against itself as plain Python, on a small file."""
        faults = (Fault(kind="sparking", adc=1), Fault(kind="railed_top", adc=0, channel=5))
        run = simulated(
            n_events=2, n_adcs=2, n_samples=100, faults=(*faults, Fault(kind="tone", adc=1))
        )
        from radiograph.nodes.simulation import light_waveforms as module

        compiled = run.samples(0, 2)
        with pytest.MonkeyPatch.context() as patch, np.errstate(over="ignore"):
            patch.setattr(module, "fill_waveforms", kernels.fill_waveforms.py_func)
            patch.setattr(kernels, "hashed", kernels.hashed.py_func)
            patch.setattr(kernels, "_tone", kernels._tone.py_func)
            plain = run.samples(0, 2)
        # Sums in another order may fall to the other side of a rounding: one code at most.
        assert np.abs(compiled.astype(np.int32) - plain).max() <= 4
        assert np.mean(compiled != plain) < 1e-3


def test_quantiles_are_those_of_a_normal_distribution() -> None:
    values = normal_quantiles().astype(np.float64)
    assert values.std() == pytest.approx(1.0, abs=1e-6)
    assert values.mean() == pytest.approx(0.0, abs=1e-6)
    # 97.5 % point of the normal distribution.
    assert values[int(0.975 * 65536)] == pytest.approx(1.959964, abs=2e-3)
