"""The tables of an LH5 file in the formats of other programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from ...nodes.germanium.lh5 import datatype_of, layout_of, lh5_file, read_column
from ...schemas.errors import InputError, UsageError
from ...schemas.germanium.lh5 import TableLayout
from ..runfile.export_request import ExportRequest
from ..runfile.export_table import Columns, Table
from ..runfile.exporting import TABLE_FORMATS, chosen, row_blocks, write_tables


def export_tables(request: ExportRequest) -> list[Path]:
    """Write each table as CSV or Parquet, a file a channel, and name them; none on an error.

    Columns of one number a row; waveforms and other columns of rows of numbers stay in the LH5
    file. A table is known by its channel, and by channel and tier in a file of several tiers.

    Raises
    ------
    UsageError
        If the format is another, or a file exists and must not be replaced.
    InputError
        If the source has no table, or not the one that is asked for, or is damaged.
    """
    if request.to not in TABLE_FORMATS:
        msg = f"--to {request.to}: the tables of an LH5 file are exported as csv or parquet"
        raise UsageError(msg, key="to")
    layout = layout_of(request.source)
    is_one_tier = len(layout.tiers) == 1
    tables = [
        _table(request.source, table, table.channel if is_one_tier else table.path)
        for table in layout.tables
    ]
    return write_tables(chosen(tables, request), request, TABLE_FORMATS[request.to])


def _table(path: Path, layout: TableLayout, name: str) -> Table:
    def blocks() -> Iterator[Columns]:
        with lh5_file(path) as file:
            group = file[layout.path]
            names = [column for column in layout.columns if _is_plain(group[column])]
            if not names:
                msg = f"{path}: {layout.path} has no column of one number a row. Give another."
                raise InputError(msg, file=path, code="no_column")
            for begin, end in row_blocks(layout.n_rows):
                yield {n: _rows(group, n, begin, end - begin, str(path)) for n in names}

    return Table(name.replace("/", "_"), blocks)


def _is_plain(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim == 1 and item.dtype.kind in "iufb"


def _rows(group: h5py.Group, name: str, first: int, n: int, path: str) -> NDArray[Any]:
    values = read_column(group, name, first, n, path)
    is_verdict = datatype_of(group[name]) == "array<1>{bool}"
    return values.astype(bool) if is_verdict else values
