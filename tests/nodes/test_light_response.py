"""The light response of scintillators: Birks' integral against hand values and quadrature."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.nodes import constants
from radiograph.nodes.light_response import (
    SCINTILLATORS,
    birks_light_MeVee,
    birks_light_response,
    response_curve,
    response_rows,
    response_table,
    stopping_power_table,
)
from radiograph.schemas.light_response import LIGHT_RESPONSE, STOPPING_POWERS
from scipy.integrate import quad

TEXT = """# source of the figures
energy_MeV,OGS_proton,OGS_carbon,Steel_proton
0.001,200,1300,1
1,250,5000,1
100,7,400,1
"""


@pytest.fixture(scope="module")
def shipped_table() -> pd.DataFrame:
    text = resources.files("radiograph.configs").joinpath("stopping_powers.csv").read_text()
    return stopping_power_table(text)


@pytest.fixture(scope="module")
def response(shipped_table: pd.DataFrame) -> pd.DataFrame:
    return birks_light_response(shipped_table)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # CODATA 2018; the speed of light by definition; u = 931.49410 MeV.
        ("SPEED_OF_LIGHT_CM_PER_NS", 29.9792458),
        ("NEUTRON_MASS_MEV", 939.56542),
        ("PROTON_MASS_MEV", 938.27209),
        ("ELECTRON_MASS_MEV", 0.51099895),
        ("CARBON12_MASS_MEV", 12 * 931.49410 - 6 * 0.51099895),
    ],
)
def test_constants_are_those_of_codata(name: str, value: float) -> None:
    assert getattr(constants, name) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize(
    ("material", "recoil", "energy_MeV", "light_MeVee"),
    [
        # Specification of the imaging pipeline, section 3, to 0.5 %.
        ("OGS", "proton", 1.0, 0.2238),
        ("OGS", "proton", 14.0, 8.442),
        ("M600", "proton", 1.0, 0.1490),
        ("M600", "proton", 14.0, 6.795),
        ("OGS", "carbon", 1.0, 0.03009),
        ("OGS", "carbon", 14.0, 0.2161),
        ("M600", "carbon", 1.0, 0.01932),
        ("M600", "carbon", 14.0, 0.1314),
    ],
)
def test_values_of_the_specification(
    response: pd.DataFrame, material: str, recoil: str, energy_MeV: float, light_MeVee: float
) -> None:
    curve = response_curve(response, material, recoil)
    assert curve is not None
    assert np.interp(energy_MeV, *curve) == pytest.approx(light_MeVee, rel=5e-3)


def test_scintillators_are_those_of_the_specification() -> None:
    ogs, m600 = SCINTILLATORS["OGS"], SCINTILLATORS["M600"]
    assert (ogs.density_g_per_cm3, ogs.birks_cm_per_MeV) == (1.2591, 0.0068294)
    assert (m600.density_g_per_cm3, m600.birks_cm_per_MeV) == (1.207, 0.0121671)


def test_constant_stopping_power_by_hand() -> None:
    # L = E / (1 + kB dE/dx) = E / (1 + 0.01 * 100) = E / 2, also below the first energy.
    light = birks_light_MeVee(np.array([0.5, 1.0, 4.0]), np.full(3, 100.0), 0.01)
    assert light == pytest.approx([0.25, 0.5, 2.0], rel=1e-14)


def test_trapezoid_by_hand() -> None:
    # Integrands 1/(1+1) = 0.5 and 1/(1+3) = 0.25; 0.5 * 2 + 0.375 * 2 = 1.75.
    light = birks_light_MeVee(np.array([2.0, 4.0]), np.array([10.0, 30.0]), 0.1)
    assert light == pytest.approx([1.0, 1.75], rel=1e-14)


def test_no_quenching_gives_the_energy() -> None:
    energy = np.geomspace(1e-3, 100, 50)
    assert birks_light_MeVee(energy, np.full(50, 300.0), 0.0) == pytest.approx(energy, rel=1e-13)


def test_empty_and_one_energy() -> None:
    assert birks_light_MeVee(np.zeros(0), np.zeros(0), 0.01).shape == (0,)
    assert birks_light_MeVee(np.array([2.0]), np.array([100.0]), 0.01) == pytest.approx([1.0])


def test_nan_stays_from_where_it_is() -> None:
    light = birks_light_MeVee(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, np.nan, 0]), 0.01)
    assert light[:2].tolist() == [1.0, 2.0]
    assert np.isnan(light[2:]).all()


@settings(deadline=None)
@given(
    st.lists(st.floats(0.01, 5.0), min_size=1, max_size=30),
    st.floats(0.1, 1000.0),
    st.floats(1e-4, 0.1),
    st.floats(0.1, 10.0),
)
def test_light_rises_below_the_energy_and_scales_with_it(
    steps: list[float], dedx: float, birks: float, factor: float
) -> None:
    energy = np.cumsum(steps)
    power = dedx / (1.0 + energy)
    light = birks_light_MeVee(energy, power, birks)
    assert (np.diff(light) > 0).all()
    assert (light < energy).all()
    # The integral of f(E) over a stretched axis stretches with it.
    assert birks_light_MeVee(factor * energy, power, birks) == pytest.approx(factor * light)


def test_stopping_powers_are_read_by_material_and_ion() -> None:
    table = stopping_power_table(TEXT)
    STOPPING_POWERS.validate(table, "table")
    assert len(table) == 9
    carbon = table[(table["material"] == "OGS") & (table["ion"] == "carbon")]
    assert carbon["energy_MeV"].tolist() == [0.001, 1.0, 100.0]
    assert carbon["stopping_power_MeV_cm2_per_g"].tolist() == [1300.0, 5000.0, 400.0]


def test_only_materials_with_a_birks_constant_have_a_response() -> None:
    response = birks_light_response(stopping_power_table(TEXT))
    LIGHT_RESPONSE.validate(response, "response")
    curves = set(zip(response["material"], response["recoil"], strict=True))
    assert curves == {("OGS", "proton"), ("OGS", "carbon")}


def test_response_agrees_with_adaptive_quadrature(
    shipped_table: pd.DataFrame, response: pd.DataFrame
) -> None:
    chosen = (shipped_table["material"] == "M600") & (shipped_table["ion"] == "proton")
    table = shipped_table[chosen]
    energy = table["energy_MeV"].to_numpy()
    power = table["stopping_power_MeV_cm2_per_g"].to_numpy()

    def integrand(log_E: float) -> float:
        dedx = 1.207 * np.exp(np.interp(log_E, np.log(energy), np.log(power)))
        return np.exp(log_E) / (1 + 0.0121671 * dedx)

    inner = energy[(energy > energy[0]) & (energy < 10)]
    value = quad(integrand, np.log(energy[0]), np.log(10.0), points=np.log(inner), limit=500)[0]
    below = energy[0] / (1 + 0.0121671 * 1.207 * power[0])
    curve = response_curve(response, "M600", "proton")
    assert curve is not None
    assert np.interp(10.0, *curve) == pytest.approx(value + below, rel=1e-5)


def test_every_curve_rises_and_gives_its_energy_back(response: pd.DataFrame) -> None:
    for _, curve in response.groupby(["material", "recoil"], observed=True):
        energy, light = curve["energy_MeV"].to_numpy(), curve["light_MeVee"].to_numpy()
        assert (np.diff(energy) > 0).all()
        assert (np.diff(light) > 0).all()
        probe = np.geomspace(energy[0], energy[-1], 37)
        assert np.interp(np.interp(probe, energy, light), light, energy) == pytest.approx(
            probe, rel=1e-9
        )


def test_carbon_is_darker_than_the_proton_of_its_energy(response: pd.DataFrame) -> None:
    for material in ("OGS", "M600"):
        proton, carbon = (response_curve(response, material, r) for r in ("proton", "carbon"))
        assert proton is not None
        assert carbon is not None
        assert (carbon[1] < np.interp(carbon[0], *proton)).all()


def test_an_empty_table_has_an_empty_response() -> None:
    response = birks_light_response(STOPPING_POWERS.empty())
    assert len(response) == 0
    LIGHT_RESPONSE.validate(response, "response")
    assert len(response_table([])) == 0


def test_a_curve_that_is_not_there_is_none(response: pd.DataFrame) -> None:
    assert response_curve(response, "Steel", "proton") is None
    assert response_curve(response, "OGS", "triton") is None
    assert response_curve(LIGHT_RESPONSE.empty(), "OGS", "proton") is None


def test_a_table_of_curves_keeps_each_of_them() -> None:
    parts = [
        response_rows("A", "proton", np.array([1.0, 2.0]), np.array([0.1, 0.4])),
        response_rows("B", "carbon", np.array([3.0]), np.array([0.2])),
    ]
    table = response_table(parts)
    LIGHT_RESPONSE.validate(table, "table")
    curve = response_curve(table, "A", "proton")
    assert curve is not None
    assert curve[0].tolist() == [1.0, 2.0]
    assert curve[1].tolist() == [0.1, 0.4]
    other = response_curve(table, "B", "carbon")
    assert other is not None
    assert other[0].tolist() == [3.0]


def test_inputs_stay_as_they_are(shipped_table: pd.DataFrame) -> None:
    before = shipped_table.copy(deep=True)
    birks_light_response(shipped_table)
    pd.testing.assert_frame_equal(shipped_table, before)
    energy, power = np.array([1.0, 2.0]), np.array([5.0, 6.0])
    energy.flags.writeable = power.flags.writeable = False
    birks_light_MeVee(energy, power, 0.01)
    assert energy.tolist() == [1.0, 2.0]
