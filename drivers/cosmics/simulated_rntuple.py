"""The columns of a simulated EventNtuple as an RNTuple: the same names, records in lists.

The members of ``evtinfo`` are fields of a record, those of a vector fields of its records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from ..rootfile.branches import Content, NestedVector, Number, SplitObject
from ..rootfile.structs import BASIC, Struct

Columns = Mapping[str, NDArray[Any]]


def new_rntuple(folder: Any, content: Sequence[Content]) -> Any:
    """An RNTuple without entries in a directory that uproot has open for writing."""
    return folder.mkrntuple("ntuple", _fields(content, _none(content)).layout.form)


def extend_rntuple(ntuple: Any, content: Sequence[Content], columns: Columns) -> None:
    """A cluster of entries, from the columns of a basket."""
    ntuple.extend(_fields(content, columns))


def _none(content: Sequence[Content]) -> Columns:
    """Columns without values."""
    names: dict[str, NDArray[Any]] = {}
    for parts in content:
        names |= {parts.name: np.zeros(0, np.int64), f"{parts.name}[]": np.zeros(0, np.int64)}
        if not isinstance(parts, Number):
            names |= {f"{parts.name}.{leaf}": np.zeros(0) for leaf, _ in parts.struct.leaves()}
    return names


def _fields(content: Sequence[Content], columns: Columns) -> ak.Array:
    fields: dict[str, Any] = {}
    for parts in content:
        name = parts.name
        if isinstance(parts, Number):
            # A dot in the name of a field would be taken for a step into a record.
            fields[name.replace(".", "_")] = columns[name].astype(np.int32)
            continue
        records = _record(parts.struct, columns, f"{name}.")
        if isinstance(parts, SplitObject):
            fields[name] = records
            continue
        if isinstance(parts, NestedVector):
            records = ak.unflatten(records, columns[f"{name}[]"])
        fields[name] = ak.unflatten(records, columns[name])
    return ak.zip(fields, depth_limit=1)


def _record(struct: Struct, columns: Columns, prefix: str) -> ak.Array:
    members: dict[str, Any] = {}
    for name, kind in struct.members:
        if isinstance(kind, Struct):
            members[name] = _record(kind, columns, f"{prefix}{name}.")
        else:
            dtype = np.dtype(BASIC[kind].dtype).newbyteorder("=")
            members[name] = columns[f"{prefix}{name}"].astype(dtype)
    return ak.zip(members, depth_limit=1)
