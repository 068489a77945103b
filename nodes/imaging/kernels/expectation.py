"""One step of expectation and maximisation over rows of a cone matrix.

Of event i of class c: q_i = s_c sum_j K_ij f_j + e_c sum_k G_ik g_k, with f the counts of the
pixels, g those of what comes from elsewhere, s_c and e_c the shares of the classes in either. Each
pass adds K_ij s_c / q_i to ``of_pixels``, G_ik e_c / q_i to ``of_sky``, and to ``sums`` what each
class gives to sources (first), to elsewhere (second), ln q of events that count, of those that
do not. Barrett, White & Parra, J. Opt. Soc. Am. A 14 (1997) 2914 (list mode).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ....schemas.arrays import F4, F8, I8, U1
from .cone_rows import SeenCones, fill_row

_ZERO = np.float32(0.0)


class Model(NamedTuple):
    """What the events are explained by: ``sky`` = G, ``f``, ``g``, ``share`` = (s, e), (2, n).

    ``counted`` (m,) is how often an event counts, ``group`` (m,) its class.
    """

    sky: F4
    f: F4
    g: F8
    counted: F8
    group: I8
    share: F8


class Sums(NamedTuple):
    """What a pass adds to."""

    of_pixels: F4
    of_sky: F8
    sums: F8


@njit(cache=True, nogil=True, error_model="numpy")
def _taken(event: int, of_source: float, model: Model, to: Sums) -> float:
    """Book what one event gives; the factor on its row of pixels."""
    sky, g, share, sums = model.sky, model.g, model.share, to.sums
    c, n = model.group[event], share.shape[1]
    of_else = 0.0
    for k in range(len(g)):
        of_else += sky[event, k] * g[k]
    of_source *= share[0, c]
    of_else *= share[1, c]
    q = of_source + of_else
    if q <= 0.0:
        return 0.0
    w = model.counted[event]
    sums[c] += w * of_source / q
    sums[n + c] += w * of_else / q
    sums[2 * n if w > 0.0 else 2 * n + 1] += np.log(q) * (w if w > 0.0 else 1.0)
    for k in range(len(g)):
        to.of_sky[k] += w * share[1, c] * sky[event, k] / q
    return w * share[0, c] / q


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _dot4(
    a: U1, b: U1, c: U1, d: U1, f: F4
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    p, q, r, s = _ZERO, _ZERO, _ZERO, _ZERO
    for j in range(len(f)):
        p += np.float32(a[j]) * f[j]
        q += np.float32(b[j]) * f[j]
        r += np.float32(c[j]) * f[j]
        s += np.float32(d[j]) * f[j]
    return p, q, r, s


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _add4(a: U1, b: U1, c: U1, d: U1, factor: F4, to: F4) -> None:
    p, q, r, s = factor[0], factor[1], factor[2], factor[3]
    for j in range(len(to)):
        to[j] += (p * np.float32(a[j]) + q * np.float32(b[j])) + (
            r * np.float32(c[j]) + s * np.float32(d[j])
        )


@njit(cache=True, nogil=True, error_model="numpy")
def dense_pass(matrix: U1, scale: F4, rows: I8, model: Model, to: Sums) -> None:
    """Rows of bytes with a scale each, four at a time: they share what is read and written."""
    n = len(rows)
    factor = np.zeros(4, np.float32)
    for first in range(0, n, 4):
        i0 = rows[first]
        i1, i2 = rows[min(first + 1, n - 1)], rows[min(first + 2, n - 1)]
        i3 = rows[min(first + 3, n - 1)]
        a, b, c, d = matrix[i0], matrix[i1], matrix[i2], matrix[i3]
        found = _dot4(a, b, c, d, model.f)
        factor[:] = _ZERO
        for k in range(min(4, n - first)):
            i = rows[first + k]
            dot = found[0] if k == 0 else found[1] if k == 1 else found[2] if k == 2 else found[3]
            source = float(dot) * float(scale[i])
            taken = _taken(i, source, model, to)
            factor[k] = np.float32(taken * scale[i])
        if factor[0] + factor[1] + factor[2] + factor[3] > _ZERO:
            _add4(a, b, c, d, factor, to.of_pixels)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _dot_bytes(values: U1, f: F4) -> np.float32:
    total = _ZERO
    for j in range(len(values)):
        total += np.float32(values[j]) * f[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _add_bytes(values: U1, factor: F4, to: F4) -> None:
    for j in range(len(values)):
        to[j] += factor * np.float32(values[j])


@njit(cache=True, nogil=True, error_model="numpy")
def sparse_pass(
    values: U1, runs: I8, offsets: I8, scale: F4, rows: I8, model: Model, to: Sums
) -> None:
    """Rows of which only the pixels that are not 0 are kept, in runs."""
    for k in range(len(rows)):
        i = rows[k]
        dot = 0.0
        for r in range(offsets[i], offsets[i + 1]):
            at, first, end = runs[r]
            dot += float(_dot_bytes(values[first:end], model.f[at : at + end - first]))
        taken = _taken(i, dot * scale[i], model, to)
        factor = np.float32(taken * scale[i])
        if factor > _ZERO:
            for r in range(offsets[i], offsets[i + 1]):
                at, first, end = runs[r]
                _add_bytes(values[first:end], factor, to.of_pixels[at : at + end - first])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _dot(row: F4, f: F4) -> np.float32:
    total = _ZERO
    for j in range(len(f)):
        total += row[j] * f[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _add(row: F4, factor: F4, to: F4) -> None:
    for j in range(len(to)):
        to[j] += factor * row[j]


@njit(cache=True, nogil=True, error_model="numpy")
def computed_pass(seen: SeenCones, rows: I8, model: Model, to: Sums) -> None:
    """Rows worked out when they are needed, and forgotten."""
    row = np.empty(len(model.f), np.float32)
    for k in range(len(rows)):
        i = rows[k]
        fill_row(i, seen, row)
        source = float(_dot(row, model.f))
        factor = _taken(i, source, model, to)
        if factor > 0.0:
            _add(row, np.float32(factor), to.of_pixels)
