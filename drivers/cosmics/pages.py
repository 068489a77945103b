"""The generated documentation of cosmics: nodes and frames, a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ..docs import frame_list, graph_picture, node_list

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "cosmics_nodes": partial(node_list, "cosmics"),
    "cosmics_frames": partial(frame_list, "cosmics"),
}
PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "graph_cosmics.svg": partial(graph_picture, "cosmics", everything=True),
}
