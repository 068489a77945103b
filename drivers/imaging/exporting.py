"""An output file in the formats of other programs: tables, ROOT, arrays, figures, pairs.

What is written is known, and consented to, before anything is computed; rows are read and written
a bounded number at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.errors import InputError, UsageError
from ..files import check_new_files, new_output
from ..hdf5 import need_room, read_through
from .redrawing import Redraw, check_view, images_named, redrawn
from .saved import SavedRun, open_run
from .saved_tables import TABLES, Columns, FlatTable, present_tables


@dataclass(frozen=True)
class ExportRequest:
    """What is exported where.

    ``output`` is the file to write if its name ends like the format (.h5 or .hdf5 for pairs and
    list mode), else the folder for what is written; None = beside the source.
    """

    source: Path
    to: str
    output: Path | None = None
    overwrite: bool = False
    tables: tuple[str, ...] = ()
    redraw: Redraw = field(default_factory=Redraw)


def export(request: ExportRequest) -> list[Path]:
    """Write the files of a request and name them; UsageError or InputError before any."""
    known_format(request)
    with open_run(request.source) as saved:
        return FORMATS[request.to](saved, request)


def known_format(request: ExportRequest) -> None:
    """UsageError for a format, or a table, that does not exist."""
    if request.to not in FORMATS:
        msg = f"--to {request.to!r}: no such format; there is {', '.join(FORMATS)}"
        raise UsageError(msg, key="to")
    unknown = [name for name in request.tables if name not in TABLES]
    if unknown:
        msg = f"--table {unknown[0]!r}: no such table; there is {', '.join(TABLES)}"
        raise UsageError(msg, key="table")


def _tables(saved: SavedRun, request: ExportRequest) -> list[FlatTable]:
    present = present_tables(saved)
    names = [table.name for table in present]
    missing = [name for name in request.tables if name not in names]
    if missing:
        msg = f"{saved.path}: holds no table {missing[0]}; it holds {', '.join(names)}"
        raise InputError(msg, file=saved.path, key="table", code="not_in_file")
    return [t for t in present if not request.tables or t.name in request.tables]


def _one_file(request: ExportRequest, suffix: str) -> Path:
    path = _placed(request, request.source.with_suffix(suffix).name, (suffix,))
    check_new_files([path], [request.source], overwrite=request.overwrite)
    return path


def _placed(request: ExportRequest, name: str, suffixes: tuple[str, ...]) -> Path:
    """Where a file goes: beside the source, to the place that is named, or into that folder."""
    place = request.output
    if place is None:
        return request.source.parent / name
    return place if _is_file(place, suffixes) else place / name


def _is_file(place: Path, suffixes: tuple[str, ...]) -> bool:
    return place.suffix.lower() in suffixes and not place.is_dir()


def _several_files(request: ExportRequest, names: Sequence[str], suffix: str) -> list[Path]:
    """A file for each name: beside the source, in a folder, or the one that is named."""
    place = request.output
    if place is not None and _is_file(place, (suffix,)):
        if len(names) > 1:
            msg = f"{place}: {len(names)} files are written ({', '.join(names)}); name a folder"
            raise UsageError(msg, file=place, key="output")
        paths = [place]
    else:
        stem = request.source.stem
        paths = [_placed(request, f"{stem}_{name}{suffix}", ()) for name in names]
    check_new_files(paths, [request.source], overwrite=request.overwrite)
    return paths


def _to_root(saved: SavedRun, request: ExportRequest) -> list[Path]:
    from .export_root import write_root

    tables = _tables(saved, request)
    path = _one_file(request, ".root")
    with new_output(path) as temporary:
        write_root(saved, tables, temporary)
    return [path]


def _to_csv(saved: SavedRun, request: ExportRequest) -> list[Path]:
    from .export_csv import write_cone_pixels, write_frames

    def write(name: str, frames: Iterator[pd.DataFrame], path: Path) -> None:
        if name == "cone_pixels":
            write_cone_pixels(saved, path)
        else:
            write_frames(frames, path)

    return _table_files(saved, request, ".csv", write)


def _to_parquet(saved: SavedRun, request: ExportRequest) -> list[Path]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        msg = "--to parquet needs pyarrow, which is not installed: pip install radiograph[parquet]"
        raise UsageError(msg, key="to", code="missing_library") from None

    def write(_name: str, frames: Iterator[pd.DataFrame], path: Path) -> None:
        with ExitStack() as stack:
            writer: Any = None
            for frame in frames:
                part = pa.Table.from_pandas(frame, preserve_index=False)
                if writer is None:
                    writer = stack.enter_context(pq.ParquetWriter(path, part.schema))
                writer.write_table(part)

    return _table_files(saved, request, ".parquet", write)


def _table_files(
    saved: SavedRun,
    request: ExportRequest,
    suffix: str,
    write: Callable[[str, Iterator[pd.DataFrame], Path], None],
) -> list[Path]:
    """A file a table, all or none; ``write`` is given its name and its rows part by part."""
    tables = _tables(saved, request)
    paths = _several_files(request, [t.name for t in tables], suffix)
    with ExitStack() as stack:
        for table, path in zip(tables, paths, strict=True):
            temporary = stack.enter_context(new_output(path))
            codes = table.codes_of(saved)
            frames = (_named_codes(columns, codes) for columns in table.blocks(saved))
            write(table.name, frames, temporary)
    return paths


def _named_codes(columns: Columns, codes: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """The columns with names in the place of codes; a code without a name is missing."""
    named: dict[str, Any] = dict(columns)
    for column, names in codes.items():
        if column in named:
            values = named[column].astype(np.int64)
            known = np.where((values >= 0) & (values < len(names)), values, -1)
            label = column.removesuffix("_code").removesuffix("_id")
            named[column] = pd.Categorical.from_codes(
                known, categories=pd.Index(names, dtype=object)
            )
            named = {label if k == column else k: v for k, v in named.items()}
    return pd.DataFrame(named, copy=False)


def _to_npz(saved: SavedRun, request: ExportRequest) -> list[Path]:
    """Images, their axes and the plane; nothing in it needs unpickling."""
    grid, frame = saved.grid, saved.frame
    arrays: dict[str, Any] = dict(saved.images)
    arrays |= {
        "u_centers_cm": grid.u_centers_cm,
        "v_centers_cm": grid.v_centers_cm,
        "u_edges_cm": grid.u_min_cm + grid.du_cm * np.arange(grid.nu + 1),
        "v_edges_cm": grid.v_min_cm + grid.dv_cm * np.arange(grid.nv + 1),
        "plane_origin_cm": np.array(frame.origin_cm),
        "plane_normal": np.array(frame.normal),
        "u_axis": np.array(grid.u_axis),
        "v_axis": np.array(grid.v_axis),
    }
    for name, curves in saved.projections.by_image.items():
        arrays |= {f"projection_{name}_{k}": v for k, v in vars(curves).items() if v is not None}
    path = _one_file(request, ".npz")
    with new_output(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return [path]


def _to_figures(saved: SavedRun, request: ExportRequest) -> list[Path]:
    names = images_named(saved, request.redraw.species)
    check_view(saved, request.redraw.view)
    paths = _several_files(request, names, f".{request.to}")
    figures = redrawn(saved, request.redraw, "pdf" if request.to == "pdf" else "png")
    with ExitStack() as stack:
        for name, path in zip(names, paths, strict=True):
            stack.enter_context(new_output(path)).write_bytes(figures[name])
    return paths


def _to_pairs(saved: SavedRun, request: ExportRequest) -> list[Path]:
    """The file with the table /lm/cone_pixel_indices, in its own place or as a copy.

    The rows that are there stay, so the file itself needs no further consent; it is replaced
    only when the new one is whole.
    """
    import h5py

    from .output import write_pair_table

    path, in_place = _converted(request)
    if not in_place:
        check_new_files([path], (), overwrite=request.overwrite)
    saved.need_list_mode()
    if "/lm/cone_pixel_indices" in saved.data and in_place:
        return [path]
    if "/lm/footprint_pixels" in saved.data:
        for name in ("/lm/cone_lit_pixels", "/lm/footprint_pixels"):
            read_through(saved.data.file[name], saved.path)
    with new_output(path) as temporary:
        need_room(temporary, request.source.stat().st_size + _pair_bytes(saved))
        shutil.copyfile(request.source, temporary)
        if "/lm/cone_pixel_indices" not in saved.data:
            with h5py.File(temporary, "r+", libver="latest") as file:
                write_pair_table(file)
    return [path]


def _to_list(saved: SavedRun, request: ExportRequest) -> list[Path]:
    """The file with the pixels of each cone, in its own place or as a copy."""
    from .list_mode import with_footprints

    path, in_place = _converted(request)
    if not (in_place and saved.has_list_mode):
        with_footprints(request.source, path, overwrite=in_place or request.overwrite)
    return [path]


def _to_no_list(saved: SavedRun, request: ExportRequest) -> list[Path]:
    """The file without the pixels of each cone."""
    from .list_mode import without_footprints

    path, _ = _converted(request)
    without_footprints(saved.path, path, overwrite=request.overwrite)
    return [path]


def _converted(request: ExportRequest) -> tuple[Path, bool]:
    """Where the file goes with its list mode changed, and whether that is its own place."""
    path = _placed(request, request.source.name, (".h5", ".hdf5"))
    return path, path.exists() and path.samefile(request.source)


def _pair_bytes(saved: SavedRun) -> int:
    """Bytes of the pair table: a cone and a pixel, four bytes each."""
    known = "/lm/footprint_pixels" in saved.data
    return 8 * saved.data.length("/lm/footprint_pixels") if known else 0


FORMATS: Final[Mapping[str, Callable[[SavedRun, ExportRequest], list[Path]]]] = {
    "root": _to_root,
    "csv": _to_csv,
    "parquet": _to_parquet,
    "png": _to_figures,
    "pdf": _to_figures,
    "npz": _to_npz,
    "pairs": _to_pairs,
    "list": _to_list,
    "no-list": _to_no_list,
}
