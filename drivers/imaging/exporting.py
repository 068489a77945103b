"""An output file in the formats of other programs: tables, ROOT, arrays, figures, pairs.

What is written is known, and consented to, before anything is computed; rows are read and written
a bounded number at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.errors import UsageError
from ..files import check_new_files, new_output
from ..hdf5 import need_room, read_through
from ..runfile.export_request import ExportRequest
from ..runfile.export_table import Table
from ..runfile.exporting import (
    chosen,
    one_file,
    placed,
    several_files,
    write_csv,
    write_parquet,
    write_root_file,
    write_tables,
)
from .figure_wishes import redraw_of
from .redrawing import check_view, images_named, redrawn
from .saved import SavedRun, open_run
from .saved_tables import TABLES, present_tables

# One entry an image, as ngimager has it, and counters as texts; the other tables are trees.
_NO_TREES: Final = ("images_summed", "counters")


def export(request: ExportRequest) -> list[Path]:
    """Write the files of a request and name them; UsageError or InputError before any."""
    known_format(request)
    # Wishes that cannot be met are told before the file is looked at.
    redraw_of(request.figure)
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


def _tables(saved: SavedRun, request: ExportRequest) -> list[Table]:
    return chosen(present_tables(saved), request)


def _to_root(saved: SavedRun, request: ExportRequest) -> list[Path]:
    from .export_root import write_counters, write_images

    tables = _tables(saved, request)

    def more(file: Any) -> None:
        if "images_summed" in [t.name for t in tables]:
            write_images(file, saved)
        write_counters(file, saved.record)

    trees = [t for t in tables if t.name not in _NO_TREES]
    return write_root_file(request, trees, saved.record, more)


def _to_csv(saved: SavedRun, request: ExportRequest) -> list[Path]:
    from .export_csv import write_cone_pixels

    def write(name: str, frames: Iterator[pd.DataFrame], path: Path) -> None:
        if name == "cone_pixels":
            write_cone_pixels(saved, path)
        else:
            write_csv(name, frames, path)

    return write_tables(_tables(saved, request), request, write)


def _to_parquet(saved: SavedRun, request: ExportRequest) -> list[Path]:
    return write_tables(_tables(saved, request), request, write_parquet)


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
    path = one_file(request, ".npz")
    with new_output(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return [path]


def _to_figures(saved: SavedRun, request: ExportRequest) -> list[Path]:
    wish = redraw_of(request.figure)
    names = images_named(saved, wish.species)
    check_view(saved, wish.view)
    paths = several_files(request, names, f".{request.to}")
    figures = redrawn(saved, wish, "pdf" if request.to == "pdf" else "png")
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
            read_through(saved.data.group[name], saved.path)
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
    path = placed(request, request.source.name, (".h5", ".hdf5"))
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
