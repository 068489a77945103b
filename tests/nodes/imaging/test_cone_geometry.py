"""Where cones lie: hand values, rays counted one by one, and the edges of the definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from radiograph.nodes.imaging.cone_geometry import (
    axis_meets_plane,
    columns3,
    delta_theta_rad,
    surface_meets_plane,
    unit_vectors,
)
from radiograph.schemas.imaging.images import PlaneFrame
from scipy.spatial.transform import Rotation

FLOOR = PlaneFrame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
SEEDS = st.integers(0, 2**32 - 1)


def cones_of(apex: Any, axis: Any, theta: Any) -> pd.DataFrame:
    """Cones with axes made unit vectors; a single vector or angle stands for all."""
    n = max(np.size(theta), np.size(apex) // 3, np.size(axis) // 3)
    apex, axis = (np.broadcast_to(np.asarray(v, float), (n, 3)) for v in (apex, axis))
    axis = axis / np.linalg.norm(axis, axis=1)[:, None]
    columns = {f"apex_{a}_cm": apex[:, i] for i, a in enumerate("xyz")}
    columns |= {f"axis_{a}": axis[:, i] for i, a in enumerate("xyz")}
    return pd.DataFrame(columns | {"theta_rad": np.broadcast_to(np.asarray(theta, float), n)})


@pytest.mark.parametrize(
    ("target", "phi_deg"),
    [
        ([0, 0, 0], 0),
        ([100, 0, 0], 45),
        ([0, -100, 0], 45),
        ([5, 0, 100], 90),
        ([0, 100, 200], 135),
        ([0, 0, 200], 180),
    ],
)
def test_delta_theta_by_hand(target: list[float], phi_deg: float) -> None:
    cones = cones_of([0, 0, 100], [0, 0, -1], np.radians([10, 60, 120]))
    expected = np.abs(np.radians(phi_deg - np.array([10, 60, 120])))
    assert delta_theta_rad(cones, np.array(target, float)) == pytest.approx(expected, abs=1e-14)


def test_delta_theta_keeps_its_digits_near_the_axis() -> None:
    # arccos of a cosine cannot tell 1e-9 rad from 0.
    found = delta_theta_rad(cones_of([0, 0, 1000], [0, 0, -1], 0.0), np.array([1e-6, 0.0, 0.0]))
    assert found[0] == pytest.approx(1e-9, rel=1e-9)


def test_a_target_on_the_cone_has_delta_zero() -> None:
    rng = np.random.default_rng(1)
    turn = Rotation.random(200, random_state=2)
    theta = rng.uniform(0.01, 3.1, 200)
    azimuth = rng.uniform(0, 2 * math.pi, 200)
    ray = np.column_stack(
        [np.sin(theta) * np.cos(azimuth), np.sin(theta) * np.sin(azimuth), np.cos(theta)]
    )
    target = np.array([3.0, -4.0, 5.0])
    apex = target - rng.uniform(1, 200, 200)[:, None] * turn.apply(ray)
    cones = cones_of(apex, turn.apply([0.0, 0.0, 1.0]), theta)
    assert delta_theta_rad(cones, target) == pytest.approx(np.zeros(200), abs=1e-12)


@given(SEEDS, st.floats(0.01, 100))
def test_delta_theta_feels_neither_rotation_nor_scale(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    turn = Rotation.random(random_state=seed)
    apex, axis, target = rng.normal(size=(3, 5, 3))
    theta = rng.uniform(0, math.pi, 5)
    before = delta_theta_rad(cones_of(apex, axis, theta), target[0])
    after = delta_theta_rad(
        cones_of(scale * turn.apply(apex), turn.apply(axis), theta), scale * turn.apply(target[0])
    )
    assert after == pytest.approx(before, abs=1e-12)


def test_nan_target_and_nan_theta_give_nan() -> None:
    cones = cones_of([0, 0, 1], [0, 0, -1], [0.1, math.nan])
    assert np.isnan(delta_theta_rad(cones, np.full(3, np.nan))).all()
    assert np.isnan(delta_theta_rad(cones, np.zeros(3))).tolist() == [False, True]


@pytest.mark.parametrize(
    ("height", "axis", "expected"),
    [
        (5, [0, 0, -1], True),
        (5, [9, 0, -1], True),
        (5, [0, 0, 1], False),
        (-5, [0, 0, 1], True),
        (-5, [0, 0, -1], False),
        (5, [1, 0, 0], False),
        (5, [-1, 1, 0.0], False),
        (-5, [1, 0, 0], False),
        (-5, [1, 0, -0.0], False),
        (5, [1, 0, -0.0], False),
        (0, [0, 0, 1], False),
        (0, [1, 0, 0], False),
    ],
)
def test_axis_ray_by_hand(height: float, axis: list[float], expected: bool) -> None:
    # t > 0: an axis in the plane's direction never meets it, an apex in it meets it at t = 0.
    assert axis_meets_plane(cones_of([7, 8, height], axis, 0.3), FLOOR).tolist() == [expected]


@pytest.mark.parametrize(
    ("height", "axis", "theta_deg", "expected"),
    [
        (5, [0, 0, -1], 60, True),
        (5, [0, 0, -1], 89.9, True),
        (5, [0, 0, -1], 90.1, False),
        (5, [0, 0, 1], 60, False),
        (5, [0, 0, 1], 90.1, True),
        (5, [0, 0, 1], 180, True),
        (5, [1, 0, 0], 30, True),
        (5, [1, 0, 0], 0, False),
        (5, [1, 0, 0], 90, True),
        (5, [1, 0, 0], 150, True),
        (5, [1, 0, 1], 44.9, False),
        (5, [1, 0, 1], 45.1, True),
        (-5, [0, 0, 1], 60, True),
        (-5, [0, 0, -1], 60, False),
        (0, [0, 0, 1], 10, True),
    ],
)
def test_surface_by_hand(
    height: float, axis: list[float], theta_deg: float, expected: bool
) -> None:
    cones = cones_of([1, 2, height], axis, np.radians(theta_deg))
    assert surface_meets_plane(cones, FLOOR).tolist() == [expected]


def rays(axis: np.ndarray, theta: float, n: int = 720) -> np.ndarray:
    """Unit vectors at the angle theta to the axis, all around."""
    side = np.cross(axis, [1.0, 0, 0] if abs(axis[0]) < 0.9 else [0, 1.0, 0])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    azimuth = np.linspace(0, 2 * math.pi, n, endpoint=False)[:, None]
    around = np.cos(azimuth) * side + np.sin(azimuth) * other
    return math.cos(theta) * axis + math.sin(theta) * around


@given(SEEDS)
def test_surface_meets_the_plane_where_one_of_its_rays_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    normal, axis = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    origin, apex = rng.normal(size=(2, 3))
    theta = rng.uniform(0, math.pi)
    towards = rays(axis, theta) @ normal * np.sign((origin - apex) @ normal)
    assume(abs(towards.max()) > 1e-3)
    frame = PlaneFrame(tuple(origin), tuple(normal))
    cones = cones_of(apex, axis, theta)
    assert surface_meets_plane(cones, frame)[0] == (towards.max() > 0)
    # An axis that meets the plane is within 90 degrees of its direction.
    assert axis_meets_plane(cones, frame)[0] == ((axis @ normal) * ((origin - apex) @ normal) > 0)


@given(SEEDS)
def test_the_sign_of_the_normal_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=3)
    normal /= np.linalg.norm(normal)
    cones = cones_of(*rng.normal(size=(2, 20, 3)), rng.uniform(0, math.pi, 20))
    up, down = (PlaneFrame((0.1, 0.2, 0.3), tuple(s * normal)) for s in (1, -1))
    for meets in (axis_meets_plane, surface_meets_plane):
        assert meets(cones, up).tolist() == meets(cones, down).tolist()


def test_an_impossible_hypothesis_meets_no_plane_by_its_surface() -> None:
    cones = cones_of([0, 0, 5], [0, 0, -1], math.nan)
    assert surface_meets_plane(cones, FLOOR).tolist() == [False]


def test_columns_and_unit_vectors() -> None:
    frame = cones_of([[1, 2, 3], [4, 5, 6]], [0, 0, 1], 0.1)
    assert columns3(frame, "apex_{}_cm").tolist() == [[1, 2, 3], [4, 5, 6]]
    found = unit_vectors(np.array([[3.0, 0, 4], [0, 0, 0], [0, np.nan, 1]]))
    assert found[0].tolist() == [0.6, 0, 0.8]
    assert np.isnan(found[1:]).all()
    assert unit_vectors(np.zeros((0, 3))).shape == (0, 3)


def test_no_cone() -> None:
    nothing = cones_of(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    assert delta_theta_rad(nothing, np.zeros(3)).shape == (0,)
    assert axis_meets_plane(nothing, FLOOR).shape == (0,)
    assert surface_meets_plane(nothing, FLOOR).shape == (0,)


def test_inputs_stay_as_they_are() -> None:
    cones = cones_of([0, 0, 5], [0, 0, -1], [0.1, 0.2])
    target = np.zeros(3)
    before = cones.copy(deep=True)
    delta_theta_rad(cones, target)
    axis_meets_plane(cones, FLOOR)
    surface_meets_plane(cones, FLOOR)
    pd.testing.assert_frame_equal(cones, before)
    assert target.tolist() == [0, 0, 0]
