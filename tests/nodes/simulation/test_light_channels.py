"""The sound read-out: which inputs have a sensor, and what the seed decides."""

from __future__ import annotations

import numpy as np
from radiograph.nodes.simulation.light_channels import light_streams, pulse_shapes, sound_channels
from radiograph.schemas.light_simulation import Readout, Scintillation

PLAIN = Readout(pedestal_scatter_adc16=0.0, noise_scatter=0.0)


def test_sixteen_inputs_of_an_adc_have_no_sensor() -> None:
    channels = sound_channels(8, Readout(), Scintillation(), light_streams(1, 5, 0))
    assert channels.active.sum(axis=1).tolist() == [48] * 8
    assert not channels.active[0, [0, 3, 16, 18, 51]].any()
    assert np.all((channels.light_gain > 0) == channels.active)


def test_settings_are_means_of_the_channels() -> None:
    readout = Readout(baseline_shift_adc16=50.0)
    channels = sound_channels(8, readout, Scintillation(), light_streams(1, 5, 0))
    # 512 channels: five standard errors of the mean, and no channel beyond three deviations.
    assert abs(channels.pedestal_adc16.mean() + 27950.0) < 5 * 300 / np.sqrt(512)
    assert np.abs(channels.pedestal_adc16 + 27950.0).max() <= 900.0
    assert abs(channels.noise_adc16.mean() - 35.0) < 5 * 3.5 / np.sqrt(512)
    plain = sound_channels(2, PLAIN, Scintillation(gain_scatter=0.0), light_streams(1, 5, 0))
    assert np.all(plain.pedestal_adc16 == -28000.0)
    assert np.all(plain.light_gain[plain.active] == 1.0)


def test_sub_runs_have_the_same_channels_and_other_events() -> None:
    first, second = light_streams(1, 5, 0), light_streams(1, 5, 1)
    a, b = (sound_channels(8, Readout(), Scintillation(), s) for s in (first, second))
    assert np.array_equal(a.pedestal_adc16, b.pedestal_adc16)
    assert first.faults.generate_state(2).tolist() == second.faults.generate_state(2).tolist()
    assert first.samples.generate_state(2).tolist() != second.samples.generate_state(2).tolist()


def test_fewer_adcs_leave_the_first_as_they_are() -> None:
    streams = light_streams(1, 5, 0)
    two, eight = (sound_channels(n, Readout(), Scintillation(), streams) for n in (2, 8))
    assert np.array_equal(two.pedestal_adc16, eight.pedestal_adc16[:2])


def test_pulses_have_peak_one_and_liquid_argon_behind_it() -> None:
    shapes = pulse_shapes(1000)
    assert shapes.light.max() == 1.0
    assert shapes.swing.max() == 1.0
    assert np.argmax(shapes.light) < 8
    # From 100 samples on only the triplet is left: 1.5 us, that is 93.75 samples.
    ratio = shapes.light[194] / shapes.light[100]
    assert abs(ratio - np.exp(-94 / 93.75)) < 1e-5
