"""Flight against light by the bar of the first hit, before and after the bars are calibrated."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, I8
from ...schemas.imaging.calibration import BAR_CONSISTENCY
from ...schemas.imaging.uncertainty import Uncertainty
from ..statistics.widths import MEDIAN_ERROR
from .cones import neutron_candidate_cones as cones_of
from .energies import neutron_energies__fixed
from .kinematics import RECOIL_MASS_MEV
from .uncertainty import (
    neutron_candidate_sigmas__both,
    neutron_light_theta,
    neutron_theta_sigma_rad__fixed,
)

# Beyond so many sigma an event is no scatter of the known energy.
CORE_SIGMA: Final = 3.0


@tag(stage="uncertainty", schema="BarConsistency", scope="run")
@config.when_in(calibration=["self", "file"], theta_from=["time_and_light"])
def bar_consistency(
    neutron_filtered_events: pd.DataFrame,
    neutron_calibrated_events: pd.DataFrame,
    neutron_candidate_sigmas: pd.DataFrame,
    light_response: pd.DataFrame,
    fixed_energy_MeV: float,
    cone_kinematics: str,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
) -> pd.DataFrame:
    """Median of (theta of flight - theta of light) in sigma of each bar, of scatters on protons.

    Events as read, and with the constants of the bars; of those within 3 sigma.
    """
    events = neutron_filtered_events
    cones = cones_of(events, neutron_energies__fixed(events, fixed_energy_MeV), cone_kinematics)
    told = (cone_kinematics, bars, uncertainty)
    width = neutron_theta_sigma_rad__fixed(events, cones, fixed_energy_MeV, *told)
    light = neutron_light_theta(
        events, light_response, fixed_energy_MeV, cone_kinematics, uncertainty
    )
    before = neutron_candidate_sigmas__both(events, cones, width, light, bars, uncertainty)
    det_id = np.unique(events["det_id1"].to_numpy(np.int64))
    columns: dict[str, F8 | I8] = {"det_id": det_id}
    both = ((events, before), (neutron_calibrated_events, neutron_candidate_sigmas))
    for when, (of, sigmas) in zip(("before", "after"), both, strict=True):
        pulls = sigmas["consistency"].to_numpy()[:: len(RECOIL_MASS_MEV)]
        n, median, error = _medians(of["det_id1"].to_numpy(np.int64), pulls, det_id)
        columns |= {f"events_{when}": n, f"median_{when}": median, f"error_{when}": error}
    return BAR_CONSISTENCY.frame(columns)


def _medians(bar: I8, pull: F8, det_id: I8) -> tuple[I8, F8, F8]:
    """(events, median, its error) of the pulls in the core of each of ``det_id``."""
    core = np.abs(pull) < CORE_SIGMA
    groups = pd.Series(pull[core]).groupby(bar[core])
    n = np.asarray(groups.size().reindex(det_id, fill_value=0), np.int64)
    median, spread = (
        np.asarray(a.reindex(det_id), np.float64) for a in (groups.median(), groups.std())
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return n, median, np.asarray(MEDIAN_ERROR * spread / np.sqrt(n))
