"""The start of a run in the middle: what an earlier run stored stands for the nodes it came from.

The choice ``start`` says from where: ``hits`` (a reader gives hits, raw or stored), ``events``,
``cones`` or ``image``. Counters of the stages before are those of the earlier run, counted with
the first range.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.imaging.codes import GAMMA, NEUTRON
from ...schemas.imaging.detectors import Detectors
from ...schemas.imaging.frames import GAMMA_FILTERED, NEUTRON_FILTERED, SELECTED_CONES
from ...schemas.imaging.images import Counts, PixelCounts, PixelGrid
from ...schemas.imaging.record_frames import PROBLEMS
from ...schemas.sources import EventRange, FileRef
from ...schemas.tables import TableSchema
from .materials import materials_of
from .readers import ngimager_hdf5 as stored

FROM_EVENTS: Final = ["events", "cones", "image"]
FROM_CONES: Final = ["cones", "image"]


@tag(stage="load", helper="true")
@config.when_in(start=FROM_EVENTS)
def record_counters__stored(source_file: FileRef, event_range: EventRange) -> Counts:
    """The raw events of the earlier run; its damaged records were dealt with there."""
    total = _counts(source_file, event_range, "hits").values.get("raw_events_total", 0)
    return Counts({"records_read": max(total, 1), "records_damaged": 0})


@tag(stage="load", schema="Problems")
@config.when_in(start=FROM_EVENTS)
def parse_problems__stored(source_file: FileRef) -> pd.DataFrame:
    """None of its own: those of the earlier run stand in its file."""
    return PROBLEMS.empty()


@tag(stage="hits", helper="true")
@config.when_in(start=FROM_EVENTS)
def hit_counters__stored(source_file: FileRef, event_range: EventRange) -> Counts:
    """Raw events and hits as the earlier run counted them."""
    return _counts(source_file, event_range, "hits")


@tag(stage="events", helper="true")
@config.when_in(start=FROM_EVENTS)
def event_counters__stored(source_file: FileRef, event_range: EventRange) -> Counts:
    """Events as the earlier run counted them; those that pass are counted in their range."""
    with stored.opened(Path(source_file.path)) as file:
        n, g = (
            len(stored.event_rows(file, species, event_range).rows) for species in (NEUTRON, GAMMA)
        )
    passed = {
        "events_after_filters": n + g,
        "events_after_filters_n": n,
        "events_after_filters_g": g,
    }
    return Counts({**_counts(source_file, event_range, "events").values, **passed})


@tag(stage="cones", helper="true")
@config.when_in(start=FROM_CONES)
def cone_counters__stored(source_file: FileRef, event_range: EventRange) -> Counts:
    """Hypotheses and cones as the earlier run counted them."""
    return _counts(source_file, event_range, "cones")


@tag(stage="images", helper="true")
@config.when(start="image")
def image_counters__stored(source_file: FileRef, event_range: EventRange) -> Counts:
    """Cones on the plane as the earlier run counted them."""
    return _counts(source_file, event_range, "image")


@tag(stage="events", schema="NeutronFilteredEvents")
@config.when_in(start=FROM_EVENTS)
def neutron_filtered_events__stored(
    source_file: FileRef, event_range: EventRange, detectors: Detectors
) -> pd.DataFrame:
    """Neutron events that passed every cut of the earlier run."""
    return _events(source_file, event_range, detectors, NEUTRON, NEUTRON_FILTERED)


@tag(stage="events", schema="GammaFilteredEvents")
@config.when_in(start=FROM_EVENTS)
def gamma_filtered_events__stored(
    source_file: FileRef, event_range: EventRange, detectors: Detectors
) -> pd.DataFrame:
    """Gamma events that passed every cut of the earlier run."""
    return _events(source_file, event_range, detectors, GAMMA, GAMMA_FILTERED)


@tag(stage="cones", schema="SelectedCones")
@config.when_in(start=FROM_CONES)
def neutron_selected_cones__stored(source_file: FileRef, event_range: EventRange) -> pd.DataFrame:
    """The neutron cones of the earlier run."""
    return _cones(source_file, event_range, NEUTRON)


@tag(stage="cones", schema="SelectedCones")
@config.when_in(start=FROM_CONES)
def gamma_selected_cones__stored(source_file: FileRef, event_range: EventRange) -> pd.DataFrame:
    """The gamma cones of the earlier run."""
    return _cones(source_file, event_range, GAMMA)


@tag(stage="images")
@config.when(start="image")
def neutron_image__stored(
    source_file: FileRef, event_range: EventRange, pixel_grid: PixelGrid
) -> PixelCounts:
    """Counts of neutron cones per pixel of the earlier run."""
    return _image(source_file, event_range, "n", pixel_grid)


@tag(stage="images")
@config.when(start="image")
def gamma_image__stored(
    source_file: FileRef, event_range: EventRange, pixel_grid: PixelGrid
) -> PixelCounts:
    """Counts of gamma cones per pixel of the earlier run."""
    return _image(source_file, event_range, "g", pixel_grid)


def _counts(source: FileRef, events: EventRange, stage: str) -> Counts:
    path = Path(source.path)
    with stored.opened(path) as file:
        found = stored.stored_counts(file, stage)
    return found if events.first_event == 0 else Counts(dict.fromkeys(found.values, 0))


def _events(
    source: FileRef, events: EventRange, detectors: Detectors, species: int, schema: TableSchema
) -> pd.DataFrame:
    path = Path(source.path)
    with stored.opened(path) as file:
        columns = stored.event_columns(file, species, events)
    for k in range(1, stored.N_HITS[species] + 1):
        columns[f"material{k}"] = materials_of(columns[f"det_id{k}"], detectors)
    return schema.frame(columns)


def _cones(source: FileRef, events: EventRange, species: int) -> pd.DataFrame:
    path = Path(source.path)
    with stored.opened(path) as file:
        return SELECTED_CONES.frame(stored.cone_columns(file, species, events))


def _image(source: FileRef, events: EventRange, name: str, grid: PixelGrid) -> PixelCounts:
    """The whole image with the first range, nothing with the others."""
    if events.first_event > 0:
        return PixelCounts(np.zeros(grid.shape, np.uint32))
    path = Path(source.path)
    with stored.opened(path) as file:
        return PixelCounts(stored.stored_image(file, name, grid))
