"""Likelihood of point sources on uncertain cones: parameters in, ln L and its gradient out.

ln L = sum_i ln(f_c sum_s r_s K_i(X_s) + (1 - f_c) / 4 pi) + ln prior(k): f_c the share of all
sources in the events of class c, r_s that of a source among them, K_i the density of the event's
cones at X_s (kernels/cone_likelihood.py), b and k bias and scale of a species. Where acceptance is
in force K of neutrons has a factor <R^2 s> omega(t) / (omega(theta) R_1^2 s(X)), that of the
density of an event of a source at X over that of one from anywhere (acceptance.py). Plain
functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from ...schemas.arrays import F8, I8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import Acceptance, ConeMixture, SourceFit
from ...schemas.imaging.uncertainty import PointFit
from .kernels.cone_likelihood import Passing, cone_densities, significances
from .passing_cones import cone_shapes, with_sensitivity
from .plane import plane_to_world
from .plane_sensitivity import DepthSensitivity, PlaneSensitivity

ISOTROPIC: Final = 1.0 / (4.0 * np.pi)
# Prior of ln k: the sigmas are known to about 20 %, and a free width would swallow foreign events.
SCALE_WIDTH: Final = 0.2
BIAS_LIMIT_RAD: Final = 0.5
LOGIT_LIMIT: Final = 13.8
STEPS_OF_REPLICA: Final = 12
# Where a free distance may lie, in units of the way from the array to the plane.
DISTANCE_SHARES: Final = (0.5, 2.0)


@dataclass(frozen=True)
class FitProblem:
    """What is fitted: cones on a plane. ``bias`` and ``scale`` parameters exist per species."""

    cones: ConeMixture
    frame: PlaneFrame
    grid: PixelGrid
    settings: PointFit
    known_sensitivity: PlaneSensitivity | None = None
    known_depth: DepthSensitivity | None = None

    def with_cones(self, cones: ConeMixture) -> FitProblem:
        """The same array and plane with other angles of its cones."""
        plane, depth = self.log_sensitivity, self.depth_sensitivity
        return replace(self, cones=cones, known_sensitivity=plane, known_depth=depth)

    @property
    def acceptance(self) -> Acceptance | None:
        """What passes, where the fit counts it."""
        return self.cones.acceptance if self.settings.sensitivity == "mc" else None

    @cached_property
    def passing(self) -> Passing:
        """What the kernel takes a factor for."""
        n = len(self.cones.theta_rad)
        curve, known = np.full(n, -1, np.int64), self.acceptance
        if known is None or self.cones.axis_share is None:
            none = Acceptance.none()
            return Passing(curve, np.zeros(n), none.omega, none.slope)
        curve[: len(known.row_curve)] = known.row_curve
        return Passing(curve, self.cones.axis_share, known.omega, known.slope)

    @cached_property
    def log_sensitivity(self) -> PlaneSensitivity | None:
        """ln s(X) on the plane, where acceptance counts."""
        known = self.acceptance
        if known is not None and self.known_sensitivity is not None:
            return self.known_sensitivity
        return None if known is None else PlaneSensitivity.of(known, self.frame, self.grid)

    @cached_property
    def depth_sensitivity(self) -> DepthSensitivity | None:
        """ln s(X) over the plane, where acceptance counts and the distance is free."""
        known = self.acceptance
        if known is None or not self.settings.free_distance or self.known_depth is not None:
            return None if known is None else self.known_depth
        return DepthSensitivity.of(known, self.frame, self.grid, self.array_cm, DISTANCE_SHARES)

    @cached_property
    def array_cm(self) -> float:
        """Height of the middle of the first scatters over the plane, along its normal."""
        away = self.cones.apex_cm.mean(axis=0) - np.asarray(self.frame.origin_cm)
        return float(away @ np.asarray(self.frame.normal))

    @property
    def n_groups(self) -> int:
        """How many classes of events."""
        return int(self.cones.group.max(initial=-1)) + 1

    @property
    def present(self) -> I8:
        """The species that have events."""
        return np.unique(self.cones.species)

    def world(self, uv: F8, height_cm: float) -> F8:
        """The point (3,) of (u, v) at a height over the plane."""
        on_plane = plane_to_world(uv[:1], uv[1:], self.frame, self.grid)[0]
        return np.asarray(on_plane + height_cm * np.asarray(self.frame.normal))

    def sensitivity_at(self, uv: F8, height_cm: float) -> tuple[float, F8] | None:
        """(ln of the factor of what passes, its derivatives by u, v and a free height)."""
        if (depth := self.depth_sensitivity) is not None:
            return depth.at(uv, height_cm)
        return None if self.log_sensitivity is None else self.log_sensitivity.at(uv)

    def height_cm(self, height: F8) -> tuple[float, bool]:
        """(height of the sources within its range, whether it is free there).

        ``height`` (0 or 1,) is what of the parameters stands for it.
        """
        low, high = self.heights_cm
        if not len(height):
            return 0.0, False
        return float(np.clip(height[0], low, high)), bool(low < height[0] < high)

    @property
    def heights_cm(self) -> tuple[float, float]:
        """Least and greatest height of a source over the plane where the distance is free."""
        low, high = sorted(self.array_cm * (1.0 - share) for share in DISTANCE_SHARES)
        return low, high


def significance(problem: FitProblem, places_cm: F8, known: F8) -> tuple[F8, F8]:
    """(TS, fraction) of one further source in each (u, v) of ``places_cm`` (n, 2).

    ``known`` (m,) is the density of each event without it.
    """
    cones = with_sensitivity(problem.cones, problem.settings.sensitivity)
    told, n = cone_shapes(cones), len(places_cm)
    statistic, fraction, factor = np.zeros(n), np.zeros(n), np.ones(n)
    if cones.n_events:
        if (sensitivity := problem.log_sensitivity) is not None:
            factor = np.exp(sensitivity.spline.ev(places_cm[:, 0], places_cm[:, 1]))
        u, v = np.ascontiguousarray(places_cm.T)
        significances(
            cones.apex_cm,
            cones.axis,
            np.cos(told.theta_rad),
            np.sin(told.theta_rad),
            1.0 / told.sigma_rad,
            told.peak,
            told.falls,
            cones.start,
            np.ascontiguousarray(plane_to_world(u, v, problem.frame, problem.grid)),
            factor,
            known,
            statistic,
            fraction,
        )
    return statistic, fraction


def maximum(problem: FitProblem, start: F8, n_sources: int, weights: F8 | None = None) -> SourceFit:
    """The maximum next to ``start``; ``weights`` (m,) count events more or less often."""
    from scipy.optimize import minimize

    scales = search_scales(problem, n_sources)

    def scaled(p: F8) -> tuple[float, F8]:
        value, gradient = cost(problem, p * scales, n_sources, weights)
        return value, gradient * scales

    found = minimize(scaled, start / scales, jac=True, method="BFGS", options={"gtol": 1e-4})
    best, height = found.x.copy(), places(problem, n_sources).height
    if problem.settings.free_distance:
        best[height] = problem.height_cm(best[height] * scales[height])[0] / scales[height]
    parameters = best * scales
    hessian = _hessian(lambda p: scaled(p)[1], best)
    covariance = np.linalg.pinv(hessian, rcond=1e-9, hermitian=True) * np.outer(scales, scales)
    value, _ = cost(problem, parameters, n_sources, weights)
    log_likelihood = -value + _scale_prior(parameters, problem, n_sources)
    return SourceFit(parameters, covariance, log_likelihood, ())


def cost(
    problem: FitProblem, parameters: F8, n_sources: int, weights: F8 | None
) -> tuple[float, F8]:
    """(-ln L with the prior of k, its gradient)."""
    q, gradients = densities(problem, parameters, n_sources)
    of_event = 1.0 / q if weights is None else weights / q
    gradient = -(of_event @ gradients)
    value = -float(np.log(q).sum() if weights is None else weights @ np.log(q))
    value += _scale_prior(parameters, problem, n_sources)
    at = places(problem, n_sources)
    gradient[at.scale] += parameters[at.scale] / SCALE_WIDTH**2
    if problem.settings.bias_rad != "fit":
        gradient[at.bias] = 0.0
    return value, gradient


def _scale_prior(parameters: F8, problem: FitProblem, n_sources: int) -> float:
    ln_k = parameters[places(problem, n_sources).scale]
    return float(0.5 * (ln_k**2).sum() / SCALE_WIDTH**2)


@dataclass(frozen=True)
class Places:
    """Where the kinds of parameters stand."""

    ratio: slice
    bias: slice
    scale: slice
    share: slice
    height: slice


def places(problem: FitProblem, n_sources: int) -> Places:
    counts = (2 * n_sources, n_sources - 1, *[len(problem.present)] * 2, problem.n_groups)
    edges = np.cumsum(counts)
    return Places(*(slice(*pair) for pair in zip(edges, [*edges[1:], None], strict=True)))


def search_scales(problem: FitProblem, n_sources: int) -> F8:
    """Steps that change ln L about alike, for the search: cm, rad and logits differ widely."""
    at = places(problem, n_sources)
    scales = np.ones(at.height.start + problem.settings.free_distance)
    scales[at.bias] = 0.02
    scales[at.scale] = 0.1
    scales[at.share] = 0.2
    scales[at.height] = 10.0
    return scales


def densities(problem: FitProblem, parameters: F8, n_sources: int) -> tuple[F8, F8]:
    """(density of each event, its derivatives by the parameters (m, p))."""
    cones, at = problem.cones, places(problem, n_sources)
    m = cones.n_events
    bias, scale = np.zeros(2), np.ones(2)
    bias[problem.present] = np.clip(parameters[at.bias], -BIAS_LIMIT_RAD, BIAS_LIMIT_RAD)
    scale[problem.present] = np.exp(np.clip(parameters[at.scale], -2.0, 2.0))
    logits = np.clip(parameters[at.share], -LOGIT_LIMIT, LOGIT_LIMIT)
    share = sigmoid(logits)[cones.group]
    of_source = source_shares(parameters, at)
    gradients = np.zeros((m, len(parameters)))
    height, is_free = problem.height_cm(parameters[at.height])
    ways = [problem.grid.u_axis, problem.grid.v_axis]
    axes = np.column_stack([*ways, problem.frame.normal] if is_free else ways)
    total = np.zeros(m)
    each = []
    for source, r in enumerate(of_source):
        density, slopes = np.empty(m), np.empty((m, 5))
        uv = parameters[2 * source : 2 * source + 2]
        cone_densities(
            cones.apex_cm,
            cones.axis,
            cones.theta_rad,
            cones.sigma_rad,
            cones.weight,
            cones.start,
            cones.species,
            problem.world(uv, height),
            bias,
            scale,
            problem.passing,
            density,
            slopes,
        )
        along = slopes[:, :3] @ axes
        if (sensitivity := problem.sensitivity_at(uv, height)) is not None:
            ln_factor, by_place = sensitivity
            factor = np.where(cones.species == 0, np.exp(ln_factor), 1.0)
            of_neutrons = np.where(cones.species == 0, density, 0.0)
            along += np.outer(of_neutrons, by_place[: along.shape[1]])
            along *= factor[:, None]
            density *= factor
            slopes *= factor[:, None]
        each.append(density)
        total += r * density
        gradients[:, 2 * source : 2 * source + 2] = (share * r)[:, None] * along[:, :2]
        if is_free:
            gradients[:, at.height.start] += share * r * along[:, 2]
        for column, species in enumerate(problem.present):
            mine = share * r * (cones.species == species)
            gradients[:, at.bias.start + column] += mine * slopes[:, 3]
            gradients[:, at.scale.start + column] += mine * slopes[:, 4]
    if n_sources == 2:
        gradients[:, at.ratio.start] = share * (each[0] - each[1]) * of_source.prod()
    by_share = (total - ISOTROPIC) * share * (1.0 - share)
    gradients[np.arange(m), at.share.start + cones.group] = by_share
    return share * total + (1.0 - share) * ISOTROPIC, gradients


def _hessian(gradient: Callable[[F8], F8], at: F8) -> F8:
    """Central differences of a gradient, made symmetric."""
    step = 1e-3
    rows = [
        (gradient(at + step * e) - gradient(at - step * e)) / (2.0 * step) for e in np.eye(len(at))
    ]
    hessian = np.stack(rows)
    return np.asarray(0.5 * (hessian + hessian.T))


def source_shares(parameters: F8, at: Places) -> F8:
    """Share of each source among all events of sources."""
    first = sigmoid(parameters[at.ratio])
    return np.array([1.0]) if len(first) == 0 else np.array([first[0], 1.0 - first[0]])


def sigmoid(logits: F8) -> F8:
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def weighted_maximum(problem: FitProblem, fit: SourceFit, n_sources: int, weights: F8) -> F8:
    """Parameters at the maximum of reweighted events, by steps with the Hessian of all.

    The search begins anew where the steps do not settle.
    """
    p = fit.parameters.copy()
    limit = 5.0 * np.maximum(np.sqrt(np.maximum(np.diagonal(fit.covariance), 0.0)), 1e-9)
    for _ in range(STEPS_OF_REPLICA):
        _, gradient = cost(problem, p, n_sources, weights)
        step = np.clip(fit.covariance @ gradient, -limit, limit)
        p -= step
        if np.all(np.abs(step) < 1e-3 * limit):
            return p
    return maximum(problem, fit.parameters, n_sources, weights).parameters


def replica_rows(problem: FitProblem, fit: SourceFit, weights: F8) -> F8:
    """(u, v, counts) of each source (n, 3) if events count as often as ``weights`` (m,) say."""
    n = len(fit.TS)
    at = places(problem, n)
    p = weighted_maximum(problem, fit, n, weights)
    events = np.bincount(problem.cones.group, weights, problem.n_groups)
    order = np.argsort(-source_shares(fit.parameters, at), kind="stable")
    counts = float(sigmoid(p[at.share]) @ events) * source_shares(p, at)
    return np.column_stack([p[0 : 2 * n : 2], p[1 : 2 * n : 2], counts])[order]
