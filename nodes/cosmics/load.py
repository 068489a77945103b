"""Stage load: files to columns, and what the files say of themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.cosmics.columns import AbsentLeaves, EventColumns, FileFacts
from ...schemas.cosmics.frames import EVENTS, FILE_TOTALS, SUBRUN_TOTALS
from ...schemas.errors import InputError
from ...schemas.sources import EventRange, FileRef
from .readers import read_columns, reader_of


@tag(stage="load", helper="true", stored="false")
def event_columns(
    source_file: FileRef, event_range: EventRange, tree: str, input_format: str
) -> EventColumns:
    """All columns of a range of events.

    InputError if the file is cut off, damaged, or its parallel branches disagree.
    """
    return read_columns(source_file, event_range, tree, input_format)


@tag(stage="load", schema="EventNumbers", helper="true")
def event_numbers(event_columns: EventColumns) -> pd.DataFrame:
    """Run, subrun and number of each event, and its entry, wherever the file stands."""
    return event_columns.event_numbers


@tag(stage="load", schema="Events")
def events(event_numbers: pd.DataFrame, file_index: int) -> pd.DataFrame:
    """Events by file and entry, with run, subrun and event number."""
    columns = {name: event_numbers[name] for name in event_numbers.columns}
    return EVENTS.frame({"file_index": np.full(len(event_numbers), file_index), **columns})


@tag(stage="load", schema="Tracks", main="true")
def tracks(event_columns: EventColumns) -> pd.DataFrame:
    """Fits: one row a particle hypothesis."""
    return event_columns.tracks


@tag(stage="load", schema="Segments")
def segments(event_columns: EventColumns) -> pd.DataFrame:
    """Tracks at surfaces, with momentum, time and helix."""
    return event_columns.segments


@tag(stage="load", schema="TrueParticles")
def true_particles(event_columns: EventColumns) -> pd.DataFrame:
    """True particles in the chains of the tracks."""
    return event_columns.true_particles


@tag(stage="load", schema="Coincidences")
def coincidences(event_columns: EventColumns) -> pd.DataFrame:
    """Coincidences of the veto counters."""
    return event_columns.coincidences


@tag(stage="load", helper="true")
def absent_names(event_columns: EventColumns) -> AbsentLeaves:
    """Leaves that the file does not have, whatever its name."""
    return AbsentLeaves(tuple(sorted(event_columns.absent)))


@tag(stage="load", helper="true", stored="false")
def absent_leaves(absent_names: AbsentLeaves, source_file: FileRef) -> AbsentLeaves:
    """Leaves that the file does not have, with where it stands now."""
    return replace(absent_names, path=source_file.path)


@tag(stage="load", scope="file", helper="true")
def file_facts(source_file: FileRef, tree: str, input_format: str) -> FileFacts:
    """What a file says of itself beside its events; InputError for totals below zero."""
    path = Path(source_file.path)
    facts = reader_of(path, input_format).facts(path, tree)
    for name in ("generated", "processed", "livetime_s"):
        values = np.append(facts.subruns[name], facts.totals.get(name, np.nan))
        wrong = (values < 0) | np.isinf(values)
        if wrong.any():
            msg = f"{path}: {name} is {values[wrong][0]:g}. Give another file."
            raise InputError(msg, file=path, code="wrong_totals")
    return facts


@tag(stage="load", schema="SubrunTotals", scope="file")
def subrun_totals(file_facts: FileFacts, file_index: int) -> pd.DataFrame:
    """Generated and processed events and live time of each subrun of a file."""
    n = len(file_facts.subruns["run"])
    return SUBRUN_TOTALS.frame({"file_index": np.full(n, file_index), **file_facts.subruns})


@tag(stage="load", schema="FileTotals", scope="file")
def file_totals(file_facts: FileFacts, file_index: int) -> pd.DataFrame:
    """What the histograms of a file say of all its events, and its release."""
    names = ("generated", "processed", "livetime_s")
    totals = {name: [file_facts.totals.get(name, np.nan)] for name in names}
    release = pd.Categorical([file_facts.release])
    return FILE_TOTALS.frame({"file_index": [file_index], **totals, "release": release})
