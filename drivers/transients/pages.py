"""The generated documentation of the transients pipeline: nodes, frames, arrays, a picture."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ...schemas.transients import recordings
from ..docs import array_list, frame_list, graph_picture, node_list

_ARRAYS: Final[tuple[type[Any], ...]] = tuple(
    cls
    for _, cls in inspect.getmembers(recordings, inspect.isclass)
    if cls.__module__ == recordings.__name__ and dataclasses.is_dataclass(cls)
)
PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "transients_nodes": partial(node_list, "transients"),
    "transients_frames": partial(frame_list, "transients"),
    "transients_arrays": partial(array_list, _ARRAYS),
}
PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "graph_transients.svg": partial(graph_picture, "transients", everything=True),
}
