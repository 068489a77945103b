"""Formulas of double neutron scatters and Compton scatters against hand values and toys."""

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
from radiograph.nodes.imaging.kinematics import (
    RECOIL_MASS_MEV,
    classical_scatter_cosines,
    compton_cosine,
    exact_scatter_cosine,
    flight_beta,
    neutron_energy_MeV,
    three_hit_gamma_energy_MeV,
)

MASSES = pytest.mark.parametrize("recoil", ["proton", "carbon"])


def array(*values: float) -> np.ndarray:
    return np.array(values, float)


def elastic(incident_MeV: float, theta_cm: np.ndarray, mass: float) -> tuple[np.ndarray, ...]:
    """(laboratory angle, scattered energy, recoil energy) of an exact elastic scatter.

    Two-body kinematics by a Lorentz boost along the beam, independent of the formulas tested.
    """
    total = incident_MeV + NEUTRON_MASS_MEV
    momentum = np.sqrt(incident_MeV * (incident_MeV + 2 * NEUTRON_MASS_MEV))
    beta = momentum / (total + mass)
    gamma = 1 / np.sqrt(1 - beta * beta)
    p = gamma * (momentum - beta * total)
    energy = gamma * (total - beta * momentum)
    along = gamma * (p * np.cos(theta_cm) + beta * energy)
    scattered = gamma * (energy + beta * p * np.cos(theta_cm)) - NEUTRON_MASS_MEV
    return np.arctan2(p * np.sin(theta_cm), along), scattered, incident_MeV - scattered


def test_masses_are_those_of_the_nuclei() -> None:
    assert RECOIL_MASS_MEV == {"proton": PROTON_MASS_MEV, "carbon": CARBON12_MASS_MEV}


def test_beta_by_hand() -> None:
    # 29.9792458 cm in 1 ns is the speed of light; half the way, half the speed.
    beta = flight_beta(array(29.9792458, 14.9896229, 29.9792458), array(1, 1, -1))
    assert beta == pytest.approx([1.0, 0.5, -1.0], rel=1e-12)


def test_beta_without_time_is_inf_or_nan() -> None:
    beta = flight_beta(array(1, 0), array(0, 0))
    assert beta[0] == np.inf
    assert np.isnan(beta[1])


def test_neutron_energy_by_hand() -> None:
    # beta = 0.6: gamma = 1.25, T = m_n / 4 = 234.891355 MeV. beta = 0.8: gamma = 5/3.
    energy = neutron_energy_MeV(array(0.6, 0.8, 0.0))
    assert energy == pytest.approx([939.56542 / 4, 939.56542 * 2 / 3, 0.0], rel=1e-7)


def test_time_of_flight_of_a_14_MeV_neutron() -> None:
    # gamma = 1 + 14.1/939.56542 = 1.01500694, beta = sqrt(1 - 1/gamma^2) = 0.171322856 and
    # t = 100 cm / (0.171322856 * 29.9792458 cm/ns) = 19.4699121 ns.
    assert neutron_energy_MeV(flight_beta(array(100), array(19.4699121))) == pytest.approx(
        [14.1], rel=1e-7
    )


def test_slow_neutrons_keep_their_digits() -> None:
    # (gamma - 1) m_n by difference would lose every digit at beta = 1e-8.
    assert neutron_energy_MeV(array(1e-8)) == pytest.approx(
        [0.5 * NEUTRON_MASS_MEV * 1e-16], rel=1e-12
    )


def test_speeds_that_are_none_have_no_energy() -> None:
    energy = neutron_energy_MeV(array(1.0, 1.5, -0.1, np.nan, np.inf, -np.inf))
    assert np.isnan(energy).all()


@given(st.floats(1e-6, 1e4), st.floats(0.1, 1e3))
def test_energy_and_flight_are_inverse(energy_MeV: float, distance_cm: float) -> None:
    gamma = 1 + energy_MeV / NEUTRON_MASS_MEV
    beta = np.sqrt((gamma - 1) * (gamma + 1)) / gamma
    time = distance_cm / (beta * 29.9792458)
    assert neutron_energy_MeV(flight_beta(array(distance_cm), array(time)))[0] == pytest.approx(
        energy_MeV, rel=1e-6
    )


def test_classical_angle_by_hand() -> None:
    # Equal masses would give sin^2 theta = E_r / E_n exactly: half the energy, 45 degrees.
    cosine, theta = classical_scatter_cosines(array(1.0), array(2.0), NEUTRON_MASS_MEV)
    assert cosine == pytest.approx([0.0], abs=1e-12)
    assert theta == pytest.approx([np.pi / 4])
    # Carbon of mass ratio 12: E_r/E_n (13)^2/24 = 1 at 24/169 of the energy, so 90 degrees in
    # the centre of mass and atan2(1, 1/12) in the laboratory.
    mass = 12 * NEUTRON_MASS_MEV
    cosine, theta = classical_scatter_cosines(array(24 / 169), array(1.0), mass)
    assert cosine == pytest.approx([0.0], abs=1e-12)
    assert theta == pytest.approx([np.arctan2(1, 1 / 12)])


@MASSES
def test_most_energy_that_a_nucleus_takes(recoil: str) -> None:
    mass = RECOIL_MASS_MEV[recoil]
    A = mass / NEUTRON_MASS_MEV
    most = 4 * A / (1 + A) ** 2
    cosine, theta = classical_scatter_cosines(
        array(0, most * (1 - 1e-12), most * (1 + 1e-9), -1e-9), np.ones(4), mass
    )
    assert cosine[:2] == pytest.approx([1, -1])
    assert theta[0] == 0
    assert cosine[2] < -1
    assert cosine[3] > 1
    assert np.isnan(theta[2:]).all()


def test_hydrogen_is_the_arcsine_of_the_square_root() -> None:
    share = np.linspace(0.01, 0.98, 50)
    _, theta = classical_scatter_cosines(share, np.ones(50), PROTON_MASS_MEV)
    assert theta == pytest.approx(np.arcsin(np.sqrt(share)), abs=5e-3)


@MASSES
@pytest.mark.parametrize("incident_MeV", [0.1, 2.5, 14.1, 50.0, 150.0])
def test_exact_angle_of_exact_scatters(recoil: str, incident_MeV: float) -> None:
    mass = RECOIL_MASS_MEV[recoil]
    truth, scattered, deposited = elastic(incident_MeV, np.linspace(0.05, 3.0, 40), mass)
    assert exact_scatter_cosine(scattered, deposited, mass) == pytest.approx(
        np.cos(truth), abs=1e-9
    )


@pytest.mark.parametrize(("incident_MeV", "off_mrad"), [(14.0, 1.9), (50.0, 6.6), (150.0, 19.0)])
def test_the_classical_angle_is_off_by_what_the_specification_says(
    incident_MeV: float, off_mrad: float
) -> None:
    truth, _, deposited = elastic(incident_MeV, np.linspace(0.01, 3.1, 400), PROTON_MASS_MEV)
    incident = np.full(400, incident_MeV)
    _, theta = classical_scatter_cosines(deposited, incident, PROTON_MASS_MEV)
    assert 1e3 * np.nanmax(np.abs(theta - truth)) == pytest.approx(off_mrad, rel=0.06)


@MASSES
@given(st.floats(1e-3, 1e-2), st.floats(0.1, 3.0))
def test_both_angles_agree_for_slow_neutrons(recoil: str, energy: float, angle: float) -> None:
    mass = RECOIL_MASS_MEV[recoil]
    truth, scattered, deposited = elastic(energy, array(angle), mass)
    _, classical = classical_scatter_cosines(deposited, array(energy), mass)
    assert classical == pytest.approx(truth, abs=1e-4)
    assert np.arccos(exact_scatter_cosine(scattered, deposited, mass)) == pytest.approx(
        truth, abs=1e-4
    )


@MASSES
@given(st.floats(1e-3, 0.2), st.floats(0.1, 100), st.floats(0.01, 1000))
def test_the_classical_angle_depends_on_the_share_only(
    recoil: str, share: float, energy: float, factor: float
) -> None:
    mass = RECOIL_MASS_MEV[recoil]
    one = classical_scatter_cosines(array(share * energy), array(energy), mass)
    other = classical_scatter_cosines(array(share * energy * factor), array(energy * factor), mass)
    assert one[1] == pytest.approx(other[1], rel=1e-9)


def test_compton_cosine_by_hand() -> None:
    # Back scatter of 2 m_e c^2: E' = E / (1 + 2 E / m_e) = 2 m_e / 5.
    m = ELECTRON_MASS_MEV
    assert compton_cosine(array(2 * m), array(2 * m / 5)) == pytest.approx([-1.0])
    # No energy lost: forward. 90 degrees: E' = E / (1 + E / m_e).
    assert compton_cosine(array(1.0, m), array(1.0, m / 2)) == pytest.approx([1.0, 0.0])


@given(st.floats(0.2, 10), st.floats(0.2, 3.0), st.floats(0.2, 3.0))
def test_three_hits_give_the_gamma_energy_back(energy: float, first: float, second: float) -> None:
    m = ELECTRON_MASS_MEV
    after_one = energy / (1 + energy / m * (1 - np.cos(first)))
    after_two = after_one / (1 + after_one / m * (1 - np.cos(second)))
    deposits = array(energy - after_one), array(after_one - after_two)
    found = three_hit_gamma_energy_MeV(*deposits, array(np.cos(second)))
    assert found == pytest.approx([energy], rel=1e-7)
    cosine = compton_cosine(found, found - deposits[0])
    assert cosine == pytest.approx([np.cos(first)], abs=1e-6)


def test_three_hit_energy_by_hand_and_forward() -> None:
    # theta2 = 90 degrees and dE2 = m_e / 2: sqrt(1/4 + 2) = 1.5 in units of m_e, so
    # E = dE1 + (0.5 + 1.5) / 2 m_e = dE1 + m_e.
    m = ELECTRON_MASS_MEV
    assert three_hit_gamma_energy_MeV(array(0.3), array(m / 2), array(0)) == pytest.approx(
        [0.3 + m]
    )
    assert three_hit_gamma_energy_MeV(array(0.3), array(0.2), array(1)).tolist() == [np.inf]


def test_nan_and_zero_go_through_without_a_warning() -> None:
    nan, zero, one = array(np.nan), array(0), array(1)
    for value in (
        flight_beta(nan, one),
        neutron_energy_MeV(nan),
        *classical_scatter_cosines(nan, one, PROTON_MASS_MEV),
        *classical_scatter_cosines(zero, zero, PROTON_MASS_MEV),
        exact_scatter_cosine(nan, one, PROTON_MASS_MEV),
        exact_scatter_cosine(zero, zero, PROTON_MASS_MEV),
        three_hit_gamma_energy_MeV(nan, one, zero),
        compton_cosine(nan, one),
        compton_cosine(zero, zero),
    ):
        assert np.isnan(value).all()


def test_no_row_gives_no_row_and_inputs_stay() -> None:
    empty = np.zeros(0)
    assert len(neutron_energy_MeV(flight_beta(empty, empty))) == 0
    assert len(classical_scatter_cosines(empty, empty, PROTON_MASS_MEV)[1]) == 0
    a, b, c = array(0.5), array(1.0), array(0.2)
    for x in (a, b, c):
        x.flags.writeable = False
    flight_beta(a, b)
    neutron_energy_MeV(a)
    classical_scatter_cosines(a, b, PROTON_MASS_MEV)
    exact_scatter_cosine(a, b, PROTON_MASS_MEV)
    three_hit_gamma_energy_MeV(a, b, c)
    compton_cosine(b, a)
    assert (a[0], b[0], c[0]) == (0.5, 1.0, 0.2)
