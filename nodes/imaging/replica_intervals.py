"""What replicas scatter by, as intervals: the central part of them at [errors] level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.imaging.sources import (
    IMAGE_INTERVALS,
    IMAGE_QUANTITIES,
    SOURCE_INTERVALS,
    SOURCE_QUANTITIES,
)
from ...schemas.tables import TableSchema
from ..statistics.widths import central_interval

_NAMES: Final = ("replicas", "low", "median", "high")


@tag(stage="reconstruction", schema="SourceIntervals", scope="run")
def bootstrap_source_intervals(
    bootstrap_sources: pd.DataFrame, interval_level: float
) -> pd.DataFrame:
    """Central interval of place and counts of each source over its replicas."""
    told = (SOURCE_INTERVALS, "source", SOURCE_QUANTITIES)
    return _intervals(bootstrap_sources, interval_level, *told)


@tag(stage="reconstruction", schema="ImageIntervals", scope="run")
def bootstrap_image_intervals(
    bootstrap_images: pd.DataFrame, interval_level: float
) -> pd.DataFrame:
    """Central interval of each quantity of each reconstructed image over its replicas."""
    return _intervals(bootstrap_images, interval_level, IMAGE_INTERVALS, "image", IMAGE_QUANTITIES)


@tag(stage="reconstruction", schema="ImageIntervals", scope="run")
def bootstrap_weighted_image_intervals(
    bootstrap_weighted_images: pd.DataFrame, interval_level: float
) -> pd.DataFrame:
    """Central interval of each quantity of each of weighted_images over its replicas."""
    told = (IMAGE_INTERVALS, "image", IMAGE_QUANTITIES)
    return _intervals(bootstrap_weighted_images, interval_level, *told)


def _intervals(
    replicas: pd.DataFrame, level: float, schema: TableSchema, of: str, quantities: Sequence[str]
) -> pd.DataFrame:
    """A row a quantity of each source or image; none of what no replica has a number of."""
    owners, names = [], []
    found: list[tuple[int, float, float, float]] = []
    for owner, rows in replicas.groupby(of, observed=True, sort=False):
        for name in quantities:
            interval = central_interval(rows[name].to_numpy(), level)
            if interval[0]:
                owners.append(owner)
                names.append(name)
                found.append(interval)
    if not found:
        return schema.empty()
    values = dict(zip(_NAMES, zip(*found, strict=True), strict=True))
    return schema.frame({of: owners, "quantity": names, "level": [level] * len(found), **values})
