"""Rejection sampling in batches."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.simulation import proposals
from radiograph.nodes.simulation.geometry import detector_cells, neutron_flights
from radiograph.nodes.simulation.proposals import (
    accepted_events,
    first_cells,
    flight_weight,
    next_cells,
)
from radiograph.schemas.errors import ConfigError
from radiograph.schemas.simulation import DetectorArray, Scattering, Source

STREAM = np.random.SeedSequence(3)
CELLS = detector_cells(DetectorArray())
FLIGHTS = neutron_flights(CELLS, Source(), Scattering())


def _tenth(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    u = rng.random((2, n))
    return {"u": u[:, u[0] < 0.1]}


def test_more_events_begin_with_the_same_ones() -> None:
    few, many = (accepted_events(STREAM, n, _tenth, "test")["u"] for n in (10, 9000))
    assert many.shape == (2, 9000)
    assert np.array_equal(many[:, :10], few)


def test_no_events_have_the_shape_of_events() -> None:
    assert accepted_events(STREAM, 0, _tenth, "test")["u"].shape == (2, 0)


def test_an_impossible_request_ends_with_an_error() -> None:
    def none(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        return {"u": np.zeros((2, 0))}

    with pytest.raises(ConfigError, match=r"none of the last \d+ tried test .*0 of 5 found"):
        accepted_events(STREAM, 5, none, "test")


def test_pieces_come_as_often_as_they_should() -> None:
    rng = np.random.default_rng(8)
    n, m = 200_000, len(CELLS.bar)
    first = np.bincount(first_cells(FLIGHTS, rng.random(n)), minlength=m) / n
    assert first == pytest.approx(np.diff(FLIGHTS.first_cdf, prepend=0.0), abs=0.005)
    cell = 17
    row = FLIGHTS.next_cdf[0, cell * m : (cell + 1) * m] - cell
    following = next_cells(FLIGHTS, 0, np.full(n, cell), rng.random(n))
    found = np.bincount(following, minlength=m) / n
    assert found == pytest.approx(np.diff(row, prepend=0.0), abs=0.005)
    assert not np.any(CELLS.bar[following] == CELLS.bar[cell])


def test_the_ends_of_the_unit_interval_stay_in_range() -> None:
    m = len(CELLS.bar)
    ends = np.array([0.0, np.nextafter(1.0, 0.0)])
    assert np.all(first_cells(FLIGHTS, ends) < m)
    after = next_cells(FLIGHTS, 0, np.array([m - 1, m - 1]), ends)
    assert np.all((after >= 0) & (after < m))


def test_a_short_flight_weighs_nothing() -> None:
    cells = np.array([0, 0])
    other = np.array([20, 20])
    weight = flight_weight(FLIGHTS, cells, other, np.array([1.9, 1e3]))
    assert weight[0] == 0.0
    assert 0.0 < weight[1] <= 1.0
    assert proposals.PROPOSALS_PER_BATCH > 0
