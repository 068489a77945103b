"""Weights of hypotheses: cross sections by hand, truth preferred, no position in them."""

from __future__ import annotations

import inspect
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.constants import CARBON12_MASS_MEV, PROTON_MASS_MEV
from radiograph.nodes.imaging import cones, cross_sections, energies, gamma_lines, weights
from radiograph.nodes.imaging.kinematics import three_hit_gamma_energy_MeV
from radiograph.schemas.imaging.bars import BARS
from radiograph.schemas.imaging.codes import CandidateStatus
from radiograph.schemas.imaging.frames import CANDIDATE_CONES, GAMMA_ENERGIES, GAMMA_FILTERED
from radiograph.schemas.imaging.uncertainty import EnergyResolution, Reconstruction, Uncertainty

from .test_uncertainty import SETTINGS, gamma_event, light_curve, true_events

ALL = Reconstruction()


def candidates_of(events: pd.DataFrame) -> pd.DataFrame:
    found = energies.neutron_energies__fixed(events, 14.8)
    return cones.neutron_candidate_cones(events, found, "classical")


def test_elastic_scattering_is_isotropic_in_the_centre_of_mass() -> None:
    # Equal masses: 4 cos(theta) / 4 pi up to 90 degrees; heavy nuclei: nearly 1 / 4 pi.
    theta = np.radians([0.0, 30.0, 60.0, 80.0])
    proton = cross_sections.elastic_probability_per_sr(theta, PROTON_MASS_MEV)
    assert proton == pytest.approx(np.cos(theta) / np.pi, rel=0.02)
    for mass, end in ((PROTON_MASS_MEV, 0.49999 * np.pi), (CARBON12_MASS_MEV, np.pi)):
        angle = np.linspace(0.0, end, 200_001)
        density = cross_sections.elastic_probability_per_sr(angle, mass)
        total = np.trapezoid(density * 2.0 * np.pi * np.sin(angle), angle)
        assert total == pytest.approx(1.0, abs=2e-3)


def test_klein_nishina_by_hand() -> None:
    # E = m_e, 90 degrees: P = 1/2, P^2 (P + 1/P - 1) = 0.375. Forward: 2.
    found = cross_sections.klein_nishina(np.full(2, 0.51099895069), np.array([0.5 * np.pi, 0.0]))
    assert found == pytest.approx([0.375, 2.0])


def test_the_light_tells_the_proton() -> None:
    events = true_events(np.radians([40.0, 60.0]))
    found = weights.neutron_candidate_weights__light(
        events, candidates_of(events), light_curve(), SETTINGS, ALL, False
    )
    assert found.reshape(-1, 2).tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_without_light_cross_section_and_atoms_decide() -> None:
    events = true_events(np.radians([40.0]))
    cones_ = candidates_of(events)
    found = weights.neutron_candidate_weights__no_light(events, cones_, ALL, False)
    theta = cones_["theta_rad"].to_numpy()
    share = np.array(
        [
            53.16 * cross_sections.elastic_probability_per_sr(theta[:1], PROTON_MASS_MEV)[0],
            45.60 * cross_sections.elastic_probability_per_sr(theta[1:], CARBON12_MASS_MEV)[0],
        ]
    )
    possible = (cones_["status"] == CandidateStatus.ok).to_numpy()
    share[~possible] = 0.0
    assert found == pytest.approx(share / share.sum())
    only = weights.neutron_candidate_weights__no_light(events, cones_, ALL, True)
    assert only.tolist() == [1.0, 0.0]


def test_a_small_weight_is_dropped_and_the_rest_is_one() -> None:
    events = true_events(np.radians([40.0] * 3))
    cones_ = candidates_of(events)
    cones_["status"] = np.zeros(6, np.uint8)
    cones_["theta_rad"] = [0.7, 0.7, 1.52, 0.7, 0.7, 1.0]
    found = weights.neutron_candidate_weights__no_light(
        events, cones_, Reconstruction(min_weight=0.2), False
    ).reshape(-1, 2)
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert found[1].tolist() == [0.0, 1.0]


def test_energies_outside_the_window_have_no_weight() -> None:
    events = true_events(np.radians([40.0]))
    window = Reconstruction(energy_window_MeV=(1.0, 2.0))
    found = weights.neutron_candidate_weights__no_light(
        events, candidates_of(events), window, False
    )
    assert found.tolist() == [0.0, 0.0]
    # Both ends belong to it.
    cones_ = candidates_of(events)
    energy = float(cones_["incident_energy_MeV"].iloc[0])
    for ends in ((energy, energy + 1.0), (energy - 1.0, energy)):
        window = Reconstruction(energy_window_MeV=ends)
        assert weights.neutron_candidate_weights__no_light(events, cones_, window, True)[0] == 1.0


def test_a_weight_is_dropped_below_the_least_and_not_at_it() -> None:
    for least, kept in ((0.25, [0.25, 0.75]), (0.2500001, [0.0, 1.0]), (0.2, [0.25, 0.75])):
        found = weights._shares(np.log([0.25, 0.75]), 2, Reconstruction(min_weight=least))
        assert found == pytest.approx(kept)


def order_ln(**changed: np.ndarray) -> float:
    """ln of the weight of 1, 2, 3 of a gamma of 2 MeV, hits 10 cm apart on a line."""
    one: dict[str, np.ndarray] = {
        "x_cm": np.array([[[0.0, 0.0, 0.0]], [[0.0, 0.0, 10.0]], [[0.0, 0.0, 20.0]]]),
        "t_ns": np.array([[0.0], [10.0], [20.0]]) / 29.9792458,
        "dE_MeV": np.array([[0.5], [0.5], [0.5]]),
        **changed,
    }
    incident, theta = np.array([2.0]), np.array([0.5])
    (found,) = weights._order_log_probability(**one, incident_MeV=incident, theta_rad=theta,
                                         order=(0, 1, 2), sigma_t_ns=0.5)  # fmt: skip
    return float(found)


def test_times_count_as_their_chi_square() -> None:
    # The last hit is 0.9 ns late: 0.3, 0.3 and 0.6 ns from the mean, chi2 = 0.54 / 0.5^2.
    late = np.array([[0.0], [10.0], [20.0]]) / 29.9792458
    late[2] += 0.9
    assert order_ln(t_ns=late) - order_ln() == pytest.approx(-0.5 * 0.54 / 0.25)


def test_the_last_hit_is_no_more_than_its_compton_edge() -> None:
    # 1 MeV is left: the edge is 1 / (1 + 0.511 / 2) = 0.796 MeV, and 15 % above is too much.
    for energy, lost in ((0.91, 0.0), (0.92, -20.0)):
        found = order_ln(dE_MeV=np.array([[0.5], [0.5], [energy]])) - order_ln()
        assert found == pytest.approx(lost, abs=1e-9)


def test_the_true_order_of_a_gamma_has_the_largest_weight() -> None:
    events, deposits = gamma_event()
    # Times as light flies: 12 cm, then 10 cm.
    events = events.assign(t1_ns=[0.0], t2_ns=[12.0 / 29.979], t3_ns=[22.0 / 29.979])
    found = weights.gamma_candidate_weights(
        events,
        deposits,
        cones.gamma_candidate_cones(events, deposits),
        np.zeros(6),
        Uncertainty(sigma_time_ns=0.1),
        ALL,
    )
    assert int(np.argmax(found)) == 0
    assert found.sum() == pytest.approx(1.0)


def test_no_position_enters() -> None:
    for function in (
        weights.neutron_candidate_weights__light,
        weights.neutron_candidate_weights__no_light,
        weights.gamma_candidate_weights,
    ):
        names = set(inspect.signature(function).parameters)
        assert not names & {"prior", "plane_frame", "pixel_grid", "prior_target_cm"}


def test_weighted_cones_carry_the_best_theta_and_the_rows_with_a_weight() -> None:
    events = true_events(np.radians([40.0, 50.0]))
    cones_ = candidates_of(events)
    sigmas = pd.DataFrame(
        {
            "theta_rad": cones_["theta_rad"] + 0.01,
            "cone_sigma_rad": [0.1, 0.1, np.nan, 0.1],
            "axis_sigma_rad": [0.05, 0.05, np.nan, 0.05],
            "consistency": np.full(4, np.nan),
        }
    )
    found = weights.neutron_weighted_cones(cones_, sigmas, np.array([0.7, 0.3, 1.0, 0.0]))
    assert found["event_index"].tolist() == [0, 0]
    assert found["weight"].tolist() == [0.7, 0.3]
    assert found["theta_rad"].to_numpy() == pytest.approx(sigmas["theta_rad"][:2], nan_ok=True)


def test_no_event_no_weight() -> None:
    none = GAMMA_FILTERED.empty()
    found = weights.gamma_candidate_weights(
        none, GAMMA_ENERGIES.empty(), CANDIDATE_CONES.empty(), np.zeros(0), Uncertainty(), ALL
    )
    assert len(found) == 0


def test_a_line_is_a_gaussian_of_the_energy_by_hand() -> None:
    """ln N but for a constant, sigma from both deposits; two lines add up; no width, no word."""
    events, deposits = gamma_event()
    told = Uncertainty(sigma_doi_cm=0.0, sigma_transverse_cm=0.0, energy={"a": 0.05})
    candidates = cones.gamma_candidate_cones(events, deposits)
    energy = candidates["incident_energy_MeV"].to_numpy()[0]
    first, second = (deposits[f"deposited{k}_energy_MeV"].to_numpy()[0] for k in (1, 2))
    x = [events[[f"{a}{k}_cm" for a in "xyz"]].to_numpy()[0] for k in (1, 2, 3)]
    ways = [(b - a) / np.linalg.norm(b - a) for a, b in pairwise(x)]
    cosine = ways[0] @ ways[1]
    change = [
        0.5 * np.ptp([three_hit_gamma_energy_MeV(first * a, second * b, cosine) for a, b in pair])
        for pair in (((1.05, 1.0), (0.95, 1.0)), ((1.0, 1.05), (1.0, 0.95)))
    ]
    sigma = np.hypot(*change)

    def of(*lines: float) -> float:
        settings = Reconstruction(gamma_lines_MeV=lines)
        told_all = (events, deposits, BARS.empty(), told, settings)
        return float(gamma_lines.line_log_weight__lines(*told_all)[0])

    off = energy + 0.3
    one = -0.5 * (0.3 / sigma) ** 2 - np.log(sigma)
    assert of(off) == pytest.approx(one, rel=1e-6)
    assert of(energy) == pytest.approx(-np.log(sigma), rel=1e-6)
    assert of(off, energy) == pytest.approx(np.logaddexp(one, -np.log(sigma)), rel=1e-6)
    sharp = told.model_copy(update={"energy": EnergyResolution(a=0.0)})
    settings = Reconstruction(gamma_lines_MeV=(off,))
    found = gamma_lines.line_log_weight__lines(events, deposits, BARS.empty(), sharp, settings)
    assert not found.any()
    assert not gamma_lines.line_log_weight__any(candidates).any()
