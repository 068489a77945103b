"""Cones drawn over an image: where they are drawn, and what the legend says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from radiograph.nodes.imaging.cone_geometry import surface_excess_cm
from radiograph.nodes.imaging.drawing import draw_image_figure
from radiograph.nodes.imaging.figure_outlines import draw_outlines
from radiograph.nodes.imaging.figure_picture import Drawing, Outlines, Picture, View
from radiograph.schemas.imaging.images import PixelGrid, PlaneFrame, RegionOfInterest
from radiograph.schemas.imaging.vis import Vis

FLOOR = PlaneFrame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
GRID = PixelGrid(-20.0, 20.0, 1.0, 40, -20.0, 20.0, 1.0, 40)


def cone(apex: tuple[float, ...], axis: tuple[float, ...], theta: float) -> dict[str, float]:
    return {
        **{f"apex_{a}_cm": x for a, x in zip("xyz", apex, strict=True)},
        **{f"axis_{a}": x for a, x in zip("xyz", axis, strict=True)},
        "theta_rad": theta,
    }


CIRCLE = cone((1.0, 2.0, 10.0), (0.0, 0.0, -1.0), np.radians(45))
AWAY = cone((1.0, 2.0, 10.0), (0.0, 0.0, 1.0), np.radians(45))


def outlined(cones: list[dict[str, float]], **given: object) -> tuple[list[tuple[str, str]], list]:
    picture = Picture(
        name="n",
        counts=np.ones((40, 40), np.uint32),
        grid=GRID,
        outlines=Outlines(pd.DataFrame(cones, columns=list(CIRCLE)), FLOOR, words="Cone", **given),
    )
    axes = Figure().add_axes((0, 0, 1, 1))
    drawn = draw_outlines(axes, Drawing.of(picture, Vis(axis_units="mm"), View()))
    paths = [p.vertices for c in axes.collections for p in c.get_paths() if len(p.vertices)]
    return drawn, paths


def test_zero_lies_on_the_cone_and_the_sign_says_inside() -> None:
    points = np.array([[11.0, 2.0, 0.0], [1.0, 2.0, 0.0], [14.0, 2.0, 0.0], [11.0, 2.0, 20.0]])
    value = surface_excess_cm(pd.Series(CIRCLE), points, both_halves=False)
    assert value[0] == pytest.approx(0.0, abs=1e-12)
    assert value[1] == pytest.approx(10.0 - 10.0 / np.sqrt(2))
    assert value[2] < 0
    # The mirror point behind the apex lies on the other half of the double cone.
    assert value[3] < -10
    both = surface_excess_cm(pd.Series(CIRCLE), points, both_halves=True)
    np.testing.assert_allclose(both[[0, 3]], 0.0, atol=1e-12)


def test_the_line_is_where_the_cone_meets_the_plane() -> None:
    drawn, [line] = outlined([CIRCLE])
    assert drawn == [("outline", "Cone")]
    # A circle of 10 cm around (1, 2), drawn in mm.
    radius = np.hypot(line[:, 0] - 10.0, line[:, 1] - 20.0)
    np.testing.assert_allclose(radius, 100.0, atol=0.5)


def test_a_cone_that_misses_the_picture_draws_nothing() -> None:
    assert outlined([AWAY]) == ([], [])
    drawn, [line] = outlined([AWAY], both_halves=True)
    assert len(line) > 100
    region = RegionOfInterest(0.0, 1.0, 0.0, 1.0)
    drawn, lines = outlined([], region=region, region_words="Pixel")
    assert drawn == [("region", "Pixel")]
    assert lines == []


def test_a_figure_with_outlines_is_equal_bytes_and_differs_from_one_without() -> None:
    frame = pd.DataFrame([CIRCLE, AWAY])
    picture = Picture("n", np.ones((40, 40), np.uint32), GRID)
    with_cones = Picture(
        "n", picture.counts, GRID, outlines=Outlines(frame, FLOOR, words="2 cones")
    )
    first = draw_image_figure(with_cones, Vis(), View(dpi=50))
    assert first == draw_image_figure(with_cones, Vis(), View(dpi=50))
    assert first != draw_image_figure(picture, Vis(), View(dpi=50))


def test_lines_are_drawn_within_the_view_only() -> None:
    view = View(u_limits_cm=(8.0, 14.0), v_limits_cm=(-3.0, 7.0))
    vis = Vis(axis_units="mm", center_on_plane_center=True, flip_vertical=True)
    shown = Drawing.of(Picture(name="n", counts=np.ones((40, 40), np.uint32), grid=GRID), vis, view)
    np.testing.assert_allclose(shown.limits_cm, [(8.0, 14.0), (-3.0, 7.0)])
