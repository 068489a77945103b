"""Rows of both species, or of several parts, one after the other. Plain functions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.imaging.codes import GAMMA, NEUTRON, SPECIES
from ...schemas.imaging.images import BackProjection, Footprints
from ...schemas.tables import TableSchema, categories_of


def joined_footprints(parts: list[BackProjection]) -> Footprints:
    """The footprints of several back projections one after the other."""
    counts = np.concatenate(
        [p.lit_pixels if p.footprints is not None else np.zeros_like(p.lit_pixels) for p in parts]
    )
    pixels = [p.footprints.pixels for p in parts if p.footprints is not None]
    return Footprints.of_counts(
        counts, np.concatenate(pixels) if pixels else np.zeros(0, np.uint32)
    )


def stacked(
    neutron: pd.DataFrame,
    gamma: pd.DataFrame,
    schema: TableSchema,
    *,
    event_offset: int | None = None,
    candidate_offset: int = 0,
) -> pd.DataFrame:
    """Neutron rows over gamma rows, with the gammas' row numbers shifted.

    Columns that one species does not have are NaN there, -1 in integer columns, 0 in codes.
    """
    sizes = (len(neutron), len(gamma))
    shifts = {
        "event_index": len(neutron) if event_offset is None else event_offset,
        "candidate_row": candidate_offset,
    }
    columns: dict[str, object] = {}
    for column in schema.columns:
        if column.name == "species":
            code = np.repeat([NEUTRON, GAMMA], sizes).astype(np.int8)
            columns["species"] = categories_of(code, SPECIES)
            continue
        parts = [
            part[column.name] if column.name in part else _absent(column.dtype, part)
            for part in (neutron, gamma)
        ]
        if column.name in shifts:
            parts[1] = parts[1] + shifts[column.name]
        if column.dtype == "category":
            columns[column.name] = _joined_categories(parts)
        else:
            columns[column.name] = np.concatenate([np.asarray(p) for p in parts])
    return schema.frame(columns)


def _absent(dtype: str, part: pd.DataFrame) -> pd.Series:
    if dtype == "category":
        return pd.Series(pd.Categorical([None] * len(part)))
    fill = {"f": np.nan, "u": 0}.get(np.dtype(dtype).kind, -1)
    return pd.Series(np.full(len(part), fill, dtype))


def _joined_categories(parts: list[pd.Series]) -> pd.Categorical:
    names = next((list(p.cat.categories) for p in parts if len(p.cat.categories)), [])
    codes = [p.cat.set_categories(names).cat.codes.to_numpy() for p in parts]
    return categories_of(np.concatenate(codes), names)
