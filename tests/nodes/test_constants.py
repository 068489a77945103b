"""Constants: the adjustment of CODATA they are of, on any version of the libraries."""

from __future__ import annotations

import pytest
from radiograph.nodes.constants import (
    ATOMIC_MASS_MEV,
    CARBON12_MASS_MEV,
    ELECTRON_MASS_MEV,
    NEUTRON_MASS_MEV,
    PROTON_MASS_MEV,
    SPEED_OF_LIGHT_CM_PER_NS,
)


def test_ratios_are_those_of_codata_2022() -> None:
    # The adjustment of 2018 has 939.56542052 MeV for the neutron and differs from the tenth digit.
    assert pytest.approx(939.56542194, rel=1e-11) == NEUTRON_MASS_MEV
    assert pytest.approx(1.00137841946, rel=3e-11) == NEUTRON_MASS_MEV / PROTON_MASS_MEV
    assert pytest.approx(1836.152673426, rel=3e-10) == PROTON_MASS_MEV / ELECTRON_MASS_MEV
    assert pytest.approx(1.0072764665789, rel=3e-11) == PROTON_MASS_MEV / ATOMIC_MASS_MEV
    assert pytest.approx(29.9792458, rel=1e-15) == SPEED_OF_LIGHT_CM_PER_NS
    electrons = 6 * ELECTRON_MASS_MEV
    assert CARBON12_MASS_MEV + electrons == pytest.approx(12 * ATOMIC_MASS_MEV, rel=1e-15)
