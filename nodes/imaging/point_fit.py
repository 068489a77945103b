"""Point sources by unbinned maximum likelihood on the cones; no pixel and no prior enters.

The likelihood stands in source_likelihood.py; the fit begins at the maximum of a coarse map of
significance, a second source at that of the map beside the first.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import POINT_SOURCES, Acceptance, ConeMixture, SourceFit
from ...schemas.imaging.uncertainty import PointFit, Reconstruction
from .consistency_classes import class_codes
from .passing_cones import with_sensitivity
from .plane_sensitivity import PlaneSensitivity
from .profile_intervals import profile_intervals
from .source_likelihood import (
    ISOTROPIC,
    FitProblem,
    densities,
    places,
    sigmoid,
    significance,
    source_shares,
)
from .source_search import fitted_sources
from .weighted_projection import of_species

SPECIES: Final = ("neutron", "gamma")
_COLUMNS: Final = (
    *(f"apex_{a}_cm" for a in "xyz"),
    *(f"axis_{a}" for a in "xyz"),
    "theta_rad",
    "cone_sigma_rad",
    "axis_sigma_rad",
    "weight",
    "event_id",
    "consistency",
)


@tag(stage="reconstruction", scope="run", helper="true")
def cone_mixture(
    neutron_weighted_cones: pd.DataFrame,
    gamma_weighted_cones: pd.DataFrame,
    cone_width_scale: F8,
    reconstruction: Reconstruction,
    acceptance: Acceptance,
) -> ConeMixture:
    """Hypotheses of all events with their widths, the class of each event, and what passes."""
    parts = (neutron_weighted_cones, gamma_weighted_cones)
    starts, rows = [np.zeros(1, np.int64)], 0
    for frame in parts:
        index = frame["event_index"].to_numpy()
        first = np.flatnonzero(np.diff(index, prepend=-1))
        starts.append(np.append(first[1:], len(index)) + rows if len(index) else first)
        rows += len(index)
    start = np.concatenate(starts).astype(np.int64)
    counts = [len(s) for s in starts[1:]]
    column = {c: np.concatenate([f[c].to_numpy() for f in parts]) for c in _COLUMNS}
    of_row = np.repeat(cone_width_scale, [len(f) for f in parts])
    first = start[:-1]
    species = np.repeat(np.arange(len(parts)), counts)
    codes = class_codes(column["consistency"][first], species, reconstruction.consistency_edges)
    return ConeMixture(
        apex_cm=np.column_stack([column[f"apex_{a}_cm"] for a in "xyz"]),
        axis=np.column_stack([column[f"axis_{a}"] for a in "xyz"]),
        theta_rad=column["theta_rad"],
        sigma_rad=column["cone_sigma_rad"] * of_row,
        weight=column["weight"],
        start=start,
        event_id=column["event_id"][first],
        species=species,
        group=np.unique(codes, return_inverse=True)[1].astype(np.int64),
        axis_share=(column["axis_sigma_rad"] / column["cone_sigma_rad"]) ** 2,
        acceptance=acceptance if acceptance.known else None,
    )


@tag(stage="reconstruction", scope="run")
def significance_map(
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    image_sensitivity: str,
) -> F8:
    """Likelihood-ratio TS of one point source of free strength in each pixel, (nv, nu)."""
    return _significance_of(
        FitProblem(cone_mixture, plane_frame, pixel_grid, _counting(image_sensitivity))
    )


@tag(stage="reconstruction", scope="run")
def neutron_significance_map(
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    image_sensitivity: str,
) -> F8:
    """significance_map of the neutrons alone."""
    cones = of_species(cone_mixture, 0)
    return significance_map(cones, plane_frame, pixel_grid, image_sensitivity)


@tag(stage="reconstruction", scope="run")
def gamma_significance_map(
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    image_sensitivity: str,
) -> F8:
    """significance_map of the gamma rays alone."""
    cones = of_species(cone_mixture, 1)
    return significance_map(cones, plane_frame, pixel_grid, image_sensitivity)


@tag(stage="reconstruction", scope="run")
def sensitivity_map(
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    image_sensitivity: str,
) -> F8:
    """ln of the acceptance of neutrons in each pixel over its mean on the plane, (nv, nu).

    0 where it is not known or not counted.
    """
    cones = with_sensitivity(cone_mixture, image_sensitivity)
    if cones.acceptance is None:
        return np.zeros(pixel_grid.shape)
    ln_s = -PlaneSensitivity.of(cones.acceptance, plane_frame, pixel_grid).on(pixel_grid)
    return np.asarray(ln_s - np.log(np.exp(ln_s - ln_s.max()).mean()) - ln_s.max())


@tag(stage="reconstruction", scope="run")
def residual_significance_map(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> F8:
    """Likelihood-ratio TS of one more source beside the fitted ones in each pixel, (nv, nu).

    Widths are those of the cones as given: a fitted factor on them would hide a near source.
    """
    if cone_mixture.n_events == 0:
        return np.zeros(pixel_grid.shape)
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    parameters = source_fit.parameters.copy()
    parameters[places(problem, len(source_fit.TS)).scale] = 0.0
    known, _ = densities(problem, parameters, len(source_fit.TS))
    return _significance_of(problem, known)


@tag(stage="reconstruction", scope="run", helper="true")
def source_fit(
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> SourceFit:
    """The maximum of the likelihood, for the sources and for their replicas."""
    return fitted_sources(FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit))


@tag(stage="reconstruction", schema="PointSources", scope="run")
def point_sources(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> pd.DataFrame:
    """Place of each source with its errors; the strongest first, no row without events."""
    if cone_mixture.n_events == 0:
        return POINT_SOURCES.empty()
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    return _source_rows(problem, source_fit)


def _counting(sensitivity: str) -> PointFit:
    return PointFit(sensitivity="mc" if sensitivity == "mc" else "flat")


def _significance_of(problem: FitProblem, known: F8 | None = None) -> F8:
    """TS of one more source in each pixel beside ``known``, by default beside none."""
    grid = problem.grid
    centres = np.meshgrid(grid.u_centers_cm, grid.v_centers_cm)
    places_cm = np.stack([a.ravel() for a in centres], axis=1)
    known = np.full(problem.cones.n_events, ISOTROPIC) if known is None else known
    return significance(problem, places_cm, known)[0].reshape(grid.shape)


def _distance(problem: FitProblem, fit: SourceFit) -> tuple[float, float]:
    """(place of the sources along the normal, its error); NaN where it is not free.

    No error at an end of the range: ln L goes on rising there.
    """
    height = places(problem, len(fit.TS)).height
    if not problem.settings.free_distance:
        return np.nan, np.nan
    at_cm, is_free = problem.height_cm(fit.parameters[height])
    own = float(np.asarray(problem.frame.normal) @ np.asarray(problem.frame.origin_cm))
    variance = float(np.diagonal(fit.covariance)[height][0])
    return own + at_cm, float(np.sqrt(max(variance, 0.0))) if is_free else np.nan


def _source_rows(problem: FitProblem, fit: SourceFit) -> pd.DataFrame:
    n = len(fit.TS)
    at = places(problem, n)
    p, cones = fit.parameters, problem.cones
    of_group = np.bincount(cones.group, minlength=problem.n_groups)
    of_source = source_shares(p, at)
    from_sources = float(sigmoid(p[at.share]) @ of_group)
    by_species = np.full((2, 2), np.nan)
    by_species[0, problem.present] = p[at.bias]
    by_species[1, problem.present] = np.exp(p[at.scale])
    sigma = np.sqrt(np.maximum(np.diagonal(fit.covariance)[: 2 * n], 0.0))
    blocks = [fit.covariance[2 * k, 2 * k + 1] for k in range(n)]
    order = np.argsort(-of_source, kind="stable")
    u, v = p[0 : 2 * n : 2], p[1 : 2 * n : 2]
    su, sv = sigma[0::2], sigma[1::2]
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.array(blocks) / (su * sv)
    columns: dict[str, F8] = {
        "u_cm": u,
        "v_cm": v,
        "u_sigma_cm": su,
        "v_sigma_cm": sv,
        "uv_correlation": correlation,
        **profile_intervals(problem, fit, n),
        # What more than statistics is in it comes with position_budget.
        **dict.fromkeys(("u_total_cm", "v_total_cm"), np.full(n, np.nan)),
        "counts": from_sources * of_source,
        "TS": np.array(fit.TS),
    }
    distance, error = _distance(problem, fit)
    common = {
        "distance_cm": distance,
        "distance_sigma_cm": error,
        "elsewhere_counts": cones.n_events - from_sources,
        **{f"{s}_bias_rad": by_species[0, k] for k, s in enumerate(SPECIES)},
        **{f"{s}_scale": by_species[1, k] for k, s in enumerate(SPECIES)},
        "log_likelihood": fit.log_likelihood / cones.n_events,
    }
    return POINT_SOURCES.frame(
        {
            **{name: values[order] for name, values in columns.items()},
            **{name: np.full(n, value) for name, value in common.items()},
        }
    )
