"""Gamma triple scatters: Compton kinematics exact, density right, thresholds kept."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.drivers.imaging.simulation import run_simulation
from radiograph.nodes.constants import ELECTRON_MASS_MEV, SPEED_OF_LIGHT_CM_PER_NS
from radiograph.nodes.simulation.kinematics import compton_energy_MeV, klein_nishina
from radiograph.schemas.simulation import (
    Bar,
    DetectorArray,
    GammaSpectrum,
    Scatters,
    SimulationSettings,
    Source,
    Thresholds,
)


def _scatters(**settings: object) -> Scatters:
    data = {"n_neutrons": 0, "n_gammas": 300, **settings}
    value = run_simulation(SimulationSettings(**data), ["gamma_scatters"])["gamma_scatters"]
    assert isinstance(value, Scatters)
    return value


def test_the_energy_formula_and_the_cone_recover_energy_and_source() -> None:
    true = _scatters(source=Source(shape="ring", radius_cm=10.0))
    x1, x2, x3 = true.position_cm.transpose(1, 0, 2)
    e1, e2, _ = true.deposit_MeV.T
    a, b = x2 - x1, x3 - x2
    one_minus_cos2 = 1.0 - (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    incident = e1 + (e2 + np.sqrt(e2**2 + 4 * e2 * ELECTRON_MASS_MEV / one_minus_cos2)) / 2
    assert incident == pytest.approx(4.438, rel=1e-10)
    theta = np.arccos(1.0 + ELECTRON_MASS_MEV * (1 / incident - 1 / (incident - e1)))
    back = true.source_cm - x1
    to_source = np.arctan2(np.sqrt((np.cross(-a, back) ** 2).sum(axis=1)), (-a * back).sum(axis=1))
    assert np.abs(theta - to_source).max() < 1e-9
    assert true.theta_rad == pytest.approx(to_source, abs=1e-12)


def test_all_flights_have_the_speed_of_light() -> None:
    true = _scatters()
    stations = np.concatenate([true.source_cm[:, None], true.position_cm], axis=1)
    length = np.sqrt((np.diff(stations, axis=1) ** 2).sum(axis=2))
    time = np.diff(true.time_ns, axis=1, prepend=0.0)
    assert length / time == pytest.approx(SPEED_OF_LIGHT_CM_PER_NS, rel=1e-12)


def test_deposits_pass_the_thresholds_and_leave_the_gamma_something() -> None:
    true = _scatters(thresholds=Thresholds(min_light_MeVee=0.3, min_deposit_MeV=0.1))
    assert true.deposit_MeV.min() >= 0.3
    assert np.all(true.deposit_MeV.sum(axis=1) < true.incident_energy_MeV)
    assert np.array_equal(true.deposit_MeV, true.light_MeVee)
    assert np.all(true.recoil == 0)


def test_three_different_bars() -> None:
    bar = np.sort(_scatters().bar, axis=1)
    assert np.all(np.diff(bar, axis=1) > 0)


def test_every_line_is_drawn() -> None:
    true = _scatters(gamma_spectrum=GammaSpectrum(lines_MeV=(2.0, 6.13)))
    assert set(true.incident_energy_MeV.tolist()) == {2.0, 6.13}


def test_the_density_is_that_of_weighted_uniform_points() -> None:
    """Piecewise proposals with rejection against importance weights of plain uniform points."""
    bars = tuple(
        Bar(det_id=i, center_cm=(x, 0.0, z), size_cm=(2.0, 16.0, 2.0))
        for i, (x, z) in enumerate([(0.0, 20.0), (8.0, 24.0), (-3.0, 29.0)])
    )
    n = 1_500
    true = _scatters(
        n_gammas=n,
        detector=DetectorArray(bars=bars),
        gamma_spectrum=GammaSpectrum(lines_MeV=(3.0,)),
        thresholds=Thresholds(min_light_MeVee=0.0, min_deposit_MeV=0.1),
    )
    rng = np.random.default_rng(6)
    tried = 400_000
    order = rng.permuted(np.tile(np.arange(3), (tried, 1)), axis=1)
    center = np.array([b.center_cm for b in bars])
    x = center[order] + np.array([2.0, 16.0, 2.0]) * (rng.random((tried, 3, 3)) - 0.5)
    steps = np.diff(x, axis=1, prepend=0.0)
    length = np.sqrt((steps**2).sum(axis=2))
    cosine = (steps[:, :-1] * steps[:, 1:]).sum(axis=2) / (length[:, :-1] * length[:, 1:])
    cosine = np.concatenate([cosine, rng.uniform(-1, 1, (tried, 1))], axis=1)
    energy, weight = np.full(tried, 3.0), 1.0 / (length**2).prod(axis=1)
    for k in range(3):
        after = compton_energy_MeV(energy, cosine[:, k])
        weight = weight * klein_nishina(energy, cosine[:, k]) * (energy - after >= 0.1)
        last, energy = energy - after, after
    for expected, found in (
        (np.arccos(cosine[:, 0]), true.theta_rad),
        (np.abs(x[:, 1, 1]), np.abs(true.position_cm[:, 1, 1])),
        (order[:, 0] == 0, true.bar[:, 0] == 0),
        (last, true.deposit_MeV[:, 2]),
    ):
        mean = np.average(expected, weights=weight)
        variance = np.average((expected - mean) ** 2, weights=weight)
        effective = weight.sum() ** 2 / (weight**2).sum()
        assert found.mean() == pytest.approx(
            mean, abs=4 * np.sqrt(variance * (1 / n + 1 / effective))
        )


def test_the_third_deposit_follows_klein_nishina() -> None:
    true = _scatters(n_gammas=2000, thresholds=Thresholds(min_light_MeVee=0.0, min_deposit_MeV=0.0))
    energy = true.incident_energy_MeV - true.deposit_MeV[:, 0] - true.deposit_MeV[:, 1]
    cosine = np.linspace(-1.0, 1.0, 401)
    grid = np.broadcast_arrays(energy[:, None], cosine[None, :])
    likelihood, deposit = klein_nishina(*grid), grid[0] - compton_energy_MeV(*grid)
    mean = np.average(deposit, axis=1, weights=likelihood)
    variance = np.average((deposit - mean[:, None]) ** 2, axis=1, weights=likelihood)
    pull = (true.deposit_MeV[:, 2] - mean).sum() / np.sqrt(variance.sum())
    assert abs(pull) < 4.0


def test_the_seed_decides_and_neutrons_do_not() -> None:
    one, same, other = _scatters(seed=4), _scatters(seed=4, n_neutrons=9), _scatters(seed=5)
    assert np.array_equal(one.position_cm, same.position_cm)
    assert not np.array_equal(one.position_cm, other.position_cm)


def test_no_events() -> None:
    assert _scatters(n_gammas=0).position_cm.shape == (0, 3, 3)
