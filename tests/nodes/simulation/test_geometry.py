"""Pieces of the bars and the proposal of flights between them."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.simulation.geometry import detector_cells, gamma_flights, neutron_flights
from radiograph.nodes.simulation.kinematics import (
    cosine_between,
    distance_cm,
    klein_nishina,
)
from radiograph.nodes.simulation.proposals import points_cm
from radiograph.nodes.simulation.sources import source_points_cm
from radiograph.schemas.simulation import (
    Bar,
    DetectorArray,
    GammaSpectrum,
    Scattering,
    Source,
)

ARRAY = DetectorArray()
CELLS = detector_cells(ARRAY)
RING = Source(shape="ring", at_cm=(2.0, 0.0, 0.0), radius_cm=6.0)
GAMMAS = GammaSpectrum(lines_MeV=(1.0, 4.438))


def test_the_pieces_fill_the_bars() -> None:
    for index, bar in enumerate(ARRAY.bars):
        mine = CELLS.bar == index
        low, high = CELLS.low_cm[mine], (CELLS.low_cm + CELLS.size_cm)[mine]
        center, half = np.array(bar.center_cm), 0.5 * np.array(bar.size_cm)
        assert low.min(axis=0) == pytest.approx(center - half)
        assert high.max(axis=0) == pytest.approx(center + half)
        assert CELLS.size_cm[mine].prod(axis=1).sum() == pytest.approx(np.prod(bar.size_cm))


def test_a_cube_is_one_piece() -> None:
    cube = Bar(det_id=1, center_cm=(0.0, 0.0, 0.0), size_cm=(2.0, 2.0, 2.0))
    other = Bar(det_id=2, center_cm=(9.0, 0.0, 0.0), size_cm=(2.0, 2.0, 2.0))
    assert len(detector_cells(DetectorArray(bars=(cube, other))).bar) == 2


def test_a_neutron_goes_to_another_bar() -> None:
    flights = neutron_flights(CELLS, Source(), Scattering())
    same = CELLS.bar[:, None] == CELLS.bar[None, :]
    assert np.all(flights.gap2_cm2[same] == 0.0)
    assert np.all(flights.gap2_cm2[~same] > 0.0)


def test_cumulative_probabilities_rise_to_one() -> None:
    flights = gamma_flights(CELLS, Source(), GAMMAS, Scattering())
    m = len(CELLS.bar)
    rows = flights.next_cdf.reshape(2, m, m) - np.arange(m)[:, None]
    assert rows[:, :, -1] == pytest.approx(1.0)
    assert flights.first_cdf[-1] == 1.0
    assert np.all(np.diff(flights.first_cdf) >= 0.0)
    assert np.all(np.diff(rows, axis=2) >= -1e-12)


@pytest.mark.parametrize("source", [Source(), RING], ids=lambda s: s.shape)
def test_the_proposal_bounds_the_density_everywhere(source: Source) -> None:
    flights = gamma_flights(CELLS, source, GAMMAS, Scattering())
    rng = np.random.default_rng(5)
    m, n = len(CELLS.bar), 20_000
    i, j = rng.integers(0, m, n), rng.integers(0, m, n)
    x0 = source_points_cm(source, rng.random(n))
    x1 = points_cm(CELLS, i, rng.random((3, n)))
    x2 = points_cm(CELLS, j, rng.random((3, n)))
    assert np.all(flights.source_gap2_cm2[i] <= distance_cm(x0, x1) ** 2 + 1e-9)
    far = distance_cm(x1, x2) >= flights.min_flight_cm
    assert np.all(flights.gap2_cm2[i, j][far] <= distance_cm(x1, x2)[far] ** 2 + 1e-9)
    cosine = cosine_between(x1 - x0, x2 - x1)
    for line in GAMMAS.lines_MeV:
        likelihood = klein_nishina(np.full(n, line), cosine)
        assert np.all(likelihood <= flights.likelihood[0][i, j] + 1e-12)


def test_the_inputs_stay_and_the_tables_are_read_only() -> None:
    before = CELLS.low_cm.copy()
    flights = neutron_flights(CELLS, Source(), Scattering())
    assert np.array_equal(before, CELLS.low_cm)
    assert not flights.first_cdf.flags.writeable
