"""From where a run must begin when settings have changed: what they enter, and what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from ...schemas.imaging.config import STAGES, ImagingConfig
from ..dag import chosen_by
from ..definition import Definition
from ..graph import build_driver, graph_nodes
from ..registry import definition
from ..setting_keys import covers, only_there, rows_of_graph
from .layout import COUNTER_NODES, GROUPS

Start = Literal["hits", "events", "cones", "image"]

# How raw data are read and cut into ranges: what is stored has been read.
_OF_READING: Final = ("io", "run.chunk_events", "detectors.geometry")
# What no node depends on, but what is written with the pictures.
_OF_THE_FILE: Final[Mapping[str, Start]] = {"hdf5.pair_table": "cones"}


def begins_at(config: ImagingConfig, changed: Mapping[str, bool]) -> dict[str, Start]:
    """The last stage that a run of ``config`` may keep, for each changed setting that matters.

    ``changed`` says of a dotted key whether it came or went, as those of a section do that one of
    both files has not.
    """
    pipeline = definition("imaging")
    after = _nodes_after(pipeline, config)
    found: dict[str, Start] = {}
    for key, came_or_went in changed.items():
        begins = _OF_THE_FILE.get(key)
        if not any(covers(k, key) for k in _OF_READING):
            entered = {
                row.name
                for row in rows_of_graph(pipeline)
                if any(covers(k, key) and (came_or_went or not only_there(k)) for k in row.keys)
            }
            begins = begins or _last_kept({n for name in entered for n in after[name]})
        if begins is not None and begins != "image":
            found[key] = begins
    return found


def _nodes_after(pipeline: Definition, config: ImagingConfig) -> dict[str, set[str]]:
    """The nodes that each input enters, or of which each choice decides, and all after them."""
    dr = build_driver(pipeline, pipeline.choices_of(config))
    chosen: dict[str, set[str]] = {}
    for node in graph_nodes(dr):
        for name in chosen_by(dr, node):
            chosen.setdefault(name, set()).add(node)
    after = {}
    for row in rows_of_graph(pipeline):
        starts = chosen.get(row.name, set()) | ({row.name} & dr.graph.nodes.keys())
        after[row.name] = {v.name for v in dr.what_is_downstream_of(*starts)} if starts else set()
    return after


def _last_kept(changed: Iterable[str]) -> Start:
    """The last stage of whose results, and those before, none is among these nodes."""
    kept: set[str] = set()
    last: Start = "hits"
    for stage in STAGES:
        kept |= {node for group in GROUPS if group.stage == stage for node in group.nodes}
        kept.add(COUNTER_NODES[stage])
        if kept & set(changed):
            break
        last = stage
    return last
