"""The generated documentation of the germanium pipeline: nodes, frames, a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ..docs import frame_list, graph_picture, node_list

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "germanium_nodes": partial(node_list, "germanium"),
    "germanium_frames": partial(frame_list, "germanium"),
}
PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "graph_germanium.svg": partial(graph_picture, "germanium", everything=True),
}
