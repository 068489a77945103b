"""The lines that the scan kernel solves: every other line has no root in the grid."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.nodes.imaging.kernels import back_projection as kernel

SEEDS = st.integers(0, 2**32 - 1)
N = 60
Grid = tuple[float, float, int, float, float, int]
Cones = tuple[np.ndarray, np.ndarray, np.ndarray]


def families(rng: np.random.Generator) -> Iterator[tuple[str, Cones]]:
    """Cones over the plane z = 0: ordinary ones and every kind that nearly is another kind."""
    foot = rng.uniform(-20, 20, (N, 3))
    height = 10.0 ** rng.uniform(-1, 2.5, N) * rng.choice([-1, 1], N)
    apex = np.column_stack([foot[:, 0], foot[:, 1], height])
    axis = unit(rng.normal(size=(N, 3)))
    any_angle = np.cos(rng.uniform(0, math.pi, N))
    nearly = rng.choice([0, 1, -1], N) * 10.0 ** rng.uniform(-16, -4, N)
    yield "any", (apex, axis, any_angle)
    yield "straight", (apex, axis, np.zeros(N))
    yield "nearly straight", (apex, axis, 10.0 ** rng.uniform(-14, -2, N))
    yield "narrow", (apex, axis, np.cos(10.0 ** rng.uniform(-9, -1, N)))
    yield "no opening", (apex, axis, np.ones(N))
    low = apex.copy()
    low[:, 2] = rng.choice([-1, 1], N) * 10.0 ** rng.uniform(-14, 0, N)
    yield "near the plane", (low, axis, any_angle)
    yield "in the plane", (apex * [1, 1, 0], axis, any_angle)
    parabolic = np.sqrt(1 - axis[:, 2] ** 2) * (1 + nearly)
    yield "parabola", (apex, axis, np.clip(parabolic, -1, 1))
    yield "parallel to the plane", (apex, unit(axis * [1, 1, 0]), any_angle)
    along = np.eye(3)[rng.integers(0, 3, N)] * rng.choice([-1, 1], (N, 1))
    yield "along an axis", (apex, along, any_angle)
    tilted = unit(along + rng.normal(size=(N, 3)) * 10.0 ** rng.uniform(-16, -3, (N, 1)))
    yield "nearly along an axis", (apex, tilted, any_angle)
    yield "asymptote along the rows", (apex, axis, np.clip(axis[:, 0] * (1 + nearly), -1, 1))
    yield "asymptote along the columns", (apex, axis, np.clip(axis[:, 1] * (1 + nearly), -1, 1))
    even = np.round(apex)
    radius = rng.integers(1, 8, N)
    yield "touching lines", (even, along, np.cos(np.arctan2(radius, np.abs(even[:, 2]))))
    yield "far away", (1e3 * apex, unit(-apex), np.cos(10.0 ** rng.uniform(-4, 0, N)))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1)[:, None]


def some_grid(rng: np.random.Generator) -> Grid:
    """Pixels of any shape and size, the middle somewhere near the origin."""
    n_u, n_v = (int(n) for n in rng.integers(1, 90, 2))
    half_u, half_v = 10.0 ** rng.uniform(-1, 2.5, 2)
    u, v = rng.uniform(-20, 20, 2)
    return u - half_u, 2 * half_u / n_u, n_u, v - half_v, 2 * half_v / n_v, n_v


def reached_and_lit(
    cones: Cones, k: int, grid: Grid, *, forward: bool
) -> tuple[tuple[range, range], tuple[np.ndarray, np.ndarray]]:
    """(columns, rows) that are solved, and those with a root when every line is solved."""
    apex, axis, cos_theta = cones
    u_min, du, nu, v_min, dv, nv = grid
    x_min, y_min, h = u_min - apex[k, 0], v_min - apex[k, 1], -apex[k, 2]
    a_u, a_v, a_n = axis[k]
    cos_abs, sign = abs(cos_theta[k]), 1.0 if cos_theta[k] >= 0 else -1.0
    half = forward and cos_abs >= kernel.COSINE_ZERO
    floor_ = -kernel.NAPPE_TOLERANCE_CM if half else -np.inf
    reached = np.zeros(4, np.int64)
    found = kernel._lines_reached(
        reached, np.empty((2, 12)), a_u, a_v, a_n, h, cos_abs, sign, floor_,
        x_min, du, nu, y_min, dv, nv,
    )  # fmt: skip
    if not found:
        reached[:] = 0
    lit = []
    for p_min, dp, n_p, a_p, q_min, dq, n_q, a_q in (
        (x_min, du, nu, a_u, y_min, dv, nv, a_v),
        (y_min, dv, nv, a_v, x_min, du, nu, a_u),
    ):
        first, second = np.empty(n_p, np.int32), np.empty(n_p, np.int32)
        kernel._line_crossings(
            first, second, np.arange(n_p) * dp, p_min + 0.5 * dp, a_p, a_q, a_n * h, h * h,
            cos_abs, sign, floor_, -q_min, 1.0 / dq, n_q,
        )  # fmt: skip
        lit.append(np.flatnonzero((first >= 0) | (second >= 0)))
    return (range(*reached[:2]), range(*reached[2:])), (lit[0], lit[1])


@settings(deadline=None, max_examples=12)
@given(SEEDS, st.booleans())
def test_every_line_with_a_root_is_solved(seed: int, forward: bool) -> None:
    rng = np.random.default_rng(seed)
    for name, cones in families(rng):
        grid = some_grid(rng)
        for k in range(N):
            solved, lit = reached_and_lit(cones, k, grid, forward=forward)
            for lines, with_root in zip(solved, lit, strict=True):
                assert set(with_root.tolist()) <= set(lines), (name, k, grid)


def test_few_lines_are_solved_in_vain() -> None:
    rng = np.random.default_rng(3)
    grid: Grid = (-50.0, 1.0, 100, -50.0, 1.0, 100)
    n_solved = n_lit = 0
    for _ in range(10):
        _, cones = next(families(rng))
        for k in range(N):
            solved, lit = reached_and_lit(cones, k, grid, forward=True)
            n_solved += sum(map(len, solved))
            # A hyperbola enters the grid twice: what lies between is solved as well.
            n_lit += sum(int(np.ptp(x)) + 1 for x in lit if len(x))
    assert n_lit > 10_000
    assert n_solved < 1.25 * n_lit


def test_a_circle_reaches_its_columns_and_rows() -> None:
    # From (3.7, -2.7, 10) straight down at 45 degrees: a circle of 10 cm. Columns 1 cm wide from
    # -50: -6.3 to 13.7 holds the centres of 44 to 63, and two lines more on each side are solved.
    cones = np.array([[3.7, -2.7, 10.0]]), np.array([[0.0, 0.0, -1.0]]), np.array([math.sqrt(0.5)])
    grid: Grid = (-50.0, 1.0, 100, -50.0, 1.0, 100)
    (columns, rows), lit = reached_and_lit(cones, 0, grid, forward=True)
    assert [(x[0], x[-1]) for x in lit] == [(44, 63), (37, 56)]
    assert columns == range(41, 65)
    assert rows == range(35, 59)


@pytest.mark.parametrize("what", ["beside the grid", "nappe behind", "nan"])
def test_a_cone_that_lights_nothing_solves_nothing(what: str) -> None:
    apex = np.array([[500.0 if what == "beside the grid" else 0.0, 0.0, 10.0]])
    axis = np.array([[0.0, 0.0, 1.0 if what == "nappe behind" else -1.0]])
    cosine = np.array([math.nan if what == "nan" else math.cos(0.3)])
    grid: Grid = (-50.0, 1.0, 100, -50.0, 1.0, 100)
    solved, lit = reached_and_lit((apex, axis, cosine), 0, grid, forward=True)
    assert [len(x) for x in (*solved, *lit)] == [0, 0, 0, 0]
