"""The generated documentation of light data quality: nodes, frames, arrays, a picture."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ...schemas.lightdqm import arrays
from ..docs import array_list, frame_list, graph_picture, node_list

_ARRAYS: Final[tuple[type[Any], ...]] = tuple(
    cls
    for _, cls in inspect.getmembers(arrays, inspect.isclass)
    if cls.__module__ == arrays.__name__ and dataclasses.is_dataclass(cls)
)
PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "light_nodes": partial(node_list, "lightdqm"),
    "light_frames": partial(frame_list, "lightdqm"),
    "light_arrays": partial(array_list, _ARRAYS),
}
PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "graph_lightdqm.svg": partial(graph_picture, "lightdqm", everything=True),
}
