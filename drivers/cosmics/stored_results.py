"""The file of a run of cosmic-ray background as what comparisons and notebooks are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.hdf5_content import Content, opened_content
from ...schemas.cosmics.comparison import RunResults
from ...schemas.errors import InputError
from ..hdf5_values import values_below
from ..provenance import pipeline_of
from ..runfile.exporting import stored_tables
from ..runfile.record import stored_inputs
from .stored import stored

_PIPELINE: Final = "cosmics"
_NEEDED: Final = ("flow/cut_flow", "histograms", "normalisation/window_rates", "studies/veto_study")
_STUDIES: Final = "studies"


def stored_results(path: Path, name: str = "") -> RunResults:
    """What a file says; ``name`` is what it is called, the name of the file if empty.

    InputError if it is no file of this pipeline, or was written for some nodes alone.
    """
    with opened_content(path) as content:
        _check(content)
        hashes = tuple(i.content_hash for i in stored_inputs(content) if not i.failure)
    found = stored(path)
    return RunResults(
        name or path.name,
        str(found.summary["cutset"]),
        str(found.summary["cutset_hash"]),
        found.frames["cut_flow"],
        found.frames["effective_cuts"],
        found.histograms,
        found.window_rates,
        found.frames.get("unvetoed_events"),
        found.facts["settings"],
        str(found.summary["verdict"]),
        hashes,
    )


def _check(content: Content) -> None:
    path, pipeline = content.path, pipeline_of(content)
    if pipeline != _PIPELINE:
        what = f"of the pipeline {pipeline}" if pipeline else "no run of this program"
        msg = f"{path}: is {what}; give a file that a run of cosmics wrote."
        raise InputError(msg, file=path, code="other_pipeline")
    missing = [place for place in _NEEDED if place not in content]
    if missing:
        msg = f"{path}: holds no {missing[0].rpartition('/')[2]}; run it again without --target."
        raise InputError(msg, file=path, code="not_in_file")


def stored_studies(path: Path) -> dict[str, Any]:
    """What a file says of its studies, by name of the node, as plain values; tables left out."""
    with opened_content(path) as content:
        _check(content)
        tables = {table.name for table in stored_tables(content)}
        found = values_below(content.content(_STUDIES))
    return {name: value for name, value in found.items() if name not in tables}


def tables_of(content: Content) -> dict[str, pd.DataFrame]:
    """Every table of a file, whole, by the name of its node."""
    return {table.name: table.frame() for table in stored_tables(content)}
