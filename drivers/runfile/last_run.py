"""The graph of a run that is over, from its file: what ran, and how long it took."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ...nodes.hdf5_content import opened_content
from ..api import GraphPicture, pipeline
from ..config import LoadedConfig
from ..dag_record import NodeOutcome, time_text
from ..provenance import pipeline_of_path
from ..registry import definition
from .record import StoredRun, stored_run


def graph_of_run_file(path: Path, config: Path | None, **shown: Any) -> GraphPicture:
    """The graph with status and times of a run: of the settings in its file, or of others.

    ``shown`` is what Analysis.graph() draws.
    """
    name = pipeline_of_path(path)
    loaded = config or loaded_again(stored_run(path, definition(name).settings))
    outcomes, words = outcomes_of(path)
    return pipeline(name, loaded).graph(outcomes=outcomes, subtitle=words, **shown)


def loaded_again(run: StoredRun) -> LoadedConfig[Any]:
    """The settings of a file as they ran."""
    return LoadedConfig(run.config, run.config_text, run.config_path)


def outcomes_of(path: Path) -> tuple[dict[str, NodeOutcome], str]:
    """Status and seconds of each node of a run, and which run it was in one line."""
    with opened_content(path) as content:
        nodes = content.content("provenance/nodes")
        columns = nodes["name"].texts(), nodes["status"].texts(), nodes["seconds"][()].tolist()
        outcomes = {n: NodeOutcome(s, t) for n, s, t in zip(*columns, strict=True)}
        made = str(content.attrs.get("created_utc", ""))[:16].replace("T", " ")
        seconds = float(content.content("provenance").attrs.get("seconds", math.nan))
    words = [path.name, f"run of {made} UTC"]
    words += [time_text(seconds)] if math.isfinite(seconds) else []
    return outcomes, ", ".join(words)
