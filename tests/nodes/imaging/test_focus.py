"""The distance of a source from the profile likelihood of its plane."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from radiograph.drivers.imaging.source_text import warnings_of_focus
from radiograph.nodes.imaging import focus
from radiograph.nodes.imaging.focus_search import DistanceProfile, interval
from radiograph.nodes.imaging.point_fit import source_fit
from radiograph.nodes.imaging.weighted_projection import of_species
from radiograph.schemas.imaging.sources import ConeMixture
from radiograph.schemas.imaging.uncertainty import Focus, PointFit
from radiograph.schemas.settings import Section

from .test_point_fit import FRAME, GRID, toy

PLAIN = PointFit(profile=False)


def scan(cones: ConeMixture, at_cm: float, settings: Section) -> focus.FocusScan:
    frame = replace(FRAME, origin_cm=(0.0, 0.0, at_cm))
    assert isinstance(settings, Focus)
    fit = source_fit(cones, frame, GRID, PLAIN)
    return focus.focus_scan(fit, cones, frame, GRID, PLAIN, settings)


@pytest.fixture(scope="module")
def found() -> focus.FocusScan:
    """Cones of a point at z = -100 cm, looked at on a plane at -115 cm."""
    return scan(toy(4, 1500, 300, width=0.02), -115.0, Focus(steps=9))


def test_the_distance_comes_back(found: focus.FocusScan) -> None:
    [row] = focus.focus_distance_cm(found).to_dict("records")
    sigma = 0.5 * (row["high68_cm"] - row["low68_cm"])
    assert 0.2 < sigma < 10.0
    assert abs(row["distance_cm"] + 100.0) < 3.5 * sigma
    assert row["deficit_of_plane"] > 9.0
    # The apexes lie around z = 0.
    assert row["systematic_cm"] == pytest.approx(0.15 * 100.0, rel=0.1)


def test_the_curve_is_lowest_where_the_distance_is(found: focus.FocusScan) -> None:
    curve = focus.focus_curve(found)
    assert len(curve) == 9
    assert (np.diff(curve["distance_cm"]) > 0).all()
    nearest = curve.iloc[int(curve["deficit"].to_numpy().argmin())]
    assert abs(nearest["distance_cm"] - found.best[0]) <= np.diff(curve["distance_cm"])[0]
    # From 0.6 to 1.6 of the way from the array to the plane.
    ends = (curve["distance_cm"].iloc[-1], curve["distance_cm"].iloc[0])
    assert ends == pytest.approx((-0.6 * 115.0, -1.6 * 115.0), abs=1.0)
    # The place moves along the ray from the array: 10 cm at 100 cm.
    at_100 = np.interp(-100.0, curve["distance_cm"], curve["u_cm"])
    assert at_100 == pytest.approx(10.0, abs=0.7)


def test_a_plane_that_stands_elsewhere_is_warned_of(found: focus.FocusScan) -> None:
    distance = focus.focus_distance_cm(found)
    [line] = warnings_of_focus(distance)
    deficit = distance["deficit_of_plane"].iloc[0]
    assert f"[plane] origin is {deficit:.0f} below that in 2 ln L (more than 9)" in line
    assert warnings_of_focus(distance.assign(deficit_of_plane=8.9)) == []
    assert warnings_of_focus(distance.head(0)) == []
    assert warnings_of_focus(None) == []


def test_a_best_place_at_the_end_has_no_interval() -> None:
    beyond = scan(toy(4, 600, 0, width=0.02), -60.0, Focus(min_cm=-70.0, max_cm=-50.0, steps=5))
    [row] = focus.focus_distance_cm(beyond).to_dict("records")
    assert row["distance_cm"] == -70.0
    assert np.isnan(row["low68_cm"])
    assert np.isnan(row["high68_cm"])


def test_no_event_has_no_distance() -> None:
    none = scan(of_species(toy(1, 5, 0), 1), -100.0, Focus())
    assert len(focus.focus_curve(none)) == 0
    assert len(focus.focus_distance_cm(none)) == 0


def test_a_place_does_not_depend_on_those_looked_at_before() -> None:
    cones = toy(4, 400, 0)
    fit = source_fit(cones, FRAME, GRID, PLAIN)
    one, two = (DistanceProfile(cones, FRAME, GRID, PLAIN, fit) for _ in range(2))
    two.at(-130.0)
    assert one.at(-90.0) == pytest.approx(two.at(-90.0), abs=0.01)


def test_a_range_that_falls_is_refused() -> None:
    with pytest.raises(ValueError, match="min_cm = 5 is not below max_cm = 1"):
        Focus(min_cm=5.0, max_cm=1.0)


class _Parabola:
    """A profile of height ``top`` at 10 cm that is 1 lower ``sigma`` away."""

    def __init__(self, sigma: float) -> None:
        self.sigma = sigma

    def at(self, height: float) -> tuple[float, float, float, float]:
        return height, 0.0, 0.0, 5.0 - ((height - 10.0) / self.sigma) ** 2


def test_no_end_is_told_beyond_what_was_scanned() -> None:
    def found(sigma: float, *heights: float) -> tuple[float, float, float]:
        profile = _Parabola(sigma)
        rows = np.array([profile.at(h) for h in heights])
        ends, _ = interval(profile, rows)  # type: ignore[arg-type]
        return ends

    assert found(2.0, 6.0, 9.0, 12.0, 15.0) == pytest.approx((10.0, 8.0, 12.0), abs=0.01)
    low = found(2.0, 9.0, 10.0, 11.0, 13.0)
    assert low == pytest.approx((10.0, np.nan, 12.0), abs=0.01, nan_ok=True)
    high = found(2.0, 7.0, 9.0, 10.0, 11.0)
    assert high == pytest.approx((10.0, 8.0, np.nan), abs=0.01, nan_ok=True)
    # The best place at either end: it may lie outside.
    for heights in ((10.0, 11.0, 12.0), (8.0, 9.0, 10.0)):
        best, below, above = found(2.0, *heights)
        assert best == 10.0
        assert np.isnan(below)
        assert np.isnan(above)
