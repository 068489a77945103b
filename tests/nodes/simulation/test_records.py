"""Events of both species in file order, and the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from radiograph.drivers.imaging.simulation import run_simulation
from radiograph.nodes.simulation.records import event_species, event_start_ns
from radiograph.nodes.simulation.streams import random_streams
from radiograph.schemas.simulation import (
    TRUTH,
    Acquisition,
    MeasuredHits,
    SimulationSettings,
)

NODES = (
    "simulated_events",
    "simulation_truth",
    "neutron_scatters",
    "gamma_scatters",
    "neutron_hits",
    "gamma_hits",
)


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    return run_simulation(SimulationSettings(n_neutrons=300, n_gammas=40), NODES)


def test_species_are_mixed_and_complete() -> None:
    species = event_species(300, 40, random_streams(1))
    assert np.bincount(species).tolist() == [300, 40]
    assert 0 < np.flatnonzero(species == 1).min() < 60 < np.flatnonzero(species == 1).max()


def test_the_clock_rises_over_the_run() -> None:
    species = event_species(1000, 0, random_streams(1))
    start = event_start_ns(species, Acquisition(start_ns=5e9, duration_ns=1e10), random_streams(1))
    assert np.all(np.diff(start) >= 0.0)
    assert 5e9 <= start[0] < 6e9
    assert 1.4e10 < start[-1] <= 1.5e10


def test_each_event_stands_in_its_row(run: dict[str, Any]) -> None:
    events = run["simulated_events"]
    for code, name in ((0, "neutron_hits"), (1, "gamma_hits")):
        hits: MeasuredHits = run[name]
        chosen = events.species == code
        k = hits.det_id.shape[1]
        assert np.array_equal(events.row[chosen], np.arange(len(hits.det_id)))
        assert np.array_equal(events.position_cm[chosen, :k], hits.position_cm)
        assert np.array_equal(events.time_ns[chosen, :k], hits.time_ns)


def test_the_third_slot_of_a_neutron_is_empty(run: dict[str, Any]) -> None:
    events = run["simulated_events"]
    neutron = events.species == 0
    assert np.all(events.det_id[neutron, 2] == -1)
    assert np.all(events.light_MeVee[neutron, 2] == 0.0)
    assert np.all(events.det_id[~neutron] > 0)


def test_the_truth_is_that_of_the_scatters(run: dict[str, Any]) -> None:
    truth = run["simulation_truth"]
    TRUTH.validate(truth, "simulation_truth")
    neutron = truth[truth["species"] == "n"]
    scatters = run["neutron_scatters"]
    assert np.array_equal(neutron["theta_rad"], scatters.theta_rad)
    assert np.array_equal(neutron["x2_cm"], scatters.position_cm[:, 1, 0])
    assert np.array_equal(neutron["energy_deposited1_MeV"], scatters.deposit_MeV[:, 0])
    assert np.array_equal(neutron["recoil_code"], scatters.recoil)
    assert neutron["t3_ns"].isna().all()
    assert (neutron["det_id3"] == -1).all()
    gamma = truth[truth["species"] == "g"]
    assert np.array_equal(gamma["t3_ns"], run["gamma_scatters"].time_ns[:, 2])
    assert (gamma["recoil_code"] == 0).all()
    assert truth["event_id"].tolist() == list(range(340))


def test_the_truth_says_which_hit_a_scatter_is(run: dict[str, Any]) -> None:
    truth, events = run["simulation_truth"], run["simulated_events"]
    rows = np.arange(len(truth))
    for k in (1, 2):
        written = events.det_id[rows, truth[f"hit_of_scatter{k}"]]
        assert np.array_equal(written, truth[f"det_id{k}"])


def test_no_events() -> None:
    run = run_simulation(SimulationSettings(n_neutrons=0, n_gammas=0), NODES)
    assert len(run["simulation_truth"]) == 0
    assert run["simulated_events"].position_cm.shape == (0, 3, 3)
    TRUTH.validate(run["simulation_truth"], "simulation_truth")


def test_arrays_of_different_length_are_refused(run: dict[str, Any]) -> None:
    hits = run["gamma_hits"]
    fields = {**vars(hits), "psd": hits.psd[1:]}
    with pytest.raises(ValueError, match="different length"):
        MeasuredHits(**fields)
