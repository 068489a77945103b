"""The engine poly: samples along the conic of each cone, against the cone itself and scan."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.nodes.imaging.back_projection import METHODS, ConeArrays
from radiograph.nodes.imaging.kernels import conic_samples as kernel
from radiograph.nodes.imaging.plane import plane_axes, plane_to_world, unit
from radiograph.schemas.imaging.images import BackProjection, PixelGrid, PlaneFrame
from radiograph.schemas.imaging.imaging_method import ImagingMethod, Threads
from scipy.ndimage import binary_dilation

SEEDS = st.integers(0, 2**32 - 1)
FLOOR = PlaneFrame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
FINE = PixelGrid(-20.0, 20.0, 0.5, 80, -15.0, 15.0, 0.5, 60)
POLY = ImagingMethod(engine="poly", list_mode=True, poly_samples=360)
SCAN = ImagingMethod(list_mode=True)


def drawn(
    cones: ConeArrays,
    method: ImagingMethod = POLY,
    frame: PlaneFrame = FLOOR,
    grid: PixelGrid = FINE,
    threads: int = 1,
    a_task: int = 0,
) -> BackProjection:
    engine = METHODS["sbp", method.engine]
    return engine(cones, frame, grid, method, Threads(threads, a_task))


def one(apex: Any, axis: Any, theta: float) -> ConeArrays:
    axis = unit(np.array(axis, float))
    return ConeArrays(np.array([apex], float), axis[None, :], np.array([math.cos(theta)]))


def random_cones(seed: int, n: int) -> tuple[ConeArrays, PlaneFrame, PixelGrid]:
    """Cones of every kind over a tilted plane: angles beyond 90 degrees, apexes near it and far."""
    rng = np.random.default_rng(seed)
    normal = unit(rng.normal(size=3))
    u, v = plane_axes(tuple(normal), None, None)
    frame = PlaneFrame(tuple(rng.uniform(-30, 30, 3)), tuple(normal))
    grid = PixelGrid(-20.0, 20.0, 0.5, 80, -15.0, 15.0, 0.5, 60, tuple(u), tuple(v))
    height = rng.choice([1.0, 10.0, 100.0], n) * rng.uniform(-1, 1, n)
    at = plane_to_world(rng.normal(0, 15, n), rng.normal(0, 15, n), frame, grid)
    axis = rng.normal(size=(n, 3))
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    apex = at + height[:, None] * normal
    return ConeArrays(apex, axis, np.cos(rng.uniform(0.02, 3.1, n))), frame, grid


def masks(found: BackProjection) -> list[np.ndarray]:
    assert found.footprints is not None
    ends = found.footprints.offsets.astype(int)
    out = []
    for a, b in pairwise(ends):
        mask = np.zeros(found.image.size, bool)
        mask[found.footprints.pixels[a:b]] = True
        assert mask.sum() == b - a, "a pixel was lit twice by a cone"
        out.append(mask.reshape(found.image.shape))
    return out


def excess(
    cones: ConeArrays, k: int, frame: PlaneFrame, grid: PixelGrid, u: Any, v: Any
) -> np.ndarray:
    """(X - apex).a - cos |X - apex| of points of the plane: 0 on the forward half of a cone."""
    w = plane_to_world(u, v, frame, grid) - cones.apex_cm[k]
    return np.asarray(w @ cones.axis[k] - cones.cos_theta[k] * np.linalg.norm(w, axis=-1))


# --- hand values ------------------------------------------------------------------------------


def test_an_axis_along_the_normal_gives_a_circle() -> None:
    # Apex 10 cm over (1, 2), opening 40 degrees: radius 10 tan 40 = 8.39 cm.
    (mask,) = masks(drawn(one((1, 2, 10), (0, 0, -1), math.radians(40))))
    v, u = np.meshgrid(FINE.v_centers_cm, FINE.u_centers_cm, indexing="ij")
    from_circle = np.abs(np.hypot(u - 1, v - 2) - 10 * math.tan(math.radians(40)))
    assert from_circle[mask].max() <= 0.5 * math.hypot(0.5, 0.5) + 1e-9
    # 52.7 cm of circumference, 360 samples: every pixel that it crosses by more than 0.15 cm.
    assert 105 <= mask.sum() <= 150


def test_an_angle_beyond_ninety_degrees_opens_backwards() -> None:
    up = masks(drawn(one((0, 0, 10), (0, 0, 1), math.radians(140))))
    down = masks(drawn(one((0, 0, 10), (0, 0, -1), math.radians(40))))
    np.testing.assert_array_equal(up[0], down[0])


def test_a_right_angle_gives_the_straight_line_of_a_plane() -> None:
    # Axis (1, 0, -1) through (0.25, 0, 10): the plane x - z = 0.25 - 10 meets z = 0 at x = -9.75.
    cones = one((0.25, 0, 10), (1, 0, -1), math.pi / 2)
    (mask,) = masks(drawn(cones))
    assert np.flatnonzero(mask.any(axis=0)).tolist() == [20]
    assert mask[:, 20].all()


def test_a_parabola() -> None:
    # The axis lies in the plane's direction theta below the horizon: one generator is parallel.
    theta = 0.7
    cones = one((0.1, 0.2, 5), (math.cos(theta), 0, -math.sin(theta)), theta)
    (mask,) = masks(drawn(cones))
    scan = masks(drawn(cones, SCAN))[0]
    assert (mask & scan).sum() > 0.9 * scan.sum()
    assert not (mask & ~binary_dilation(scan, np.ones((3, 3)))).any()


def test_an_ellipse_that_nearly_is_a_parabola_still_closes() -> None:
    # 10 cm over the plane, one line straight down, the other 0.0005 rad above the horizon: it
    # meets the plane at 10 / tan(0.0005) = 19999.998 cm, in column 200 of 100 cm from -100.
    half = 0.25 * math.pi - 0.00025
    far = PixelGrid(-100.0, 39900.0, 100.0, 400, -400.0, 400.0, 100.0, 8)
    cone = one([0.0, 0.0, 10.0], [math.sin(half), 0.0, -math.cos(half)], half)
    lit = np.flatnonzero(masks(drawn(cone, grid=far))[0].any(axis=0))
    assert (lit.min(), lit.max()) == (1, 200)


@pytest.mark.parametrize("kind", [kernel.ELLIPSE, kernel.HYPERBOLA, kernel.PARABOLA, kernel.RAYS])
def test_samples_lie_alike_on_both_sides(kind: int) -> None:
    square, line = np.empty(10), np.empty(10)
    kernel._samples(square, line, kind, 1.0)
    np.testing.assert_allclose(line, -line[::-1], atol=1e-14)
    np.testing.assert_allclose(square, square[::-1], atol=1e-14)
    # Half a step of 0.2 from the end.
    expected = math.sin(0.9) * math.cos(0.9) if kind == kernel.ELLIPSE else 0.9
    assert line[-1] == pytest.approx(expected)


def test_the_last_edge_of_the_pixels_is_closed() -> None:
    place = np.empty(4, np.int32)
    line = np.array([-0.25, 0.0, 8.0, 8.25])
    kernel._places(place, np.zeros(4), line, np.array([0.0, 0.0, 1.0]), 0.0, 0.5, 4)
    assert place.tolist() == [-1, 0, 3, -1]


def test_a_forward_cone_that_points_away_lights_nothing() -> None:
    found = drawn(one((0, 0, 10), (0, 0, 1), math.radians(40)))
    assert not found.image.any()
    assert found.lit_pixels.tolist() == [0]


def test_an_apex_in_the_plane_lights_its_two_lines() -> None:
    # Axis along x in the plane, 45 degrees: the rays v = u and v = -u from the apex at u > 0.
    (mask,) = masks(drawn(one((0.25, 0.25, 0.0), (1, 0, 0), math.pi / 4)))
    row, column = np.nonzero(mask)
    u, v = FINE.u_centers_cm[column] - 0.25, FINE.v_centers_cm[row] - 0.25
    assert (np.abs(np.abs(v) - u) < 1e-9).all()
    assert u.min() == 0.0
    assert {-1.0, 0.0, 1.0} == set(np.sign(v))
    # Steeper than the opening: the cone meets the plane in its apex only.
    assert not drawn(one((0.25, 0.25, 0.0), (0, 0, 1), math.pi / 4)).image.any()


def test_an_open_branch_ends_at_the_range() -> None:
    cones = one((0, 0, 5), (1, 0, 0), math.radians(30))
    near = masks(drawn(cones, ImagingMethod("sbp", "poly", "forward", True, 360, 12.0)))[0]
    far = masks(drawn(cones))[0]
    row, column = np.nonzero(near)
    assert np.hypot(FINE.u_centers_cm[column], FINE.v_centers_cm[row]).max() <= 12.0 + 0.36
    assert near.any()
    row, column = np.nonzero(far)
    assert FINE.u_centers_cm[column].max() > 19.0
    # Closer samples: the dotted line of the long branch is closed on the short one.
    assert near.sum() > 0.95 * masks(drawn(cones, SCAN))[0][near].sum()


# --- against the cone and against scan --------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_every_lit_pixel_is_crossed_by_the_forward_cone(seed: int) -> None:
    cones, frame, grid = random_cones(seed, 30)
    for k, mask in enumerate(masks(drawn(cones, POLY, frame, grid))):
        row, column = np.nonzero(mask)
        if not len(row):
            continue
        # Points over each lit pixel, its edges included: the cone's sign must change there.
        f = np.linspace(0.0, 1.0, 12)
        u = grid.u_min_cm + (column[:, None, None] + f[None, :, None]) * grid.du_cm
        v = grid.v_min_cm + (row[:, None, None] + f[None, None, :]) * grid.dv_cm
        value = excess(cones, k, frame, grid, *np.broadcast_arrays(u, v))
        crossed = (value.min(axis=(1, 2)) <= 0.02) & (value.max(axis=(1, 2)) >= -0.02)
        assert crossed.all()


def test_lit_pixels_lie_within_one_pixel_of_those_of_scan() -> None:
    near = total = 0
    for seed in range(12):
        cones, frame, grid = random_cones(seed, 100)
        pairs = zip(
            masks(drawn(cones, POLY, frame, grid)),
            masks(drawn(cones, SCAN, frame, grid)),
            strict=True,
        )
        for poly, scan in pairs:
            near += int((poly & binary_dilation(scan, np.ones((3, 3)))).sum())
            total += int(poly.sum())
    assert total > 20_000
    assert near >= 0.99 * total


def test_enough_samples_light_every_pixel_of_scan() -> None:
    cones, frame, grid = random_cones(5, 150)
    dense = ImagingMethod("sbp", "poly", "forward", True, 60_000)
    missed = total = 0
    for poly, scan in zip(
        masks(drawn(cones, dense, frame, grid)), masks(drawn(cones, SCAN, frame, grid)), strict=True
    ):
        missed += int((scan & ~poly).sum())
        total += int(scan.sum())
    assert total > 3_000
    assert missed <= 1e-3 * total


@pytest.mark.parametrize(("threads", "a_task"), [(2, 0), (3, 7), (5, 1000)])
def test_results_do_not_depend_on_threads(threads: int, a_task: int) -> None:
    cones, frame, grid = random_cones(8, 200)
    a = drawn(cones, POLY, frame, grid)
    b = drawn(cones, POLY, frame, grid, threads, a_task)
    assert a.footprints is not None
    assert b.footprints is not None
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.lit_pixels, b.lit_pixels)
    np.testing.assert_array_equal(a.footprints.pixels, b.footprints.pixels)
    np.testing.assert_array_equal(a.footprints.offsets, b.footprints.offsets)
    plain = drawn(cones, ImagingMethod("sbp", "poly", "forward", False, 360), frame, grid)
    assert plain.footprints is None
    np.testing.assert_array_equal(a.image, plain.image)


def test_no_cone_and_a_cone_that_is_not_a_number() -> None:
    none = ConeArrays(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    assert not drawn(none).image.any()
    for broken in (
        one((0, 0, 10), (0, 0, -1), math.nan),
        one((0, math.nan, 10), (0, 0, -1), 0.5),
    ):
        found = drawn(broken)
        assert not found.image.any()
        assert found.lit_pixels.tolist() == [0]


def test_compiled_equals_plain_python(monkeypatch: pytest.MonkeyPatch) -> None:
    cones, frame, grid = random_cones(11, 60)
    cones.apex_cm[3, 2] = np.nan
    compiled = drawn(cones, POLY, frame, grid)
    for name in ("_conic", "_samples", "_places"):
        monkeypatch.setattr(kernel, name, getattr(kernel, name).py_func)

    def plain(*arguments: Any) -> int:
        with np.errstate(all="ignore"):
            return int(kernel.sample_cones.py_func(*arguments))

    monkeypatch.setattr("radiograph.nodes.imaging.back_projection.sample_cones", plain)
    python = drawn(cones, POLY, frame, grid)
    np.testing.assert_array_equal(compiled.image, python.image)
    np.testing.assert_array_equal(compiled.lit_pixels, python.lit_pixels)
