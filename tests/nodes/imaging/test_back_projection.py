"""Back projection against a reference that solves every line of pixels in world coordinates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.nodes.imaging import cone_shares, images
from radiograph.nodes.imaging.back_projection import (
    METHODS,
    ConeArrays,
    back_projection,
    scan_back_projection,
)
from radiograph.nodes.imaging.plane import plane_axes, plane_to_world, unit, world_to_plane
from radiograph.schemas.imaging.frames import SELECTED_CONES
from radiograph.schemas.imaging.images import BackProjection, PixelGrid, PlaneFrame
from radiograph.schemas.imaging.imaging_method import ImagingMethod, Threads
from scipy.spatial.transform import Rotation

SEEDS = st.integers(0, 2**32 - 1)
LIST = ImagingMethod(list_mode=True)
LIST_BOTH = ImagingMethod(list_mode=True, nappe="both")
ONE = Threads(1)

# --- the reference ----------------------------------------------------------------------------


def real_roots(a: float, b: float, c: float) -> tuple[list[float], bool]:
    """Real roots of a x^2 + b x + c, and whether their number is safe against rounding."""
    if abs(a) <= 1e-14 * max(abs(b), abs(c), 1e-300):
        return ([-c / b] if b else []), abs(b) > 1e-9 * abs(c)
    disc = b * b - 4 * a * c
    size = b * b + abs(4 * a * c)
    safe = abs(disc) > 1e-9 * size
    if disc < 0:
        return [], safe
    q = -0.5 * (b + math.copysign(math.sqrt(disc), b))
    return [q / a] + ([c / q] if q else []), safe


def cell_of(x: float, low: float, step: float, n: int) -> tuple[int | None, bool]:
    """Pixel of a coordinate (half-open, the last edge closed), and whether it is off an edge."""
    f = (x - low) / step
    safe = abs(f - round(f)) > 1e-6
    if not 0 <= f <= n:
        return None, safe
    return min(math.floor(f), n - 1), safe


def lit_by(
    apex: np.ndarray,
    axis: np.ndarray,
    cos_theta: float,
    frame: PlaneFrame,
    grid: PixelGrid,
    forward: bool,
) -> tuple[set[int], set[int]]:
    """(lit pixels, pixels that rounding may or may not light) of one cone.

    On the line X(s) = X0 + s e the cone is ((X - apex).a)^2 = cos^2 |X - apex|^2.
    """
    lit: set[int] = set()
    unsure: set[int] = set()
    u_axis, v_axis = np.array(grid.u_axis), np.array(grid.v_axis)
    one_half = forward and abs(cos_theta) >= 1e-12
    for along_v in (True, False):
        e = v_axis if along_v else u_axis
        low, step, n = (
            (grid.v_min_cm, grid.dv_cm, grid.nv)
            if along_v
            else (grid.u_min_cm, grid.du_cm, grid.nu)
        )
        for i, center in enumerate(grid.u_centers_cm if along_v else grid.v_centers_cm):
            start = np.array(frame.origin_cm) + center * (u_axis if along_v else v_axis)
            w = start - apex
            wa, ea = w @ axis, e @ axis
            c2 = cos_theta * cos_theta
            if one_half or abs(cos_theta) >= 1e-12:
                roots, safe = real_roots(
                    ea * ea - c2, 2 * (wa * ea - c2 * (w @ e)), wa * wa - c2 * (w @ w)
                )
            else:  # a plane, not a cone: (X - apex).a = 0
                roots, safe = ([-wa / ea] if ea else []), True
            for s in roots if safe else [*roots, *near_double(ea, wa, w, e, c2)]:
                cell, off_edge = cell_of(s, low, step, n)
                cells = (
                    {cell}
                    if off_edge
                    else {cell} | {cell_of(s + d * step, low, step, n)[0] for d in (-1e-6, 1e-6)}
                )
                height = (w + s * e) @ axis * (1 if cos_theta >= 0 else -1)
                is_forward = not one_half or height >= -1e-9
                near_apex = one_half and abs(height) < 1e-6
                for found in cells - {None}:
                    pixel = found * grid.nu + i if along_v else i * grid.nu + found
                    if not safe or not off_edge or near_apex:
                        unsure.add(pixel)
                    elif is_forward:
                        lit.add(pixel)
    return lit, unsure - lit


def near_double(ea: float, wa: float, w: np.ndarray, e: np.ndarray, c2: float) -> list[float]:
    """Where both roots of a line that the cone just touches would lie."""
    a = ea * ea - c2
    return [-(wa * ea - c2 * (w @ e)) / a] if a else []


# --- helpers ----------------------------------------------------------------------------------


def grid_of(
    u: tuple[float, float, float] = (-20, 20, 1), v: tuple[float, float, float] = (-15, 15, 1.5)
) -> dict[str, Any]:
    return {
        "u_min_cm": float(u[0]), "u_max_cm": float(u[1]), "du_cm": float(u[2]),
        "nu": round((u[1] - u[0]) / u[2]),
        "v_min_cm": float(v[0]), "v_max_cm": float(v[1]), "dv_cm": float(v[2]),
        "nv": round((v[1] - v[0]) / v[2]),
    }  # fmt: skip


FLOOR = PlaneFrame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
SQUARE = PixelGrid(**grid_of((-15, 15, 1), (-15, 15, 1)))


def tilted(seed: int, **grid: Any) -> tuple[PlaneFrame, PixelGrid]:
    rng = np.random.default_rng(seed)
    normal = Rotation.random(random_state=seed).as_matrix()[0]
    u, v = plane_axes(tuple(normal), None, None)
    frame = PlaneFrame(tuple(rng.uniform(-30, 30, 3)), tuple(unit(normal)))
    return frame, PixelGrid(**(grid or grid_of()), u_axis=tuple(u), v_axis=tuple(v))


def cones_of(apex: Any, axis: Any, theta: Any = None, cosine: Any = None) -> ConeArrays:
    axis = np.atleast_2d(np.asarray(axis, float))
    axis = axis / np.linalg.norm(axis, axis=1)[:, None]
    n = len(axis)
    cosine = np.cos(np.asarray(theta, float)) if cosine is None else np.asarray(cosine, float)
    apex = np.broadcast_to(np.asarray(apex, float), (n, 3)).copy()
    return ConeArrays(apex, axis, np.broadcast_to(cosine, n).copy())


def scan(
    cones: ConeArrays,
    frame: PlaneFrame = FLOOR,
    grid: PixelGrid = SQUARE,
    settings: ImagingMethod = LIST,
    threads: Threads = ONE,
) -> BackProjection:
    return scan_back_projection(cones, frame, grid, settings, threads)


def pixels_of(found: BackProjection, cone: int = 0) -> list[int]:
    assert found.footprints is not None
    offsets = found.footprints.offsets.astype(int)
    return found.footprints.pixels[offsets[cone] : offsets[cone + 1]].astype(int).tolist()


def assert_as_reference(cones: ConeArrays, frame: PlaneFrame, grid: PixelGrid) -> int:
    """Compare every cone with the reference, both nappes and forward; returns how many lit."""
    n_lit = 0
    n_sure = n_unsure = 0
    for settings_ in (LIST, LIST_BOTH):
        found = scan(cones, frame, grid, settings_)
        for k in range(len(cones.cos_theta)):
            pixels = pixels_of(found, k)
            assert len(pixels) == len(set(pixels))
            lit, unsure = lit_by(
                cones.apex_cm[k], cones.axis[k], float(cones.cos_theta[k]),
                frame, grid, settings_ is LIST,
            )  # fmt: skip
            where = (k, cones.apex_cm[k], cones.axis[k], cones.cos_theta[k])
            assert lit <= set(pixels), where
            assert set(pixels) <= lit | unsure, where
            n_lit += bool(pixels)
            n_sure, n_unsure = n_sure + len(lit), n_unsure + len(unsure)
    assert n_unsure <= 0.01 * n_sure + 4
    return n_lit


def assert_equal(a: BackProjection, b: BackProjection) -> None:
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.lit_pixels, b.lit_pixels)
    assert (a.footprints is None) == (b.footprints is None)
    if a.footprints is not None and b.footprints is not None:
        np.testing.assert_array_equal(a.footprints.offsets, b.footprints.offsets)
        np.testing.assert_array_equal(a.footprints.pixels, b.footprints.pixels)


def random_cones(seed: int, n: int, frame: PlaneFrame, grid: PixelGrid) -> ConeArrays:
    """Cones of any angle whose axes roughly point from near the plane to it, or away."""
    rng = np.random.default_rng(seed)
    u = rng.uniform(grid.u_min_cm, grid.u_max_cm, n)
    v = rng.uniform(grid.v_min_cm, grid.v_max_cm, n)
    target = plane_to_world(u, v, frame, grid)
    apex = target + rng.normal(0, 25, (n, 3))
    return cones_of(apex, target - apex + rng.normal(0, 15, (n, 3)), rng.uniform(0.05, 3.1, n))


# --- hand-computed ----------------------------------------------------------------------------


def test_a_circle_by_hand() -> None:
    # Apex 10 cm over the origin, straight down, 45 degrees: the circle of radius 10.
    found = scan(cones_of([0, 0, 10], [0, 0, -1], math.pi / 4))
    assert found.image.shape == (30, 30)
    assert found.image.dtype == np.uint32
    for column in range(30):
        u = column - 14.5
        rows = np.flatnonzero(found.image[:, column])
        if abs(u) > 10:
            assert not len(rows)
            continue
        v = math.sqrt(100 - u * u)
        assert {math.floor(v + 15), math.floor(-v + 15)} <= set(rows.tolist())
    # Symmetric under u <-> v, u -> -u, v -> -v; each pixel counted once.
    assert (found.image == found.image.T).all()
    assert (found.image == found.image[::-1]).all()
    assert (found.image == found.image[:, ::-1]).all()
    assert found.image.max() == 1
    assert found.lit_pixels.tolist() == [found.image.sum()]
    # Centre lines at u = +-0.5 ... +-9.5 cross at 20 columns and 20 rows, two pixels each, of
    # which those of a column and a row coincide where both coordinates fall into one pixel.
    columns = {(math.floor(s * math.sqrt(100 - u * u)), math.floor(u)) for u in
               np.arange(-9.5, 10) for s in (1, -1)}  # fmt: skip
    assert found.image.sum() == len(columns | {(c, r) for r, c in columns})


def test_the_other_nappe_is_a_ghost() -> None:
    # Straight up, the plane below: only the backward half of the double cone meets it.
    up = cones_of([0, 0, 10], [0, 0, 1], math.pi / 4)
    down = cones_of([0, 0, 10], [0, 0, -1], math.pi / 4)
    assert scan(up).image.sum() == 0
    assert scan(up).lit_pixels.tolist() == [0]
    np.testing.assert_array_equal(scan(up, settings=LIST_BOTH).image, scan(down).image)


def test_an_angle_over_90_degrees_opens_backwards() -> None:
    up = cones_of([0, 0, 10], [0, 0, 1], 3 * math.pi / 4)
    down = cones_of([0, 0, 10], [0, 0, -1], math.pi / 4)
    np.testing.assert_array_equal(scan(up).image, scan(down).image)
    assert scan(cones_of([0, 0, 10], [0, 0, -1], 3 * math.pi / 4)).image.sum() == 0


def test_a_right_angle_is_a_straight_line() -> None:
    # The plane through (2.3, 0, 10) perpendicular to x meets the floor at u = 2.3.
    for cosine in (0.0, math.cos(math.pi / 2), -1e-13):
        found = scan(cones_of([2.3, 0, 10], [1, 0, 0], cosine=cosine))
        assert np.flatnonzero(found.image.any(axis=0)).tolist() == [17]
        assert (found.image[:, 17] == 1).all()
    found = scan(cones_of([0, -4.6, 3], [0, 1, 0], cosine=0.0))
    assert np.flatnonzero(found.image.any(axis=1)).tolist() == [10]
    assert found.image.sum() == 30


def test_a_hyperbola_shows_one_branch_forward_and_two_with_both_nappes() -> None:
    # Axis along +u, 45 degrees, 5 cm over the floor: u^2 = v^2 + 25, forward u > 0.
    cone = cones_of([0, 0, 5], [1, 0, 0], math.pi / 4)
    one, two = scan(cone), scan(cone, settings=LIST_BOTH)
    u = SQUARE.u_centers_cm
    assert np.flatnonzero(one.image.any(axis=0)).min() == np.searchsorted(u, 5.0) - 0
    assert not one.image[:, :15].any()
    np.testing.assert_array_equal(two.image, one.image + one.image[:, ::-1])
    row = np.flatnonzero(one.image[:, 25])
    v = math.sqrt(10.5**2 - 25)
    assert {math.floor(v + 15), math.floor(-v + 15)} <= set(row.tolist())


def test_a_parabola_with_a_vanishing_quadratic_term() -> None:
    # Axis (0, 0.6, -0.8) and cos theta = 0.6: on columns the v^2 term is exactly zero.
    axis, cosine = [0.0, 0.6, -0.8], 0.6
    cones = ConeArrays(np.array([[0.0, 0.0, 8.0]]), np.array([axis]), np.array([cosine]))
    found = scan(cones)
    # (0.6 v + 6.4)^2 = 0.36 (u^2 + v^2 + 64): v = (0.36 u^2 - 17.92) / 7.68
    for column, u in enumerate(SQUARE.u_centers_cm):
        v = (0.36 * u * u - 17.92) / 7.68
        if v < 15:
            assert found.image[math.floor(v + 15), column] == 1
    assert_as_reference(cones, FLOOR, SQUARE)


def test_apex_in_the_plane_lights_the_half_lines_through_it() -> None:
    # Apex at a pixel centre, axis along +u, 45 degrees: v = +-u for u >= 0.
    cone = cones_of([0.5, 0.5, 0], [1, 0, 0], math.pi / 4)
    found = scan(cone)
    expected = {(15 + k, 15 + k) for k in range(15)} | {(15 - k, 15 + k) for k in range(15)}
    assert set(zip(*(x.tolist() for x in np.nonzero(found.image)), strict=True)) == expected
    assert found.image[15, 15] == 1
    assert found.image.max() == 1
    both = scan(cone, settings=LIST_BOTH)
    np.testing.assert_array_equal(both.image > 0, np.eye(30, dtype=bool) | mirrored_diagonal())
    assert both.image.max() == 1


def mirrored_diagonal() -> np.ndarray:
    row, column = np.indices((30, 30))
    return row + column == 30


def test_apex_in_the_plane_that_meets_it_nowhere_else() -> None:
    found = scan(cones_of([0.5, 0.5, 0], [0, 0, -1], math.pi / 4), settings=LIST_BOTH)
    assert set(pixels_of(found)) <= {15 * 30 + 15}


@pytest.mark.parametrize(
    ("v", "rows"), [(-15, [0]), (-14, [1]), (0, [15]), (14, [29]), (15, [29]), (15.001, [])]
)
def test_pixels_are_half_open_and_the_last_edge_is_closed(v: float, rows: list[int]) -> None:
    found = scan(cones_of([0, v, 3], [0, 1, 0], cosine=0.0))
    assert np.flatnonzero(found.image.any(axis=1)).tolist() == rows
    found = scan(cones_of([v, 0, 3], [1, 0, 0], cosine=0.0))
    assert np.flatnonzero(found.image.any(axis=0)).tolist() == rows


def test_a_cone_that_misses_the_grid() -> None:
    found = scan(cones_of([500, 0, 10], [0, 0, -1], 0.3))
    assert found.lit_pixels.tolist() == [0]
    assert pixels_of(found) == []


def test_nan_lights_nothing_and_leaves_the_others_alone() -> None:
    good = cones_of([0, 0, 10], [0, 0, -1], math.pi / 4)
    for broken in range(3):
        three = cones_of([0, 0, 10], [[0, 0, -1]] * 3, [math.pi / 4] * 3)
        (three.apex_cm, three.axis, three.cos_theta)[broken][1] = np.nan
        found = scan(three)
        assert found.lit_pixels[1] == 0
        np.testing.assert_array_equal(found.image, 2 * scan(good).image)


@pytest.mark.parametrize("list_mode", [False, True])
def test_no_cone(list_mode: bool) -> None:
    nothing = ConeArrays(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    found = scan(nothing, settings=ImagingMethod(list_mode=list_mode), threads=Threads(4))
    assert found.image.shape == (30, 30)
    assert found.image.dtype == np.uint32
    assert found.image.sum() == 0
    assert found.lit_pixels.shape == (0,)
    if list_mode:
        assert found.footprints is not None
        assert found.footprints.offsets.tolist() == [0]
        assert found.footprints.pixels.shape == (0,)
    else:
        assert found.footprints is None


def test_a_grid_of_one_pixel() -> None:
    grid = PixelGrid(**grid_of((9, 11, 2), (-1, 1, 2)))
    assert scan(cones_of([0, 0, 10], [0, 0, -1], math.pi / 4), grid=grid).image.tolist() == [[1]]


# --- against the reference --------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_random_cones_as_the_reference(seed: int) -> None:
    frame, grid = tilted(seed)
    assert grid.nu != grid.nv
    assert assert_as_reference(random_cones(seed, 150, frame, grid), frame, grid) > 100


def test_random_cones_on_a_tall_grid_with_flat_pixels() -> None:
    frame, grid = tilted(9, **grid_of((-6, 9, 2.5), (-30, 10, 0.8)))
    assert assert_as_reference(random_cones(9, 40, frame, grid), frame, grid) > 30


def test_parabolas_as_the_reference() -> None:
    # A generator is parallel to the plane: theta = 90 degrees - angle of axis and normal.
    frame, grid = tilted(11)
    cones = random_cones(11, 60, frame, grid)
    across = np.abs(cones.axis @ np.array(frame.normal))
    sign = np.random.default_rng(1).choice([-1, 1], 60)
    parabolas = ConeArrays(cones.apex_cm, cones.axis, sign * np.sqrt(1 - across**2))
    assert assert_as_reference(parabolas, frame, grid) > 30


def test_straight_lines_as_the_reference() -> None:
    frame, grid = tilted(12)
    cones = random_cones(12, 60, frame, grid)
    for cosine in (0.0, math.cos(math.pi / 2)):
        lines = ConeArrays(cones.apex_cm, cones.axis, np.full(60, cosine))
        assert assert_as_reference(lines, frame, grid) > 20


def test_wide_and_narrow_angles_as_the_reference() -> None:
    frame, grid = tilted(13)
    cones = random_cones(13, 60, frame, grid)
    cosine = np.cos(np.linspace(0.5, 1.0, 60) * math.pi - 0.01)
    assert_as_reference(ConeArrays(cones.apex_cm, cones.axis, cosine), frame, grid)
    narrow = np.cos(np.linspace(0.02, 0.2, 60))
    assert assert_as_reference(ConeArrays(cones.apex_cm, cones.axis, narrow), frame, grid) > 20


def test_apexes_in_the_plane_as_the_reference() -> None:
    frame, grid = FLOOR, PixelGrid(**grid_of())
    cones = random_cones(14, 60, frame, grid)
    cones.apex_cm[:, 2] = 0.0
    assert assert_as_reference(cones, frame, grid) > 20


def test_axes_parallel_to_the_plane_as_the_reference() -> None:
    frame, grid = FLOOR, PixelGrid(**grid_of())
    cones = random_cones(15, 60, frame, grid)
    cones.axis[:, 2] = 0.0
    cones.axis[:20, 0] = 0.0
    cones.axis[20:30, 1] = 0.0
    cones.axis[:] /= np.linalg.norm(cones.axis, axis=1)[:, None]
    assert assert_as_reference(cones, frame, grid) > 20


# --- properties -------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.sampled_from(["forward", "both"]))
def test_a_cone_through_a_point_lights_its_pixel(seed: int, nappe: Any) -> None:
    rng = np.random.default_rng(seed)
    frame, grid = tilted(seed)
    n = 40
    # The centre of a pixel, an apex anywhere, an axis anywhere: theta is what leads there.
    column, row = rng.integers(0, grid.nu, n), rng.integers(0, grid.nv, n)
    point = plane_to_world(grid.u_centers_cm, grid.u_centers_cm * 0, frame, grid)[column]
    point = point + grid.v_centers_cm[row][:, None] * np.array(grid.v_axis)
    apex = point + rng.normal(0, 40, (n, 3))
    axis = rng.normal(size=(n, 3))
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    ray = point - apex
    theta = np.arctan2(np.linalg.norm(np.cross(axis, ray), axis=1), (axis * ray).sum(axis=1))
    found = scan(
        ConeArrays(apex, axis, np.cos(theta)),
        frame,
        grid,
        ImagingMethod("sbp", "scan", nappe, True),
    )
    for k in range(n):
        assert row[k] * grid.nu + column[k] in pixels_of(found, k)


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_both_nappes_light_at_least_what_the_forward_one_does(seed: int) -> None:
    frame, grid = tilted(seed)
    cones = random_cones(seed, 50, frame, grid)
    forward, both = scan(cones, frame, grid), scan(cones, frame, grid, LIST_BOTH)
    assert (both.image >= forward.image).all()
    assert (both.lit_pixels >= forward.lit_pixels).all()
    for k in range(50):
        assert set(pixels_of(forward, k)) <= set(pixels_of(both, k))
    # Both nappes are those of the axis and of its opposite.
    turned = scan(ConeArrays(cones.apex_cm, -cones.axis, cones.cos_theta), frame, grid)
    for k in range(50):
        assert set(pixels_of(both, k)) == set(pixels_of(forward, k)) | set(pixels_of(turned, k))


@pytest.mark.parametrize("nappe", ["forward", "both"])
@pytest.mark.parametrize("list_mode", [True, False])
def test_threads_and_tasks_change_nothing(nappe: Any, list_mode: bool) -> None:
    frame, grid = tilted(21)
    cones = random_cones(21, 700, frame, grid)
    settings_ = ImagingMethod(nappe=nappe, list_mode=list_mode)
    expected = scan(cones, frame, grid, settings_)
    assert expected.image.sum() > 1000
    for count in (1, 2, 4):
        for task in (0, 1, 7, 64, 699, 700, 701, 10**9):
            assert_equal(scan(cones, frame, grid, settings_, Threads(count, task)), expected)


def test_list_mode_sums_to_the_image_in_cone_order() -> None:
    frame, grid = tilted(22)
    cones = random_cones(22, 300, frame, grid)
    plain = scan(cones, frame, grid, ImagingMethod())
    found = scan(cones, frame, grid, LIST, Threads(3, 17))
    np.testing.assert_array_equal(found.image, plain.image)
    assert found.footprints is not None
    assert found.footprints.n_cones == 300
    assert (found.footprints.offsets.dtype, found.footprints.pixels.dtype) == (np.uint64, np.uint32)
    np.testing.assert_array_equal(np.diff(found.footprints.offsets.astype(int)), found.lit_pixels)
    counts = np.bincount(found.footprints.pixels, minlength=grid.nu * grid.nv)
    np.testing.assert_array_equal(counts.reshape(grid.shape), found.image)
    for k in range(300):
        alone = ConeArrays(cones.apex_cm[k : k + 1], cones.axis[k : k + 1], cones.cos_theta[[k]])
        pixels = pixels_of(found, k)
        assert pixels == pixels_of(scan(alone, frame, grid))
        assert len(set(pixels)) == len(pixels)


@pytest.mark.parametrize("engine", ["scan", "poly"])
@pytest.mark.parametrize("first", ["dark", "bright"])
def test_footprints_when_the_first_cones_are_unlike_the_others(engine: Any, first: str) -> None:
    # Room is taken after the first task: too little where those miss the grid, too much otherwise.
    frame, grid = tilted(23)
    cones = random_cones(23, 2000, frame, grid)
    dark = ConeArrays(cones.apex_cm, cones.axis, np.full(2000, np.nan))
    pair = (dark, cones) if first == "dark" else (cones, dark)
    both = ConeArrays(*(np.concatenate(x) for x in zip(*map(arrays_of, pair), strict=True)))
    settings_ = ImagingMethod(engine=engine, list_mode=True, poly_samples=360)
    project = METHODS["sbp", engine]
    lit = project(cones, frame, grid, settings_, ONE)
    assert lit.footprints is not None
    for count in (1, 2, 3):
        found = project(both, frame, grid, settings_, Threads(count, 50))
        assert found.footprints is not None
        np.testing.assert_array_equal(found.footprints.pixels, lit.footprints.pixels)
        np.testing.assert_array_equal(found.image, lit.image)
        bright = slice(2000, None) if first == "dark" else slice(2000)
        np.testing.assert_array_equal(found.lit_pixels[bright], lit.lit_pixels)
        assert found.lit_pixels.sum() == lit.lit_pixels.sum()


def test_footprints_when_the_room_expected_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, grid = tilted(24)
    cones = random_cones(24, 900, frame, grid)
    expected = scan(cones, frame, grid, LIST)
    asked: list[int] = []

    def refusing(n: int) -> np.ndarray:
        asked.append(n)
        if len(asked) == 1:
            raise MemoryError
        return np.empty(n, np.uint32)

    monkeypatch.setattr(cone_shares, "uninitialised", refusing)
    assert_equal(scan(cones, frame, grid, LIST, Threads(2, 50)), expected)
    assert len(asked) == 2
    assert asked[1] < asked[0]


def arrays_of(cones: ConeArrays) -> tuple[np.ndarray, ...]:
    return cones.apex_cm, cones.axis, cones.cos_theta


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_the_order_of_cones_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame, grid = tilted(seed)
    cones = random_cones(seed, 60, frame, grid)
    order = rng.permutation(60)
    shuffled = ConeArrays(cones.apex_cm[order], cones.axis[order], cones.cos_theta[order])
    before, after = scan(cones, frame, grid), scan(shuffled, frame, grid, LIST, Threads(2, 9))
    np.testing.assert_array_equal(after.image, before.image)
    np.testing.assert_array_equal(after.lit_pixels, before.lit_pixels[order])
    for place, k in enumerate(order):
        assert pixels_of(after, place) == pixels_of(before, k)


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_the_image_turns_and_moves_with_the_world(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame, grid = FLOOR, SQUARE
    cones = random_cones(seed, 30, frame, grid)
    turn, shift = Rotation.random(random_state=seed), rng.uniform(-20, 20, 3)
    turned_frame = PlaneFrame(tuple(shift), tuple(turn.apply(frame.normal)))
    turned_grid = PixelGrid(
        **grid_of((-15, 15, 1), (-15, 15, 1)),
        u_axis=tuple(turn.apply(grid.u_axis)),
        v_axis=tuple(turn.apply(grid.v_axis)),
    )
    turned = ConeArrays(turn.apply(cones.apex_cm) + shift, turn.apply(cones.axis), cones.cos_theta)
    before, after = scan(cones), scan(turned, turned_frame, turned_grid)
    # A root at an edge may change sides by rounding, no more.
    differ = np.abs(before.image.astype(int) - after.image.astype(int)).sum()
    assert differ <= 1e-3 * before.image.sum() + 2
    uv = np.array(world_to_plane(turned.apex_cm, turned_frame, turned_grid))
    assert uv == pytest.approx(np.array(world_to_plane(cones.apex_cm, frame, grid)), abs=1e-10)


# --- nodes ------------------------------------------------------------------------------------


def selected(cones: ConeArrays) -> pd.DataFrame:
    n = len(cones.cos_theta)
    return SELECTED_CONES.frame(
        {
            "event_index": np.arange(n),
            "event_id": np.arange(n),
            "species": ["n"] * n,
            "candidate_row": np.arange(n),
            "recoil_code": np.ones(n),
            **{f"hit_order_{k}": np.full(n, k - 1) for k in (1, 2, 3)},
            **{f"apex_{a}_cm": cones.apex_cm[:, i] for i, a in enumerate("xyz")},
            **{f"axis_{a}": cones.axis[:, i] for i, a in enumerate("xyz")},
            "theta_rad": np.arccos(cones.cos_theta),
            "incident_energy_MeV": np.ones(n),
            "recoil_energy_MeV": np.ones(n),
            "delta_theta_rad": np.zeros(n),
        }
    )


def test_nodes_throw_the_frame_on_the_plane() -> None:
    frame, grid = tilted(31)
    cones = random_cones(31, 50, frame, grid)
    table = selected(cones)
    before = table.copy(deep=True)
    expected = scan(
        ConeArrays(cones.apex_cm, cones.axis, np.cos(table["theta_rad"].to_numpy())), frame, grid
    )
    for node in (images.neutron_back_projection, images.gamma_back_projection, back_projection):
        assert_equal(node(table, frame, grid, LIST, Threads(2)), expected)
    pd.testing.assert_frame_equal(table, before)


def test_inputs_stay_as_they_are() -> None:
    cones = random_cones(32, 20, FLOOR, SQUARE)
    before = [a.copy() for a in (cones.apex_cm, cones.axis, cones.cos_theta)]
    for array in (cones.apex_cm, cones.axis, cones.cos_theta):
        array.flags.writeable = False
    scan(cones)
    for old, array in zip(before, (cones.apex_cm, cones.axis, cones.cos_theta), strict=True):
        np.testing.assert_array_equal(old, array)


def test_a_method_that_is_not_there_is_an_error() -> None:
    table = selected(random_cones(33, 2, FLOOR, SQUARE))
    with pytest.raises(KeyError, match="mlem"):
        back_projection(table, FLOOR, SQUARE, ImagingMethod("mlem"), ONE)
    assert ("sbp", "scan") in METHODS


def test_summed_images_are_exact_counts() -> None:
    frame, grid = tilted(34)
    n, g = (scan(random_cones(s, 40, frame, grid), frame, grid) for s in (34, 35))
    found = images.summed_images(n, g, grid, True, True)
    np.testing.assert_array_equal(found.all, n.image + g.image)
    assert found.all.dtype == np.uint32
    assert list(found.present()) == ["n", "g", "all"]
    only = images.summed_images(n, g, grid, False, True)
    assert only.n is None
    np.testing.assert_array_equal(only.all, g.image)
    assert list(images.summed_images(n, g, grid, True, False).present()) == ["n", "all"]
