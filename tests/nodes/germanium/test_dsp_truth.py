"""Energies of simulated pulses with one and two decays: the collected charge times the gain."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.drivers.germanium.simulation import simulated
from radiograph.nodes.germanium.dsp_frames import pulse_columns
from radiograph.nodes.germanium.recipes import usual_filters
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.germanium.dsp import DspParameters, PoleZeroConstants, Waveforms
from radiograph.schemas.germanium.settings import Filters, PoleZero
from radiograph.schemas.germanium_simulation import GermaniumSimulationSettings


@pytest.mark.parametrize("two_poles", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_energies_are_those_of_the_truth(seed: int, two_poles: bool) -> None:
    """Within 5e-4; two decays taken for one are off by more in the cusp."""
    settings = GermaniumSimulationSettings(
        seed=seed, n_events=300, two_poles=two_poles, bad_fraction=0.0
    )
    constants = detector_constants(settings, 0)
    found = simulated(settings, 0, constants)
    raw = found["raw_waveforms"]
    slow = raw.presummed.astype(np.float32) / np.float32(8)
    waves = Waveforms(slow, raw.windowed.astype(np.float32), 128.0, 16.0, 42_000.0)
    second = (constants.tau2_ns, constants.frac2) if two_poles else (0.0, 0.0)
    usual = PoleZero()

    def ratios(decay: PoleZeroConstants) -> dict[str, float]:
        parameters = DspParameters(
            decay, usual_filters(Filters()), usual.baseline_us, usual.tail_us
        )
        columns = pulse_columns(waves, parameters)
        charge = constants.adc_per_keV * found["germanium_truth"]["collected_keV"].to_numpy()
        tall = charge > 5000.0
        return {
            name: float(np.median(columns[name][tall] / charge[tall]))
            for name in ("trapEmax", "trapEftp", "cuspEmax", "zacEmax")
        }

    own = ratios(PoleZeroConstants(constants.tau1_ns, *second))
    assert own == pytest.approx(dict.fromkeys(own, 1.0), abs=5e-4)
    if two_poles:
        assert abs(ratios(PoleZeroConstants(constants.tau1_ns))["cuspEmax"] - 1.0) > 3e-3
