"""Simple back projection, scan engine: which pixels of a plane the surface of a cone crosses.

In plane coordinates relative to the foot of the apex a point is d = (p, q, h) with h the
(fixed) height of the plane over the apex; the cone is (a.d)^2 = cos^2(theta) d.d. On a line of
constant p this is a quadratic in q whose discriminant factorises,
disc = cos^2 (g^2 + A r), g = a_p p + a_n h, r = p^2 + h^2, A = a_q^2 - cos^2,
so that no large terms cancel. Compare S. J. Wilderman et al., IEEE Trans. Nucl. Sci. 45
(1998) 957, for the solution line by line.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

NAPPE_TOLERANCE_CM = 1e-9
COSINE_ZERO = 1e-12
DISCRIMINANT_TOLERANCE = 1e-12


# Above this |A| both roots come from one square root without a division: what cancels then is
# below 1e-10 cm for planes of metres.
DIRECT_ROOTS_ABOVE = 1e-3
# (h sin(theta))^2 over the square of the reach of the grid.
NEARLY_IN_PLANE = 1e-12

# The first run compiles, so code is kept small: what two places call is a function and
# not written twice, no array is made here, and nobody calls from C.
_scanning = partial(njit, nogil=True, _nrt=False, no_cfunc_wrapper=True, error_model="numpy")


@_scanning(forceinline=True)
def _pixel(
    q: float,
    forward: float,
    floor_: float,
    q_shift: float,
    inverse_dq: float,
    n_q: int,
) -> Any:
    """The pixel along q of a root, -1 where it is outside or on the other nappe."""
    f = (q + q_shift) * inverse_dq
    lit = (f >= 0.0) & (f <= n_q) & (forward >= floor_)
    # The last edge is closed: a root on it belongs to the last pixel.
    last = n_q - 0.5
    return np.int32(f if f < last else last) if lit else -1


@_scanning()
def _line_crossings(
    first: Any,
    second: Any,
    steps: Any,
    p0: float,
    a_p: float,
    a_q: float,
    a_n_h: float,
    hh: float,
    cos_abs: float,
    sign: float,
    floor_: float,
    q_shift: float,
    inverse_dq: float,
    n_q: int,
) -> None:
    """For each line p = p0 + step, the pixel along q of both roots, -1 where there is none."""
    cos2 = cos_abs * cos_abs
    A = a_q * a_q - cos2
    inverse_A = 1.0 / A if A != 0.0 else np.inf
    direct = abs(A) > DIRECT_ROOTS_ABOVE
    for i in range(first.shape[0]):
        p = p0 + steps[i]
        g = a_p * p + a_n_h
        r = p * p + hh
        B = a_q * g
        disc = cos2 * (g * g + A * r)
        if disc < 0.0 and disc >= -DISCRIMINANT_TOLERANCE * B * B:
            disc = 0.0
        root = math.sqrt(disc) if disc >= 0.0 else np.nan
        if direct:
            q1 = (-B - root) * inverse_A
            q2 = (root - B) * inverse_A
        else:
            t = -(B + math.copysign(root, B))
            q1 = t * inverse_A
            q2 = (g * g - cos2 * r) / t if t != 0.0 else np.nan
        first[i] = _pixel(q1, sign * (g + a_q * q1), floor_, q_shift, inverse_dq, n_q)
        second[i] = _pixel(q2, sign * (g + a_q * q2), floor_, q_shift, inverse_dq, n_q)


@_scanning()
def _edge_crossings(p: float, a_p: float, a_q: float, a_n_h: float, hh: float, cos2: float) -> Any:
    """Both roots q on one line, nan where there is none."""
    A = a_q * a_q - cos2
    g = a_p * p + a_n_h
    r = p * p + hh
    B = a_q * g
    disc = cos2 * (g * g + A * r)
    if not disc >= 0.0:
        return np.nan, np.nan
    t = -(B + math.copysign(math.sqrt(disc), B))
    return t / A if A != 0.0 else np.nan, (g * g - cos2 * r) / t if t != 0.0 else np.nan


@_scanning()
def _turning_points(a_p: float, a_q: float, a_n: float, h: float, cos2: float) -> Any:
    """Where p is least or greatest along the conic, (p, q) twice, nan where it is not.

    The discriminant of disc(p) factorises as well: it is -A h^2 sin^2(theta), so that only
    A < 0 has such points; there q = -B / A.
    """
    A = a_q * a_q - cos2
    if not A < 0.0:
        return np.nan, np.nan, np.nan, np.nan
    half = a_p * a_n * h
    t = -(half + math.copysign(abs(h) * math.sqrt(-A * (1.0 - cos2)), half))
    bent = a_p * a_p + A
    p1 = t / bent if bent != 0.0 else np.nan
    p2 = h * h * (a_n * a_n + A) / t if t != 0.0 else np.nan
    return p1, -a_q * (a_p * p1 + a_n * h) / A, p2, -a_q * (a_p * p2 + a_n * h) / A


@_scanning()
def _lines_between(low: float, high: float, step: float, n: int) -> Any:
    """First and last + 1 line from ``low`` to ``high`` and two more on either side, within n."""
    first, last = np.int64(low / step) - 2, np.int64(high / step) + 2
    return first if first > 0 else 0, last if last < n else n


@_scanning()
def _lines_reached(
    reached: Any,
    points: Any,
    a_u: float,
    a_v: float,
    a_n: float,
    h: float,
    cos_abs: float,
    sign: float,
    floor_: float,
    x_min: float,
    du: float,
    nu: int,
    y_min: float,
    dv: float,
    nv: int,
) -> bool:
    """Write the first and last + 1 column and row that the cone can light; False if none.

    Of the part of the conic within the grid and a margin of one pixel, u and v are least or
    greatest where it crosses the edge or turns. Every other line has no root in the grid.
    ``x_min``, ``y_min`` are the first edges, relative to the foot of the apex; ``points`` is
    scratch of shape (2, 12).
    """
    x0, x1 = x_min - du, x_min + (nu + 1) * du
    y0, y1 = y_min - dv, y_min + (nv + 1) * dv
    far_x = abs(x0) if abs(x0) > abs(x1) else abs(x1)
    far_y = abs(y0) if abs(y0) > abs(y1) else abs(y1)
    far = far_x if far_x > far_y else far_y
    cos2 = cos_abs * cos_abs
    if h * h * (1.0 - cos2) < NEARLY_IN_PLANE * far * far:
        # Two lines through the foot or nearly so: where they turn is lost in rounding.
        reached[0], reached[1], reached[2], reached[3] = 0, nu, 0, nv
        return True
    b, hh = a_n * h, h * h
    xs, ys = points[0], points[1]
    for k in range(2):
        x = x1 if k else x0
        xs[2 * k] = xs[2 * k + 1] = x
        ys[2 * k], ys[2 * k + 1] = _edge_crossings(x, a_u, a_v, b, hh, cos2)
        y = y1 if k else y0
        ys[2 * k + 4] = ys[2 * k + 5] = y
        xs[2 * k + 4], xs[2 * k + 5] = _edge_crossings(y, a_v, a_u, b, hh, cos2)
    xs[8], ys[8], xs[9], ys[9] = _turning_points(a_u, a_v, a_n, h, cos2)
    ys[10], xs[10], ys[11], xs[11] = _turning_points(a_v, a_u, a_n, h, cos2)
    left = down = np.inf
    right = up = -np.inf
    floor_ -= du + dv
    for k in range(12):
        x, y = xs[k], ys[k]
        inside = (x >= x0 - 0.5 * du) & (x <= x1 + 0.5 * du)
        inside &= (y >= y0 - 0.5 * dv) & (y <= y1 + 0.5 * dv)
        if inside & (sign * (a_u * x + a_v * y + b) >= floor_):
            left = x if x < left else left
            right = x if x > right else right
            down = y if y < down else down
            up = y if y > up else up
    if not left <= right:
        return False
    reached[0], reached[1] = _lines_between(left - x_min, right - x_min, du, nu)
    reached[2], reached[3] = _lines_between(down - y_min, up - y_min, dv, nv)
    return reached[0] < reached[1] and reached[2] < reached[3]


def scan_scratch(du: float, nu: int, dv: float, nv: int) -> tuple[Any, ...]:
    """What a thread needs beside its cones to call scan_cones, again and again."""
    steps = np.concatenate([np.arange(nu) * du, np.arange(nv) * dv])
    places = np.full((2, nu + nv), -1, np.int32)
    return steps, places, np.empty((2, 12)), np.empty(4, np.int64)


@_scanning(cache=True)
def scan_cones(
    apex_cm: Any,
    axis: Any,
    cos_theta: Any,
    origin_cm: Any,
    u_axis: Any,
    v_axis: Any,
    normal: Any,
    u_min: float,
    du: float,
    nu: int,
    v_min: float,
    dv: float,
    nv: int,
    forward_only: bool,
    keep_pixels: bool,
    start: int,
    stop: int,
    image: Any,
    lit_pixels: Any,
    pixels: Any,
    steps: Any,
    places: Any,
    points: Any,
    reached: Any,
) -> int:
    """Add the cones [start, stop) to ``image`` (flat, nv * nu) and count the pixels of each.

    A pixel is lit once by a cone if a root on its centre column or centre row falls into it
    (half-open, the last edge closed). ``pixels`` is scratch: with ``keep_pixels`` it holds the
    flat indices of all cones one after the other, else those of the last one. It needs
    2 (nu + nv) places a cone kept. The last four arguments are those of scan_scratch. Returns how
    many places were filled.
    """
    u_steps, v_steps = steps[:nu], steps[nu:]
    col1, col2 = places[0, :nu], places[1, :nu]
    row1, row2 = places[0, nu:], places[1, nu:]
    filled = 0
    for k in range(start, stop):
        begin = filled if keep_pixels else 0
        n = begin
        w_u = w_v = h = a_u = a_v = a_n = 0.0
        for x in range(3):
            w, a = origin_cm[x] - apex_cm[k, x], axis[k, x]
            w_u += w * u_axis[x]
            w_v += w * v_axis[x]
            h += w * normal[x]
            a_u += a * u_axis[x]
            a_v += a * v_axis[x]
            a_n += a * normal[x]
        cosine = cos_theta[k]
        cos_abs = abs(cosine)
        sign = 1.0 if cosine >= 0.0 else -1.0
        half = forward_only and cos_abs >= COSINE_ZERO
        floor_ = -NAPPE_TOLERANCE_CM if half else -np.inf
        if not _lines_reached(
            reached, points, a_u, a_v, a_n, h, cos_abs, sign, floor_,
            u_min + w_u, du, nu, v_min + w_v, dv, nv,
        ):  # fmt: skip
            lit_pixels[k] = 0
            filled = begin
            continue
        i0, i1, j0, j1 = reached[0], reached[1], reached[2], reached[3]
        columns1, columns2 = col1[i0:i1], col2[i0:i1]
        rows1, rows2 = row1[j0:j1], row2[j0:j1]
        _line_crossings(
            columns1, columns2, u_steps[i0:i1], u_min + 0.5 * du + w_u, a_u, a_v, a_n * h, h * h,
            cos_abs, sign, floor_, -w_v - v_min, 1.0 / dv, nv,
        )  # fmt: skip
        _line_crossings(
            rows1, rows2, v_steps[j0:j1], v_min + 0.5 * dv + w_v, a_v, a_u, a_n * h, h * h,
            cos_abs, sign, floor_, -w_u - u_min, 1.0 / du, nu,
        )  # fmt: skip
        for i in range(i1 - i0):
            first = columns1[i]
            second = columns2[i]
            pixels[n] = first * nu + (i0 + i)
            n += first >= 0
            pixels[n] = second * nu + (i0 + i)
            n += (second >= 0) & (second != first)
        for j in range(j1 - j0):
            first = rows1[j]
            second = rows2[j]
            row = np.int32(j0 + j)
            # Whether a column has the pixel already is not to be guessed: no branch depends on it.
            if first >= 0:
                pixels[n] = row * nu + first
                n += (col1[first] != row) & (col2[first] != row)
            if second >= 0:
                pixels[n] = row * nu + second
                n += (second != first) & (col1[second] != row) & (col2[second] != row)
        # No row of the next cone may meet these columns.
        for i in range(i1 - i0):
            columns1[i] = -1
            columns2[i] = -1
        for m in range(begin, n):
            image[pixels[m]] += np.uint32(1)
        lit_pixels[k] = n - begin
        filled = n
    return filled
