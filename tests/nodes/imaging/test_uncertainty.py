"""Widths of cones: smeared truth recovered, analytic slopes, both estimates, odd input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.constants import NEUTRON_MASS_MEV, SPEED_OF_LIGHT_CM_PER_NS
from radiograph.nodes.imaging import bars as bar_nodes
from radiograph.nodes.imaging import cones, energies, recoil_light, resolutions, uncertainty
from radiograph.nodes.imaging.kinematics import neutron_energy_MeV
from radiograph.nodes.light_response import response_rows, response_table
from radiograph.schemas.errors import InputError
from radiograph.schemas.imaging.bars import BarExtents
from radiograph.schemas.imaging.detectors import Bar, Detectors, Geometry
from radiograph.schemas.imaging.frames import GAMMA_ENERGIES, GAMMA_FILTERED, NEUTRON_FILTERED
from radiograph.schemas.imaging.images import PlaneFrame
from radiograph.schemas.imaging.uncertainty import Uncertainty

INCIDENT_MEV = 14.8
SETTINGS = Uncertainty(sigma_time_ns=0.2, sigma_doi_cm=0.5, energy={"a": 0.1})
PLANE = PlaneFrame((0.0, 0.0, -100.0), (0.0, 0.0, 1.0))


def light_curve() -> pd.DataFrame:
    """Light = 0.6 E of a proton and 0.01 E of a carbon nucleus."""
    energy = np.linspace(0.0, 20.0, 201)
    rows = [
        response_rows("OGS", r, energy, k * energy) for r, k in (("proton", 0.6), ("carbon", 0.01))
    ]
    return response_table(rows)


def true_events(theta: Any, distance_cm: float = 12.0, repeats: int = 1) -> pd.DataFrame:
    """Elastic scatters on protons at the origin by ``theta``; the second hit along z."""
    theta = np.repeat(np.atleast_1d(np.asarray(theta, float)), repeats)
    n = len(theta)
    scattered = INCIDENT_MEV * np.cos(theta) ** 2
    # The energy by which a classical cone opens by theta.
    total = 1.0 + scattered / NEUTRON_MASS_MEV
    speed = SPEED_OF_LIGHT_CM_PER_NS * np.sqrt(1.0 - total**-2)
    data: dict[str, Any] = {"event_index": np.arange(n), "event_id": np.arange(n)}
    for k in (1, 2):
        data |= {f"{a}{k}_cm": np.zeros(n) for a in "xyz"}
        data |= {f"det_id{k}": np.full(n, k), f"psd{k}": np.zeros(n), f"t{k}_ns": np.zeros(n)}
        data |= {f"light{k}_MeVee": np.ones(n), f"energy_deposited{k}_MeV": np.ones(n)}
        data[f"material{k}"] = pd.Categorical(["OGS"] * n, categories=["OGS"])
    data["z2_cm"] = np.full(n, distance_cm)
    data["t2_ns"] = distance_cm / speed
    data["light1_MeVee"] = 0.6 * (INCIDENT_MEV - scattered)
    return NEUTRON_FILTERED.frame(data)


def x_bars(det_ids: tuple[int, ...] = (1, 2, 3)) -> pd.DataFrame:
    """Bars along x."""
    low, high = (
        np.tile([-7.0, -0.5, -0.5], (len(det_ids), 1)),
        np.tile([7.0, 0.5, 0.5], (len(det_ids), 1)),
    )
    extents = BarExtents(np.array(det_ids), low, high, np.full(len(det_ids), 5))
    return bar_nodes.bars(extents, Detectors())


def smeared(events: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = len(events)
    light = events["light1_MeVee"].to_numpy()
    moved = {f"t{k}_ns": events[f"t{k}_ns"] + rng.normal(0, 0.2, n) for k in (1, 2)}
    for k in (1, 2):
        for a, sigma in zip("xyz", (0.5, 0.346, 0.346), strict=True):
            moved[f"{a}{k}_cm"] = events[f"{a}{k}_cm"] + rng.normal(0, sigma, n)
    return events.assign(**moved, light1_MeVee=light * (1.0 + rng.normal(0, 0.1, n)))


def theta_of(events: pd.DataFrame, strategy: str) -> np.ndarray:
    if strategy == "FixedEn":
        found = energies.neutron_energies__fixed(events, INCIDENT_MEV)
    elif strategy == "ELUT":
        found = energies.neutron_energies__elut(events, light_curve())
    else:
        found = energies.neutron_energies__edep(events)
    return cones.neutron_candidate_cones(events, found, "classical")["theta_rad"].to_numpy()[::2]


def sigma_of(events: pd.DataFrame, strategy: str) -> np.ndarray:
    candidates = pd.DataFrame({"theta_rad": np.repeat(theta_of(events, strategy), 2)})
    common = ("classical", x_bars(), SETTINGS)
    if strategy == "FixedEn":
        sigma = uncertainty.neutron_theta_sigma_rad__fixed(
            events, candidates, INCIDENT_MEV, *common
        )
    elif strategy == "ELUT":
        sigma = uncertainty.neutron_theta_sigma_rad__elut(
            events, candidates, light_curve(), *common
        )
    else:
        sigma = uncertainty.neutron_theta_sigma_rad__edep(events, candidates, *common)
    return sigma[::2]


@pytest.mark.parametrize("strategy", ["FixedEn", "ELUT", "Edep"])
def test_the_width_is_that_of_smeared_truth(strategy: str) -> None:
    angles = np.radians([35.0, 45.0, 55.0, 65.0])
    events = true_events(angles)
    if strategy == "Edep":
        events = events.assign(light1_MeVee=events["light1_MeVee"] / 0.6)
    repeated = events.loc[np.repeat(np.arange(len(events)), 3000)].reset_index(drop=True)
    spread = theta_of(smeared(repeated, np.random.default_rng(1)), strategy).reshape(
        len(events), -1
    )
    seen = 0.5 * np.subtract(*np.nanpercentile(spread, [84.13, 15.87], axis=1))
    assert sigma_of(events, strategy) == pytest.approx(seen, rel=0.12)


def test_the_width_of_elut_has_the_analytic_slope() -> None:
    # (sin 2 theta / 4) sqrt(r^2 + r'^2), r and r' the relative widths of E_r and of E' = 2 v'.
    angles = np.radians([30.0, 45.0, 60.0, 75.0])
    events = true_events(angles, distance_cm=30.0)
    flight = events["t2_ns"].to_numpy()
    speed_width = np.sqrt(2.0 * (0.2 / flight) ** 2 + 2.0 * (0.346 / 30.0) ** 2)
    expected = np.sin(2.0 * angles) / 4.0 * np.hypot(0.1, 2.0 * speed_width)
    assert sigma_of(events, "ELUT") == pytest.approx(expected, rel=0.03)


def test_the_width_of_a_known_energy_has_the_analytic_slope() -> None:
    # (cot theta / 2) r'; the difference of both sides is larger where E' is quadratic in 1 / t.
    angles = np.radians([45.0, 60.0, 75.0])
    events = true_events(angles, distance_cm=30.0)
    flight = events["t2_ns"].to_numpy()
    speed_width = np.sqrt(2.0 * (0.2 / flight) ** 2 + 2.0 * (0.346 / 30.0) ** 2)
    expected = 0.5 / np.tan(angles) * 2.0 * speed_width
    assert sigma_of(events, "FixedEn") == pytest.approx(expected, rel=0.03)


def test_a_forward_cone_has_the_one_sided_width() -> None:
    events = true_events(np.radians([4.0]))
    sigma = sigma_of(events, "FixedEn")
    assert np.all(np.isfinite(sigma))
    assert 0.0 < sigma[0] < 1.0


def test_the_axis_is_as_wide_as_both_positions_across_it() -> None:
    # Flight along z between bars along x: (0.5^2 + 0.346^2) a hit, two hits, halved, over d^2.
    events = true_events([0.8], distance_cm=12.0)
    found = energies.neutron_energies__fixed(events, INCIDENT_MEV)
    candidates = cones.neutron_candidate_cones(events, found, "classical")
    sigma = resolutions.axis_sigma_rad(events, candidates, x_bars(), SETTINGS)
    assert sigma == pytest.approx([np.sqrt(0.5**2 + 0.346**2) / 12.0] * 2, rel=1e-12)


def test_flight_and_light_together_are_their_weighted_mean() -> None:
    events = smeared(true_events(np.radians([50.0]), repeats=500), np.random.default_rng(3))
    found = energies.neutron_energies__fixed(events, INCIDENT_MEV)
    candidates = cones.neutron_candidate_cones(events, found, "classical")
    time = uncertainty.neutron_theta_sigma_rad__fixed(
        events, candidates, INCIDENT_MEV, "classical", x_bars(), SETTINGS
    )
    light = uncertainty.neutron_light_theta(
        events, light_curve(), INCIDENT_MEV, "classical", SETTINGS
    )
    both = uncertainty.neutron_candidate_sigmas__both(
        events, candidates, time, light, x_bars(), SETTINGS
    )
    a, b = candidates["theta_rad"].to_numpy()[::2], light["theta_rad"].to_numpy()[::2]
    wa, wb = time[::2] ** -2.0, light["theta_sigma_rad"].to_numpy()[::2] ** -2.0
    good = np.isfinite(a + b)
    assert good.mean() > 0.95
    proton = both.iloc[::2]
    mean = ((a * wa + b * wb) / (wa + wb))[good]
    assert proton["theta_rad"].to_numpy()[good] == pytest.approx(mean)
    # Two estimates of one angle agree within their errors.
    consistency = proton["consistency"].to_numpy()[good]
    assert np.std(consistency) == pytest.approx(1.0, abs=0.12)
    assert np.all(proton["theta_sigma_rad"].to_numpy()[good] < time[::2][good])


def test_without_light_in_the_table_the_flight_stands_alone() -> None:
    events = true_events(np.radians([50.0])).assign(light1_MeVee=[500.0])
    found = energies.neutron_energies__fixed(events, INCIDENT_MEV)
    candidates = cones.neutron_candidate_cones(events, found, "classical")
    time = uncertainty.neutron_theta_sigma_rad__fixed(
        events, candidates, INCIDENT_MEV, "classical", x_bars(), SETTINGS
    )
    light = uncertainty.neutron_light_theta(
        events, light_curve(), INCIDENT_MEV, "classical", SETTINGS
    )
    both = uncertainty.neutron_candidate_sigmas__both(
        events, candidates, time, light, x_bars(), SETTINGS
    )
    assert both["theta_rad"].to_numpy() == pytest.approx(
        candidates["theta_rad"].to_numpy(), nan_ok=True
    )
    assert np.all(np.isnan(both["consistency"]))


def test_an_impossible_hypothesis_has_no_width() -> None:
    events = true_events([0.8]).assign(t2_ns=[-1.0])
    found = energies.neutron_energies__fixed(events, INCIDENT_MEV)
    candidates = cones.neutron_candidate_cones(events, found, "classical")
    time = uncertainty.neutron_theta_sigma_rad__fixed(
        events, candidates, INCIDENT_MEV, "classical", x_bars(), SETTINGS
    )
    one = uncertainty.neutron_candidate_sigmas__one(events, candidates, time, x_bars(), SETTINGS)
    assert one[["theta_rad", "cone_sigma_rad"]].isna().all(axis=None)


def test_no_event_no_row() -> None:
    events = NEUTRON_FILTERED.empty()
    found = energies.neutron_energies__fixed(events, INCIDENT_MEV)
    candidates = cones.neutron_candidate_cones(events, found, "classical")
    none = bar_nodes.bars(bar_nodes.bar_extents(events, GAMMA_FILTERED.empty()), Detectors())
    sigma = uncertainty.neutron_theta_sigma_rad__fixed(
        events, candidates, INCIDENT_MEV, "classical", none, SETTINGS
    )
    one = uncertainty.neutron_candidate_sigmas__one(events, candidates, sigma, none, SETTINGS)
    assert len(none) == len(sigma) == len(one) == 0


def gamma_event(
    rng: np.random.Generator | None = None, n: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A 2 MeV gamma from (0, 0, -100): scatters at the origin by 0.5 rad, then by 0.9 rad."""
    electron = 0.51099895
    first = 2.0 / (1.0 + 2.0 / electron * (1.0 - np.cos(0.5)))
    second = first / (1.0 + first / electron * (1.0 - np.cos(0.9)))
    x2 = 12.0 * np.array([np.sin(0.5), 0.0, np.cos(0.5)])
    x3 = x2 + 10.0 * np.array([np.sin(1.4), 0.0, np.cos(1.4)])
    deposits = np.tile([2.0 - first, first - second, 0.3], (n, 1))
    points = np.tile([np.zeros(3), x2, x3], (n, 1, 1))
    if rng is not None:
        points = points + rng.normal(0, 1, points.shape) * [0.5, 0.346, 0.346]
        deposits = deposits * (1.0 + 0.1 * rng.normal(0, 1, deposits.shape))
    data: dict[str, Any] = {"event_index": np.arange(n), "event_id": np.arange(n)}
    for k in range(3):
        data |= {f"{a}{k + 1}_cm": points[:, k, i] for i, a in enumerate("xyz")}
        data |= {f"det_id{k + 1}": np.full(n, k + 1), f"psd{k + 1}": np.zeros(n)}
        data |= {f"t{k + 1}_ns": np.full(n, float(k)), f"light{k + 1}_MeVee": deposits[:, k]}
        data[f"energy_deposited{k + 1}_MeV"] = deposits[:, k]
        data[f"material{k + 1}"] = pd.Categorical(["OGS"] * n, categories=["OGS"])
    columns = {f"deposited{k + 1}_energy_MeV": deposits[:, k] for k in range(3)}
    return GAMMA_FILTERED.frame(data), GAMMA_ENERGIES.frame(
        {"event_index": np.arange(n), **columns}
    )


def test_the_width_of_a_gamma_is_that_of_smeared_truth() -> None:
    settings = SETTINGS.model_copy(update={"energy": SETTINGS.energy})
    events, deposits = gamma_event()
    candidates = cones.gamma_candidate_cones(events, deposits)
    sigmas = uncertainty.gamma_candidate_sigmas(
        events, deposits, candidates, PLANE, x_bars(), settings
    )
    moved = cones.gamma_candidate_cones(*gamma_event(np.random.default_rng(5), 4000)).iloc[::6]
    towards = np.array([0.0, 0.0, -100.0])
    axis = moved[["axis_x", "axis_y", "axis_z"]].to_numpy()
    to_source = towards - moved[["apex_x_cm", "apex_y_cm", "apex_z_cm"]].to_numpy()
    phi = np.arccos((axis * to_source).sum(axis=1) / np.linalg.norm(to_source, axis=1))
    delta = phi - moved["theta_rad"].to_numpy()
    seen = 0.5 * np.subtract(*np.nanpercentile(delta, [84.13, 15.87]))
    assert sigmas["cone_sigma_rad"][0] == pytest.approx(seen, rel=0.07)
    # The correlation of axis and second angle makes the width of both less than the two apart.
    assert sigmas["theta_sigma_rad"][0] > 0


def test_a_bar_is_long_where_its_hits_are_and_the_settings_win() -> None:
    extents = BarExtents.of_hits(
        np.array([3, 3, 1]), np.array([[0.0, -6.0, 1.0], [0.2, 6.0, 1.1], [2.0, 2.0, 2.0]])
    )
    found = bar_nodes.bars(extents, Detectors())
    assert found["det_id"].tolist() == [1, 3]
    assert found.loc[1, ["axis_x", "axis_y", "axis_z"]].tolist() == [0.0, 1.0, 0.0]
    assert found.loc[1, "half_length_cm"] == 6.0
    bar = Bar(det_id=3, center=(1.0, 2.0, 3.0), axis=(0.0, 0.0, 1.0), length=10.0)
    told = bar_nodes.bars(extents, Detectors(geometry=Geometry(bars=(bar,))))
    assert told.loc[1, ["axis_z", "centre_y_cm", "half_length_cm"]].tolist() == [1.0, 2.0, 5.0]


def test_extents_of_parts_add_up_to_those_of_the_whole() -> None:
    rng = np.random.default_rng(2)
    ids, x = rng.integers(0, 4, 50), rng.normal(size=(50, 3))
    whole = BarExtents.of_hits(ids, x)
    parts = BarExtents.of_hits(ids[:20], x[:20]) + BarExtents.of_hits(ids[20:], x[20:])
    for name in ("det_id", "low_cm", "high_cm", "n_hits"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name))


def test_resolution_of_light_by_material_and_of_time_by_detector() -> None:
    settings = Uncertainty(
        energy={"a": 0.1, "M600": {"a": 0.0, "b": 0.2, "c": 0.1}}, time={"sigma_ns": 0.3, "2": 0.7}
    )
    material = pd.Series(pd.Categorical(["OGS", "M600", None], categories=["OGS", "M600"]))
    sigma = resolutions.light_sigma_MeVee(np.full(3, 4.0), material, settings)
    assert sigma == pytest.approx([0.4, np.sqrt(0.04 * 4.0 + 0.01), 0.4])
    assert resolutions.time_sigma_ns(np.array([1, 2]), settings).tolist() == [0.3, 0.7]


def test_the_events_are_left_as_they_were() -> None:
    events = true_events([0.5, 0.9])
    before = events.copy(deep=True)
    sigma_of(events, "FixedEn")
    pd.testing.assert_frame_equal(events, before)


def test_kinetic_energy_of_the_toy_is_what_it_says() -> None:
    events = true_events([0.7])
    beta = 12.0 / (SPEED_OF_LIGHT_CM_PER_NS * events["t2_ns"].to_numpy())
    assert neutron_energy_MeV(beta) == pytest.approx([INCIDENT_MEV * np.cos(0.7) ** 2])


BANDS = SETTINGS.model_copy(update={"use_lut_bands": True})


def banded_curve(proton: float, carbon: float | None = None) -> pd.DataFrame:
    """light_curve with bands of so many times the light to each side."""
    energy = np.linspace(0.01, 20.0, 2001)
    rows = []
    for recoil, slope, part in (("proton", 0.6, proton), ("carbon", 0.01, carbon)):
        light = slope * energy
        band = None if part is None else (light * (1 - part), light * (1 + part))
        rows.append(response_rows("OGS", recoil, energy, light, band))
    return response_table(rows)


def widths_of_light(curve: pd.DataFrame, settings: Uncertainty) -> np.ndarray:
    """Widths of theta (n, 2) by light alone, protons and carbon nuclei."""
    events = true_events(np.radians([35.0, 50.0]))
    # Light that struck carbon nuclei can give, too: 2 and 3.5 MeV of at most 4.2.
    events = events.assign(light1_MeVee=[0.02, 0.035])
    found = uncertainty.neutron_light_theta(events, curve, INCIDENT_MEV, "classical", settings)
    return found["theta_sigma_rad"].to_numpy().reshape(-1, 2)


def test_bands_of_the_light_are_its_resolution() -> None:
    told = widths_of_light(banded_curve(0.1, 0.1), BANDS)
    same = widths_of_light(light_curve(), SETTINGS)
    # A band of 10 % is a resolution of 10 %, which the settings have.
    assert told == pytest.approx(same, rel=1e-6)
    assert np.isfinite(told).all()
    twice = widths_of_light(banded_curve(0.2, 0.1), BANDS)
    assert twice[:, 0] == pytest.approx(2.0 * told[:, 0], rel=0.02)
    assert twice[:, 1] == pytest.approx(told[:, 1])
    # A curve without a band has the resolution of the settings.
    assert widths_of_light(banded_curve(0.2), BANDS) == pytest.approx(twice)
    # Without the setting a band is none.
    assert widths_of_light(banded_curve(0.2), SETTINGS) == pytest.approx(same)


def test_bands_count_for_weights_and_for_elut() -> None:
    events = true_events(np.radians([40.0, 60.0]))
    candidates = pd.DataFrame({"theta_rad": np.repeat(theta_of(events, "ELUT"), 2)})
    common = ("classical", x_bars())
    narrow, wide = (
        uncertainty.neutron_theta_sigma_rad__elut(
            events, candidates, banded_curve(part), *common, BANDS
        )[::2]
        for part in (0.1, 0.3)
    )
    assert narrow == pytest.approx(sigma_of(events, "ELUT"), rel=1e-6)
    assert np.all(wide > 1.2 * narrow)
    light, material = np.array([1.0, 25.0]), events["material1"]
    sigma = recoil_light.recoil_light_sigma_MeVee(
        light, material, "proton", banded_curve(0.3), BANDS
    )
    # Beyond 20 MeV, 12 MeVee, the band is held.
    assert sigma == pytest.approx([0.3, 3.6])


def test_bands_that_no_table_has_are_an_error() -> None:
    with pytest.raises(InputError, match="no table of .* has the columns light_low") as failure:
        widths_of_light(light_curve(), BANDS)
    assert failure.value.key == "uncertainty.use_lut_bands"
