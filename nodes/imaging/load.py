"""From a file to hits: one range of raw events in, canonical hit columns in the world frame out.

Readers: see readers/; transforms: see transforms.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import I8
from ...schemas.imaging.detectors import Detectors
from ...schemas.imaging.frames import HITS
from ...schemas.imaging.images import Counts, SourceRecords
from ...schemas.imaging.imaging_method import Threads
from ...schemas.imaging.reading import ReaderSettings, SourceMetadata
from ...schemas.sources import EventRange, FileRef
from .materials import materials_of
from .readers import READERS
from .transforms import world_positions_cm


@tag(stage="load", helper="true", stored="false")
def source_records(
    source_file: FileRef, event_range: EventRange, reader: ReaderSettings, threads: Threads
) -> SourceRecords:
    """What the reader of the format found in one range of raw events."""
    return READERS[reader.input_format].read(source_file, event_range, reader, threads.count)


@tag(stage="load", helper="true")
@config.when(start="hits")
def record_counters__read(source_records: SourceRecords) -> Counts:
    """How many records of the range were read whole, and how many are damaged."""
    return Counts(
        {
            "records_read": source_records.n_raw_events,
            "records_damaged": source_records.n_damaged_records,
        }
    )


@tag(stage="load", scope="file")
def source_metadata(source_file: FileRef, reader: ReaderSettings) -> SourceMetadata:
    """What the file says of itself (the DAQ's metadata tree), passed through."""
    return READERS[reader.input_format].metadata(source_file, reader)


@tag(stage="load", schema="Problems")
@config.when(start="hits")
def parse_problems__read(source_records: SourceRecords) -> pd.DataFrame:
    """Damaged records in file order: kind, line or entry, count."""
    problems = source_records.problems
    return problems.sort_values("line_or_entry", kind="stable", ignore_index=True)


@tag(stage="load", helper="true")
def raw_event_ranges(source_records: SourceRecords) -> I8:
    """Runs of raw events that were read whole, shape (k, 2): first id, last id + 1."""
    ids = source_records.raw_event_ids
    if not len(ids):
        return np.zeros((0, 2), np.int64)
    last = np.flatnonzero(np.append(np.diff(ids) != 1, True))
    first = np.append(0, last[:-1] + 1)
    return np.column_stack([ids[first], ids[last] + 1]).astype(np.int64)


@tag(stage="load", schema="Reactions")
def reactions(source_records: SourceRecords) -> pd.DataFrame:
    """True reactions of a simulated file, positions in the frame of the file."""
    return source_records.reactions


@tag(stage="load", schema="ReactionProducts")
def reaction_products(source_records: SourceRecords) -> pd.DataFrame:
    """Particles that left the true reactions."""
    return source_records.products


@tag(stage="load", schema="Hits", main="true")
def hits(source_records: SourceRecords, detectors: Detectors) -> pd.DataFrame:
    """Hits with material, positions in the world frame (cm), times in ns, light in MeVee."""
    raw = source_records.hits
    det_id = raw["det_id"].to_numpy()
    position = world_positions_cm(
        np.column_stack([raw[f"{a}_cm"].to_numpy() for a in "xyz"]), det_id, detectors
    )
    return HITS.frame(
        {
            **raw,
            "material": materials_of(det_id, detectors),
            **{f"{a}_cm": position[:, k] for k, a in enumerate("xyz")},
        }
    )
