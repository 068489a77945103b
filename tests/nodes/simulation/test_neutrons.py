"""Neutron double scatters: kinematics exact, density right, thresholds kept."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.drivers.imaging.simulation import run_simulation
from radiograph.nodes.constants import (
    CARBON12_MASS_MEV,
    NEUTRON_MASS_MEV,
    PROTON_MASS_MEV,
    SPEED_OF_LIGHT_CM_PER_NS,
)
from radiograph.nodes.simulation import proposals
from radiograph.nodes.simulation.kinematics import elastic_scatter
from radiograph.schemas.errors import ConfigError
from radiograph.schemas.imaging.codes import Recoil
from radiograph.schemas.simulation import (
    Bar,
    DetectorArray,
    NeutronSpectrum,
    Scattering,
    Scatters,
    SimulationSettings,
    Source,
    Thresholds,
)


def _scatters(**settings: object) -> Scatters:
    data = {"n_neutrons": 1000, "n_gammas": 0, **settings}
    value = run_simulation(SimulationSettings(**data), ["neutron_scatters"])["neutron_scatters"]
    assert isinstance(value, Scatters)
    return value


def _energy_of_flight_MeV(length_cm: np.ndarray, time_ns: np.ndarray) -> np.ndarray:
    beta = length_cm / time_ns / SPEED_OF_LIGHT_CM_PER_NS
    gamma = 1.0 / np.sqrt((1.0 - beta) * (1.0 + beta))
    return gamma * gamma * beta * beta / (gamma + 1.0) * NEUTRON_MASS_MEV


SOURCES = [
    Source(at_cm=(0.0, 3.0, 4.0)),
    Source(shape="line", length_cm=8.0),
    Source(shape="ring", radius_cm=20.0),
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.shape)
@pytest.mark.parametrize("kind", ["mono", "cf252"])
def test_the_exact_cone_of_each_event_holds_its_source(source: Source, kind: str) -> None:
    true = _scatters(source=source, neutron_spectrum=NeutronSpectrum(kind=kind))
    x1, x2 = true.position_cm[:, 0], true.position_cm[:, 1]
    flight = x2 - x1
    after = _energy_of_flight_MeV(
        np.sqrt((flight**2).sum(axis=1)), true.time_ns[:, 1] - true.time_ns[:, 0]
    )
    recoil = true.deposit_MeV[:, 0]
    mass = np.where(true.recoil == Recoil.carbon, CARBON12_MASS_MEV, PROTON_MASS_MEV)
    p2 = (recoil + after) * (recoil + after + 2 * NEUTRON_MASS_MEV)
    q2 = after * (after + 2 * NEUTRON_MASS_MEV)
    cosine = (p2 + q2 - recoil * (recoil + 2 * mass)) / (2 * np.sqrt(p2 * q2))
    back = true.source_cm - x1
    to_source = np.arctan2(
        np.sqrt((np.cross(-flight, back) ** 2).sum(axis=1)), (-flight * back).sum(axis=1)
    )
    assert np.abs(np.arccos(cosine) - to_source).max() < 1e-9
    assert true.theta_rad == pytest.approx(to_source, abs=1e-12)
    assert after + recoil == pytest.approx(true.incident_energy_MeV, rel=1e-10)


def test_the_first_flight_has_the_speed_of_the_source() -> None:
    true = _scatters(neutron_spectrum=NeutronSpectrum(energy_MeV=2.5))
    length = np.sqrt(((true.position_cm[:, 0] - true.source_cm) ** 2).sum(axis=1))
    energy = _energy_of_flight_MeV(length, true.time_ns[:, 0])
    assert energy == pytest.approx(2.5, rel=1e-12)


def test_scatters_lie_in_two_different_bars_and_pass_the_thresholds() -> None:
    thresholds = Thresholds(min_light_MeVee=0.3, min_deposit_MeV=1.5)
    true = _scatters(thresholds=thresholds)
    bars = SimulationSettings().detector.bars
    center, size = (np.array([getattr(b, k) for b in bars]) for k in ("center_cm", "size_cm"))
    assert np.all(np.abs(true.position_cm - center[true.bar]) <= 0.5 * size[true.bar] + 1e-9)
    assert np.all(true.bar[:, 0] != true.bar[:, 1])
    assert true.light_MeVee.min() >= 0.3
    assert true.deposit_MeV.min() >= 1.5


def test_light_is_below_the_deposit_and_lower_on_carbon() -> None:
    true = _scatters(thresholds=Thresholds(min_light_MeVee=0.0))
    on_carbon = true.recoil == Recoil.carbon
    assert 10 < on_carbon.sum() < 200
    yield_ = true.light_MeVee[:, 0] / true.deposit_MeV[:, 0]
    assert yield_[on_carbon].max() < 0.06 < yield_[~on_carbon].min() < 1.0


def test_the_second_recoil_is_uniform_up_to_all_the_energy() -> None:
    thresholds = Thresholds(min_light_MeVee=0.0, min_deposit_MeV=0.0)
    true = _scatters(n_neutrons=20_000, thresholds=thresholds)
    share = true.deposit_MeV[:, 1] / (true.incident_energy_MeV - true.deposit_MeV[:, 0])
    assert np.histogram(share, 10, (0.0, 1.0))[0] == pytest.approx(2000, abs=180)


def test_only_carbon() -> None:
    true = _scatters(
        scattering=Scattering(carbon_fraction=1.0), thresholds=Thresholds(min_light_MeVee=0.0)
    )
    assert np.all(true.recoil == Recoil.carbon)


def test_the_density_is_that_of_weighted_uniform_points() -> None:
    """Piecewise proposals with rejection against importance weights of plain uniform points."""
    bars = (
        Bar(det_id=1, center_cm=(0.0, 0.0, 20.0), size_cm=(2.0, 30.0, 2.0)),
        Bar(det_id=2, center_cm=(1.0, 0.0, 30.0), size_cm=(30.0, 2.0, 3.0)),
    )
    true = _scatters(
        n_neutrons=20_000,
        detector=DetectorArray(bars=bars),
        scattering=Scattering(carbon_fraction=0.0),
        thresholds=Thresholds(min_light_MeVee=0.0, min_deposit_MeV=0.0),
    )
    rng = np.random.default_rng(6)
    first = rng.integers(0, 2, 400_000)
    center, size = (np.array([getattr(b, k) for b in bars]) for k in ("center_cm", "size_cm"))
    volume = size.prod(axis=1)
    x1, x2 = (center[b] + size[b] * (rng.random((len(b), 3)) - 0.5) for b in (first, 1 - first))
    r, d = np.sqrt((x1**2).sum(axis=1)), np.sqrt(((x2 - x1) ** 2).sum(axis=1))
    cosine = (x1 * (x2 - x1)).sum(axis=1) / (r * d)
    likelihood = elastic_scatter(np.full(len(r), 14.1), cosine, np.full(len(r), PROTON_MASS_MEV))[1]
    weight = likelihood / (r * d) ** 2 * (d >= 2.0) * volume[first] * volume[1 - first]
    for expected, found in (
        (np.arccos(cosine), true.theta_rad),
        (d, np.sqrt(((true.position_cm[:, 1] - true.position_cm[:, 0]) ** 2).sum(axis=1))),
        (np.abs(x1[:, 1]), np.abs(true.position_cm[:, 0, 1])),
        (first == 0, true.bar[:, 0] == 0),
    ):
        mean = np.average(expected, weights=weight)
        spread = np.sqrt(np.average((expected - mean) ** 2, weights=weight) / len(found))
        assert found.mean() == pytest.approx(mean, abs=5 * spread)


def test_the_seed_decides_and_gammas_do_not() -> None:
    one, same = _scatters(seed=4), _scatters(seed=4, n_gammas=50)
    other = _scatters(seed=5)
    assert np.array_equal(one.position_cm, same.position_cm)
    assert np.array_equal(one.deposit_MeV, same.deposit_MeV)
    assert not np.array_equal(one.position_cm, other.position_cm)


def test_a_longer_run_begins_with_the_same_events() -> None:
    few, many = _scatters(n_neutrons=100), _scatters(n_neutrons=20_000)
    assert np.array_equal(few.time_ns, many.time_ns[:100])


def test_no_events() -> None:
    true = _scatters(n_neutrons=0)
    assert true.position_cm.shape == (0, 2, 3)


def test_too_little_energy_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "_BARREN_BATCHES", 3)
    with pytest.raises(ConfigError, match="Raise the source energy, lower min_light_MeVee"):
        _scatters(neutron_spectrum=NeutronSpectrum(energy_MeV=0.05))
