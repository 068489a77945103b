"""Axes of the plane and its coordinates: the default rule, round trips, what settings give."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from radiograph.drivers.imaging.input_values import pixel_grid, plane_frame
from radiograph.nodes.imaging.plane import plane_axes, plane_to_world, unit, world_to_plane
from radiograph.schemas.imaging.images import PixelGrid, PlaneFrame
from radiograph.schemas.imaging.plane import Plane
from scipy.spatial.transform import Rotation

SEEDS = st.integers(0, 2**32 - 1)
RANGE = {"u_min": -10.0, "u_max": 30.0, "du": 0.5, "v_min": -5.0, "v_max": 5.0, "dv": 2.0}


def plane_of(**keys: Any) -> tuple[PlaneFrame, PixelGrid]:
    plane = Plane.model_validate({"origin": [0, 0, 0], **RANGE, **keys})
    return plane_frame(plane), pixel_grid(plane)


@pytest.mark.parametrize(
    ("normal", "u", "v"),
    [
        # u = n x t, v = n x u with t = x, or y where the normal is along x.
        ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
        ((0, 0, -2), (0, -1, 0), (-1, 0, 0)),
        ((0, 3, 0), (0, 0, -1), (-1, 0, 0)),
        ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
        ((-5, 0, 0), (0, 0, -1), (0, -1, 0)),
    ],
)
def test_default_axes_by_hand(normal: Any, u: Any, v: Any) -> None:
    found = plane_axes(normal, None, None)
    assert found[0] == pytest.approx(u, abs=1e-15)
    assert found[1] == pytest.approx(v, abs=1e-15)


@pytest.mark.parametrize(("x", "t"), [(0.8999, (1, 0, 0)), (0.9001, (0, 1, 0))])
def test_a_normal_near_x_takes_y(x: float, t: Any) -> None:
    n = np.array([x, 0.0, math.sqrt(1 - x * x)])
    u, v = plane_axes(tuple(3 * n), None, None)
    expected = np.cross(n, t) / np.linalg.norm(np.cross(n, t))
    assert u == pytest.approx(expected, abs=1e-14)
    assert v == pytest.approx(np.cross(n, expected), abs=1e-14)


def test_one_axis_gives_the_other() -> None:
    u, v = plane_axes((0, 0, 2), (3, 0, 0), None)
    assert (u.tolist(), v.tolist()) == ([1, 0, 0], [0, 1, 0])
    u, v = plane_axes((0, 0, 2), None, (0, 5, 0))
    assert (u.tolist(), v.tolist()) == ([1, 0, 0], [0, 1, 0])
    u, v = plane_axes((0, 0, 1), (1, 0, 0), (0, -1, 0))
    assert (u.tolist(), v.tolist()) == ([1, 0, 0], [0, -1, 0])


@given(SEEDS, st.sampled_from(["", "u", "v", "uv"]))
def test_axes_are_unit_vectors_orthogonal_to_each_other_and_the_normal(
    seed: int, given: str
) -> None:
    scale = np.random.default_rng(seed).uniform(0.1, 10, 3)
    n, a, b = scale[:, None] * Rotation.random(random_state=seed).as_matrix()
    u, v = plane_axes(
        tuple(n), tuple(a) if "u" in given else None, tuple(b) if "v" in given else None
    )
    basis = np.array([unit(n), u, v])
    assert basis @ basis.T == pytest.approx(np.eye(3), abs=1e-14)
    if "u" in given:
        assert u == pytest.approx(unit(a), abs=1e-14)
    if "v" in given:
        assert v == pytest.approx(unit(b), abs=1e-14)
    if given != "uv":
        assert np.cross(n, u) @ v > 0


def assert_inverse(frame: PlaneFrame, grid: PixelGrid, seed: int) -> None:
    rng = np.random.default_rng(seed)
    u, v = rng.uniform(-100, 100, (2, 50))
    there = plane_to_world(u, v, frame, grid)
    u_back, v_back, height = world_to_plane(there, frame, grid)
    assert u_back == pytest.approx(u, abs=1e-12)
    assert v_back == pytest.approx(v, abs=1e-12)
    assert height == pytest.approx(np.zeros(50), abs=1e-12)


@given(SEEDS)
def test_world_and_plane_are_inverse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, a, b = Rotation.random(random_state=seed).as_matrix()
    frame, grid = plane_of(
        origin=rng.uniform(-50, 50, 3).tolist(),
        normal=(3 * n).tolist(),
        **({"u_axis": a.tolist(), "v_axis": (7 * b).tolist()} if seed % 2 else {}),
    )
    assert_inverse(frame, grid, seed)
    # Any point is its foot in the plane plus its height along the normal.
    points = rng.uniform(-50, 50, (20, 3))
    u, v, height = world_to_plane(points, frame, grid)
    back = plane_to_world(u, v, frame, grid) + height[:, None] * np.array(frame.normal)
    assert back == pytest.approx(points, abs=1e-12)


@given(SEEDS)
def test_axes_that_are_just_orthogonal_enough_give_an_inverse_too(seed: int) -> None:
    # [plane] takes axes orthogonal within 1e-6: typed with six digits, say.
    n, a, b = Rotation.random(random_state=seed).as_matrix().round(7)
    try:
        frame, grid = plane_of(normal=n.tolist(), u_axis=a.tolist(), v_axis=b.tolist())
    except ValueError:
        assume(False)
    assert_inverse(frame, grid, seed)
    assert np.array(grid.u_axis) == pytest.approx(a, abs=1e-6)
    assert np.array(grid.v_axis) == pytest.approx(b, abs=1e-6)


@given(SEEDS)
def test_coordinates_turn_with_the_world(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn = Rotation.random(random_state=seed)
    frame, grid = plane_of(origin=[1, 2, 3], normal=[0, 0, 1], u_axis=[1, 0, 0])
    turned = PlaneFrame(tuple(turn.apply(frame.origin_cm)), tuple(turn.apply(frame.normal)))
    from dataclasses import replace

    turned_grid = replace(
        grid, u_axis=tuple(turn.apply(grid.u_axis)), v_axis=tuple(turn.apply(grid.v_axis))
    )
    points = rng.uniform(-50, 50, (20, 3))
    before = world_to_plane(points, frame, grid)
    after = world_to_plane(turn.apply(points), turned, turned_grid)
    assert np.array(after) == pytest.approx(np.array(before), abs=1e-12)


def test_coordinates_by_hand_and_input_unchanged() -> None:
    frame, grid = plane_of(origin=[1, 2, 3], normal=[0, 0, 1], u_axis=[1, 0, 0])
    points = np.array([[1.0, 2, 3], [2, 4, 6]])
    u, v, height = world_to_plane(points, frame, grid)
    assert (u.tolist(), v.tolist(), height.tolist()) == ([0, 1], [0, 2], [0, 3])
    assert points.tolist() == [[1, 2, 3], [2, 4, 6]]
    assert plane_to_world(4.0, 5.0, frame, grid).tolist() == [5, 7, 3]
    assert plane_to_world(np.array([4.0]), np.array([5.0]), frame, grid).tolist() == [[5, 7, 3]]


def test_no_point_and_nan() -> None:
    frame, grid = plane_of(normal=[0, 0, 1])
    assert [x.shape for x in world_to_plane(np.zeros((0, 3)), frame, grid)] == [(0,)] * 3
    assert plane_to_world(np.zeros(0), np.zeros(0), frame, grid).shape == (0, 3)
    assert np.isnan(world_to_plane(np.full((1, 3), np.nan), frame, grid)).all()


def test_grid_of_the_settings() -> None:
    frame, grid = plane_of(origin=[1, 2, 3], normal=[0, 0, 4])
    assert frame.normal == (0, 0, 1)
    assert (grid.nu, grid.nv, grid.shape) == (80, 5, (5, 80))
    assert grid.u_centers_cm[[0, 1, -1]].tolist() == [-9.75, -9.25, 29.75]
    assert grid.v_centers_cm.tolist() == [-4, -2, 0, 2, 4]


@pytest.mark.parametrize("du", [0.1, 0.3, 1 / 3, 0.7])
def test_steps_that_are_no_binary_fraction_are_counted_right(du: float) -> None:
    _, grid = plane_of(normal=[0, 0, 1], u_min=-du * 71, u_max=du * 72, du=du)
    assert grid.nu == 143


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"normal": [0, 0, 0]}, "length zero"),
        ({"u_axis": [0, 0, 0]}, "length zero"),
        ({"u_axis": [1, 0, 1e-5]}, "not orthogonal to normal"),
        ({"u_axis": [1, 0, 0], "v_axis": [1e-5, 1, 0]}, "v_axis .* not orthogonal to u_axis"),
        ({"u_max": 30.1}, "whole number"),
        ({"v_max": -5.0}, "not above"),
    ],
)
def test_a_plane_that_cannot_be_is_an_error(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plane_of(**{"normal": [0, 0, 1], **keys})
