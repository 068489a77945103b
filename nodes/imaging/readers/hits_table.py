"""Hits as a table, CSV or Parquet: a row a hit, the rows of an event together, event ids rising.

A row whose event id cannot be read belongs to no event that is known: it and the events on both
sides of it are one damaged record. Format: see docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from ....schemas.arrays import I8, Mask
from ....schemas.errors import InputError
from ....schemas.imaging.codes import SPECIES
from ....schemas.imaging.images import SourceRecords
from ....schemas.imaging.reading import ReaderSettings, SourceMetadata
from ....schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS
from ....schemas.sources import EventRange, FileRef
from ....schemas.tables import categories_of
from ...file_kinds import PARQUET, UNPACKED
from ...whole_numbers import whole_numbers
from ..kernels.usrdef_text import LARGEST_VALUE, MOST_HITS
from .hits_table_columns import MEASURED, Before, Rows, new_events
from .hits_table_files import fields_of_row, ids_of_file, rows_of
from .phits_usrdef import HITS_WITHOUT_MATERIAL
from .reader import Reader

_SHOWN_PER_KIND: Final = 100


def event_ranges(path: Path, events_per_range: int, settings: ReaderSettings) -> list[EventRange]:
    """The ranges of a table, by bytes (CSV) or rows; InputError where event ids fall."""
    n_events, n_rows, size = 0, 0, 0
    starts: list[tuple[int, int]] = []
    before: Before | None = None
    for ids in ids_of_file(path, settings):
        new, before = new_events(path, ids, before, n_rows)
        rows = np.flatnonzero(new)
        chosen = rows[(n_events + np.arange(len(rows))) % events_per_range == 0]
        starts += zip(ids.begins[chosen].tolist(), (n_rows + 1 + chosen).tolist(), strict=True)
        n_events, n_rows, size = n_events + len(rows), n_rows + len(new), int(ids.begins[-1])
    ends = [*(begin for begin, _ in starts[1:]), size]
    return [
        EventRange(
            k * events_per_range,
            min(events_per_range, n_events - k * events_per_range),
            begin,
            end,
            row,
        )
        for k, ((begin, row), end) in enumerate(zip(starts, ends[: len(starts)], strict=True))
    ]


def read(
    source: FileRef, events: EventRange, settings: ReaderSettings, threads: int = 1
) -> SourceRecords:
    """Hits and problems of one range of events, numbered from 0 in the order of the file."""
    path = Path(source.path)
    rows = rows_of(path, events, settings, threads)
    new, _ = new_events(path, rows.ids, None, events.first_line - 1)
    event = np.cumsum(new) - 1
    if len(event) == 0 or event[-1] != events.n_events - 1:
        msg = f"{path}: has changed while it was read. Run again."
        raise InputError(msg, file=path)
    place = np.arange(len(event)) - np.flatnonzero(new)[event]
    faults = {**_faults(rows), "too_many_hits": place >= MOST_HITS}
    problems, damaged = _problems(faults, event, events)
    kept = ~damaged[event]
    hits = HITS_WITHOUT_MATERIAL.frame(
        {
            "event_id": event[kept] + events.first_event,
            "hit_in_event": place[kept],
            "species": categories_of(rows.species[kept], SPECIES),
            **{name: values[kept] for name, values in rows.numbers.items()},
        }
    )
    return SourceRecords(
        hits=hits,
        raw_event_ids=events.first_event + np.flatnonzero(~damaged),
        n_damaged_records=int(damaged.sum()),
        problems=problems,
        n_hits_clipped=(0, 0, 0),
        n_hits_particle=(0, 0, 0),
        reactions=REACTIONS.empty(),
        products=PRODUCTS.empty(),
    )


def metadata(source: FileRef, settings: ReaderSettings) -> SourceMetadata:
    """Nothing: a table carries none."""
    return SourceMetadata()


def explanation(path: Path, row: int, settings: ReaderSettings) -> str:
    """What stands in a damaged row, and what may make it so."""
    fields = ", ".join(f"{k} = {v}" for k, v in fields_of_row(path, row, settings).items())
    known = ", ".join([*SPECIES, *settings.species])
    return (
        f"Row {row} holds {fields}. Numbers have a point; words for species are {known}, and "
        "others are named in [io.adapter] species."
    )


def _faults(rows: Rows) -> dict[str, Mask]:
    """By kind, in the order in which they are tried, the rows that are damaged."""
    detector = whole_numbers(rows.numbers["det_id"])
    measured = np.stack([rows.numbers[name] for name in MEASURED])
    return {
        "wrong_fields": rows.broken,
        "bad_event_id": rows.ids.bad & ~rows.broken,
        "bad_number": rows.no_number,
        "not_finite": detector.not_finite | ~np.isfinite(measured).all(axis=0),
        "not_whole": detector.not_whole,
        "out_of_range": detector.out_of_range | (np.abs(measured) > LARGEST_VALUE).any(axis=0),
        "negative_light": rows.numbers["light_MeVee"] < 0,
        "unknown_species": rows.species < 0,
    }


def _problems(
    faults: Mapping[str, Mask], event: I8, events: EventRange
) -> tuple[pd.DataFrame, Mask]:
    """The damage, and which events are damaged: each counts under the first kind that it has.

    One row an event up to _SHOWN_PER_KIND of a kind; the last row holds the rest.
    """
    damaged = np.zeros(events.n_events, bool)
    kinds: list[str] = []
    places: list[int] = []
    counts: list[int] = []
    for kind, mask in faults.items():
        rows = np.flatnonzero(mask)
        rows = rows[~damaged[event[rows]]]
        found, first = np.unique(event[rows], return_index=True)
        damaged[found] = True
        shown = rows[first][:_SHOWN_PER_KIND]
        kinds += [kind] * len(shown)
        places += (shown + events.first_line).tolist()
        counts += [1] * len(shown)
        if len(found) > len(shown):
            counts[-1] += len(found) - len(shown)
    return PROBLEMS.frame({"kind": kinds, "line_or_entry": places, "count": counts}), damaged


READER: Final = Reader(
    event_ranges=event_ranges,
    read=read,
    metadata=metadata,
    positions_in_mm=False,
    neutron_policy="time_asc",
    gamma_policy="time_asc",
    record="row",
    kinds=frozenset({PARQUET, *UNPACKED}),
    pattern="*.csv",
    explanation=explanation,
)
