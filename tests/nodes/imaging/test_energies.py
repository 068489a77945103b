"""Energies of the first scatter: every strategy and every status, by hand and from toys.

Hand values: gamma = 1 + T / 939.56542 MeV, beta = sqrt(1 - 1 / gamma^2), t = d / (beta c) with
c = 29.9792458 cm/ns. T = 14.1 MeV over 100 cm takes 19.46991210 ns, 2 MeV over 10 cm
5.12041661 ns, 5 MeV over 10 cm 3.24616662 ns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.constants import NEUTRON_MASS_MEV, SPEED_OF_LIGHT_CM_PER_NS
from radiograph.nodes.imaging import energies as nodes
from radiograph.nodes.imaging.transforms import world_positions_cm
from radiograph.nodes.light_response import response_rows, response_table
from radiograph.schemas.imaging.codes import EnergyStatus
from radiograph.schemas.imaging.detectors import Detectors
from radiograph.schemas.imaging.frames import (
    GAMMA_ENERGIES,
    GAMMA_FILTERED,
    HITS,
    NEUTRON_ENERGIES,
    NEUTRON_FILTERED,
)
from radiograph.schemas.imaging.physics import TofStart

T_14_OVER_100_CM = 19.46991210
T_2_OVER_10_CM = 5.12041661
RECOILS = ("proton", "carbon")


def flight_time_ns(energy_MeV: Any, distance_cm: Any) -> Any:
    gamma = 1 + np.asarray(energy_MeV) / NEUTRON_MASS_MEV
    return distance_cm / (np.sqrt(1 - 1 / gamma**2) * SPEED_OF_LIGHT_CM_PER_NS)


def statuses(energies: pd.DataFrame, recoil: str = "proton") -> list[str]:
    return [EnergyStatus(s).name for s in energies[f"{recoil}_energy_status"]]


def checked(energies: pd.DataFrame) -> pd.DataFrame:
    NEUTRON_ENERGIES.validate(energies, "neutron_energies")
    assert energies["recoil_energy_sigma_MeV"].isna().all()
    for recoil in RECOILS:
        ok = energies[f"{recoil}_energy_status"] == EnergyStatus.ok
        for quantity in ("recoil", "incident"):
            value = energies[f"{recoil}_{quantity}_energy_MeV"]
            assert (value.notna() == ok).all()
            assert (value[ok] > 0).all()
    return energies


@pytest.fixture(scope="module")
def scatter_2_MeV(make_neutron_filtered):
    """Events whose neutron has 2 MeV after the first scatter, over 10 cm along x."""

    def build(**given: Any) -> pd.DataFrame:
        return make_neutron_filtered(
            **{"t1_ns": 0.0, "t2_ns": T_2_OVER_10_CM, "light1_MeVee": 3.0, **given}
        )

    return build


@pytest.fixture(scope="module")
def response() -> pd.DataFrame:
    """OGS protons: E = 2 L from 0.5 to 10 MeVee; carbons: E = 20 L, 0.05 to 1; M600: E = 3 L."""
    light = np.array([0.5, 2.0, 10.0])
    return response_table(
        [
            response_rows("OGS", "proton", 2 * light, light),
            response_rows("OGS", "carbon", 2 * light, 0.1 * light),
            response_rows("M600", "proton", 3 * light, light),
        ]
    )


def test_energy_after_the_scatter_by_hand(make_neutron_filtered) -> None:
    events = make_neutron_filtered(
        x1_cm=[10.0, 0.0], x2_cm=[20.0, 60.0], y2_cm=[0.0, 80.0],
        t1_ns=[0.0, 5.0], t2_ns=[T_2_OVER_10_CM, 5.0 + T_14_OVER_100_CM],
    )  # fmt: skip
    found = checked(nodes.neutron_energies__edep(events))
    assert found["scattered_energy_MeV"].to_numpy() == pytest.approx([2.0, 14.1], rel=1e-7)


def test_edep_takes_the_light_for_the_recoil(scatter_2_MeV, unchanged) -> None:
    events = scatter_2_MeV(light1_MeVee=[3.0, 0.25], event_index=[4, 9])
    with unchanged(events):
        found = checked(nodes.neutron_energies__edep(events))
    assert found["event_index"].tolist() == [4, 9]
    for recoil in RECOILS:
        assert found[f"{recoil}_recoil_energy_MeV"].tolist() == [3.0, 0.25]
        assert found[f"{recoil}_incident_energy_MeV"].to_numpy() == pytest.approx(
            [5.0, 2.25], rel=1e-7
        )
        assert statuses(found, recoil) == ["ok", "ok"]


def test_flights_that_are_none(make_neutron_filtered) -> None:
    # 10 cm: light needs 0.3336 ns.
    events = make_neutron_filtered(
        t1_ns=[1.0, 1.0, 1.0, 1.0, 1.0], t2_ns=[1.0, 0.5, 1.3335, 1.3337, np.nan]
    )
    found = checked(nodes.neutron_energies__edep(events))
    expected = [
        "tof_not_positive", "tof_not_positive", "faster_than_light", "ok", "tof_not_positive",
    ]  # fmt: skip
    assert statuses(found) == statuses(found, "carbon") == expected
    assert found["scattered_energy_MeV"].notna().tolist() == [False, False, False, True, False]


def test_a_flight_at_the_speed_of_light_is_no_neutrons(make_neutron_filtered) -> None:
    # One light-nanosecond in one nanosecond: beta is 1 to the last bit.
    events = make_neutron_filtered(x1_cm=0.0, t1_ns=0.0, x2_cm=SPEED_OF_LIGHT_CM_PER_NS, t2_ns=1.0)
    found = checked(nodes.neutron_energies__edep(events))
    assert statuses(found) == statuses(found, "carbon") == ["faster_than_light"]


def test_two_hits_at_one_place_leave_no_scattered_energy(make_neutron_filtered) -> None:
    found = checked(nodes.neutron_energies__edep(make_neutron_filtered(x1_cm=1.0, x2_cm=1.0)))
    assert found["scattered_energy_MeV"].tolist() == [0.0]


def test_a_dark_hit_has_no_recoil(scatter_2_MeV) -> None:
    found = checked(nodes.neutron_energies__edep(scatter_2_MeV(light1_MeVee=[0.0, 1e-9])))
    assert statuses(found) == ["recoil_not_positive", "ok"]


def test_fixed_energy_by_hand(scatter_2_MeV, unchanged) -> None:
    events = scatter_2_MeV(t2_ns=[T_2_OVER_10_CM, 3.24616662, 1.0, -1.0])
    with unchanged(events):
        found = checked(nodes.neutron_energies__fixed(events, 5.0 + 1e-6))
    # 2 MeV left of 5; 5 MeV left of 5; faster than the incident neutron; no flight.
    assert statuses(found) == ["ok", "ok", "up_scatter", "tof_not_positive"]
    assert found["proton_recoil_energy_MeV"][0] == pytest.approx(3.0, rel=1e-6)
    assert found["proton_recoil_energy_MeV"][1] == pytest.approx(1e-6, rel=0.05)
    assert found["carbon_incident_energy_MeV"][:2].tolist() == [5.0 + 1e-6] * 2
    assert statuses(nodes.neutron_energies__fixed(events, 1.9))[0] == "up_scatter"


def test_equal_energies_are_an_up_scatter(make_neutron_filtered) -> None:
    events = make_neutron_filtered()
    scattered = nodes.neutron_energies__edep(events)["scattered_energy_MeV"][0]
    found = checked(nodes.neutron_energies__fixed(events, scattered))
    assert statuses(found) == ["up_scatter"]


def test_light_is_inverted_by_material_and_recoil(scatter_2_MeV, response, unchanged) -> None:
    materials = pd.Categorical(["OGS", "M600", "UNK", "OGS"], categories=["M600", "OGS", "UNK"])
    events = scatter_2_MeV(material1=materials, light1_MeVee=[0.8, 2.0, 2.0, 1.25])
    with unchanged(events, response):
        found = checked(nodes.neutron_energies__elut(events, response))
    np.testing.assert_allclose(found["proton_recoil_energy_MeV"], [1.6, 6.0, np.nan, 2.5])
    np.testing.assert_allclose(
        found["proton_incident_energy_MeV"], [3.6, 8.0, np.nan, 4.5], rtol=1e-7
    )
    assert statuses(found) == ["ok", "ok", "no_light_response", "ok"]
    np.testing.assert_allclose(found["carbon_recoil_energy_MeV"], [16.0, np.nan, np.nan, np.nan])
    assert statuses(found, "carbon") == [
        "ok", "no_light_response", "no_light_response", "light_outside_response",
    ]  # fmt: skip


def test_light_outside_the_table_is_flagged_not_extrapolated(scatter_2_MeV, response) -> None:
    events = scatter_2_MeV(light1_MeVee=[0.49, 0.5, 10.0, 10.01])
    found = checked(nodes.neutron_energies__elut(events, response))
    assert statuses(found) == [
        "light_outside_response", "ok", "ok", "light_outside_response",
    ]  # fmt: skip
    assert found["proton_recoil_energy_MeV"][1:3].tolist() == [1.0, 20.0]


def test_a_flight_that_is_none_is_named_before_the_light(make_neutron_filtered, response) -> None:
    events = make_neutron_filtered(t2_ns=[0.0, 1.1], light1_MeVee=99.0, t1_ns=1.0)
    found = checked(nodes.neutron_energies__elut(events, response))
    assert statuses(found) == ["tof_not_positive", "faster_than_light"]


@given(
    st.lists(st.tuples(st.floats(0.5, 10.0), st.sampled_from(["OGS", "M600", "UNK"])), max_size=8),
    st.randoms(use_true_random=False),
)
def test_events_do_not_depend_on_each_other(scatter_2_MeV, response, rows, random) -> None:
    order = random.sample(range(len(rows)), len(rows))
    names = ["M600", "OGS", "UNK"]

    def energies(rows: list) -> pd.DataFrame:
        events = scatter_2_MeV(
            light1_MeVee=[r[0] for r in rows],
            material1=pd.Categorical([r[1] for r in rows], categories=names),
        )
        return nodes.neutron_energies__elut(events, response).drop(columns="event_index")

    straight = energies(rows).iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(energies([rows[k] for k in order]), straight)


def test_time_of_flight_by_hand(make_neutron_filtered, unchanged) -> None:
    # From (1, 2, 3) 100 cm along z, then 10 cm along x with 2 MeV: 14.1 = 2 + 12.1.
    events = make_neutron_filtered(
        x1_cm=1.0, y1_cm=2.0, z1_cm=103.0, x2_cm=11.0, y2_cm=2.0, z2_cm=103.0,
        t1_ns=7.0 + T_14_OVER_100_CM, t2_ns=7.0 + T_14_OVER_100_CM + T_2_OVER_10_CM,
    )  # fmt: skip
    settings = TofStart(source_cm=(1.0, 2.0, 3.0), start_time_ns=7.0)
    start = nodes.neutron_start_time_ns__fixed(events, settings)
    with unchanged(events, start):
        found = checked(nodes.neutron_energies__tof(events, start, settings))
    for recoil in RECOILS:
        assert found[f"{recoil}_incident_energy_MeV"].to_numpy() == pytest.approx(14.1, rel=1e-7)
        assert found[f"{recoil}_recoil_energy_MeV"].to_numpy() == pytest.approx(12.1, rel=1e-6)


def test_time_of_flight_of_what_is_none(make_neutron_filtered) -> None:
    # The source is 90 cm before hit 1, 10 cm before hit 2. Light needs 3.002 ns and 0.334 ns.
    events = make_neutron_filtered(
        x1_cm=90.0, x2_cm=100.0,
        t1_ns=[0.0, -1.0, 3.0, 20.0, 20.0, 20.0], t2_ns=[9.0, 9.0, 9.0, 20.0, 20.1, 20.5],
    )  # fmt: skip
    settings = TofStart(source_cm=(0.0, 0.0, 0.0), start_time_ns=0.0)
    start = nodes.neutron_start_time_ns__fixed(events, settings)
    found = checked(nodes.neutron_energies__tof(events, start, settings))
    assert statuses(found) == [
        "tof_not_positive", "tof_not_positive", "faster_than_light",
        "tof_not_positive", "faster_than_light", "up_scatter",
    ]  # fmt: skip
    unknown = nodes.neutron_energies__tof(events, np.full(6, np.nan), settings)
    assert statuses(checked(unknown)) == ["start_time_unknown"] * 6


def test_the_start_detector_gives_the_first_time_of_its_window(
    make_hits, make_neutron_filtered, unchanged
) -> None:
    hits = make_hits(
        event_id=[2, 2, 2, 3, 5],
        det_id=[9, 9, 1, 1, 9],
        t_ns=[4.0, 3.0, 1.0, 2.0, 8.0],
        species=["n", "unknown", "n", "n", "g"],
    )
    events = make_neutron_filtered(event_id=[2, 2, 3, 5])
    settings = TofStart(source_cm=(0.0, 0.0, 0.0), start_det_id=9)
    with unchanged(hits, events):
        start = nodes.neutron_start_time_ns__detector(events, hits, settings)
    np.testing.assert_array_equal(start, [3.0, 3.0, np.nan, 8.0])
    assert start.dtype == np.float64
    found = checked(nodes.neutron_energies__tof(events, start, settings))
    assert statuses(found)[2] == "start_time_unknown"


def test_the_start_detector_never_hit(make_hits, make_neutron_filtered) -> None:
    settings = TofStart(start_det_id=9)
    start = nodes.neutron_start_time_ns__detector(
        make_neutron_filtered(event_id=[0, 1]), make_hits(event_id=[0, 1]), settings
    )
    assert np.isnan(start).all()
    none = nodes.neutron_start_time_ns__detector(NEUTRON_FILTERED.empty(), HITS.empty(), settings)
    assert none.shape == (0,)


@given(
    st.lists(
        st.tuples(st.floats(0.5, 100), st.floats(0.05, 0.9), st.floats(5, 200), st.floats(5, 60)),
        min_size=1,
        max_size=6,
    )
)
def test_a_toy_scatter_is_recovered_by_every_strategy(make_neutron_filtered, toys) -> None:
    before, share, first_cm, second_cm = np.array(toys).T
    recoil, after = before * share, before * (1 - share)
    t1 = flight_time_ns(before, first_cm)
    events = make_neutron_filtered(
        x1_cm=0.6 * first_cm, y1_cm=0.8 * first_cm, x2_cm=0.6 * first_cm, y2_cm=0.8 * first_cm,
        z1_cm=np.zeros(len(toys)), z2_cm=second_cm,
        t1_ns=t1, t2_ns=t1 + flight_time_ns(after, second_cm), light1_MeVee=recoil,
    )  # fmt: skip
    settings = TofStart(source_cm=(0.0, 0.0, 0.0), start_time_ns=0.0)
    start = nodes.neutron_start_time_ns__fixed(events, settings)
    for found in (
        nodes.neutron_energies__edep(events),
        nodes.neutron_energies__tof(events, start, settings),
        nodes.neutron_energies__fixed(events.iloc[:1], float(before[0])),
    ):
        n = len(found)
        assert statuses(checked(found)) == ["ok"] * n
        for name, truth in (
            ("scattered_energy_MeV", after),
            ("proton_recoil_energy_MeV", recoil),
            ("proton_incident_energy_MeV", before),
        ):
            assert found[name].to_numpy() == pytest.approx(truth[:n], rel=1e-6)


@given(st.tuples(*[st.floats(-180, 180)] * 3), st.tuples(*[st.floats(-100, 100)] * 3))
def test_energies_do_not_feel_a_rotation(make_neutron_filtered, rotation, origin) -> None:
    points = np.array([[0.0, 0, 0], [3.0, 40, 5], [9.0, 31, 2]])
    frame = Detectors.model_validate(
        {"geometry": {"frame": {"rotation_deg": list(rotation), "origin_cm": list(origin)}}}
    )
    turned = world_positions_cm(points, np.zeros(3, np.int32), frame)

    def energies(p: np.ndarray) -> pd.DataFrame:
        columns = {f"{a}{k}_cm": p[k, i] for k in (1, 2) for i, a in enumerate("xyz")}
        events = make_neutron_filtered(**columns, t1_ns=9.0, t2_ns=13.0)
        x, y, z = (float(a) for a in p[0])
        return nodes.neutron_energies__tof(events, np.zeros(1), TofStart(source_cm=(x, y, z)))

    pd.testing.assert_frame_equal(energies(points), energies(turned), rtol=1e-9)


def test_gamma_deposits_are_the_light(make_gamma_filtered, unchanged) -> None:
    events = make_gamma_filtered(
        event_index=[3, 4], light1_MeVee=[0.1, 1.0], light2_MeVee=[0.2, 2.0],
        light3_MeVee=[0.3, 3.0],
    )  # fmt: skip
    with unchanged(events):
        found = nodes.gamma_energies(events)
    GAMMA_ENERGIES.validate(found, "gamma_energies")
    assert found.to_numpy().tolist() == [[3, 0.1, 0.2, 0.3], [4, 1.0, 2.0, 3.0]]


def test_energies_of_no_event(response) -> None:
    none = NEUTRON_FILTERED.empty()
    settings = TofStart(source_cm=(0.0, 0.0, 0.0), start_time_ns=0.0)
    start = nodes.neutron_start_time_ns__fixed(none, settings)
    assert start.shape == (0,)
    for found in (
        nodes.neutron_energies__edep(none),
        nodes.neutron_energies__elut(none, response),
        nodes.neutron_energies__fixed(none, 14.0),
        nodes.neutron_energies__tof(none, start, settings),
    ):
        assert len(checked(found)) == 0
    GAMMA_ENERGIES.validate(nodes.gamma_energies(GAMMA_FILTERED.empty()), "gamma_energies")
