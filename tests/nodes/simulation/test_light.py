"""The light response that the simulation reads forwards."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from radiograph.nodes.light_response import response_curve
from radiograph.nodes.simulation.light import light_response


@pytest.mark.parametrize(
    ("material", "recoil", "energy_MeV", "light_MeVee"),
    [
        ("OGS", "proton", 1.0, 0.2238),
        ("OGS", "proton", 14.0, 8.442),
        ("M600", "carbon", 14.0, 0.1314),
    ],
)
def test_values_of_the_calibration(
    material: str, recoil: str, energy_MeV: float, light_MeVee: float
) -> None:
    text = resources.files("radiograph.configs").joinpath("stopping_powers.csv").read_text()
    curve = response_curve(light_response(text), material, recoil)
    assert curve is not None
    assert np.interp(energy_MeV, *curve) == pytest.approx(light_MeVee, rel=5e-3)
