"""List mode: footprints in, the pixels of chosen cones and the cones and events of a region out.

Beside [run] list these need [list_mode]: without cone_ids every cone is meant, without
region_cm the whole picture.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.imaging.frames import REGION_CONES
from ...schemas.imaging.images import Footprints, PixelGrid, RegionOfInterest
from .tracing import cones_through, footprints_of, pixels_in


@tag(stage="images", scope="run")
def footprints_of_cones(footprints: Footprints, listed_cones: tuple) -> Footprints:
    """The lit pixels of the cones in [list_mode] cone_ids, in that order; of all without any."""
    if not listed_cones:
        return footprints
    return footprints_of(footprints, np.array(listed_cones, np.int64))


@tag(stage="images", schema="RegionCones", scope="run")
def cones_through_region(
    footprints: Footprints,
    selected_cones: pd.DataFrame,
    pixel_grid: PixelGrid,
    list_region: RegionOfInterest,
) -> pd.DataFrame:
    """The cones that light a pixel of [list_mode] region_cm, ascending, with their energies."""
    cone_id, lit = cones_through(footprints, pixels_in(list_region, pixel_grid))
    cones = selected_cones.take(cone_id)
    columns = {c: cones[c].array for c in REGION_CONES.names if c in cones}
    return REGION_CONES.frame({**columns, "cone_id": cone_id, "lit_in_region": lit})


@tag(stage="images", schema="FilteredEvents", scope="run")
def events_through_region(
    cones_through_region: pd.DataFrame, filtered_events: pd.DataFrame
) -> pd.DataFrame:
    """The events, with their hits, behind the rows of cones_through_region."""
    rows = cones_through_region["event_index"].to_numpy()
    return filtered_events.take(rows).reset_index(drop=True)
