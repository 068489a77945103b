"""The graph of a run that is over, from its file: what ran, and how long it took."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..api import GraphPicture, pipeline
from ..config import LoadedConfig
from ..dag_record import NodeOutcome, time_text
from ..registry import definition
from .record import RunRecord, record_at


def graph_of_run_file(path: Path, config: Path | None, **shown: Any) -> GraphPicture:
    """The graph with status and times of a run: of the settings in its file, or of others.

    ``shown`` is what Analysis.graph() draws.
    """
    record = record_at(path)
    name = record.pipeline
    loaded = config or record.loaded(path, definition(name).settings)
    return graph_of_record(name, record, path, loaded, **shown)


def graph_of_record(
    name: str, record: RunRecord, path: Path, loaded: Path | LoadedConfig[Any], **shown: Any
) -> GraphPicture:
    """The same of a record that was read already."""
    outcomes = {node.name: NodeOutcome(node.status, node.seconds) for node in record.nodes}
    made = record.created_utc[:16].replace("T", " ")
    words = [path.name, *([f"run of {made} UTC"] if made else [])]
    words += [time_text(record.seconds)] if math.isfinite(record.seconds) else []
    return pipeline(name, loaded).graph(outcomes=outcomes, subtitle=", ".join(words), **shown)
