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
from typing import Any

import numpy as np
from numba import njit

NAPPE_TOLERANCE_CM = 1e-9
COSINE_ZERO = 1e-12
DISCRIMINANT_TOLERANCE = 1e-12


# Above this |A| both roots come from one square root without a division: what cancels then is
# below 1e-10 cm for planes of metres.
DIRECT_ROOTS_ABOVE = 1e-3


@njit(cache=True, nogil=True, inline="always")
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
    return np.int32(min(f, n_q - 0.5)) if lit else -1


@njit(cache=True, nogil=True, inline="always")
def _line_crossings(
    first: Any,
    second: Any,
    p0: float,
    dp: float,
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
    """For each line p = p0 + i dp, the pixel along q of both roots, -1 where there is none."""
    cos2 = cos_abs * cos_abs
    A = a_q * a_q - cos2
    inverse_A = 1.0 / A if A != 0.0 else np.inf
    direct = abs(A) > DIRECT_ROOTS_ABOVE
    for i in range(first.shape[0]):
        p = p0 + i * dp
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


@njit(cache=True, nogil=True)
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
) -> int:
    """Add the cones [start, stop) to ``image`` (flat, nv * nu) and count the pixels of each.

    A pixel is lit once by a cone if a root on its centre column or centre row falls into it
    (half-open, the last edge closed). ``pixels`` is scratch: with ``keep_pixels`` it holds the
    flat indices of all cones one after the other, else those of the last one. It needs
    2 (nu + nv) places a cone kept. Returns how many places were filled.
    """
    col1 = np.empty(nu, np.int32)
    col2 = np.empty(nu, np.int32)
    row1 = np.empty(nv, np.int32)
    row2 = np.empty(nv, np.int32)
    filled = 0
    for k in range(start, stop):
        begin = filled if keep_pixels else 0
        n = begin
        wx = origin_cm[0] - apex_cm[k, 0]
        wy = origin_cm[1] - apex_cm[k, 1]
        wz = origin_cm[2] - apex_cm[k, 2]
        w_u = wx * u_axis[0] + wy * u_axis[1] + wz * u_axis[2]
        w_v = wx * v_axis[0] + wy * v_axis[1] + wz * v_axis[2]
        h = wx * normal[0] + wy * normal[1] + wz * normal[2]
        a_u = axis[k, 0] * u_axis[0] + axis[k, 1] * u_axis[1] + axis[k, 2] * u_axis[2]
        a_v = axis[k, 0] * v_axis[0] + axis[k, 1] * v_axis[1] + axis[k, 2] * v_axis[2]
        a_n = axis[k, 0] * normal[0] + axis[k, 1] * normal[1] + axis[k, 2] * normal[2]
        cosine = cos_theta[k]
        cos_abs = abs(cosine)
        sign = 1.0 if cosine >= 0.0 else -1.0
        half = forward_only and cos_abs >= COSINE_ZERO
        floor_ = -NAPPE_TOLERANCE_CM if half else -np.inf
        _line_crossings(
            col1, col2, u_min + 0.5 * du + w_u, du, a_u, a_v, a_n * h, h * h,
            cos_abs, sign, floor_, -w_v - v_min, 1.0 / dv, nv,
        )  # fmt: skip
        _line_crossings(
            row1, row2, v_min + 0.5 * dv + w_v, dv, a_v, a_u, a_n * h, h * h,
            cos_abs, sign, floor_, -w_u - u_min, 1.0 / du, nu,
        )  # fmt: skip
        for i in range(nu):
            j1 = col1[i]
            j2 = col2[i]
            # Negative only where both are: lines without a root come in runs, so the guess holds.
            if j1 & j2 >= 0:
                pixels[n] = j1 * nu + i
                n += j1 >= 0
                pixels[n] = j2 * nu + i
                n += (j2 >= 0) & (j2 != j1)
        for j in range(nv):
            i1 = row1[j]
            i2 = row2[j]
            # Whether a column has the pixel already is not to be guessed: no branch depends on it.
            if i1 >= 0:
                pixels[n] = j * nu + i1
                n += (col1[i1] != j) & (col2[i1] != j)
            if i2 >= 0:
                pixels[n] = j * nu + i2
                n += (i2 != i1) & (col1[i2] != j) & (col2[i2] != j)
        for m in range(begin, n):
            image[pixels[m]] += np.uint32(1)
        lit_pixels[k] = n - begin
        filled = n
    return filled


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
