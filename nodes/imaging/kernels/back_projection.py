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
            if i1 >= 0 and col1[i1] != j and col2[i1] != j:
                pixels[n] = j * nu + i1
                n += 1
            if i2 >= 0 and i2 != i1 and col1[i2] != j and col2[i2] != j:
                pixels[n] = j * nu + i2
                n += 1
        for m in range(begin, n):
            image[pixels[m]] += np.uint32(1)
        lit_pixels[k] = n - begin
        filled = n
    return filled
