"""What the errors of the bars' own constants move a fitted source by.

Offsets of time and gains of light are drawn within their errors, the angles made again with them,
and the fit from its own maximum. Errors of different constants are taken as independent.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import ConeMixture, SourceFit
from ...schemas.imaging.uncertainty import PointFit, Uncertainty
from .bar_constants import drawn_errors, walk_shape
from .cones import neutron_candidate_cones as cones_of
from .energies import neutron_energies__fixed
from .refits import places_with, with_angles
from .source_likelihood import FitProblem
from .uncertainty import neutron_candidate_sigmas__both, neutron_light_theta

DRAWS: Final = 10
SEED: Final = 1


@tag(stage="reconstruction", unit="cm", scope="run")
@config.when_in(calibration=["off", "file"])
def calibration_shift_cm__unknown(source_fit: SourceFit) -> F8:
    """What constants of the bars move each source by, (n, 2); NaN: none has an error."""
    return np.full((len(source_fit.TS), 2), np.nan)


@tag(stage="reconstruction", unit="cm", scope="run")
@config.when(calibration="self", theta_from="strategy")
def calibration_shift_cm__strategy(source_fit: SourceFit) -> F8:
    """What constants of the bars move each source by, (n, 2); NaN: of one estimate of the angle."""
    return np.full((len(source_fit.TS), 2), np.nan)


@tag(stage="reconstruction", unit="cm", scope="run")
@config.when(calibration="self", theta_from="time_and_light")
def calibration_shift_cm__drawn(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    cone_width_scale: F8,
    bar_calibration: pd.DataFrame,
    neutron_calibrated_events: pd.DataFrame,
    neutron_theta_sigma_rad: F8,
    neutron_candidate_sigmas: pd.DataFrame,
    neutron_candidate_weights: F8,
    light_response: pd.DataFrame,
    fixed_energy_MeV: float,
    cone_kinematics: str,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> F8:
    """Rms move of each source, (n, 2), by ten draws of the constants within their errors."""
    n_sources = len(source_fit.TS)
    if cone_mixture.n_events == 0 or not np.isfinite(bar_calibration["light_gain_sigma"]).any():
        return np.full((n_sources, 2), np.nan)
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    width = neutron_candidate_sigmas["cone_sigma_rad"].to_numpy()
    rows = np.flatnonzero((neutron_candidate_weights > 0) & np.isfinite(width) & (width > 0))
    every_event = np.ones(cone_mixture.n_events)
    own = source_fit.parameters[: 2 * n_sources].reshape(n_sources, 2)
    moved = []
    for draw in range(DRAWS):
        errors = drawn_errors(bar_calibration, np.random.default_rng([SEED, draw]))
        events = _changed(neutron_calibrated_events, errors)
        cones = cones_of(events, neutron_energies__fixed(events, fixed_energy_MeV), cone_kinematics)
        told = (light_response, fixed_energy_MeV, cone_kinematics, uncertainty)
        light = neutron_light_theta(events, *told)
        sigmas = neutron_candidate_sigmas__both(
            events, cones, neutron_theta_sigma_rad, light, bars, uncertainty
        )
        angles, widths = (sigmas[c].to_numpy()[rows] for c in ("theta_rad", "cone_sigma_rad"))
        drawn = with_angles(cone_mixture, angles, widths * cone_width_scale[0])
        places = places_with(problem.with_cones(drawn), source_fit, every_event)
        moved.append(places - own)
    return np.asarray(np.sqrt((np.stack(moved) ** 2).mean(axis=0)))


def _changed(events: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Events whose times and lights are off by errors of their bars, a row a bar by its det_id."""
    columns = {}
    for k in (1, 2):
        of_hits = errors.reindex(events[f"det_id{k}"].to_numpy(np.int64))
        late, walk = (of_hits[f"time_{name}_ns"].to_numpy() for name in ("offset", "walk"))
        light = events[f"light{k}_MeVee"].to_numpy()
        # Light is corrected here, and was read smaller or larger by a gain that is near 1.
        late = np.nan_to_num(late) + np.nan_to_num(walk) * walk_shape(light)
        columns[f"t{k}_ns"] = events[f"t{k}_ns"].to_numpy() - late
        columns[f"light{k}_MeVee"] = light * np.nan_to_num(of_hits["light_gain"], nan=1.0)
    return events.assign(**columns)
