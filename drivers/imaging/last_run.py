"""The graph of a run that is over, from its output file: what ran, and how long it took."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..api import GraphPicture, pipeline
from ..config import LoadedConfig
from ..dag_record import NodeOutcome, time_text
from .saved import SavedRun
from .saved_record import RunRecord


def outcomes_of(record: RunRecord) -> dict[str, NodeOutcome]:
    """Status and seconds of each node of a run."""
    return {node.name: NodeOutcome(node.status, node.seconds) for node in record.nodes}


def run_words(saved: SavedRun) -> str:
    """Which run it was, in one line."""
    record = saved.record
    made = record.created_utc[:16].replace("T", " ")
    parts = [saved.path.name, *([f"run of {made} UTC"] if made else [])]
    parts += [time_text(record.seconds)] if math.isfinite(record.seconds) else []
    return ", ".join(parts)


def graph_of_run(saved: SavedRun, config: Path | None = None, **shown: Any) -> GraphPicture:
    """The graph with status and times of the run: of the settings in the file, or of a TOML file.

    ``shown`` is what Analysis.graph() draws.
    """
    loaded = config or LoadedConfig(saved.config, saved.record.config_text or "", saved.path)
    return pipeline("imaging", loaded).graph(
        outcomes=outcomes_of(saved.record), subtitle=run_words(saved), **shown
    )
