"""Density of the cones of an event in every pixel of a plane: hypotheses in, a row of pixels out.

As cone_likelihood.py, with sin(phi - theta) for phi - theta and nothing behind the axis (0.1 % of
the peak at 4 degrees), in float32 and without a branch, so that it runs in vectors: with
along = a.r, across = |a x r| the sine is (across cos theta - along sin theta) / |r|.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ....schemas.arrays import F4, F8, I8, U1, Mask

# Beyond so many sigma, squared, a cone is nothing.
FARTHEST2 = np.float32(50.0)
_ONE_OVER_128 = np.float32(-1.0 / 128.0)
_E0 = np.float32(1.0)
_E2 = np.float32(1.0 / 2.0)
_E3 = np.float32(1.0 / 6.0)
_E4 = np.float32(1.0 / 24.0)
_E5 = np.float32(1.0 / 120.0)
_ZERO = np.float32(0.0)


class SeenCones(NamedTuple):
    """Cones and the pixels that they are seen in.

    ``apex``, ``axis`` (n, 3) and ``shape`` (n, 5) of hypotheses, ``start`` (m + 1,) the first one
    of each event; the point ``origin`` u = v = 0, the axes, the pixel centres ``u`` (nu,) and ``v``
    (nv,). ``factor`` (k, nv * nu) is taken by the pixels of events with ``curve`` (m,) = its row;
    -1 takes none.
    """

    apex: F8
    axis: F8
    shape: F8
    start: I8
    origin: F8
    u_axis: F8
    v_axis: F8
    u: F4
    v: F4
    factor: F4
    curve: I8

    @property
    def n_events(self) -> int:
        """How many rows there are of pixels."""
        return len(self.start) - 1

    @property
    def n_pixels(self) -> int:
        """How many pixels a row has."""
        return len(self.u) * len(self.v)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "nnan", "ninf"})
def add_cone(
    axis: F8, from_apex: F8, u_axis: F8, v_axis: F8, shape: F8, u: F4, v: F4, row: F4
) -> None:
    """Add one cone to ``row`` (nv * nu,).

    ``from_apex`` (3,) is the point u = v = 0 seen from the apex, ``u`` (nu,) and ``v`` (nv,) are
    the pixel centres, ``shape`` = cos theta, sin theta, 1 / sigma^2, density on the cone itself,
    and 1 where it falls with the square of the distance from the apex, else 0.
    """
    cosine, sine, tight = np.float32(shape[0]), np.float32(shape[1]), np.float32(shape[2])
    falling = np.float32(shape[3] * shape[4])
    peak = np.float32(shape[3]) - falling
    a_u = np.float32(axis[0] * u_axis[0] + axis[1] * u_axis[1] + axis[2] * u_axis[2])
    nu = len(u)
    for k in range(len(v)):
        rx = from_apex[0] + v[k] * v_axis[0]
        ry = from_apex[1] + v[k] * v_axis[1]
        rz = from_apex[2] + v[k] * v_axis[2]
        a_0 = np.float32(axis[0] * rx + axis[1] * ry + axis[2] * rz)
        r_u = np.float32(2.0 * (rx * u_axis[0] + ry * u_axis[1] + rz * u_axis[2]))
        r_0 = np.float32(rx * rx + ry * ry + rz * rz)
        line = row[k * nu : (k + 1) * nu]
        for j in range(nu):
            along = a_0 + a_u * u[j]
            length2 = r_0 + (r_u + u[j]) * u[j]
            across = np.sqrt(max(length2 - along * along, _ZERO))
            off = across * cosine - along * sine
            inverse2 = _E0 / length2
            pull2 = off * off * tight * inverse2
            ahead = along * cosine + across * sine
            # exp(-p / 2) as the 64th power of a polynomial of -p / 128.
            x = min(pull2, FARTHEST2) * _ONE_OVER_128
            e = _E0 + x * (_E0 + x * (_E2 + x * (_E3 + x * (_E4 + x * _E5))))
            e = e * e
            e = e * e
            e = e * e
            e = e * e
            e = e * e
            e = e * e
            e = e * (peak + falling * inverse2)
            line[j] += e if (ahead > _ZERO) & (pull2 < FARTHEST2) else _ZERO


@njit(cache=True, nogil=True)
def add_hypothesis(seen: SeenCones, h: int, row: F4) -> None:
    """Add hypothesis ``h`` to ``row``, without the factor of the pixels."""
    add_cone(
        seen.axis[h],
        seen.origin - seen.apex[h],
        seen.u_axis,
        seen.v_axis,
        seen.shape[h],
        seen.u,
        seen.v,
        row,
    )


@njit(cache=True, nogil=True)
def take_factor(seen: SeenCones, event: int, row: F4) -> None:
    """Multiply ``row`` with the factor of the pixels for one event."""
    if seen.curve[event] >= 0:
        factor = seen.factor[seen.curve[event]]
        for j in range(len(row)):
            row[j] *= factor[j]


@njit(cache=True, nogil=True)
def fill_row(event: int, seen: SeenCones, row: F4) -> None:
    """Set ``row`` to the sum over the hypotheses of one event, rows start[event] and on."""
    row[:] = _ZERO
    for h in range(seen.start[event], seen.start[event + 1]):
        add_hypothesis(seen, h, row)
    take_factor(seen, event, row)


@njit(cache=True, nogil=True)
def highest_of(row: F4) -> float:
    """The largest pixel of a row that is nowhere negative."""
    # Such floats rise as their bits do, and only a maximum of integers runs in vectors.
    bits = row.view(np.int32)
    highest = np.zeros(1, np.int32)
    best = highest[0]
    for j in range(len(bits)):
        best = max(best, bits[j])
    highest[0] = best
    return highest.view(np.float32)[0]


@njit(cache=True, nogil=True)
def directional_rows(axis: F8, shape: F8, start: I8, directions: F8, rows: F4) -> None:
    """Fill ``rows`` (m, n), the density of each event for sources at infinity (n, 3)."""
    for event in range(len(start) - 1):
        for k in range(len(directions)):
            total = 0.0
            for h in range(start[event], start[event + 1]):
                along = (
                    axis[h, 0] * directions[k, 0]
                    + axis[h, 1] * directions[k, 1]
                    + axis[h, 2] * directions[k, 2]
                )
                across = np.sqrt(max(1.0 - along * along, 0.0))
                off = across * shape[h, 0] - along * shape[h, 1]
                pull2 = off * off * shape[h, 2]
                if pull2 < FARTHEST2 and along * shape[h, 0] + across * shape[h, 1] > 0.0:
                    total += shape[h, 3] * np.exp(-0.5 * pull2)
            rows[event, k] = total


@njit(cache=True, nogil=True, error_model="numpy")
def add_normalised(begin: int, end: int, seen: SeenCones, image: F8) -> None:
    """Add the rows of events [begin, end), each with its largest pixel 1, to ``image``."""
    row = np.empty(len(seen.u) * len(seen.v), np.float32)
    for event in range(begin, end):
        fill_row(event, seen, row)
        highest = highest_of(row)
        if highest > _ZERO:
            factor = np.float32(1.0) / highest
            for j in range(len(row)):
                image[j] += row[j] * factor


@njit(cache=True, nogil=True)
def add_thickened(begin: int, end: int, seen: SeenCones, image: F8) -> None:
    """Add 1 where a hypothesis of events [begin, end) lies within one sigma of its cone."""
    row = np.empty(len(seen.u) * len(seen.v), np.float32)
    lit = np.empty(len(row), np.bool_)
    flat = np.ones(5)
    flat[4] = 0.0
    within = np.float32(np.exp(-0.5))
    for event in range(begin, end):
        lit[:] = False
        for h in range(seen.start[event], seen.start[event + 1]):
            row[:] = _ZERO
            flat[:3] = seen.shape[h, :3]
            apart = seen.origin - seen.apex[h]
            add_cone(seen.axis[h], apart, seen.u_axis, seen.v_axis, flat, seen.u, seen.v, row)
            for j in range(len(row)):
                lit[j] |= row[j] >= within
        for j in range(len(row)):
            image[j] += lit[j]


@njit(cache=True, nogil=True, error_model="numpy")
def region_sums(seen: SeenCones, counts: F4, inside: Mask, sums: F8) -> None:
    """Fill ``sums`` (n, 2): density times ``counts`` of each hypothesis, inside and outside."""
    row = np.empty(len(seen.u) * len(seen.v), np.float32)
    for event in range(len(seen.start) - 1):
        for h in range(seen.start[event], seen.start[event + 1]):
            row[:] = _ZERO
            add_hypothesis(seen, h, row)
            take_factor(seen, event, row)
            within = outside = 0.0
            for j in range(len(row)):
                if inside[j]:
                    within += row[j] * counts[j]
                else:
                    outside += row[j] * counts[j]
            sums[h, 0], sums[h, 1] = within, outside


@njit(cache=True, nogil=True, error_model="numpy")
def quantised_rows(begin: int, end: int, seen: SeenCones, matrix: U1, scale: F4) -> None:
    """Fill the rows [begin, end) of ``matrix`` (m, n): 255 for the largest pixel of a row.

    A pixel of value k has the density k ``scale`` of its row.
    """
    row = np.empty(len(seen.u) * len(seen.v), np.float32)
    for event in range(begin, end):
        fill_row(event, seen, row)
        highest = highest_of(row)
        scale[event] = highest / np.float32(255.0)
        factor = np.float32(255.0) / highest if highest > _ZERO else _ZERO
        line = matrix[event]
        for j in range(len(row)):
            line[j] = np.uint8(np.int32(row[j] * factor + np.float32(0.5)))


@njit(cache=True, nogil=True)
def count_runs(matrix: U1, n_runs: I8, n_values: I8) -> None:
    """Fill how many runs of pixels that are not 0 each row has, and how many such pixels."""
    for i in range(len(matrix)):
        line = matrix[i]
        runs = values = 0
        before = False
        for j in range(len(line)):
            lit = line[j] > 0
            values += lit
            runs += lit and not before
            before = lit
        n_runs[i], n_values[i] = runs, values


@njit(cache=True, nogil=True)
def fill_runs(matrix: U1, first_run: int, first_value: int, runs: I8, values: U1) -> None:
    """Write the runs of all rows: (first pixel, first value, end of its values) of each."""
    run, filled = first_run, first_value
    for i in range(len(matrix)):
        line = matrix[i]
        before = False
        for j in range(len(line)):
            lit = line[j] > 0
            if lit and not before:
                runs[run, 0], runs[run, 1] = j, filled
            if lit:
                values[filled] = line[j]
                filled += 1
            if before and not lit:
                runs[run, 2] = filled
                run += 1
            before = lit
        if before:
            runs[run, 2] = filled
            run += 1
