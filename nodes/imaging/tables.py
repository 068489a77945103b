"""Both species under one plain name: neutrons first, then gammas, each in event order.

``event_index`` counts the rows of ``filtered_events`` over both, ``candidate_row`` those of
``candidate_cones``. Evaluated once per run, after the chunks are merged.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, Mask
from ...schemas.imaging.frames import (
    CANDIDATE_CONES,
    CANDIDATE_SIGMAS,
    CONE_PULLS,
    CONE_WIDTHS,
    ENERGIES,
    FILTERED,
    SELECTED_CONES,
    TYPED,
)
from ...schemas.imaging.images import BackProjection, Footprints
from .stacking import joined_footprints, stacked


@tag(stage="events", schema="TypedEvents", scope="run", main="true")
def typed_events(
    neutron_typed_events: pd.DataFrame, gamma_typed_events: pd.DataFrame
) -> pd.DataFrame:
    """Events of both species before the event cuts."""
    return stacked(neutron_typed_events, gamma_typed_events, TYPED)


@tag(stage="events", schema="FilteredEvents", scope="run", main="true")
def filtered_events(
    neutron_filtered_events: pd.DataFrame, gamma_filtered_events: pd.DataFrame
) -> pd.DataFrame:
    """Events of both species that pass the event cuts; event_index is the row."""
    return stacked(neutron_filtered_events, gamma_filtered_events, FILTERED)


@tag(stage="calibration", schema="FilteredEvents", scope="run")
def calibrated_events(
    neutron_calibrated_events: pd.DataFrame, gamma_calibrated_events: pd.DataFrame
) -> pd.DataFrame:
    """Events of both species with the corrections of the bars; event_index is the row."""
    return stacked(neutron_calibrated_events, gamma_calibrated_events, FILTERED)


@tag(stage="energies", schema="Energies", scope="run", main="true")
def energies(
    neutron_energies: pd.DataFrame,
    gamma_energies: pd.DataFrame,
) -> pd.DataFrame:
    """Energies of the first scatter of every event."""
    return stacked(neutron_energies, gamma_energies, ENERGIES)


@tag(stage="cones", schema="CandidateCones", scope="run", main="true")
def candidate_cones(
    neutron_candidate_cones: pd.DataFrame,
    gamma_candidate_cones: pd.DataFrame,
    neutron_filtered_events: pd.DataFrame,
) -> pd.DataFrame:
    """Every hypothesis of every event."""
    return stacked(
        neutron_candidate_cones,
        gamma_candidate_cones,
        CANDIDATE_CONES,
        event_offset=len(neutron_filtered_events),
    )


@tag(stage="cones", unit="rad", scope="run")
def cone_scores(neutron_cone_scores: F8, gamma_cone_scores: F8) -> F8:
    """|phi - theta| of each row of candidate_cones."""
    return np.concatenate([neutron_cone_scores, gamma_cone_scores])


@tag(stage="cones", scope="run")
def direction_ok(neutron_direction_ok: Mask, gamma_direction_ok: Mask) -> Mask:
    """Whether each row of candidate_cones points at the plane."""
    return np.concatenate([neutron_direction_ok, gamma_direction_ok])


@tag(stage="cones", schema="SelectedCones", scope="run", main="true")
def selected_cones(
    neutron_selected_cones: pd.DataFrame,
    gamma_selected_cones: pd.DataFrame,
    neutron_filtered_events: pd.DataFrame,
    neutron_candidate_cones: pd.DataFrame,
) -> pd.DataFrame:
    """The cones that are imaged; a cone's row is its cone_id."""
    return stacked(
        neutron_selected_cones,
        gamma_selected_cones,
        SELECTED_CONES,
        event_offset=len(neutron_filtered_events),
        candidate_offset=len(neutron_candidate_cones),
    )


@tag(stage="uncertainty", schema="CandidateSigmas", scope="run")
def candidate_sigmas(
    neutron_candidate_sigmas: pd.DataFrame, gamma_candidate_sigmas: pd.DataFrame
) -> pd.DataFrame:
    """Widths of each row of candidate_cones."""
    return stacked(neutron_candidate_sigmas, gamma_candidate_sigmas, CANDIDATE_SIGMAS)


@tag(stage="uncertainty", schema="ConeWidths", scope="run")
def cone_widths(neutron_cone_widths: pd.DataFrame, gamma_cone_widths: pd.DataFrame) -> pd.DataFrame:
    """How wide each row of selected_cones is."""
    return stacked(neutron_cone_widths, gamma_cone_widths, CONE_WIDTHS)


@tag(stage="uncertainty", scope="run")
def candidate_weights(neutron_candidate_weights: F8, gamma_candidate_weights: F8) -> F8:
    """Share in its event of each row of candidate_cones."""
    return np.concatenate([neutron_candidate_weights, gamma_candidate_weights])


@tag(stage="uncertainty", schema="ConePulls", scope="run")
@config.when(reference_source="given")
def cone_pulls(
    neutron_cone_pulls: pd.DataFrame,
    gamma_cone_pulls: pd.DataFrame,
    neutron_filtered_events: pd.DataFrame,
) -> pd.DataFrame:
    """phi - theta at the reference source in sigma, of hypotheses of both species."""
    n = len(neutron_filtered_events)
    return stacked(neutron_cone_pulls, gamma_cone_pulls, CONE_PULLS, event_offset=n)


@tag(stage="images", scope="run")
def footprints(
    neutron_back_projection: BackProjection, gamma_back_projection: BackProjection
) -> Footprints:
    """The lit pixels of each row of selected_cones; empty rows without list mode."""
    return joined_footprints([neutron_back_projection, gamma_back_projection])
