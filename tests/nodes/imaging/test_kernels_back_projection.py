"""The scan kernel: its contract with the caller, and equality with its plain-Python form."""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.nodes.imaging.kernels import back_projection as kernel

SEEDS = st.integers(0, 2**32 - 1)
NU, NV = 12, 7
GRID = (-6.0, 1.0, NU, -7.0, 2.0, NV)
PER_CONE = 2 * (NU + NV)
UNIT = np.eye(3)
FLOOR = (np.zeros(3), UNIT[0], UNIT[1], UNIT[2])

Cones = tuple[np.ndarray, np.ndarray, np.ndarray]


def cones_of(seed: int, n: int) -> Cones:
    """Random cones, some of them with an exact right angle, in the plane or parallel to it."""
    rng = np.random.default_rng(seed)
    apex = rng.normal(0, 8, (n, 3))
    axis = rng.normal(size=(n, 3))
    kind = rng.integers(0, 8, n)
    apex[kind == 0, 2] = 0.0
    axis[kind == 1, 2] = 0.0
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    cosine = np.cos(rng.uniform(0.05, 3.1, n))
    cosine[kind == 2] = 0.0
    axis[kind == 3] = [0.0, 0.6, -0.8]
    cosine[kind == 3] = 0.6
    return apex, axis, cosine


def scratch() -> tuple[np.ndarray, ...]:
    return kernel.scan_scratch(*GRID[1:3], *GRID[4:6])


def scanned(
    cones: Cones, *, forward: bool = True, keep: bool = True, span: Any = None, scan: Any = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """(image, lit pixels, scratch, places filled) of the cones in the span."""
    n = len(cones[2])
    start, stop = span or (0, n)
    image = np.zeros(NU * NV, np.uint32)
    lit = np.zeros(n, np.uint32)
    pixels = np.full(PER_CONE * (stop - start if keep else 1) + 2, 10**6, np.uint32)
    filled = (scan or kernel.scan_cones)(
        *cones, *FLOOR, *GRID, forward, keep, start, stop, image, lit, pixels, *scratch()
    )
    return image, lit, pixels, filled


def test_places_filled_are_the_pixels_lit() -> None:
    image, lit, pixels, filled = scanned(cones_of(1, 200))
    assert filled == lit.sum() == image.sum() > 500
    assert pixels[:filled].max() < NU * NV
    np.testing.assert_array_equal(np.bincount(pixels[:filled], minlength=NU * NV), image)


def test_without_keeping_only_the_last_cone_is_in_the_scratch() -> None:
    cones = cones_of(2, 100)
    kept, dropped = scanned(cones), scanned(cones, keep=False)
    np.testing.assert_array_equal(kept[0], dropped[0])
    np.testing.assert_array_equal(kept[1], dropped[1])
    assert dropped[3] == dropped[1][-1]
    last = int(kept[1][-1])
    np.testing.assert_array_equal(dropped[2][:last], kept[2][kept[3] - last : kept[3]])


def test_a_last_cone_that_lights_nothing_fills_nothing() -> None:
    apex, axis, cosine = cones_of(6, 20)
    cosine[-1] = np.nan
    for keep in (False, True):
        _, lit, _, filled = scanned((apex, axis, cosine), keep=keep)
        assert lit[-1] == 0
        assert filled == (lit.sum() if keep else 0)


def test_a_span_touches_only_its_cones() -> None:
    cones = cones_of(3, 50)
    whole = scanned(cones)
    parts = [scanned(cones, span=span) for span in ((0, 17), (17, 17), (17, 50))]
    np.testing.assert_array_equal(sum(p[0] for p in parts), whole[0])
    np.testing.assert_array_equal(sum(p[1] for p in parts), whole[1])
    assert not parts[0][1][17:].any()
    assert parts[1][3] == 0
    joined = np.concatenate([p[2][: p[3]] for p in parts])
    np.testing.assert_array_equal(joined, whole[2][: whole[3]])


def test_counts_are_added_to_what_the_image_holds() -> None:
    cones = cones_of(4, 30)
    expected, lit, pixels, _ = scanned(cones)
    image = np.full(NU * NV, 5, np.uint32)
    kernel.scan_cones(*cones, *FLOOR, *GRID, True, False, 0, 30, image, lit, pixels, *scratch())
    np.testing.assert_array_equal(image, expected + 5)


def test_the_scratch_is_never_overrun() -> None:
    # Every cone that lights most: a wide one whose two branches cross the whole grid.
    n = 20
    apex = np.tile([0.1, 0.2, 0.3], (n, 1))
    axis = np.tile([1.0, 0.0, 0.0], (n, 1))
    cosine = np.cos(np.linspace(0.2, 1.5, n))
    for forward in (True, False):
        _, lit, pixels, filled = scanned((apex, axis, cosine), forward=forward)
        assert (lit <= PER_CONE).all()
        assert filled <= len(pixels) - 2


def plain_python(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The kernel without its compiler, and without warnings where it divides by zero."""
    monkeypatch.setattr(kernel, "_line_crossings", kernel._line_crossings.py_func)

    def scan(*arguments: Any) -> int:
        with np.errstate(all="ignore"):
            return int(kernel.scan_cones.py_func(*arguments))

    return scan


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("keep", [True, False])
def test_compiled_equals_plain_python(
    forward: bool, keep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cones = cones_of(5, 150)
    cones[2][7] = np.nan
    compiled = scanned(cones, forward=forward, keep=keep)
    plain = scanned(cones, forward=forward, keep=keep, scan=plain_python(monkeypatch))
    assert compiled[3] == plain[3]
    for a, b in zip(compiled[:2], plain[:2], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(compiled[2][: compiled[3]], plain[2][: plain[3]])
    assert compiled[0].sum() > 300


def crossings(
    lines: int, p0: float, axis: tuple[float, float, float], height: float, cosine: float,
    q_low: float = -10.0, n_q: int = 20, forward: bool = True,
) -> list[tuple[int, int]]:  # fmt: skip
    """Pixels of 1 cm along q on lines p0, p0 + 1 ... with the apex's foot at the origin."""
    first, second = np.empty(lines, np.int32), np.empty(lines, np.int32)
    a_p, a_q, a_n = axis
    floor_ = -kernel.NAPPE_TOLERANCE_CM if forward else -np.inf
    sign = 1.0 if cosine >= 0 else -1.0
    kernel._line_crossings(
        first, second, np.arange(lines) * 1.0, p0, a_p, a_q, a_n * height, height * height,
        abs(cosine), sign, floor_, -q_low, 1.0, n_q,
    )  # fmt: skip
    return list(zip(first.tolist(), second.tolist(), strict=True))


def test_both_roots_of_a_circle() -> None:
    # p^2 + q^2 = 25 at p = 3: q = -4 and 4, in pixels 6 and 14 of a grid from -10.5.
    down = (0.0, 0.0, -1.0)
    found = crossings(1, 3.0, down, -5.0, math.sqrt(0.5), q_low=-10.5)
    assert set(found[0]) == {6, 14}
    assert crossings(1, 5.5, down, -5.0, math.sqrt(0.5)) == [(-1, -1)]


@pytest.mark.parametrize(
    ("q_low", "n_q", "expected"),
    [(-18.0, 20, 19), (-18.0, 19, -1), (-17.5, 20, 19), (0.0, 20, 2), (2.0, 20, 0), (2.5, 20, -1)],
)
def test_edges_for_the_other_root(q_low: float, n_q: int, expected: int) -> None:
    """Half-open pixels, the last edge closed, with numbers that are exact in binary.

    a_q = 1, cos = 1/2, g = 3, r = 96: A = 3/4, B = 3, C = 9 - 24, disc = (9 + 72) / 4, so
    q = -(3 + 4.5) / A = -10 and q = -15 / -7.5 = 2.
    """
    first, second = np.empty(1, np.int32), np.empty(1, np.int32)
    kernel._line_crossings(
        first, second, np.zeros(1), 0.0, 0.0, 1.0, 3.0, 96.0, 0.5, 1.0, -np.inf, -q_low, 1.0, n_q
    )
    assert second[0] == expected
    assert first[0] == (int(-10 - q_low) if q_low < -10 else -1)


def test_a_touching_line_within_rounding_is_a_double_root() -> None:
    # Axis (0, 0.6, -0.8): B is not zero; the discriminant is moved below zero by one part in
    # 1e13 of B^2, which counts as zero, and by one in 1e9, which does not.
    a_q, a_n, h = 0.6, -0.8, -5.0
    cos2 = 0.8
    g = a_n * h
    A = a_q * a_q - cos2
    r = -g * g / A  # disc = cos2 (g^2 + A r) = 0
    for excess, expected in ((1e-13, True), (1e-9, False)):
        p = math.sqrt(r * (1 + excess) - h * h)
        ((first, second),) = crossings(1, p, (0.0, a_q, a_n), h, math.sqrt(cos2))
        assert (first >= 0) == expected
        assert (second >= 0) == expected
        if expected:
            assert first == second == math.floor(-a_q * g / A + 10)


def test_a_root_just_behind_the_apex_is_forward() -> None:
    # The tolerance of the forward test is 1e-9 cm: the apex itself, in the plane, counts.
    found = crossings(1, 0.0, (1.0, 0.0, 0.0), 0.0, math.sqrt(0.5), q_low=-10.5, n_q=21)
    assert set(found[0]) - {-1} == {10}


@pytest.mark.parametrize(("behind_cm", "lit"), [(0.9e-9, True), (1e-6, False)])
def test_a_billionth_of_a_centimetre_behind_the_apex_is_forward(
    behind_cm: float, lit: bool
) -> None:
    """A cone of 45 degrees around u; on its backward line q = p, p = -behind."""
    found = crossings(1, -behind_cm, (1.0, 0.0, 0.0), 0.0, math.sqrt(0.5), q_low=-10.5, n_q=21)
    assert (set(found[0]) - {-1} == {10}) == lit


def test_a_nearly_vanishing_quadratic_term_costs_no_digits() -> None:
    """A = 2^-28: of the difference of two numbers near 2 a division by it would leave 1e-7 cm."""
    a_p, a_q, p, h = 0.75, 0.5 + 2.0**-28, 3.0, 2.0
    with localcontext(Context(prec=50)):
        g, cos2 = Decimal(a_p) * Decimal(p), Decimal("0.25")
        A, B = Decimal(a_q) ** 2 - cos2, Decimal(a_q) * g
        root = (cos2 * (g * g + A * Decimal(p * p + h * h))).sqrt()
        near = float((root - B) / A)
    # Pixels of 1e-9 cm, the root in the middle of a million of them.
    first, second = np.empty(1, np.int32), np.empty(1, np.int32)
    kernel._line_crossings(
        first, second, np.zeros(1), p, a_p, a_q, 0.0, h * h, 0.5, 1.0, -np.inf,
        0.5e-3 - near, 1e9, 10**6,
    )  # fmt: skip
    assert min(abs(first[0] - 500_000), abs(second[0] - 500_000)) <= 2


@settings(deadline=None, max_examples=50)
@given(SEEDS)
def test_a_reflected_cone_has_the_reflected_image(seed: int) -> None:
    apex, axis, cosine = cones_of(seed, 20)
    # The grid is symmetric in u (-6 to 6) and v (-7 to 7).
    mirror = np.array([-1.0, 1.0, 1.0])
    image = scanned((apex, axis, cosine))[0].reshape(NV, NU).astype(int)
    mirrored = scanned((apex * mirror, axis * mirror, cosine))[0].reshape(NV, NU).astype(int)
    # Only a root exactly on an edge tells the two sides of it apart.
    assert np.abs(image - mirrored[:, ::-1]).sum() <= 2


@settings(deadline=None, max_examples=50)
@given(SEEDS)
def test_an_opposite_axis_with_an_opposite_cosine_is_the_same_cone(seed: int) -> None:
    apex, axis, cosine = cones_of(seed, 30)
    # With cos = 0 the sign decides nothing: both halves count.
    image = scanned((apex, axis, cosine))[0]
    np.testing.assert_array_equal(scanned((apex, -axis, -cosine))[0], image)
