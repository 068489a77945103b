"""Bars calibrate themselves: no position of a source enters.

Edges: the hits of a bar end where the bar ends. Consistency: with a known incident energy a pair
measures one scatter twice, by the flight after it and by its light; offsets of time and gains of
light bring the two together.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.imaging.calibration import (
    BAR_CALIBRATION,
    PAIRS,
    Calibration,
    HitProfiles,
)
from ...schemas.imaging.detectors import Detectors
from ...schemas.imaging.images import PlaneFrame
from ...schemas.imaging.uncertainty import Uncertainty
from ...schemas.sources import FileRef
from .bar_constants import (
    corrected_events,
    edge_offsets,
    late_share,
    scatter_constants,
    snapped_events,
    without_bias,
)
from .readers.bar_tables import read_constants
from .resolutions import hits_of_events
from .simulated_pairs import perfect_constants, simulated_pairs

NEUTRON_HITS: Final = (1, 2)
GAMMA_HITS: Final = (1, 2, 3)


@tag(stage="calibration", helper="true")
@config.when(calibration="self")
def hit_profiles(
    neutron_filtered_events: pd.DataFrame, gamma_filtered_events: pd.DataFrame
) -> HitProfiles:
    """Hits of each detector by position, of all events that pass."""
    return HitProfiles.of_hits(*hits_of_events(neutron_filtered_events, gamma_filtered_events))


@tag(stage="calibration", schema="ScatterPairs", helper="true")
@config.when(calibration="self")
def scatter_pairs(neutron_filtered_events: pd.DataFrame) -> pd.DataFrame:
    """What a pair says of its first scatter: flight, light and places."""
    events = neutron_filtered_events
    return PAIRS.frame(
        {
            "det_id1": events["det_id1"],
            "det_id2": events["det_id2"],
            "material": events["material1"],
            "material2": events["material2"],
            "flight_ns": (events["t2_ns"] - events["t1_ns"]).to_numpy(),
            "light1_MeVee": events["light1_MeVee"].to_numpy(),
            "light2_MeVee": events["light2_MeVee"].to_numpy(),
            **{f"{a}{k}_cm": events[f"{a}{k}_cm"].to_numpy() for k in (1, 2) for a in "xyz"},
        }
    )


@tag(stage="calibration", schema="BarCalibration", scope="run")
@config.when(calibration="off")
def bar_calibration__off() -> pd.DataFrame:
    """No constants: hits stay as they are."""
    return BAR_CALIBRATION.empty()


@tag(stage="calibration", schema="BarCalibration", scope="run")
@config.when(calibration="file")
def bar_calibration__file(calibration_file: FileRef) -> pd.DataFrame:
    """Constants of the bars from a table, or from an earlier run."""
    return read_constants(calibration_file)


@tag(stage="calibration", schema="BarCalibration", scope="run")
@config.when(calibration="self", incident_energy="unknown")
def bar_calibration__edges(
    hit_profiles: HitProfiles, bars: pd.DataFrame, detectors: Detectors
) -> pd.DataFrame:
    """Constants of the bars from where their hits end."""
    return edge_offsets(hit_profiles, bars, detectors)


@tag(stage="calibration", schema="BarCalibration", scope="run", helper="true")
@config.when(calibration="self", incident_energy="fixed")
def biased_bar_calibration(
    hit_profiles: HitProfiles,
    scatter_pairs: pd.DataFrame,
    bars: pd.DataFrame,
    light_response: pd.DataFrame,
    fixed_energy_MeV: float,
    detectors: Detectors,
    calibration_settings: Calibration,
) -> pd.DataFrame:
    """Constants of the bars from their edges and from flight against light, with its bias."""
    constants = edge_offsets(hit_profiles, bars, detectors)
    if "edges" not in calibration_settings.steps:
        constants = constants.assign(along_offset_cm=0.0, along_offset_sigma_cm=np.nan)
    if "consistency" not in calibration_settings.steps:
        return constants
    walk = "walk" in calibration_settings.steps
    told = (bars, light_response, fixed_energy_MeV)
    return scatter_constants(scatter_pairs, constants, *told, walk=walk)


@tag(stage="calibration", schema="BarCalibration", scope="run")
@config.when(calibration="self", incident_energy="fixed", calibration_bias=True)
def bar_calibration_bias(
    scatter_pairs: pd.DataFrame,
    biased_bar_calibration: pd.DataFrame,
    bars: pd.DataFrame,
    light_response: pd.DataFrame,
    fixed_energy_MeV: float,
    plane_frame: PlaneFrame,
    uncertainty: Uncertainty,
    calibration_settings: Calibration,
) -> pd.DataFrame:
    """What flight against light finds in a perfect array: thresholds cut one side of the light.

    The neutrons of that array come from the plane's centre: where on it hardly matters.
    """
    perfect = simulated_pairs(
        scatter_pairs,
        bars,
        light_response,
        fixed_energy_MeV,
        np.array(plane_frame.origin_cm),
        uncertainty,
        calibration_settings.simulated_pairs,
        calibration_settings.seed,
        late_share(scatter_pairs, biased_bar_calibration, bars, light_response, fixed_energy_MeV),
    )
    none, walk = perfect_constants(bars), "walk" in calibration_settings.steps
    told = (bars, light_response, fixed_energy_MeV)
    return scatter_constants(perfect, none, *told, walk=walk)


@tag(stage="calibration", schema="BarCalibration", scope="run")
@config.when(calibration="self", incident_energy="fixed", calibration_bias=False)
def bar_calibration__biased(biased_bar_calibration: pd.DataFrame) -> pd.DataFrame:
    """Constants of the bars, the bias of flight against light left in."""
    return biased_bar_calibration


@tag(stage="calibration", schema="BarCalibration", scope="run")
@config.when(calibration="self", incident_energy="fixed", calibration_bias=True)
def bar_calibration__unbiased(
    biased_bar_calibration: pd.DataFrame, bar_calibration_bias: pd.DataFrame
) -> pd.DataFrame:
    """Constants of the bars less what a perfect array would have given."""
    return without_bias(biased_bar_calibration, bar_calibration_bias)


@tag(stage="calibration", schema="NeutronFilteredEvents")
@config.when(calibration="off", snap_to_bar=False)
def neutron_calibrated_events__off(neutron_filtered_events: pd.DataFrame) -> pd.DataFrame:
    """Neutron events as they passed; there is no calibration."""
    return neutron_filtered_events


@tag(stage="calibration", schema="GammaFilteredEvents")
@config.when(calibration="off", snap_to_bar=False)
def gamma_calibrated_events__off(gamma_filtered_events: pd.DataFrame) -> pd.DataFrame:
    """Gamma events as they passed; there is no calibration."""
    return gamma_filtered_events


@tag(stage="calibration", schema="NeutronFilteredEvents")
@config.when(calibration="off", snap_to_bar=True)
def neutron_calibrated_events__snapped(
    neutron_filtered_events: pd.DataFrame, bars: pd.DataFrame
) -> pd.DataFrame:
    """Neutron events with the hits in the middle of their bars, across."""
    return snapped_events(neutron_filtered_events, bars, NEUTRON_HITS)


@tag(stage="calibration", schema="GammaFilteredEvents")
@config.when(calibration="off", snap_to_bar=True)
def gamma_calibrated_events__snapped(
    gamma_filtered_events: pd.DataFrame, bars: pd.DataFrame
) -> pd.DataFrame:
    """Gamma events with the hits in the middle of their bars, across."""
    return snapped_events(gamma_filtered_events, bars, GAMMA_HITS)


@tag(stage="calibration", schema="NeutronFilteredEvents")
@config.when_in(calibration=["self", "file"], snap_to_bar=[False])
def neutron_calibrated_events__corrected(
    neutron_filtered_events: pd.DataFrame, bar_calibration: pd.DataFrame, bars: pd.DataFrame
) -> pd.DataFrame:
    """Neutron events with positions along the bars, times and light corrected."""
    return corrected_events(
        neutron_filtered_events, bar_calibration, bars, NEUTRON_HITS, light=True
    )


@tag(stage="calibration", schema="GammaFilteredEvents")
@config.when_in(calibration=["self", "file"], snap_to_bar=[False])
def gamma_calibrated_events__corrected(
    gamma_filtered_events: pd.DataFrame, bar_calibration: pd.DataFrame, bars: pd.DataFrame
) -> pd.DataFrame:
    """Gamma events with positions along the bars and times corrected.

    The gains take up what the response of recoils has wrong too: they are not for electrons.
    """
    return corrected_events(gamma_filtered_events, bar_calibration, bars, GAMMA_HITS, light=False)


@tag(stage="calibration", schema="NeutronFilteredEvents")
@config.when_in(calibration=["self", "file"], snap_to_bar=[True])
def neutron_calibrated_events__both(
    neutron_filtered_events: pd.DataFrame, bar_calibration: pd.DataFrame, bars: pd.DataFrame
) -> pd.DataFrame:
    """Neutron events corrected, with the hits in the middle of their bars, across."""
    told = (bar_calibration, bars, NEUTRON_HITS)
    events = corrected_events(neutron_filtered_events, *told, light=True)
    return snapped_events(events, bars, NEUTRON_HITS)


@tag(stage="calibration", schema="GammaFilteredEvents")
@config.when_in(calibration=["self", "file"], snap_to_bar=[True])
def gamma_calibrated_events__both(
    gamma_filtered_events: pd.DataFrame, bar_calibration: pd.DataFrame, bars: pd.DataFrame
) -> pd.DataFrame:
    """Gamma events corrected, with the hits in the middle of their bars, across."""
    told = (bar_calibration, bars, GAMMA_HITS)
    events = corrected_events(gamma_filtered_events, *told, light=False)
    return snapped_events(events, bars, GAMMA_HITS)
