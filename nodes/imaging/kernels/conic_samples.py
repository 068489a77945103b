"""Simple back projection, poly engine: pixels under samples along the conic of a cone.

The forward half of a cone meets the plane in one branch of a conic. Its points are rational in
the tangent of half the azimuth around the cone's axis; samples at equal steps of the conic's own
parameter lie closest where it bends most.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

NOTHING, ELLIPSE, HYPERBOLA, PARABOLA, RAYS = range(5)
# Below this difference of the two inclinations a conic is taken for a parabola.
PARABOLA_TOLERANCE = 1e-12


@njit(cache=True, nogil=True)
def _conic(
    curve: Any, a_u: float, a_v: float, a_n: float, cosine: float, h: float, reach: float
) -> Any:
    """The conic of the forward half of a cone on the plane: its kind, and where it ends.

    A ray at azimuth phi around the axis is d = c a + s (cos(phi) e1 + sin(phi) e2), phi = 0
    being closest to the normal; it meets the plane at |h| d / w, w = A + B cos(phi) > 0. With
    t = tan(phi / 2) numerator and denominator are quadratic in t. Points are
    ``curve[0] + square * curve[1] + line * curve[2]`` in (u, v) relative to the foot of the
    apex: (square, line) = (sin^2 x, sin x cos x) of half the eccentric anomaly for an ellipse,
    (cosh x - 1, sinh x) for a hyperbola, (t^2, t) for a parabola, (|r|, r) for two rays of an
    apex in the plane. x, sinh x, t, r run from -end to end, there ``reach`` from the foot.
    """
    c = cosine
    s = math.sqrt(max(1.0 - c * c, 0.0))
    side = 1.0 if h >= 0.0 else -1.0
    m = side * a_n
    across = math.sqrt(max(1.0 - m * m, 0.0))
    # e1 in the plane's axes: what of the normal is across the cone's axis. Parallel: any.
    length = math.sqrt(a_u * a_u + a_v * a_v)
    b_u = a_u / length if length > 0.0 else 1.0
    b_v = a_v / length if length > 0.0 else 0.0
    e1_u, e1_v = -m * b_u, -m * b_v
    e2_u, e2_v = -b_v, b_u
    A, B = c * m, s * across
    if h == 0.0:
        cos_phi = -A / B if B > 0.0 else 2.0
        if abs(cos_phi) > 1.0:
            return NOTHING, 0.0
        sin_phi = math.sqrt(1.0 - cos_phi * cos_phi)
        curve[0, 0] = curve[0, 1] = 0.0
        curve[1, 0], curve[1, 1] = c * a_u + s * cos_phi * e1_u, c * a_v + s * cos_phi * e1_v
        curve[2, 0], curve[2, 1] = s * sin_phi * e2_u, s * sin_phi * e2_v
        return RAYS, reach
    height = abs(h)
    least = height / math.sqrt(reach * reach + height * height)
    top = A + B
    if not top > least:
        return NOTHING, 0.0
    scale = height / top
    low = A - B
    curve[0, 0], curve[0, 1] = scale * (c * a_u + s * e1_u), scale * (c * a_v + s * e1_v)
    if abs(low) <= PARABOLA_TOLERANCE * top:
        curve[1, 0], curve[1, 1] = scale * (c * a_u - s * e1_u), scale * (c * a_v - s * e1_v)
        curve[2, 0], curve[2, 1] = scale * 2.0 * s * e2_u, scale * 2.0 * s * e2_v
        return PARABOLA, math.sqrt((top - least) / (least - low))
    g_u = 2.0 * (B * c * a_u - A * s * e1_u)
    g_v = 2.0 * (B * c * a_v - A * s * e1_v)
    k = math.sqrt(top / abs(low))
    if low > 0.0:
        curve[1, 0], curve[1, 1] = scale * g_u / low, scale * g_v / low
        curve[2, 0], curve[2, 1] = scale * 2.0 * s * k * e2_u, scale * 2.0 * s * k * e2_v
        if low >= least:
            return ELLIPSE, 0.5 * math.pi
        return ELLIPSE, math.atan(math.sqrt((top - least) / (least - low)) / k)
    curve[1, 0], curve[1, 1] = -0.5 * scale * g_u / low, -0.5 * scale * g_v / low
    curve[2, 0], curve[2, 1] = scale * s * k * e2_u, scale * s * k * e2_v
    tau = math.sqrt((top - least) / (least - low)) / k
    return HYPERBOLA, 2.0 * tau * top * (least - low) / (2.0 * B * least)


@njit(cache=True, nogil=True)
def _samples(square: Any, line: Any, kind: int, end: float) -> None:
    """(square, line) of samples at equal steps from -end to end, see _conic."""
    n = line.shape[0]
    step = 2.0 * end / n
    if kind == ELLIPSE:
        # Turned from sample to sample: a sine each would take longer than all the rest.
        turn_s, turn_c = math.sin(step), math.cos(step)
        s, c = math.sin(0.5 * step - end), math.cos(0.5 * step - end)
        for j in range(n):
            square[j] = s * s
            line[j] = s * c
            s, c = s * turn_c + c * turn_s, c * turn_c - s * turn_s
    else:
        for j in range(n):
            line[j] = (j + 0.5) * step - end
    if kind == HYPERBOLA:
        for j in range(n):
            square[j] = line[j] * line[j] / (1.0 + math.sqrt(1.0 + line[j] * line[j]))
    elif kind == PARABOLA:
        for j in range(n):
            square[j] = line[j] * line[j]
    elif kind == RAYS:
        for j in range(n):
            square[j] = abs(line[j])


@njit(cache=True, nogil=True)
def _places(
    place: Any, square: Any, line: Any, curve: Any, shift: float, inverse_step: float, n_pixels: int
) -> None:
    """The pixels along one axis of samples of a conic, -1 where they are outside."""
    begin = (curve[0] + shift) * inverse_step
    of_square, of_line = curve[1] * inverse_step, curve[2] * inverse_step
    for j in range(place.shape[0]):
        f = begin + square[j] * of_square + line[j] * of_line
        # The last edge is closed: a point on it belongs to the last pixel.
        place[j] = np.int32(min(f, n_pixels - 0.5)) if (f >= 0.0) & (f <= n_pixels) else -1


@njit(cache=True, nogil=True)
def sample_cones(
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
    n_samples: int,
    range_cm: float,
    keep_pixels: bool,
    start: int,
    stop: int,
    image: Any,
    lit_pixels: Any,
    pixels: Any,
    last_cone: Any,
) -> int:
    """Add the pixels under samples of the cones [start, stop) to ``image`` (flat, nv * nu).

    The forward half of a cone meets the plane in a conic, followed as far as ``range_cm`` from
    the foot of the apex (0: as far as the corner of the grid that is farthest from it).
    ``last_cone`` (nv * nu places, at first all different from every cone + 1) remembers who lit
    a pixel last. ``pixels`` as in scan_cones, with room for ``n_samples`` a cone kept. Returns how
    many of its places were filled.
    """
    filled = 0
    curve = np.empty((3, 2))
    square, line = np.empty(n_samples), np.empty(n_samples)
    place, above = np.empty(n_samples, np.int32), np.empty(n_samples, np.int32)
    for k in range(start, stop):
        begin = filled if keep_pixels else 0
        n = begin
        w_u = w_v = h = a_u = a_v = a_n = 0.0
        for x in range(3):
            w = apex_cm[k, x] - origin_cm[x]
            w_u += w * u_axis[x]
            w_v += w * v_axis[x]
            h -= w * normal[x]
            a_u += axis[k, x] * u_axis[x]
            a_v += axis[k, x] * v_axis[x]
            a_n += axis[k, x] * normal[x]
        reach = range_cm
        if reach <= 0.0:
            far_u = max(abs(w_u - u_min), abs(u_min + nu * du - w_u))
            far_v = max(abs(w_v - v_min), abs(v_min + nv * dv - w_v))
            reach = math.sqrt(far_u * far_u + far_v * far_v)
        kind, end = _conic(curve, a_u, a_v, a_n, cos_theta[k], h, reach)
        if kind != NOTHING:
            _samples(square, line, kind, end)
            _places(place, square, line, curve[:, 0], w_u - u_min, 1.0 / du, nu)
            _places(above, square, line, curve[:, 1], w_v - v_min, 1.0 / dv, nv)
            for j in range(n_samples):
                if place[j] >= 0 and above[j] >= 0:
                    at = above[j] * nu + place[j]
                    if last_cone[at] != k + 1:
                        last_cone[at] = k + 1
                        pixels[n] = at
                        n += 1
        for m in range(begin, n):
            image[pixels[m]] += np.uint32(1)
        lit_pixels[k] = n - begin
        filled = n
    return filled
