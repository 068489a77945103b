"""Two-body kinematics against hand values, conservation laws and derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.constants import (
    CARBON12_MASS_MEV,
    ELECTRON_MASS_MEV,
    NEUTRON_MASS_MEV,
    PROTON_MASS_MEV,
)
from radiograph.nodes.simulation.kinematics import (
    CF252_WATT_A_MEV,
    CF252_WATT_B_PER_MEV,
    angle_between_rad,
    compton_energy_MeV,
    cosine_between,
    elastic_scatter,
    highest_recoil_energy_MeV,
    klein_nishina,
    neutron_speed_cm_per_ns,
    watt_energy_MeV,
)
from scipy.integrate import quad

ENERGIES = st.floats(1e-3, 200.0)
COSINES = st.floats(-1.0, 1.0)
NUCLEI = st.sampled_from([PROTON_MASS_MEV, CARBON12_MASS_MEV])


def _scatter(energy_MeV: float, cosine: float, mass_MeV: float) -> tuple[float, float]:
    after, likelihood = elastic_scatter(
        np.array([energy_MeV]), np.array([cosine]), np.array([mass_MeV])
    )
    return float(after[0]), float(likelihood[0])


def test_a_14_MeV_neutron_flies_5_1_cm_in_a_ns() -> None:
    # beta = sqrt(1 - 1/1.015007^2) = 0.17132
    assert neutron_speed_cm_per_ns(np.array([14.1]))[0] == pytest.approx(5.1361, rel=1e-4)


def test_a_slow_neutron_obeys_newton() -> None:
    # 1 eV: 1.3831e6 cm/s (standard table of neutron speeds)
    assert neutron_speed_cm_per_ns(np.array([1e-6]))[0] == pytest.approx(1.3831e-3, rel=1e-4)


@given(ENERGIES, COSINES, NUCLEI)
def test_four_momentum_is_conserved(energy: float, cosine: float, mass: float) -> None:
    after, likelihood = _scatter(energy, cosine, mass)
    assert 0.0 <= likelihood <= 1.0
    if likelihood == 0.0:
        return
    p = np.sqrt(energy * (energy + 2 * NEUTRON_MASS_MEV))
    q = np.sqrt(after * (after + 2 * NEUTRON_MASS_MEV))
    recoil = energy - after
    recoil_p2 = p * p + q * q - 2 * p * q * cosine
    assert recoil * (recoil + 2 * mass) == pytest.approx(recoil_p2, rel=1e-6, abs=1e-9 * p * p)


@given(ENERGIES, NUCLEI)
def test_no_deflection_leaves_the_energy(energy: float, mass: float) -> None:
    after, _ = _scatter(energy, 1.0, mass)
    assert after == pytest.approx(energy, rel=1e-12)


def test_carbon_scatters_back_with_the_textbook_share() -> None:
    # ((A - 1)/(A + 1))^2 with A = m_C/m_n = 11.8937 at low energy: 0.7137
    after, likelihood = _scatter(1e-3, -1.0, CARBON12_MASS_MEV)
    ratio = CARBON12_MASS_MEV / NEUTRON_MASS_MEV
    assert after / 1e-3 == pytest.approx(((ratio - 1) / (ratio + 1)) ** 2, rel=1e-5)
    assert likelihood > 0.0


def test_a_head_on_collision_gives_the_highest_recoil_energy() -> None:
    after, _ = _scatter(14.1, -1.0, CARBON12_MASS_MEV)
    highest = highest_recoil_energy_MeV(np.array([14.1]), CARBON12_MASS_MEV)[0]
    assert 14.1 - after == pytest.approx(highest, rel=1e-12)


@pytest.mark.parametrize("angle_deg", [87.5, 90.0, 120.0, 180.0])
def test_a_neutron_cannot_scatter_by_more_than_87_degrees_on_hydrogen(angle_deg: float) -> None:
    assert _scatter(14.1, np.cos(np.radians(angle_deg)), PROTON_MASS_MEV) == (0.0, 0.0)


def test_hydrogen_takes_sine_squared_of_the_energy() -> None:
    after, _ = _scatter(1.0, np.cos(np.radians(30.0)), PROTON_MASS_MEV)
    assert 1.0 - after == pytest.approx(0.25, rel=2e-3)


@pytest.mark.parametrize("mass", [PROTON_MASS_MEV, CARBON12_MASS_MEV])
@pytest.mark.parametrize("cosine", [0.2, 0.5, 0.9])
def test_the_likelihood_is_that_of_isotropic_scattering(mass: float, cosine: float) -> None:
    """Isotropic in the centre of mass means a uniform recoil energy: the Jacobian is dT_r/dcos."""
    h = 1e-5
    slope = (_scatter(14.1, cosine + h, mass)[0] - _scatter(14.1, cosine - h, mass)[0]) / (2 * h)
    jacobian = 2.0 * slope / highest_recoil_energy_MeV(np.array([14.1]), mass)[0]
    forward = ((NEUTRON_MASS_MEV + PROTON_MASS_MEV) ** 2 + 28.2 * PROTON_MASS_MEV) / (
        PROTON_MASS_MEV**2
    )
    assert _scatter(14.1, cosine, mass)[1] == pytest.approx(jacobian / forward, rel=1e-6)


def test_forward_scattering_on_hydrogen_has_likelihood_one() -> None:
    assert _scatter(14.1, 1.0, PROTON_MASS_MEV)[1] == pytest.approx(1.0, rel=1e-9)


def test_compton_scattering_by_a_right_angle_halves_the_electron_mass() -> None:
    energy = np.array([ELECTRON_MASS_MEV])
    assert compton_energy_MeV(energy, np.zeros(1))[0] == pytest.approx(ELECTRON_MASS_MEV / 2)


def test_the_compton_edge_of_caesium() -> None:
    # 661.7 keV: the edge is at 477.3 keV (any table of calibration sources)
    scattered = compton_energy_MeV(np.array([0.6617]), np.array([-1.0]))[0]
    assert 0.6617 - scattered == pytest.approx(0.4773, abs=1e-4)


def test_klein_nishina_becomes_thomson() -> None:
    cosine = np.linspace(-1.0, 1.0, 7)
    assert klein_nishina(np.full(7, 1e-9), cosine) == pytest.approx((1 + cosine**2) / 2, rel=1e-6)


def test_klein_nishina_falls_with_energy_and_is_highest_at_an_end_of_a_range_of_angles() -> None:
    """What the proposal of the first gamma flight relies on."""
    cosine = np.linspace(-1.0, 1.0, 2001)
    energies = np.geomspace(1e-3, 100.0, 40)
    table = klein_nishina(*np.broadcast_arrays(energies[:, None], cosine[None, :]))
    assert np.all(np.diff(table, axis=0) <= 1e-12)
    turning = np.diff(np.sign(np.diff(table, axis=1)), axis=1)
    assert np.all(turning >= 0)
    assert table.max() <= 1.0


def test_the_watt_spectrum_has_its_density() -> None:
    a, b = CF252_WATT_A_MEV, CF252_WATT_B_PER_MEV
    energy = watt_energy_MeV(np.random.default_rng(4).random((4, 200_000)), a, b)

    def density(e: float) -> float:
        return float(np.exp(-e / a) * np.sinh(np.sqrt(b * e)))

    total = quad(density, 0.0, 60.0)[0]
    for low, high in ((0.0, 0.5), (0.5, 2.0), (2.0, 5.0), (5.0, 60.0)):
        share = quad(density, low, high)[0] / total
        found = np.mean((energy >= low) & (energy < high))
        assert found == pytest.approx(share, abs=4 * np.sqrt(share / len(energy)))
    # The evaluation of Mannhart has a mean of 2.13 MeV.
    assert energy.mean() == pytest.approx(2.13, abs=0.02)
    assert energy.min() >= 0.0


def test_angles_of_nearly_parallel_vectors_are_exact() -> None:
    first, second = np.array([[1.0], [0.0], [0.0]]), np.array([[1.0], [1e-9], [0.0]])
    assert angle_between_rad(first, second)[0] == pytest.approx(1e-9, rel=1e-12)
    assert cosine_between(first, -first)[0] == -1.0
