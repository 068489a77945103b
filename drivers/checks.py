"""What every node returns is checked before another node sees it.

Frames against the schema that the node's ``schema`` tag names, arrays against dtype and, with
a ``rows`` tag, against the length of that input; everything else against its annotation.
Arrays are then frozen: a node cannot write to its arguments.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..schemas.errors import OutputCheckError
from ..schemas.tables import TableSchema
from .annotations import spelled_out


def check_output(
    node: str,
    tags: Mapping[str, Any],
    annotation: Any,
    inputs: Mapping[str, Any],
    result: Any,
    tables: Mapping[str, TableSchema],
) -> None:
    """Raise OutputCheckError, naming what differs, if ``result`` is not what the node promises."""
    if "schema" in tags:
        tables[tags["schema"]].validate(result, node)
        return
    annotation = spelled_out(annotation)
    origin = typing.get_origin(annotation)
    if origin is np.ndarray:
        _check_array(node, annotation, result)
        if "rows" in tags and len(result) != len(inputs[tags["rows"]]):
            rows = len(inputs[tags["rows"]])
            msg = f"{node}: {len(result)} values for {rows} rows of {tags['rows']}."
            raise OutputCheckError(msg, key=node)
    elif isinstance(origin or annotation, type) and not isinstance(result, origin or annotation):
        expected = getattr(annotation, "__name__", annotation)
        msg = f"{node}: expected {expected}, got {type(result).__name__}."
        raise OutputCheckError(msg, key=node)


def _check_array(node: str, annotation: Any, result: Any) -> None:
    if not isinstance(result, np.ndarray):
        msg = f"{node}: expected an array, got {type(result).__name__}."
        raise OutputCheckError(msg, key=node)
    (dtype,) = typing.get_args(typing.get_args(annotation)[1]) or (None,)
    if isinstance(dtype, type) and result.dtype != np.dtype(dtype):
        msg = f"{node}: expected an array of {np.dtype(dtype)}, got {result.dtype}."
        raise OutputCheckError(msg, key=node)


def freeze(value: Any) -> None:
    """Make the arrays in ``value`` read-only, also inside dataclasses, mappings and tuples."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            freeze(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            freeze(item)
    elif isinstance(value, (tuple, list)) and not isinstance(value, str):
        for item in value:
            freeze(item)
    elif isinstance(value, pd.DataFrame):
        # A column that is a view of a foreign array would let that array change it.
        return
