"""Density of cones at a point: hypotheses with widths in, a density an event out.

K_i(X) = sum_h w_ih N(phi - theta - b; k sigma) / (2 pi max(sin theta, 0.05)) per steradian, phi the
angle of X - apex to the axis; times omega(t) / (omega(theta) R^2) where it is told what passes. The
derivatives are those of K by the three coordinates of X, by b and by ln k.
"""

from __future__ import annotations

from math import atan2, exp, log1p, pi, sin, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from ....schemas.arrays import F8, I8

LEAST_SINE = 0.05
# Beyond so many sigma a Gaussian is nothing beside the isotropic component.
FARTHEST = 8.0
EM_STEPS = 6
# What never passes by the model is measured nevertheless: a floor of omega.
LEAST_PASSING = 0.01


class Passing(NamedTuple):
    """What passes by the true angle t: omega and its derivative at equal steps of t, 0 to pi / 2.

    ``curve`` (n,) is the row of ``omega`` and ``slope`` (c, a) of each hypothesis, or -1: nothing
    is known, then no factor is taken. t = phi + ``follows`` (n,) (theta - phi).
    """

    curve: I8
    follows: F8
    omega: F8
    slope: F8


@njit(cache=True, nogil=True)
def at_angle(table: F8, curve: int, angle: float) -> float:
    """A row of a table over angles 0 to pi / 2, linear between its columns."""
    last = table.shape[1] - 1
    place = min(max(angle, 0.0) * (2.0 / pi) * last, last - 1e-9)
    k = int(place)
    return float(table[curve, k] + (place - k) * (table[curve, k + 1] - table[curve, k]))


@njit(cache=True, nogil=True)
def cone_densities(
    apex: F8,
    axis: F8,
    theta: F8,
    sigma: F8,
    weight: F8,
    start: I8,
    species: I8,
    point: F8,
    bias: F8,
    scale: F8,
    passing: Passing,
    density: F8,
    slopes: F8,
) -> None:
    """Fill ``density`` (m,) and ``slopes`` (m, 5) of ``point`` (3,); bias and scale by species."""
    for event in range(len(start) - 1):
        b, k = bias[species[event]], scale[species[event]]
        total = 0.0
        by_x = by_y = by_z = by_b = by_k = 0.0
        for row in range(start[event], start[event + 1]):
            ax, ay, az = axis[row, 0], axis[row, 1], axis[row, 2]
            rx = point[0] - apex[row, 0]
            ry = point[1] - apex[row, 1]
            rz = point[2] - apex[row, 2]
            along = ax * rx + ay * ry + az * rz
            length2 = rx * rx + ry * ry + rz * rz
            cx = ay * rz - az * ry
            cy = az * rx - ax * rz
            cz = ax * ry - ay * rx
            across = sqrt(cx * cx + cy * cy + cz * cz)
            width = k * sigma[row]
            phi = atan2(across, along)
            pull = (phi - theta[row] - b) / width
            if abs(pull) > FARTHEST or length2 == 0.0:
                continue
            norm = weight[row] / (sqrt(2.0 * pi) * width * 2.0 * pi * max(sin(theta[row]), 0.05))
            value = norm * exp(-0.5 * pull * pull)
            curve = passing.curve[row]
            by_phi = 0.0
            if curve >= 0:
                share = passing.follows[row]
                t = phi + share * (theta[row] - phi)
                passes = at_angle(passing.omega, curve, t) + LEAST_PASSING
                own = at_angle(passing.omega, curve, theta[row]) + LEAST_PASSING
                by_phi = (1.0 - share) * at_angle(passing.slope, curve, t) / passes
                value *= passes / (own * length2)
            total += value
            slope = -value * pull / width
            by_b -= slope
            by_k += value * (pull * pull - 1.0)
            slope += value * by_phi
            if across > 0.0:
                # d phi / d X = (cos phi r / |r| - a) / (|r| sin phi).
                by_r, by_a = slope * along / (length2 * across), slope / across
                by_x += by_r * rx - by_a * ax
                by_y += by_r * ry - by_a * ay
                by_z += by_r * rz - by_a * az
            if curve >= 0:
                by_distance = -2.0 * value / length2
                by_x += by_distance * rx
                by_y += by_distance * ry
                by_z += by_distance * rz
        density[event] = total
        slopes[event, 0] = by_x
        slopes[event, 1] = by_y
        slopes[event, 2] = by_z
        slopes[event, 3] = by_b
        slopes[event, 4] = by_k


@njit(cache=True, nogil=True, parallel=True)
def significances(
    apex: F8,
    axis: F8,
    cos_theta: F8,
    sin_theta: F8,
    inverse_sigma: F8,
    norm: F8,
    falls: F8,
    start: I8,
    points: F8,
    factor: F8,
    known: F8,
    test_statistic: F8,
    fraction: F8,
) -> None:
    """Fill the test statistic and source fraction of each of ``points`` (n, 3).

    The fraction of one source in each point, beside ``known`` (m,), the density of all else, comes
    from EM_STEPS steps of expectation and maximisation; TS = 2 sum ln(q / known). sin(phi - theta)
    stands for phi - theta, the half space behind the axis gives nothing. Hypotheses with
    ``falls`` 1 fall with the square of the distance, and have ``factor`` of the point.
    """
    n_events = len(start) - 1
    for pixel in prange(len(points)):
        ratio = np.zeros(n_events)
        for event in range(n_events):
            total = 0.0
            for row in range(start[event], start[event + 1]):
                rx = points[pixel, 0] - apex[row, 0]
                ry = points[pixel, 1] - apex[row, 1]
                rz = points[pixel, 2] - apex[row, 2]
                inverse = 1.0 / sqrt(rx * rx + ry * ry + rz * rz)
                cosine = (axis[row, 0] * rx + axis[row, 1] * ry + axis[row, 2] * rz) * inverse
                sine = sqrt(max(1.0 - cosine * cosine, 0.0))
                off = sine * cos_theta[row] - cosine * sin_theta[row]
                ahead = cosine * cos_theta[row] + sine * sin_theta[row]
                pull = off * inverse_sigma[row]
                if ahead > 0.0 and abs(pull) < FARTHEST:
                    value = norm[row] * exp(-0.5 * pull * pull)
                    if falls[row] > 0.0:
                        value *= factor[pixel] * inverse * inverse
                    total += value
            ratio[event] = total / known[event] - 1.0
        f = 0.5
        for _ in range(EM_STEPS):
            gain = 0.0
            for event in range(n_events):
                gain += (1.0 + ratio[event]) / (1.0 + f * ratio[event])
            f = min(max(f * gain / n_events, 1e-9), 1.0 - 1e-9)
        gained = 0.0
        for event in range(n_events):
            gained += log1p(f * ratio[event])
        test_statistic[pixel] = 2.0 * gained
        fraction[pixel] = f
