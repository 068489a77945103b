"""The band of an energy: edges belong to the band above, NaN to the highest."""

from __future__ import annotations

import numpy as np
from radiograph.nodes.germanium.quality_parameters import band_of


def test_an_energy_at_an_edge_is_of_the_band_above() -> None:
    edges = np.array([-np.inf, 10.0, 20.0, np.inf])
    energy = np.array([9.0, 10.0, 19.9, 20.0, 1e300, -1e300, np.inf, -np.inf])
    assert band_of(edges, energy, 8).tolist() == [0, 1, 1, 2, 2, 0, 2, 0]


def test_an_energy_that_is_nan_is_of_the_highest_band() -> None:
    edges = np.array([-np.inf, 10.0, 20.0, np.inf])
    assert band_of(edges, np.array([np.nan, 15.0]), 2).tolist() == [2, 1]
    assert band_of(edges, None, 2).tolist() == [0, 0]
