"""The generated documentation of imaging: nodes, frames, arrays, codes, datasets, pictures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import partial
from typing import Any, Final

from ...schemas.imaging import codes, images
from ..docs import array_list, cell, code_list, frame_list, graph_picture, node_list, table_of
from .layout import FOOTPRINT_DATASETS, GROUPS

_ARRAYS: Final = (
    images.PlaneFrame,
    images.PixelGrid,
    images.BackProjection,
    images.Footprints,
    images.SummedImages,
    images.RegionOfInterest,
    images.Projections,
    images.ProjectionSet,
    images.AxisMetrics,
    images.ImageMetrics,
    images.Counts,
)
_CODES: Final = (
    codes.HitFilter,
    codes.RawEventFate,
    codes.EventFilter,
    codes.EnergyStatus,
    codes.CandidateStatus,
    codes.Recoil,
    codes.ConeFilter,
)


def codes_of_columns() -> str:
    """The small integers that stand in columns."""
    parts = []
    for cls in _CODES:
        members = ", ".join(f"{m.value} {m.name}" for m in _members(cls))
        parts.append(f"- **{cls.__name__}**: {_one_line(inspect.getdoc(cls) or '')} {members}.")
    orders = ", ".join("".join(map(str, order)) for order in codes.GAMMA_ORDERS)
    parts.append(f"- **Orders of the hits of a gamma event**, in this order: {orders}.")
    return "\n".join(parts) + "\n"


def row_datasets() -> str:
    """The datasets with one row a hit, event, hypothesis or cone."""
    parts = []
    for group in GROUPS:
        rows = [_dataset_row(d, group.rows) for d in group.datasets]
        nodes = code_list(group.nodes)
        parts.append(
            f"**{group.name}** (from {nodes}; stage `{group.stage}`)\n\n"
            + table_of("dataset|type|shape|unit|meaning", rows)
        )
    rows = [_dataset_row(d, "lit pixels") for d in FOOTPRINT_DATASETS]
    parts.append(f"**list mode**\n\n{table_of('dataset|type|shape|unit|meaning', rows)}")
    return "\n".join(parts)


def _dataset_row(dataset: Any, rows: str) -> tuple[str, ...]:
    shape = ", ".join([rows, *map(str, dataset.tail)])
    dtype = {"?": "bool", "category": "text"}.get(dataset.dtype, dataset.dtype)
    return (f"`{dataset.path}`", dtype, f"({shape})", dataset.unit, cell(dataset.description))


def _members(cls: type[IntEnum]) -> list[IntEnum]:
    return list(cls)


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "nodes": partial(node_list, "imaging"),
    "frames": partial(frame_list, "imaging"),
    "arrays": partial(array_list, _ARRAYS),
    "codes": codes_of_columns,
    "datasets": row_datasets,
}
PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "graph.svg": partial(graph_picture, "imaging"),
    "graph_all.svg": partial(graph_picture, "imaging", everything=True),
}
