"""Acceptance of places: the inverse square of the distance, symmetry, thresholds, odd input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.imaging import acceptance
from radiograph.schemas.imaging.uncertainty import Uncertainty

from .test_calibration import N_BARS, array
from .test_uncertainty import light_curve, true_events

RESOLUTION = Uncertainty(energy={"a": 0.1})


def struck(light1: float, light2: float) -> pd.DataFrame:
    """Events in every bar with these least lights."""
    n = N_BARS
    events = true_events([0.6] * n)
    return events.assign(
        det_id1=np.arange(n),
        det_id2=(np.arange(n) + 4) % n,
        light1_MeVee=np.linspace(light1, 8.0, n),
        light2_MeVee=np.linspace(light2, 8.0, n),
    )


def ln_s(point: tuple[float, float, float], light1: float = 1.0, light2: float = 0.5) -> float:
    pairs = acceptance.pairs_of_points(struck(light1, light2), array(), light_curve())
    assert pairs is not None
    return acceptance.log_acceptance(pairs, np.array(point), 14.8, light_curve(), RESOLUTION)


def test_far_away_it_falls_with_the_square_of_the_distance() -> None:
    assert ln_s((0.0, 0.0, -40_000.0)) - ln_s((0.0, 0.0, -20_000.0)) == pytest.approx(
        -2.0 * np.log(2.0), abs=0.01
    )


def test_an_array_that_is_symmetric_sees_both_sides_alike() -> None:
    for a, b in (((20.0, 0.0), (-20.0, 0.0)), ((0.0, 20.0), (0.0, -20.0))):
        assert ln_s((*a, -100.0)) == pytest.approx(ln_s((*b, -100.0)), abs=0.02)


def test_thresholds_cut() -> None:
    point = (0.0, 0.0, -100.0)
    assert ln_s(point, light1=4.0) < ln_s(point, light1=1.0)
    assert ln_s(point, light2=3.0) < ln_s(point, light2=0.5)


def test_the_same_points_serve_every_place() -> None:
    values = np.array([ln_s((u, 0.0, -100.0)) for u in (9.0, 10.0, 11.0)])
    # Smooth: no noise of the draw in a second difference.
    assert abs(np.diff(values, 2)[0]) < 1e-3
    assert ln_s((3.0, 4.0, -100.0)) == ln_s((3.0, 4.0, -100.0))


def test_one_bar_is_no_array() -> None:
    events = struck(1.0, 0.5).assign(det_id1=0, det_id2=0)
    assert acceptance.pairs_of_points(events, array(), light_curve()) is None
    assert acceptance.pairs_of_points(events.iloc[:0], array(), light_curve()) is None
