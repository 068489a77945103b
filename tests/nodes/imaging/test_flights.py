"""Flights between neighbouring hits: speeds by hand, and which of them are possible."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.imaging.flights import UNITS, flights_of, impossible_flights
from radiograph.schemas.imaging.codes import GAMMA, NEUTRON


def hits(*rows: tuple[int, float, float, float]) -> dict[str, np.ndarray]:
    """Hits on the x axis: event, x in cm, time in ns, light in MeVee."""
    names = ("event_id", "x_cm", "t_ns", "light_MeVee")
    columns = np.array(rows, np.float64).reshape(-1, len(names)).T
    still = np.zeros(len(rows))
    return {**dict(zip(names, columns, strict=True)), "y_cm": still, "z_cm": still}


def test_speeds_of_neighbours_and_the_light_of_the_later_hit() -> None:
    # c = 29.9792458 cm/ns; the second pair runs backwards in time.
    frame = hits((1, 0.0, 0.0, 1.0), (1, 3.0, 1.0, 2.0), (2, 6.0, 4.0, 3.0), (2, 0.0, 2.0, 4.0))
    before = {name: values.copy() for name, values in frame.items()}
    beta, light = flights_of(frame)
    np.testing.assert_allclose(beta, [3 / 29.9792458, 3 / 29.9792458], rtol=1e-12)
    assert light.tolist() == [2.0, 3.0]
    for name, values in before.items():
        np.testing.assert_array_equal(frame[name], values)


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ((1, 0.0, 0.0, 1.0),),
        ((1, 0.0, 0.0, 1.0), (2, 3.0, 1.0, 1.0)),
        ((1, 0.0, 1.0, 1.0), (1, 3.0, 1.0, 1.0)),
        ((1, 3.0, 0.0, 1.0), (1, 3.0, 1.0, 1.0)),
        ((1, 0.0, 0.0, 1.0), (1, np.nan, 1.0, 1.0)),
    ],
    ids=["none", "one", "two events", "one time", "one point", "nan"],
)
def test_what_tells_no_speed_is_left_out(rows: tuple[tuple[int, float, float, float], ...]) -> None:
    beta, light = flights_of(hits(*rows))
    assert len(beta) == len(light) == 0


def test_which_unit_makes_flights_possible() -> None:
    # 939.565 MeV (1 / sqrt(1 - 0.01) - 1) = 4.733 MeV at 0.1 c.
    read = impossible_flights(np.array([0.1, 0.1, 1.0]), np.array([4.7, 4.8, 1.0]), NEUTRON)
    assert read[0] == 2
    ps = 1 + list(UNITS).index("times in ps, where ns are read")
    slow = impossible_flights(np.full(4, 1e-4), np.ones(4), NEUTRON)
    assert (slow[0], slow[ps]) == (4, 0)
    assert impossible_flights(np.array([1.0, 0.2, 5.0, 0.05, 20.0]), np.ones(5), GAMMA)[0] == 2
