"""ln of the acceptance on a plane, smooth between nodes, against that of all directions."""

from __future__ import annotations

from dataclasses import dataclass
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
