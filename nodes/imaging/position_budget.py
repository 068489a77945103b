"""What a position may be wrong by: statistics, estimates of the angle, bars, halves of the data.

The fit is made again from its own maximum, with events left out or with another estimate of the
angles. Alternate events share every systematic: halves confirm the statistics, no more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, I8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import (
    BUDGET_COMPONENTS,
    POSITION_BUDGET,
    STRATEGIES,
    STRATEGY_SOURCES,
    ConeMixture,
    SourceFit,
)
from ...schemas.imaging.uncertainty import PointFit, Uncertainty
from ...schemas.tables import categories_of
from .cones import neutron_candidate_cones
from .energies import neutron_energies__elut
from .refits import (
    half_difference,
    jackknife,
    order_of_sources,
    places_from,
    places_with,
    with_angles,
)
from .resolutions import bar_axes
from .source_likelihood import FitProblem
from .uncertainty import neutron_theta_sigma_rad__elut

IN_TOTAL: Final = ("statistical", "bar_jackknife", "calibration", "sensitivity")
# What the fit takes off is not counted again.
IN_TOTAL_CORRECTED: Final = ("statistical", "bar_jackknife", "calibration")
FEWEST_BARS: Final = 3


@tag(stage="reconstruction", schema="StrategySources", scope="run")
@config.when(theta_from="strategy")
def strategy_sources__one(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> pd.DataFrame:
    """Place of each source by each estimate of the angle; there is one."""
    if cone_mixture.n_events == 0:
        return STRATEGY_SOURCES.empty()
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    return _strategy_rows(problem, source_fit, {"as_set": _places(source_fit)})


@tag(stage="reconstruction", schema="StrategySources", scope="run")
@config.when(theta_from="time_and_light")
def strategy_sources__both(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    cone_width_scale: F8,
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
    neutron_theta_sigma_rad: F8,
    neutron_light_theta: pd.DataFrame,
    neutron_candidate_sigmas: pd.DataFrame,
    neutron_candidate_weights: F8,
    light_response: pd.DataFrame,
    cone_kinematics: str,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> pd.DataFrame:
    """Place of each source by flight and light, by flight, by light, and by ELUT."""
    if cone_mixture.n_events == 0:
        return STRATEGY_SOURCES.empty()
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    axis = neutron_candidate_sigmas["axis_sigma_rad"].to_numpy()
    width = neutron_candidate_sigmas["cone_sigma_rad"].to_numpy()
    rows = np.flatnonzero((neutron_candidate_weights > 0) & np.isfinite(width) & (width > 0))
    elut = _elut_angles(
        neutron_calibrated_events, light_response, cone_kinematics, bars, uncertainty
    )
    light = [neutron_light_theta[name].to_numpy() for name in ("theta_rad", "theta_sigma_rad")]
    angles = {
        "flight": (neutron_candidate_cones["theta_rad"].to_numpy(), neutron_theta_sigma_rad),
        "light": (light[0], light[1]),
        "ELUT": elut,
    }
    found = {"as_set": _places(source_fit)}
    for name, (theta, sigma) in angles.items():
        both = np.hypot(sigma, axis)[rows] * cone_width_scale[0]
        cones = with_angles(cone_mixture, theta[rows], both)
        found[name] = places_from(problem.with_cones(cones), source_fit)
    return _strategy_rows(problem, source_fit, found)


@tag(stage="reconstruction", unit="cm", scope="run")
def sensitivity_shift_cm(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> F8:
    """What acceptance moves each source by, (n, 2): with it less without; NaN where not known."""
    if cone_mixture.acceptance is None:
        return np.full((len(source_fit.TS), 2), np.nan)
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    other = "flat" if point_fit.sensitivity == "mc" else "mc"
    changed = replace(problem, settings=point_fit.model_copy(update={"sensitivity": other}))
    moved = _places(source_fit) - places_from(changed, source_fit)
    return moved if point_fit.sensitivity == "mc" else -moved


@tag(stage="reconstruction", schema="PositionBudget", scope="run")
def position_budget(
    source_fit: SourceFit,
    strategy_sources: pd.DataFrame,
    sensitivity_shift_cm: F8,
    calibration_shift_cm: F8,
    cone_mixture: ConeMixture,
    neutron_weighted_cones: pd.DataFrame,
    gamma_weighted_cones: pd.DataFrame,
    neutron_calibrated_events: pd.DataFrame,
    gamma_calibrated_events: pd.DataFrame,
    bars: pd.DataFrame,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> pd.DataFrame:
    """Half widths of the position by component, and their total; sources as in point_sources.

    The total is that of statistics, of bars left out one by one and of the errors of their
    constants, in quadrature, and of acceptance where the fit does not take it off: bars that
    disagree are what estimates and orientations disagree by. A component that is not evaluated is
    NaN, and not in the total.
    """
    if cone_mixture.n_events == 0:
        return POSITION_BUDGET.empty()
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    struck = np.concatenate(
        [
            _bars_of_events(neutron_weighted_cones, neutron_calibrated_events),
            _bars_of_events(gamma_weighted_cones, gamma_calibrated_events),
        ]
    )
    order = order_of_sources(problem, source_fit)
    n = len(order)
    sigma = np.sqrt(np.maximum(np.diagonal(source_fit.covariance)[: 2 * n], 0.0)).reshape(n, 2)
    spread = strategy_sources.groupby("source")[["u_cm", "v_cm"]]
    parts = {
        "statistical": sigma[order],
        "strategy": ((spread.max() - spread.min()) / 2.0).to_numpy(),
        "bar_jackknife": _bars_left_out(problem, source_fit, struck)[order],
        "orientation": _orientations(problem, source_fit, struck, bars)[order],
        "halves": _halves(problem, source_fit)[order],
        "sensitivity": np.abs(sensitivity_shift_cm)[order],
        # The mixture of hypotheses has no prior in its inputs.
        "prior_leakage": np.zeros((n, 2)),
        "calibration": calibration_shift_cm[order],
    }
    in_total = IN_TOTAL if problem.acceptance is None else IN_TOTAL_CORRECTED
    parts["total"] = np.sqrt(sum(np.nan_to_num(parts[name]) ** 2 for name in in_total))
    widths = np.stack([parts[name] for name in BUDGET_COMPONENTS], axis=1).reshape(-1, 2)
    names = np.tile(np.arange(len(BUDGET_COMPONENTS), dtype=np.int8), n)
    counted = np.isin(names, [BUDGET_COMPONENTS.index(name) for name in in_total])
    return POSITION_BUDGET.frame(
        {
            "source": np.repeat(np.arange(n), len(BUDGET_COMPONENTS)),
            "component": categories_of(names, BUDGET_COMPONENTS),
            "u_cm": widths[:, 0],
            "v_cm": widths[:, 1],
            "in_total": (counted & np.isfinite(widths[:, 0])).astype(np.uint8),
        }
    )


def _places(fit: SourceFit) -> F8:
    n = len(fit.TS)
    return fit.parameters[: 2 * n].reshape(n, 2)


def _strategy_rows(problem: FitProblem, fit: SourceFit, found: dict[str, F8]) -> pd.DataFrame:
    order = order_of_sources(problem, fit)
    places = np.concatenate([found[name][order] for name in found])
    codes = np.array([STRATEGIES.index(name) for name in found], np.int8)
    return STRATEGY_SOURCES.frame(
        {
            "source": np.tile(np.arange(len(order)), len(found)),
            "strategy": categories_of(np.repeat(codes, len(order)), STRATEGIES),
            "u_cm": places[:, 0],
            "v_cm": places[:, 1],
        }
    )


def _elut_angles(
    events: pd.DataFrame,
    light_response: pd.DataFrame,
    kinematics: str,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> tuple[F8, F8]:
    energies = neutron_energies__elut(events, light_response)
    cones = neutron_candidate_cones(events, energies, kinematics)
    sigma = neutron_theta_sigma_rad__elut(
        events, cones, light_response, kinematics, bars, uncertainty
    )
    return cones["theta_rad"].to_numpy(), sigma


def _bars_of_events(cones: pd.DataFrame, events: pd.DataFrame) -> I8:
    """Detectors of the hits (m, 3) of the events with a cone; -1 where there is no third."""
    index = cones["event_index"].to_numpy()
    rows = index[np.flatnonzero(np.diff(index, prepend=-1))]
    none = np.full(len(events), -1, np.int64)
    columns = [
        events[name].to_numpy(np.int64) if name in events else none
        for name in ("det_id1", "det_id2", "det_id3")
    ]
    return np.stack(columns, axis=1)[rows]


def _bars_left_out(problem: FitProblem, fit: SourceFit, struck: I8) -> F8:
    bars = np.unique(struck[struck >= 0])
    if len(bars) < FEWEST_BARS:
        return np.full((len(fit.TS), 2), np.nan)
    without = [(struck != bar).all(axis=1).astype(np.float64) for bar in bars.tolist()]
    return jackknife([places_with(problem, fit, weights) for weights in without])


def _orientations(problem: FitProblem, fit: SourceFit, struck: I8, bars: pd.DataFrame) -> F8:
    """Half the difference between the two orientations of the first bar with the most events."""
    axes = bar_axes(bars, struck[:, 0])
    known = np.isfinite(axes).all(axis=1)
    along = np.where(known, np.argmax(np.abs(np.nan_to_num(axes)), axis=1), -1)
    count = np.bincount(along[along >= 0], minlength=3)
    one, two = np.argsort(-count, kind="stable")[:2]
    if count[two] == 0:
        return np.full((len(fit.TS), 2), np.nan)
    return half_difference(problem, fit, along == one, along == two)


def _halves(problem: FitProblem, fit: SourceFit) -> F8:
    even = problem.cones.event_id % 2 == 0
    if even.all() or not even.any():
        return np.full((len(fit.TS), 2), np.nan)
    return half_difference(problem, fit, even, ~even)
