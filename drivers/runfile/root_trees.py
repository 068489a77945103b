"""Tables of a file as ROOT trees; codes stay numbers, with their names as texts beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .export_table import Table
    from .record import RunRecord


def write_tree(file: Any, table: Table) -> None:
    """A tree of a table, and ``labels/<table>_<column>`` with the names of its codes."""
    import awkward as ak

    tree = None
    for columns in table.blocks():
        branches = {name: _branch(values) for name, values in columns.items()}
        if tree is None:
            types = {n: getattr(v, "dtype", "string") for n, v in branches.items()}
            tree = file.mktree(table.name, types, title=table.what)
        if len(next(iter(branches.values()))):
            filled = {n: v if hasattr(v, "dtype") else ak.Array(v) for n, v in branches.items()}
            tree.extend(filled)
    for column, names in table.codes.items():
        text = "\n".join(f"{k}={name}" for k, name in enumerate(names))
        file[f"labels/{table.name}_{column}"] = text


def _branch(values: np.ndarray) -> np.ndarray | list[str]:
    if values.dtype == object:
        return [str(text) for text in values]
    return values.astype(np.uint8) if values.dtype == bool else values


def write_record(file: Any, record: RunRecord, **more: str) -> None:
    """Settings, inputs and versions as texts below ``meta``."""
    texts = {
        "software": record.software,
        "created_utc": record.created_utc,
        "run_command": record.run_command,
        "config_toml": record.config_text or "",
        "versions": json.dumps(dict(record.versions)),
        "inputs": json.dumps([vars(i) for i in record.inputs]),
        **more,
    }
    for name, text in texts.items():
        file[f"meta/{name}"] = text
