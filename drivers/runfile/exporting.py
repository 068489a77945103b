"""The tables of an output file in the formats of other programs.

What is written is known, and consented to, before anything is computed; rows are read and written
a bounded number at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.hdf5_content import Content, opened_content
from ...schemas.errors import InputError, UsageError
from ...schemas.tables import TableSchema
from ..files import check_new_files, new_output
from ..hdf5 import LABELS
from ..provenance import pipeline_of_path
from ..registry import DEFAULT, definition, names
from .datasets import Datasets
from .export_request import ExportRequest
from .export_table import Columns, Table
from .record import RunRecord, run_record
from .summary import OF_MAKING

ROWS_A_BLOCK: Final = 1 << 18
WriteFrames = Callable[[str, Iterator[pd.DataFrame], Path], None]
"""Writes a table, told its name and its rows part by part, to a file."""


def export(request: ExportRequest) -> list[Path]:
    """Write the files of a request and name them; UsageError or InputError before any."""
    name = pipeline_of_path(request.source)
    if not name:
        for flow in map(definition, names()):
            if flow.export_input is not None and flow.exports_input(request.source):
                return flow.export_input(request)
    return definition(name if name in names() else DEFAULT).export(request)


def export_run_file(request: ExportRequest) -> list[Path]:
    """The tables of a file that the engine wrote, as CSV, Parquet or ROOT."""
    if request.to not in (*TABLE_FORMATS, "root"):
        flow = definition(pipeline_of_path(request.source))
        of_input = f"; for those of its input ({flow.sources[0].what}) give that itself"
        msg = (
            f"--to {request.to!r}: the tables of a run file are exported as csv, parquet or root"
            f"{of_input if flow.export_input is not None else ''}"
        )
        raise UsageError(msg, key="to")
    with opened_content(request.source) as content:
        is_keyed = bool(definition(pipeline_of_path(request.source)).keyed)
        found = [*stored_tables(content), *(keyed_tables(content) if is_keyed else ())]
        tables = chosen(found, request)
        if not tables:
            msg = f"{request.source}: holds no table; run it until a later stage first"
            raise InputError(msg, file=request.source, key="table", code="not_in_file")
        if request.to == "root":
            record = run_record(Datasets(content.group, request.source))
            return write_root_file(request, tables, record)
        return write_tables(tables, request, TABLE_FORMATS[request.to])


def write_root_file(
    request: ExportRequest,
    tables: Sequence[Table],
    record: RunRecord,
    more: Callable[[Any], None] = lambda _: None,
) -> list[Path]:
    """A ROOT file with a tree a table and the record of the run, and what ``more`` writes to it."""
    import uproot

    from .root_trees import write_record, write_tree

    path = one_file(request, ".root")
    with new_output(path) as temporary, uproot.recreate(temporary) as file:
        for table in tables:
            write_tree(file, table)
        more(file)
        write_record(file, record)
    return [path]


def chosen(tables: Sequence[Table], request: ExportRequest) -> list[Table]:
    """The tables that are asked for; InputError for one that the file does not hold."""
    held = [table.name for table in tables]
    missing = [name for name in request.tables if name not in held]
    if missing:
        msg = f"{request.source}: holds no table {missing[0]}; it holds {', '.join(held)}"
        raise InputError(msg, file=request.source, key="table", code="not_in_file")
    return [t for t in tables if not request.tables or t.name in request.tables]


def stored_tables(file: Content) -> list[Table]:
    """Every group of columns of equal length: the frames of nodes, each by the name of its node."""
    return [stored_table(node, group) for node, group in _groups_of_nodes(file) if _is_frame(group)]


def keyed_tables(file: Content) -> list[Table]:
    """The frames that a node has of each key, by the names of node and key."""
    return [
        stored_table(f"{node}_{key}", group.content(key))
        for node, group in _groups_of_nodes(file)
        for key in group
        if group.is_group(key) and _is_frame(group.content(key))
    ]


def _groups_of_nodes(file: Content) -> Iterator[tuple[str, Content]]:
    """The groups below those of stages, by the names of their nodes."""
    for stage in file:
        if stage in OF_MAKING or not file.is_group(stage):
            continue
        for node in file.content(stage):
            path = f"{stage}/{node}"
            if file.is_group(path):
                yield node, file.content(path)


def _columns(group: Content) -> list[str]:
    return [name for name in group if not name.endswith(LABELS)]


def _is_frame(group: Content) -> bool:
    shapes = [shape for name, shape in group.shapes().items() if name in _columns(group)]
    return bool(shapes) and all(len(shape) == 1 and shape == shapes[0] for shape in shapes)


def stored_table(name: str, group: Content, most_rows: int = ROWS_A_BLOCK) -> Table:
    """The columns of a group as a table that is read so many rows at a time."""
    columns = {column: group[column] for column in _columns(group)}

    def blocks() -> Iterator[Columns]:
        n_rows = len(next(iter(columns.values())))
        for begin, end in row_blocks(n_rows, most_rows):
            yield {
                c: np.array(values.texts(slice(begin, end)), object)
                if values.holds_texts
                else values[begin:end]
                for c, values in columns.items()
            }

    labels = {c: f"{c}{LABELS}" for c in columns}
    codes = {c: group[place].texts() for c, place in labels.items() if place in group}
    return Table(name, blocks, codes=codes)


def row_blocks(n_rows: int, most: int = ROWS_A_BLOCK) -> Iterator[tuple[int, int]]:
    """Rows [begin, end) of successive blocks; one empty block where there is no row."""
    for begin in range(0, max(n_rows, 1), most):
        yield begin, min(begin + most, n_rows)


# --- formats and places --------------------------------------------------------------------------


def write_csv(_name: str, frames: Iterator[pd.DataFrame], path: Path) -> None:
    """Rows that come part by part as CSV."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        for number, frame in enumerate(frames):
            frame.to_csv(stream, index=False, header=number == 0, lineterminator="\n")


def write_parquet(
    _name: str, frames: Iterator[pd.DataFrame], path: Path, table: TableSchema | None = None
) -> None:
    """Rows that come part by part as Parquet; UsageError without pyarrow.

    Units and meanings of the columns of ``table`` stand in their metadata.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        msg = "--to parquet needs pyarrow, which is not installed: pip install radiograph[parquet]"
        raise UsageError(msg, key="to", code="missing_library") from None
    with ExitStack() as stack:
        writer: Any = None
        for frame in frames:
            part = pa.Table.from_pandas(frame, preserve_index=False)
            for c in table.columns if table is not None else ():
                told = {"units": c.unit, "description": c.description}
                named = part.schema.field(c.name).with_metadata(told)
                part = part.cast(part.schema.set(part.schema.get_field_index(c.name), named))
            if writer is None:
                made = pq.ParquetWriter(path, part.schema, write_page_checksum=True)
                writer = stack.enter_context(made)
            writer.write_table(part)


TABLE_FORMATS: Final[Mapping[str, WriteFrames]] = {"csv": write_csv, "parquet": write_parquet}


def write_tables(tables: Sequence[Table], request: ExportRequest, write: WriteFrames) -> list[Path]:
    """A file a table, all or none."""
    paths = several_files(request, [t.name for t in tables], f".{request.to}")
    with ExitStack() as stack:
        for table, path in zip(tables, paths, strict=True):
            write(table.name, table.frames(), stack.enter_context(new_output(path)))
    return paths


def one_file(request: ExportRequest, suffix: str) -> Path:
    """Where the one file of a format goes; UsageError if it cannot be written."""
    path = placed(request, request.source.with_suffix(suffix).name, (suffix,))
    check_new_files([path], [request.source], overwrite=request.overwrite)
    return path


def placed(request: ExportRequest, name: str, suffixes: tuple[str, ...]) -> Path:
    """Where a file goes: beside the source, to the place that is named, or into that folder."""
    place = request.output
    if place is None:
        return request.source.parent / name
    return place if is_file_of(place, suffixes) else place / name


def is_file_of(place: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether a place is a file of a format, by its ending; else it is a folder."""
    return place.suffix.lower() in suffixes and not place.is_dir()


def several_files(request: ExportRequest, names: Sequence[str], suffix: str) -> list[Path]:
    """A file for each name: beside the source, in a folder, or the one that is named."""
    place = request.output
    if place is not None and is_file_of(place, (suffix,)):
        if len(names) > 1:
            msg = f"{place}: {len(names)} files are written ({', '.join(names)}); name a folder"
            raise UsageError(msg, file=place, key="output")
        paths = [place]
    else:
        stem = request.source.stem
        paths = [placed(request, f"{stem}_{name}{suffix}", ()) for name in names]
    check_new_files(paths, [request.source], overwrite=request.overwrite)
    return paths
