"""The file of a run of cosmic-ray background, read back: tables, histograms, rates, settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.hdf5_content import Content, opened_content
from ...schemas.cosmics.comparison import RunResults
from ...schemas.errors import InputError
from ...schemas.histograms import Histogram
from ..hdf5_histograms import MARK, read_histogram
from ..provenance import pipeline_of, stored_settings
from ..runfile.exporting import stored_tables
from ..runfile.record import stored_inputs

_PIPELINE: Final = "cosmics"
_NEEDED: Final = ("cut_flow", "effective_cuts")
_RATES: Final = "normalisation/window_rates"
_SUMMARY: Final = "verdict/run_summary"


def stored_results(path: Path, name: str = "") -> RunResults:
    """What a file says; ``name`` is what it is called, the name of the file if empty.

    InputError if it is no file of this pipeline, or lacks the cut flow.
    """
    with opened_content(path) as content:
        pipeline = pipeline_of(content)
        if pipeline != _PIPELINE:
            what = f"of the pipeline {pipeline}" if pipeline else "no run of this program"
            msg = f"{path}: is {what}; give a file that a run of cosmics wrote."
            raise InputError(msg, file=path, code="other_pipeline")
        tables = tables_of(content)
        missing = [table for table in _NEEDED if table not in tables]
        if missing:
            msg = (
                f"{path}: holds no {missing[0]}; run it without --target, or with --target "
                f"{missing[0]}."
            )
            raise InputError(msg, file=path, code="not_in_file")
        summary = values_of(content, _SUMMARY)
        return RunResults(
            name or path.name,
            str(summary.get("cutset", "")),
            str(summary.get("cutset_hash", "")),
            tables["cut_flow"],
            tables["effective_cuts"],
            histograms_of(content),
            values_of(content, _RATES),
            tables.get("unvetoed_events"),
            stored_settings(content),
            str(summary.get("verdict", "")),
            tuple(item.content_hash for item in stored_inputs(content) if not item.failure),
        )


def stored_studies(path: Path) -> dict[str, Any]:
    """What a file says of its studies, by name of the node, as plain values; tables left out."""
    with opened_content(path) as content:
        tables = {table.name for table in stored_tables(content)}
        found = values_of(content, "studies")
    return {name: value for name, value in found.items() if name not in tables}


def tables_of(content: Content) -> dict[str, pd.DataFrame]:
    """Every table of a file, whole, by the name of its node."""
    return {
        table.name: pd.concat(list(table.frames()), ignore_index=True)
        for table in stored_tables(content)
    }


def histograms_of(content: Content) -> dict[str, Histogram]:
    """Every histogram of a file by its name."""
    return {name: read_histogram(group) for name, group in _marked(content)}


def _marked(content: Content) -> Iterator[tuple[str, Content]]:
    for name in content:
        if not content.is_group(name):
            continue
        group = content.content(name)
        if str(group.attrs.get("kind", "")) == MARK:
            yield name, group
        else:
            yield from _marked(group)


def values_of(content: Content, path: str) -> dict[str, Any]:
    """A dataclass or a mapping as it was written, as plain values; empty where it is not."""
    if path not in content:
        return {}
    return _plain(content.content(path))


def _plain(group: Content) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in group:
        if group.is_group(name):
            found[name] = _plain(group.content(name))
            continue
        values = group[name]
        if values.holds_texts:
            texts = values.texts()
            found[name] = texts[0] if values.shape == () else texts
        else:
            found[name] = values[()].tolist()
    return found
