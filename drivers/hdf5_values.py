"""Values of nodes as HDF5: frames, dataclasses, mappings, arrays; a dataset a column or field."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, cast, get_origin, get_type_hints

import h5py
import pandas as pd

from ..nodes.hdf5_content import Content
from ..schemas.histograms import Histogram
from ..schemas.tables import Column, TableSchema
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


def read_value(content: Content, path: str, kind: Any, table: TableSchema | None = None) -> Any:
    """A value that write_value() wrote: the frame of ``table``, or a value of the type ``kind``.

    A field of a dataclass that is absent has its default, or is None. InputError for what cannot
    be read; KeyError for a column that is absent.
    """
    if table is not None:
        return table.frame({c.name: _column(content, f"{path}/{c.name}", c) for c in table.columns})
    if not dataclasses.is_dataclass(kind):
        found = values_below(content.content(path)) if content.is_group(path) else None
        found = _plain(content, path) if found is None else found
        return tuple(found) if get_origin(kind) is tuple else found
    hints, values = get_type_hints(kind), dict[str, Any]()
    for field in dataclasses.fields(kind):
        place = f"{path}/{field.name}"
        if place in content:
            values[field.name] = read_value(content, place, hints[field.name])
        elif field.default is field.default_factory is dataclasses.MISSING:
            values[field.name] = None
    return cast(type, kind)(**values)


def values_below(group: Content) -> dict[str, Any]:
    """The values below a group by name: numbers, texts, arrays."""
    return {
        name: values_below(group.content(name)) if group.is_group(name) else _plain(group, name)
        for name in group
    }


def _column(content: Content, name: str, column: Column) -> Any:
    """What plain_column() made of a column; a category that is missing is an empty text there."""
    values = _plain(content, name)
    if column.categories is None or "" in column.categories:
        return values
    return [text or None for text in values]


def _plain(content: Content, name: str) -> Any:
    values = content[name]
    if values.holds_texts:
        return values.texts() if values.shape else values.texts()[0]
    array = values[()]
    return array if array.shape else array.item()


def unit_of(name: str) -> str:
    """The unit that a name ends with; empty without."""
    last = name.rpartition("_")[2]
    return {"V2": "V^2"}.get(last, last) if last in _UNITS else ""


def plain_column(column: pd.Series) -> Any:
    """A column as an array; categories as texts."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object).where(column.notna(), "").to_numpy()
    return column.to_numpy()
