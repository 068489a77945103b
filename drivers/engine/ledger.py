"""The frame of input files that nodes of the run may ask for as ``input_files``.

It is an input of the graph that every pipeline has: which files were read, how much of each, and
which were not and why. A node that asks for it is evaluated again if a file fails later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from ...schemas.input_files import INPUT_FILES as SCHEMA
from .failed_files import FailedFile
from .parts import FileKey, Parts

INPUT_FILES: Final = "input_files"


def input_files_frame(
    parts: Parts, failed: Sequence[FailedFile], file_axes: Sequence[str]
) -> pd.DataFrame:
    """The schema InputFiles: the files of some parts and those that failed, in order."""
    rows: dict[FileKey, dict[str, Any]] = {}
    for part in parts.every:
        key = part.file_key(file_axes)
        if key is None:
            continue
        row = rows.setdefault(key, {"path": "", "content_hash": "", "bytes": 0, "n_records": 0})
        row["n_records"] += part.n_records
        for ref in part.files()[:1]:
            row |= {"path": ref.path, "content_hash": ref.content_hash, "bytes": ref.size}
    for row in rows.values():
        row |= {"status": "read", "code": "", "message": ""}
    for left in failed:
        nothing = {"content_hash": "", "bytes": 0} | rows.get((left.axis, left.number), {})
        rows[left.axis, left.number] = {
            **nothing, "path": left.path, "n_records": 0,
            "status": "failed", "code": left.code, "message": left.message,
        }  # fmt: skip
    order = sorted(rows, key=lambda key: (file_axes.index(key[0]), int(key[1])))
    columns: dict[str, Any] = {
        "axis": [axis for axis, _ in order], "number": [int(number) for _, number in order],
    }  # fmt: skip
    for name in SCHEMA.names[2:]:
        columns[name] = [rows[key][name] for key in order]
    return SCHEMA.frame(columns)
