"""Values of nodes as HDF5: frames, dataclasses, mappings, arrays; a dataset a column or field."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import h5py
import pandas as pd

from ..schemas.histograms import Histogram
from ..schemas.tables import TableSchema
from .hdf5 import write_array, write_text
from .hdf5_histograms import write_histogram

_UNITS: Final = ("cm", "ns", "ms", "MeV", "MeVee", "rad", "adc16", "MHz", "V2")


def write_value(
    parent: h5py.Group,
    path: str,
    value: Any,
    description: str,
    table: TableSchema | None = None,
) -> None:
    """Write a value below ``parent``, each dataset with unit and description.

    ``table`` describes the columns of a frame; units otherwise stand in the names. None is
    left out.
    """
    if isinstance(value, pd.DataFrame):
        group = parent.require_group(path)
        group.attrs["description"] = description
        for column in value.columns:
            known = table[column] if table is not None and column in table else None
            unit = unit_of(column) if known is None else known.unit
            text = description if known is None else known.description
            write_array(group, str(column), plain_column(value[column]), unit, text)
    elif isinstance(value, Histogram):
        write_histogram(parent, path, value, description)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            part = f"{description}: {field.name.replace('_', ' ')}"
            write_value(parent, f"{path}/{field.name}", getattr(value, field.name), part)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            name = str(key).replace("/", "_")
            write_value(parent, f"{path}/{name}", item, f"{description}: {key}")
    elif isinstance(value, str):
        write_text(parent, path, value, description)
    elif value is not None:
        write_array(parent, path, value, unit_of(path), description)


def unit_of(name: str) -> str:
    """The unit that a name ends with; empty without."""
    last = name.rpartition("_")[2]
    return {"V2": "V^2"}.get(last, last) if last in _UNITS else ""


def plain_column(column: pd.Series) -> Any:
    """A column as an array; categories as texts."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object).where(column.notna(), "").to_numpy()
    return column.to_numpy()
