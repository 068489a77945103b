"""The nodes of list mode: a region of the picture leads to its cones, energies, events and hits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from radiograph.nodes.imaging import list_mode
from radiograph.schemas.imaging.frames import FILTERED, REGION_CONES, SELECTED_CONES
from radiograph.schemas.imaging.images import Footprints, PixelGrid, RegionOfInterest

GRID = PixelGrid(0.0, 3.0, 1.0, 3, 0.0, 2.0, 1.0, 2)
# Flat pixels of three cones; the second lights none.
FOOTPRINTS = Footprints.of_counts(
    np.array([2, 0, 3], np.uint32), np.array([0, 4, 1, 2, 4], np.uint32)
)


def cones(n: int = 3) -> pd.DataFrame:
    values: dict[str, Any] = {c.name: np.zeros(n) for c in SELECTED_CONES.columns}
    values |= {
        "species": ["n", "n", "g"][:n],
        "event_index": [4, 6, 7][:n],
        "event_id": [40, 60, 70][:n],
        "theta_rad": [0.3, 0.4, 0.5][:n],
        "incident_energy_MeV": [3.0, 4.0, 5.0][:n],
    }
    return SELECTED_CONES.frame(values)


def events(n: int = 9) -> pd.DataFrame:
    values: dict[str, Any] = {c.name: np.arange(n) for c in FILTERED.columns}
    values |= {"species": ["n"] * n, **{f"material{k}": ["OGS"] * n for k in (1, 2, 3)}}
    return FILTERED.frame(values)


def test_a_region_leads_to_its_cones_and_events(unchanged: Callable[..., Any]) -> None:
    # Pixel 4 is row 1, column 1; its centre is (1.5, 1.5).
    region = RegionOfInterest(1.2, 1.8, 1.2, 1.8)
    selected, filtered = cones(), events()
    with unchanged(selected, filtered):
        found = list_mode.cones_through_region(FOOTPRINTS, selected, GRID, region)
        behind = list_mode.events_through_region(found, filtered)
    REGION_CONES.validate(found, "cones_through_region")
    FILTERED.validate(behind, "events_through_region")
    assert found["cone_id"].tolist() == [0, 2]
    assert found["lit_in_region"].tolist() == [1, 1]
    assert found["incident_energy_MeV"].tolist() == [3.0, 5.0]
    assert found["species"].tolist() == ["n", "g"]
    assert behind["event_index"].tolist() == [4, 7]
    assert behind.index.tolist() == [0, 1]


def test_the_whole_picture_leads_to_every_cone_that_lights_it() -> None:
    found = list_mode.cones_through_region(
        FOOTPRINTS, cones(), GRID, RegionOfInterest(0.0, 3.0, 0.0, 2.0)
    )
    assert found["cone_id"].tolist() == [0, 2]
    assert found["lit_in_region"].tolist() == [2, 3]


def test_nothing_leads_to_empty_frames() -> None:
    none = Footprints.of_counts(np.zeros(0, np.uint32), np.zeros(0, np.uint32))
    region = RegionOfInterest(0.0, 3.0, 0.0, 2.0)
    found = list_mode.cones_through_region(none, cones(0), GRID, region)
    REGION_CONES.validate(found, "cones_through_region")
    assert found.empty
    assert list_mode.events_through_region(found, events()).empty


def test_cones_that_are_named_or_all() -> None:
    assert list_mode.footprints_of_cones(FOOTPRINTS, ()) is FOOTPRINTS
    found = list_mode.footprints_of_cones(FOOTPRINTS, (2, 0))
    assert found.pixels.tolist() == [1, 2, 4, 0, 4]
    assert found.offsets.tolist() == [0, 3, 5]
