"""Candidate cones against hand values, two-body toys and Compton's formula written out."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.constants import (
    CARBON12_MASS_MEV,
    ELECTRON_MASS_MEV,
    NEUTRON_MASS_MEV,
    PROTON_MASS_MEV,
)
from radiograph.nodes.imaging import cones
from radiograph.schemas.imaging.codes import GAMMA_ORDERS, CandidateStatus, Recoil
from radiograph.schemas.imaging.frames import (
    CANDIDATE_CONES,
    GAMMA_ENERGIES,
    GAMMA_FILTERED,
    NEUTRON_ENERGIES,
    NEUTRON_FILTERED,
)
from radiograph.schemas.imaging.images import PlaneFrame
from radiograph.schemas.imaging.physics import Prior
from scipy.spatial.transform import Rotation

OK = CandidateStatus.ok
MASS = {"proton": PROTON_MASS_MEV, "carbon": CARBON12_MASS_MEV}
SEEDS = st.integers(0, 2**32 - 1)


def events_of(points: Any, schema: Any) -> pd.DataFrame:
    """Filtered events whose hits lie at ``points`` (n_events, n_hits, 3); ids from 10."""
    points = np.asarray(points, float).reshape(-1, 2 if schema is NEUTRON_FILTERED else 3, 3)
    n = len(points)
    data: dict[str, Any] = {"event_index": np.arange(n), "event_id": 10 + np.arange(n)}
    for k in range(points.shape[1]):
        data |= {f"{a}{k + 1}_cm": points[:, k, i] for i, a in enumerate("xyz")}
        data |= {f"{name}{k + 1}": np.zeros(n) for name in ("det_id", "psd")}
        data |= {f"t{k + 1}_ns": np.full(n, float(k)), f"light{k + 1}_MeVee": np.ones(n)}
        data[f"energy_deposited{k + 1}_MeV"] = np.ones(n)
        data[f"material{k + 1}"] = pd.Categorical(["OGS"] * n, categories=["OGS"])
    return schema.frame(data)


def neutron_frames(
    points: Any, scattered: Any, proton: Any, carbon: Any = None, status: Any = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and energies; the incident energy is the sum."""
    events = events_of(points, NEUTRON_FILTERED)
    n = len(events)
    scattered, proton = np.broadcast_to(scattered, n), np.broadcast_to(proton, n)
    carbon = proton if carbon is None else np.broadcast_to(carbon, n)
    energies = NEUTRON_ENERGIES.frame(
        {
            "event_index": np.arange(n),
            "scattered_energy_MeV": scattered,
            "proton_recoil_energy_MeV": proton,
            "carbon_recoil_energy_MeV": carbon,
            "proton_incident_energy_MeV": scattered + proton,
            "carbon_incident_energy_MeV": scattered + carbon,
            "recoil_energy_sigma_MeV": np.full(n, np.nan),
            "proton_energy_status": np.broadcast_to(status, n),
            "carbon_energy_status": np.broadcast_to(status, n),
        }
    )
    return events, energies


def gamma_frames(points: Any, deposits: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    events = events_of(points, GAMMA_FILTERED)
    deposits = np.asarray(deposits, float).reshape(-1, 3)
    columns = {f"deposited{k + 1}_energy_MeV": deposits[:, k] for k in range(3)}
    return events, GAMMA_ENERGIES.frame({"event_index": np.arange(len(events)), **columns})


def vectors(frame: pd.DataFrame, pattern: str) -> np.ndarray:
    return frame[[pattern.format(a) for a in "xyz"]].to_numpy()


TWO_POINTS = [[[0, 0, 100], [0, 0, 110]]]


def one_neutron(scattered: float, recoil: float, kinematics: str = "classical") -> pd.DataFrame:
    return cones.neutron_candidate_cones(*neutron_frames(TWO_POINTS, scattered, recoil), kinematics)


def random_neutrons(seed: int, n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-50, 50, (n, 2, 3))
    return neutron_frames(points, rng.uniform(0.5, 20, n), *rng.uniform(0.01, 20, (2, n)))


def random_gammas(seed: int, n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    return gamma_frames(rng.uniform(-20, 20, (n, 3, 3)), rng.uniform(0.05, 3, (n, 3)))


# --- neutrons ---------------------------------------------------------------------------------


def test_apex_is_the_first_hit_and_the_axis_points_back() -> None:
    found = cones.neutron_candidate_cones(
        *neutron_frames([[[1, 2, 3], [1, 5, 7]], [[0, 0, 0], [9, 0, 0]]], 7.0, 7.0), "classical"
    )
    CANDIDATE_CONES.validate(found, "neutron_candidate_cones")
    assert vectors(found, "apex_{}_cm").tolist() == [[1, 2, 3]] * 2 + [[0, 0, 0]] * 2
    # (1,2,3) - (1,5,7) = (0,-3,-4), of length 5
    expected = [[0, -0.6, -0.8]] * 2 + [[-1, 0, 0]] * 2
    assert vectors(found, "axis_{}") == pytest.approx(np.array(expected), abs=1e-15)
    assert found["event_index"].tolist() == [0, 0, 1, 1]
    assert found["event_id"].tolist() == [10, 10, 11, 11]
    assert found["recoil_code"].tolist() == [Recoil.proton, Recoil.carbon] * 2
    assert found["species"].tolist() == ["n"] * 4
    assert (
        found[["hit_order_1", "hit_order_2", "hit_order_3"]].to_numpy().tolist() == [[0, 1, 2]] * 4
    )


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.25, 0.5])
def test_proton_angle_is_arcsin_of_the_root_of_the_energy_fraction(fraction: float) -> None:
    # Specification, section 4: up to the n-p mass difference, which is 1.4e-3.
    theta = one_neutron(14 * (1 - fraction), 14 * fraction)["theta_rad"][0]
    assert theta == pytest.approx(math.asin(math.sqrt(fraction)), abs=1.4e-3)


def test_half_the_energy_to_a_proton_by_hand() -> None:
    # A = 938.272/939.565 = 0.998623; cos_CM = 1 - (1+A)^2/(4A) = -4.7e-7;
    # theta = atan2(1, -4.7e-7 + 1.0013784) = pi/4 - 6.89e-4 + 2.4e-7
    theta = one_neutron(7.0, 7.0)["theta_rad"][0]
    assert theta == pytest.approx(math.pi / 4 - 6.886e-4, abs=5e-7)


def test_carbon_by_hand() -> None:
    # A = 11174.863/939.565 = 11.89363; E_r/E_n = 0.1:
    # cos_CM = 1 - 0.1 * 12.89363^2 / 23.78727 = 0.301113, sin_CM = 0.953587
    # theta = atan2(0.953587, 0.301113 + 0.084079) = 1.186898
    found = one_neutron(9.0, 1.0)
    assert found["status"].tolist() == [OK, OK]
    assert found["theta_rad"][1] == pytest.approx(1.186898, abs=2e-6)


def test_carbon_takes_at_most_28_percent() -> None:
    # 4A/(1+A)^2 = 47.57453/166.24570 = 0.28617: above it the cosine is outside.
    below, above = one_neutron(10 - 2.861, 2.861), one_neutron(10 - 2.863, 2.863)
    assert below["status"].tolist() == [OK, OK]
    assert above["status"].tolist() == [OK, CandidateStatus.cosine_outside]
    assert np.isnan(above["theta_rad"][1])
    assert above["incident_energy_MeV"].tolist() == [10.0, 10.0]


@pytest.mark.parametrize(
    ("energy_MeV", "mrad", "tolerance"), [(14, 1.9, 0.05), (50, 6.6, 0.05), (150, 19, 0.5)]
)
def test_classical_and_exact_angles_differ_as_published(
    energy_MeV: float, mrad: float, tolerance: float
) -> None:
    # Specification, section 4, for half of the energy given to the proton.
    half = energy_MeV / 2
    angles = [one_neutron(half, half, k)["theta_rad"][0] for k in ("classical", "exact")]
    assert 1e3 * (angles[0] - angles[1]) == pytest.approx(mrad, abs=tolerance)


def relativistic_scatter(
    energy: np.ndarray, cosine_cm: np.ndarray, mass: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(scattered energy, recoil energy, lab angle) by a boost of four-vectors to the lab."""
    m = NEUTRON_MASS_MEV
    p = np.sqrt(energy * (energy + 2 * m))
    total = energy + m + mass
    beta, gamma = p / total, total / np.sqrt(total**2 - p**2)
    p_cm = gamma * (p - beta * (energy + m))
    e_cm = np.sqrt(p_cm**2 + m * m)
    along = gamma * (p_cm * cosine_cm + beta * e_cm)
    across = p_cm * np.sqrt(1 - cosine_cm**2)
    after = gamma * (e_cm + beta * p_cm * cosine_cm) - m
    return after, energy - after, np.arctan2(across, along)


@pytest.mark.parametrize("recoil", ["proton", "carbon"])
def test_exact_kinematics_recover_boosted_scatters(recoil: str) -> None:
    rng = np.random.default_rng(3)
    n = 500
    cosine = rng.uniform(-0.98, 0.98, n)
    after, struck, theta = relativistic_scatter(rng.uniform(1, 200, n), cosine, MASS[recoil])
    points = rng.uniform(-50, 50, (n, 2, 3))
    found = cones.neutron_candidate_cones(*neutron_frames(points, after, struck), "exact")
    found = found[found["recoil_code"] == Recoil[recoil]]
    assert (found["status"] == OK).all()
    assert found["theta_rad"].to_numpy() == pytest.approx(theta, abs=1e-9)


@pytest.mark.parametrize("recoil", ["proton", "carbon"])
def test_classical_kinematics_recover_newtonian_scatters(recoil: str) -> None:
    rng = np.random.default_rng(4)
    n = 500
    A = MASS[recoil] / NEUTRON_MASS_MEV
    cosine = rng.uniform(-0.99, 0.99, n)
    # Velocities in units of the neutron's: centre of mass 1/(1+A), neutron in it A/(1+A).
    along = (1 + A * cosine) / (1 + A)
    across = A * np.sqrt(1 - cosine**2) / (1 + A)
    energy = rng.uniform(1, 20, n)
    after = energy * (along**2 + across**2)
    points = rng.uniform(-50, 50, (n, 2, 3))
    found = cones.neutron_candidate_cones(
        *neutron_frames(points, after, energy - after), "classical"
    )
    found = found[found["recoil_code"] == Recoil[recoil]]
    assert found["theta_rad"].to_numpy() == pytest.approx(np.arctan2(across, along), abs=1e-10)


def test_each_hypothesis_has_its_own_energies() -> None:
    events, energies = neutron_frames(TWO_POINTS, 5.0, 3.0, 1.0)
    found = cones.neutron_candidate_cones(events, energies, "classical")
    assert found["recoil_energy_MeV"].tolist() == [3.0, 1.0]
    assert found["incident_energy_MeV"].tolist() == [8.0, 6.0]


@pytest.mark.parametrize("kinematics", ["classical", "exact"])
def test_head_on_scatter_with_an_equal_or_heavier_nucleus_is_possible(kinematics: str) -> None:
    # A forward scatter takes no energy: theta = 0; the carbon backscatter rounds to pi.
    after, struck, theta = relativistic_scatter(np.array([14.0]), np.array([-1.0]), MASS["carbon"])
    found = one_neutron(after[0], struck[0], "exact")
    assert found["status"][1] == OK
    assert found["theta_rad"][1] == pytest.approx(theta[0], abs=1e-5)
    assert one_neutron(14.0, 0.0, kinematics)["theta_rad"].tolist() == pytest.approx([0, 0])


@pytest.mark.parametrize("kinematics", ["classical", "exact"])
def test_a_kinematic_reason_of_the_energies_is_kept(kinematics: str) -> None:
    status = [CandidateStatus.up_scatter, CandidateStatus.tof_not_positive, OK]
    events, energies = neutron_frames(TWO_POINTS * 3, 7.0, 7.0, status=status)
    found = cones.neutron_candidate_cones(events, energies, kinematics)
    assert found["status"].tolist()[::2] == status
    assert np.isnan(found["theta_rad"][:4]).all()


@pytest.mark.parametrize("kinematics", ["classical", "exact"])
def test_nan_energy_or_position_is_never_possible(kinematics: str) -> None:
    events, energies = neutron_frames(TWO_POINTS * 3, [7.0, np.nan, 7.0], [np.nan, 7.0, 7.0])
    events.loc[2, "y2_cm"] = np.nan
    found = cones.neutron_candidate_cones(events, energies, kinematics)
    assert (found["status"] != OK).all()
    assert found["theta_rad"].isna().all()


@pytest.mark.parametrize("kinematics", ["classical", "exact"])
def test_coincident_neutron_hits(kinematics: str) -> None:
    same = [[[1, 2, 3], [1, 2, 3]]]
    found = cones.neutron_candidate_cones(*neutron_frames(same, 7.0, 7.0), kinematics)
    assert found["status"].tolist() == [CandidateStatus.coincident_points] * 2
    assert found["theta_rad"].isna().all()
    CANDIDATE_CONES.validate(found, "neutron_candidate_cones")


def test_no_event_gives_no_candidate() -> None:
    for found in (
        cones.neutron_candidate_cones(*neutron_frames([], [], []), "classical"),
        cones.neutron_candidate_cones(*neutron_frames([], [], []), "exact"),
        cones.gamma_candidate_cones(*gamma_frames([], [])),
    ):
        CANDIDATE_CONES.validate(found, "candidate_cones")
        assert len(found) == 0


def test_inputs_stay_as_they_are() -> None:
    for frames, node, more in (
        (random_neutrons(1, 5), cones.neutron_candidate_cones, ("exact",)),
        (random_gammas(1, 5), cones.gamma_candidate_cones, ()),
    ):
        before = [f.copy(deep=True) for f in frames]
        node(*frames, *more)
        for frame, old in zip(frames, before, strict=True):
            pd.testing.assert_frame_equal(frame, old)


# --- gammas -----------------------------------------------------------------------------------


def compton_chain(
    rng: np.random.Generator, first_angle: float | None = None
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """(points, deposits, energy, first angle) of a gamma that scatters twice, then once more."""
    energy = rng.uniform(0.8, 8.0)
    angles = rng.uniform(0.2, 2.9, 2)
    if first_angle is not None:
        angles[0] = first_angle
    directions = [Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()[:, 0]]
    deposits, e = [], energy
    for angle in angles:
        d = directions[-1]
        side = np.cross(d, [1.0, 0, 0] if abs(d[0]) < 0.9 else [0, 1.0, 0])
        side /= np.linalg.norm(side)
        turn = Rotation.from_rotvec(
            angle * (Rotation.from_rotvec(rng.uniform(0, 6) * d)).apply(side)
        )
        directions.append(turn.apply(d))
        after = e / (1 + e / ELECTRON_MASS_MEV * (1 - math.cos(angle)))
        deposits.append(e - after)
        e = after
    start = rng.uniform(-30, 30, 3)
    steps = rng.uniform(5, 20, 2)[:, None] * np.array(directions[1:])
    points = start + np.vstack([np.zeros(3), np.cumsum(steps, axis=0)])
    return points, np.array([*deposits, rng.uniform(0.1, 0.9) * e]), energy, angles[0]


def test_the_true_order_gives_energy_and_angle_of_a_compton_chain() -> None:
    rng = np.random.default_rng(5)
    chains = [compton_chain(rng) for _ in range(100)]
    for shown in permutations(range(3)):
        # Scatter s stands in slot shown[s].
        slot = np.argsort(shown)
        found = cones.gamma_candidate_cones(
            *gamma_frames([c[0][slot] for c in chains], [c[1][slot] for c in chains])
        )
        true = found.iloc[GAMMA_ORDERS.index(tuple(shown)) :: 6]
        assert (true["status"] == OK).all()
        assert true["incident_energy_MeV"].to_numpy() == pytest.approx([c[2] for c in chains])
        assert true["theta_rad"].to_numpy() == pytest.approx([c[3] for c in chains], abs=1e-9)
        first = np.array([c[0][0] for c in chains])
        assert vectors(true, "apex_{}_cm") == pytest.approx(first)
        back = first - np.array([c[0][1] for c in chains])
        back /= np.linalg.norm(back, axis=1)[:, None]
        assert vectors(true, "axis_{}") == pytest.approx(back)


def hypothesis_of(
    points: np.ndarray, deposits: np.ndarray, order: tuple[int, int, int]
) -> tuple[int, float, float]:
    """(status, theta, energy) of one order, formula by formula from the specification."""
    i, j, k = order
    if (points[i] == points[j]).all() or (points[j] == points[k]).all():
        return CandidateStatus.coincident_points, math.nan, math.nan
    d1, d2 = deposits[i], deposits[j]
    if d1 <= 0 or d2 <= 0:
        return CandidateStatus.energy_not_positive, math.nan, math.nan
    u, w = points[j] - points[i], points[k] - points[j]
    cos2 = math.fsum(u * w) / math.sqrt(math.fsum(u * u) * math.fsum(w * w))
    if cos2 >= 1.0 - 1e-15:
        return CandidateStatus.energy_not_positive, math.nan, math.nan
    energy = d1 + (d2 + math.sqrt(d2**2 + 4 * d2 * ELECTRON_MASS_MEV / (1 - cos2))) / 2
    cosine = 1 + ELECTRON_MASS_MEV * (1 / energy - 1 / (energy - d1))
    if abs(cosine) > 1:
        return CandidateStatus.cosine_outside, math.nan, energy
    theta = math.acos(cosine)
    if theta < math.radians(1):
        return CandidateStatus.angle_too_small, math.nan, energy
    return OK, theta, energy


def test_six_orders_follow_the_compton_formula() -> None:
    events, energies = random_gammas(6, 300)
    found = cones.gamma_candidate_cones(events, energies)
    CANDIDATE_CONES.validate(found, "gamma_candidate_cones")
    points = np.stack([vectors(events, f"{{}}{k}_cm") for k in (1, 2, 3)], axis=1)
    deposits = energies.iloc[:, 1:].to_numpy()
    expected = [
        hypothesis_of(points[e], deposits[e], order) for e in range(300) for order in GAMMA_ORDERS
    ]
    status, theta, energy = (np.array(c) for c in zip(*expected, strict=True))
    assert found["status"].tolist() == status.tolist()
    assert {OK, CandidateStatus.cosine_outside} <= set(status.tolist())
    assert found["theta_rad"].to_numpy() == pytest.approx(theta, abs=1e-9, nan_ok=True)
    assert found["incident_energy_MeV"].to_numpy() == pytest.approx(energy, nan_ok=True)
    orders = found[["hit_order_1", "hit_order_2", "hit_order_3"]].to_numpy()
    assert orders.tolist() == [list(o) for o in GAMMA_ORDERS] * 300
    assert (found["recoil_code"] == Recoil.none).all()
    assert found["species"].eq("g").all()
    first = deposits[np.repeat(np.arange(300), 6), orders[:, 0]]
    assert found["recoil_energy_MeV"].to_numpy() == pytest.approx(first, abs=0)


def test_a_right_angled_gamma_by_hand() -> None:
    # Second scatter at 90 degrees, dE1 = dE2 = m_e: E = m_e (1 + (1 + sqrt 5)/2) = 2.618034 m_e,
    # E' = 1.618034 m_e; cos theta = 1 + 1/2.618034 - 1/1.618034 = 0.763932, theta = 0.701418.
    me = ELECTRON_MASS_MEV
    found = cones.gamma_candidate_cones(
        *gamma_frames([[[0, 0, 0], [0, 0, 5], [0, 5, 5]]], [[me, me, 0.1]])
    )
    assert found["incident_energy_MeV"][0] == pytest.approx(2.618034 * me, rel=1e-6)
    assert found["theta_rad"][0] == pytest.approx(math.acos(0.763932), abs=1e-6)
    assert vectors(found, "axis_{}")[0].tolist() == [0, 0, -1]


@pytest.mark.parametrize(("degrees", "expected"), [(0.99, "angle_too_small"), (1.01, "ok")])
def test_gamma_angles_below_a_degree_are_rejected(degrees: float, expected: str) -> None:
    rng = np.random.default_rng(7)
    chains = [compton_chain(rng, math.radians(degrees)) for _ in range(20)]
    found = cones.gamma_candidate_cones(
        *gamma_frames([c[0] for c in chains], [c[1] for c in chains])
    )
    assert (found["status"][::6] == CandidateStatus[expected]).all()
    assert found["theta_rad"][::6].isna().all() == (expected != "ok")


def test_a_straight_second_scatter_has_no_energy() -> None:
    found = cones.gamma_candidate_cones(
        *gamma_frames([[[0, 0, 0], [0, 0, 1], [0, 0, 2]]], [[0.5, 0.5, 0.5]])
    )
    assert found["status"][0] == CandidateStatus.energy_not_positive
    assert np.isnan(found["incident_energy_MeV"][0])
    CANDIDATE_CONES.validate(found, "gamma_candidate_cones")


def test_gamma_deposits_must_be_positive_where_they_are_used() -> None:
    points = [[[0, 0, 0], [0, 3, 5], [4, 4, 9]]]
    found = cones.gamma_candidate_cones(*gamma_frames(points, [[0.0, 0.3, 0.4]]))
    bad = found["status"] == CandidateStatus.energy_not_positive
    # The third deposit does not enter: orders with hit 0 last are not rejected for its energy.
    assert bad.tolist() == [0 in order[:2] for order in GAMMA_ORDERS]


def test_coincident_gamma_hits() -> None:
    same = [[[0, 0, 0], [0, 0, 0], [4, 4, 9]]]
    found = cones.gamma_candidate_cones(*gamma_frames(same, [[0.4, 0.3, 0.4]]))
    coincident = found["status"] == CandidateStatus.coincident_points
    # Orders in which hits 0 and 1 follow one another.
    expected = [{o[0], o[1]} == {0, 1} or {o[1], o[2]} == {0, 1} for o in GAMMA_ORDERS]
    assert coincident.tolist() == expected
    assert found["theta_rad"][coincident].isna().all()


def test_gamma_nan_is_never_possible() -> None:
    points = [[[0, 0, 0], [0, 3, 5], [4, 4, 9]]] * 2
    events, energies = gamma_frames(points, [[0.4, 0.3, 0.4], [np.nan, np.nan, np.nan]])
    events.loc[0, ["x1_cm", "x2_cm", "x3_cm"]] = np.nan
    found = cones.gamma_candidate_cones(events, energies)
    assert (found["status"] != OK).all()
    assert found["theta_rad"].isna().all()


# --- invariants -------------------------------------------------------------------------------


def moved(events: pd.DataFrame, rotation: Rotation, scale: float) -> pd.DataFrame:
    n_hits = 3 if "x3_cm" in events else 2
    columns = {}
    for k in range(1, n_hits + 1):
        points = scale * rotation.apply(vectors(events, f"{{}}{k}_cm"))
        columns |= {f"{a}{k}_cm": points[:, i] for i, a in enumerate("xyz")}
    return events.assign(**columns)


def built(events: pd.DataFrame, energies: pd.DataFrame) -> pd.DataFrame:
    if "x3_cm" in events:
        return cones.gamma_candidate_cones(events, energies)
    return cones.neutron_candidate_cones(events, energies, "classical")


@given(SEEDS, st.floats(0.1, 10), st.booleans())
def test_cones_turn_and_grow_with_the_hits(seed: int, scale: float, gammas: bool) -> None:
    events, energies = (random_gammas if gammas else random_neutrons)(seed, 4)
    rotation = Rotation.random(random_state=seed)
    before, after = built(events, energies), built(moved(events, rotation, scale), energies)
    same = (before["status"] == after["status"]).to_numpy()
    theta = before["theta_rad"].to_numpy()
    # Rounding may move a hypothesis over the edge of a cut.
    assert same.mean() > 0.9
    assert after["theta_rad"].to_numpy()[same] == pytest.approx(theta[same], abs=1e-7, nan_ok=True)
    apex = scale * rotation.apply(vectors(before, "apex_{}_cm"))
    assert vectors(after, "apex_{}_cm") == pytest.approx(apex, abs=1e-9)
    axis = rotation.apply(vectors(before, "axis_{}"))
    assert vectors(after, "axis_{}") == pytest.approx(axis, abs=1e-12)
    assert np.linalg.norm(axis, axis=1) == pytest.approx(np.ones(len(axis)))


@given(SEEDS, st.booleans())
def test_an_event_does_not_feel_the_others(seed: int, gammas: bool) -> None:
    events, energies = (random_gammas if gammas else random_neutrons)(seed, 6)
    whole = built(events, energies)
    per_event = len(whole) // 6
    for e in np.random.default_rng(seed).permutation(6)[:2]:
        alone = built(events.iloc[[e]], energies.iloc[[e]])
        part = whole.iloc[e * per_event : (e + 1) * per_event].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, part)


# --- prior, scores, direction -----------------------------------------------------------------

PLANE = PlaneFrame((1.0, 2.0, 3.0), (0.0, 0.0, 1.0))


def test_prior_targets() -> None:
    point = Prior.model_validate({"type": "point", "point": [1, 2, 3]})
    line = Prior.model_validate({"type": "line", "line": {"p0": [0, 0, 0], "p1": [2, 4, 6]}})
    ray = Prior.model_validate({"type": "line", "line": {"r0": [1, 1, 1], "direction": [0, 0, 4]}})
    assert cones.prior_target_cm__prior(point).tolist() == [1, 2, 3]
    assert cones.prior_target_cm__prior(line).tolist() == [1, 2, 3]
    assert cones.prior_target_cm__prior(ray).tolist() == [1, 1, 3]
    assert cones.prior_target_cm__plane(PLANE).tolist() == [1, 2, 3]
    assert np.isnan(cones.prior_target_cm__none()).tolist() == [True] * 3


def test_scores_are_the_difference_of_phi_and_theta() -> None:
    # Apex (0,0,100), axis -z; target (100,0,0): phi = 45 degrees.
    found = one_neutron(7.0, 7.0)
    theta = found["theta_rad"].to_numpy()
    target = np.array([100.0, 0.0, 0.0])
    scores = cones.neutron_cone_scores(found, target)
    assert scores == pytest.approx(np.abs(math.pi / 4 - theta), abs=1e-12, nan_ok=True)
    assert scores[0] == pytest.approx(6.886e-4, abs=5e-7)
    assert np.isnan(scores[1])
    assert cones.gamma_cone_scores(found, target) == pytest.approx(scores, nan_ok=True)


def test_without_a_target_every_score_is_nan() -> None:
    found = built(*random_gammas(1, 3))
    assert np.isnan(cones.gamma_cone_scores(found, cones.prior_target_cm__none())).all()


def test_direction_variants() -> None:
    # Axes -z, +z and +x; theta 45 degrees for protons (the carbon hypothesis is impossible).
    points = [[[0, 0, 100], [0, 0, 110]], [[0, 0, 100], [0, 0, 90]], [[0, 0, 100], [-9, 0, 100]]]
    found = cones.neutron_candidate_cones(*neutron_frames(points, 7.0, 7.0), "classical")
    plane = PlaneFrame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    for of_plane, expected in (
        ((cones.neutron_direction_ok__axis, cones.gamma_direction_ok__axis), [True, False, False]),
        (
            (cones.neutron_direction_ok__surface, cones.gamma_direction_ok__surface),
            [True, False, True],
        ),
    ):
        for node in of_plane:
            mask = node(found, plane)
            assert mask.dtype == bool
            assert mask[::2].tolist() == expected
    for node in (cones.neutron_direction_ok__off, cones.gamma_direction_ok__off):
        assert node(found).tolist() == [True] * 6


def test_directions_and_scores_of_nothing() -> None:
    nothing = CANDIDATE_CONES.empty()
    assert cones.neutron_cone_scores(nothing, np.zeros(3)).shape == (0,)
    assert cones.neutron_direction_ok__axis(nothing, PLANE).shape == (0,)
    assert cones.gamma_direction_ok__surface(nothing, PLANE).shape == (0,)
    assert cones.gamma_direction_ok__off(nothing).shape == (0,)
