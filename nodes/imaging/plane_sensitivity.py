"""ln of the acceptance on a plane, smooth between nodes, against that of all directions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import Acceptance
from .kernels.acceptance import acceptances
from .plane import plane_to_world
from .sphere import fibonacci_directions

if TYPE_CHECKING:
    from scipy.interpolate import RectBivariateSpline

NODES: Final = 25
DIRECTIONS: Final = 100
# Along the normal, between half and twice the distance: slopes are off by 2e-5 per cm (rms), as the
# sum over pairs is itself; five planes, by up to 5e-5.
PLANES: Final = 7
# Far against any array: its parts are seen from one direction.
FAR_CM: Final = 1e5


@dataclass(frozen=True)
class PlaneSensitivity:
    """ln(<R^2 s> / s(u, v)), <> the mean over all directions; held at the edges of the plane."""

    spline: RectBivariateSpline

    @classmethod
    def of(cls, acceptance: Acceptance, frame: PlaneFrame, grid: PixelGrid) -> PlaneSensitivity:
        """Nodes over the plane, bicubic between them."""
        from scipy.interpolate import RectBivariateSpline

        u_max, v_max = grid.u_min_cm + grid.nu * grid.du_cm, grid.v_min_cm + grid.nv * grid.dv_cm
        u = np.linspace(grid.u_min_cm, u_max, NODES)
        v = np.linspace(grid.v_min_cm, v_max, NODES)
        uu, vv = np.meshgrid(u, v, indexing="ij")
        points = plane_to_world(uu.ravel(), vv.ravel(), frame, grid)
        ln_s = log_acceptances(acceptance, points).reshape(uu.shape)
        return cls(RectBivariateSpline(u, v, _everywhere(acceptance) - ln_s))

    def on(self, grid: PixelGrid) -> F8:
        """Values (nv, nu) at the pixel centres."""
        return np.asarray(self.spline(grid.u_centers_cm, grid.v_centers_cm).T)

    def at(self, uv: F8) -> tuple[float, F8]:
        """(value, derivatives (2,) by u and v) at a place of the plane."""
        value, du, dv = (
            float(self.spline.ev(uv[0], uv[1], dx=a, dy=b)) for a, b in ((0, 0), (1, 0), (0, 1))
        )
        return value, np.array([du, dv])


@dataclass(frozen=True)
class DepthSensitivity:
    """The same on planes along the normal: a polynomial of ln of the distance between them.

    ln s is nearly linear in it. ``coefficients`` (k, k) give the weights of the planes from powers;
    ``array_cm`` is the height of the array over the plane of height 0.
    """

    planes: tuple[PlaneSensitivity, ...]
    coefficients: F8
    array_cm: float

    @classmethod
    def of(
        cls,
        acceptance: Acceptance,
        frame: PlaneFrame,
        grid: PixelGrid,
        array_cm: float,
        shares: tuple[float, float],
    ) -> DepthSensitivity:
        """Planes from the first to the last of ``shares`` of the way from the array."""
        low, high = np.log(shares)
        # Chebyshev's points, where a polynomial is off least at the ends.
        points = np.cos(np.pi * (np.arange(PLANES) + 0.5) / PLANES)
        x = 0.5 * (low + high) + 0.5 * (high - low) * points
        heights = array_cm * (1.0 - np.exp(x))
        planes = (PlaneSensitivity.of(acceptance, raised(frame, h), grid) for h in heights)
        return cls(tuple(planes), np.linalg.inv(np.vander(x, increasing=True)), array_cm)

    def at(self, uv: F8, height_cm: float) -> tuple[float, F8]:
        """(value, derivatives (3,) by u, v and height) of a point over the plane."""
        away = height_cm - self.array_cm
        x, order = np.log(away / -self.array_cm), np.arange(len(self.planes))
        weight = x**order @ self.coefficients
        slope = (order[1:] * x ** order[:-1]) @ self.coefficients[1:] / away
        values, by_uv = (np.array(a) for a in zip(*(p.at(uv) for p in self.planes), strict=True))
        return float(weight @ values), np.append(weight @ by_uv, slope @ values)


def raised(frame: PlaneFrame, height_cm: float) -> PlaneFrame:
    """The plane, moved along its normal."""
    x, y, z = np.asarray(frame.origin_cm) + height_cm * np.asarray(frame.normal)
    return replace(frame, origin_cm=(float(x), float(y), float(z)))


def log_acceptances(acceptance: Acceptance, points_cm: F8) -> F8:
    """ln of the sum over pairs of omega / (R1^2 d^2) at each of ``points_cm`` (n, 3)."""
    found = np.empty(len(points_cm))
    acceptances(
        acceptance.first_cm,
        acceptance.onward,
        acceptance.pair_weight,
        acceptance.pair_curve,
        acceptance.omega_by_cosine,
        np.ascontiguousarray(points_cm, np.float64),
        found,
    )
    return np.log(np.maximum(found, np.finfo(np.float64).tiny))


def _everywhere(acceptance: Acceptance) -> float:
    """ln of the mean of R^2 s over directions of equal areas."""
    middle = 0.5 * (acceptance.first_cm.min(axis=0) + acceptance.first_cm.max(axis=0))
    directions = fibonacci_directions(DIRECTIONS)
    ln_s = log_acceptances(acceptance, middle + FAR_CM * directions)
    return float(np.log(np.mean(np.exp(ln_s + 2.0 * np.log(FAR_CM)))))
