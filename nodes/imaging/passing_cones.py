"""Cones with what passes put into them: another angle, width and weight. Plain functions.

The density of a hypothesis has the factor omega(t) / omega(theta), t = phi + follows (theta - phi)
(kernels/cone_likelihood.py). Images take the Gaussian with the same integral, mean and width as
N(phi - theta; sigma) times that factor, so that a row of pixels costs what it cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ...schemas.arrays import F8, I8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import ConeMixture
from .kernels.cone_likelihood import LEAST_PASSING, LEAST_SINE
from .plane_sensitivity import PlaneSensitivity

# Places on a Gaussian at which the factor is taken, in sigma.
_PULLS: Final = np.linspace(-4.0, 4.0, 41)
_GAUSSIAN: Final = np.exp(-0.5 * _PULLS**2) / np.exp(-0.5 * _PULLS**2).sum()


@dataclass(frozen=True)
class ConeShapes:
    """Cones (n,) as images take them: ``peak`` the density on the cone, per sr.

    ``falls`` is 1 where the density falls with the square of the distance from the apex, else 0.
    """

    theta_rad: F8
    sigma_rad: F8
    peak: F8
    falls: F8


def with_sensitivity(cones: ConeMixture, sensitivity: str) -> ConeMixture:
    """The cones, what passes taken from them where the setting is not "mc"."""
    counts = sensitivity == "mc" or cones.acceptance is None
    return cones if counts else replace(cones, acceptance=None)


def cone_shapes(cones: ConeMixture) -> ConeShapes:
    """Angles, widths and peaks, with what passes where the cones know of it."""
    sine = np.maximum(np.sin(cones.theta_rad), LEAST_SINE)
    theta, sigma, gain, falls = _with_passing(cones)
    peak = cones.weight * gain / (np.sqrt(2.0 * np.pi) * sigma * 2.0 * np.pi * sine)
    return ConeShapes(theta, sigma, peak, falls)


def pixel_factors(cones: ConeMixture, frame: PlaneFrame, grid: PixelGrid) -> tuple[F8, I8]:
    """(factors (k, pixels) of <R^2 s> / s(X), the row of each event, -1 for none)."""
    none = np.full(cones.n_events, -1, np.int64)
    if cones.acceptance is None:
        return np.zeros((0, 0)), none
    plane = PlaneSensitivity.of(cones.acceptance, frame, grid)
    factors = np.exp(plane.on(grid)).reshape(1, -1)
    return factors, np.where(cones.species == 0, 0, none)


def _with_passing(cones: ConeMixture) -> tuple[F8, F8, F8, F8]:
    """(theta, sigma, factor on the integral, falls) of each hypothesis."""
    n = len(cones.theta_rad)
    theta, sigma = cones.theta_rad.copy(), cones.sigma_rad.copy()
    gain, falls = np.ones(n), np.zeros(n)
    known = cones.acceptance
    if known is None or cones.axis_share is None:
        return theta, sigma, gain, falls
    # Only neutrons, which come first, have a curve.
    m = len(known.row_curve)
    bias = np.zeros(m) if cones.bias_rad is None else cones.bias_rad[:m]
    measured = (theta[:m] - bias)[:, None]
    moved = bias[:, None] + sigma[:m, None] * _PULLS
    angles = measured + (1.0 - cones.axis_share[:m, None]) * moved
    passes = _on_curves(known.omega, known.row_curve, angles) + LEAST_PASSING
    own = _on_curves(known.omega, known.row_curve, measured) + LEAST_PASSING
    weight = _GAUSSIAN * passes / own
    total = weight.sum(axis=1)
    mean = weight @ _PULLS / total
    spread = np.sqrt(np.maximum(weight @ _PULLS**2 / total - mean**2, 1e-4))
    theta[:m] = np.clip(theta[:m] + mean * sigma[:m], 0.0, np.pi)
    sigma[:m] *= spread
    gain[:m], falls[:m] = total, 1.0
    return theta, sigma, gain, falls


def _on_curves(omega: F8, curve: I8, angles: F8) -> F8:
    """Rows of a table over 0 to pi / 2 at angles (n, k), linear between its columns."""
    last = omega.shape[1] - 1
    place = np.clip(angles * (2.0 / np.pi) * last, 0.0, last - 1e-9)
    low = place.astype(np.int64)
    rows = curve[:, None]
    return np.asarray(omega[rows, low] + (place - low) * (omega[rows, low + 1] - omega[rows, low]))
