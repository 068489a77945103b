"""The rows of an output file as flat tables, a bounded number at a time.

Names of columns in ``lm``, ``cones`` and ``cone_pixels`` are those that ngimager 1.2.1 gives its
ROOT trees, so that what reads those reads ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from ...schemas.imaging.codes import SPECIES, CandidateStatus, ConeFilter, HitFilter, Recoil
from ...schemas.imaging.images import PixelGrid
from ..runfile.export_table import Table
from ..runfile.exporting import ROWS_A_BLOCK, row_blocks
from .layout import LAYOUT
from .saved import SavedRun

Columns = dict[str, np.ndarray]
_ROWS_A_BLOCK: Final = ROWS_A_BLOCK
PIXELS_A_BLOCK: Final = 1 << 20
_PARTICLES: Final = SPECIES[:2]
_COUNTED: Final = {"/candidates": "event_index"}
_RECOILS: Final = tuple(r.name for r in Recoil)


@dataclass(frozen=True)
class FlatTable:
    """A table that a file may hold.

    ``needs`` are datasets of which one must be there, ``blocks`` gives its columns part by part,
    ``codes`` names the values of columns that hold small numbers, or the dataset that does.
    """

    name: str
    what: str
    needs: tuple[str, ...]
    blocks: Callable[[SavedRun], Iterator[Columns]]
    codes: Mapping[str, tuple[str, ...]]

    def of(self, saved: SavedRun) -> Table:
        """The table of a file."""
        codes = {
            column: saved.data.texts(names[0]) if names[0].startswith("/") else names
            for column, names in self.codes.items()
        }
        plain = {c: c.removesuffix("_code").removesuffix("_id") for c in codes}
        return Table(self.name, partial(self.blocks, saved), self.what, codes, plain)


def present_tables(saved: SavedRun) -> list[Table]:
    """The tables that a file holds."""
    return [t.of(saved) for t in TABLES.values() if any(name in saved.data for name in t.needs)]


def _as_written(group: str, first: str = "") -> Callable[[SavedRun], Iterator[Columns]]:
    """The datasets of a group in the order of the layout, with the row as the first column."""
    rank = {path: k for k, path in enumerate(LAYOUT)}

    def blocks(saved: SavedRun) -> Iterator[Columns]:
        data = saved.data
        paths = {name: f"{group}/{name}" for name in data.columns(group)}
        # HDF5 gives them by name.
        names = sorted(paths, key=lambda name: rank.get(paths[name], len(rank)))
        for begin, end in _ranges(data.length(f"{group}/{_COUNTED.get(group, 'event_id')}")):
            columns: Columns = {first: np.arange(begin, end)} if first else {}
            late: Columns = {}
            for name in names:
                values = data.span(paths[name], begin, end)
                if values.ndim == 1:
                    columns[name] = values
                else:
                    late |= {f"{name}_{k}": values[:, k] for k in range(values.shape[1])}
            yield columns | late

    return blocks


def _lm_blocks(saved: SavedRun) -> Iterator[Columns]:
    """A row a hit of an event that passed the cuts."""
    data = saved.data
    per_event = {
        "event_index": None,
        "event_id": "/lm/event_id",
        "event_type": "/lm/event_type",
        "event_meta_run_id": "/lm/event_meta_run_id",
        "event_meta_file_ix": "/lm/event_meta_file_ix",
        "event_cone_id": "/lm/event_cone_id",
        "event_imaged_cone_id": "/lm/event_imaged_cone_id",
        "event_recoil_code": "/lm/event_recoil_code",
        "event_cone_filter_code": "/lm/event_cone_filter_code",
    }
    per_hit = {
        "hit_t_ns": "/lm/hit_t_ns",
        "hit_L_mevee": "/lm/hit_L_mevee",
        "hit_det_id": "/lm/hit_det_id",
        "hit_material_id": "/lm/hit_material_id",
        "hit_row": "/lm/event_hit_index",
    }
    for begin, end in _ranges(saved.n_events):
        times = data.span("/lm/hit_t_ns", begin, end)
        event, hit = np.nonzero(np.isfinite(times))
        columns: Columns = {}
        for name, path in per_event.items():
            if path is None:
                columns[name] = (begin + event).astype(np.int64)
            elif path in data:
                columns[name] = data.span(path, begin, end)[event]
        columns["hit_index"] = hit.astype(np.int8)
        position = data.span("/lm/hit_pos_cm", begin, end)[event, hit]
        columns |= {f"hit_pos_{a}_cm": position[:, k] for k, a in enumerate("xyz")}
        for name, path in per_hit.items():
            if path in data:
                columns[name] = data.span(path, begin, end)[event, hit]
        yield columns


def _cone_blocks(saved: SavedRun) -> Iterator[Columns]:
    data = saved.data
    plain = ("event_index", "species", "recoil_code", "incident_energy_MeV")
    ours = ("recoil_energy_MeV", "delta_theta_rad")
    for begin, end in _ranges(saved.n_cones):

        def read(name: str, begin: int = begin, end: int = end) -> np.ndarray:
            return data.span(f"/cones/{name}", begin, end)

        columns: Columns = {"cone_id": np.arange(begin, end)}
        columns |= {name: read(name) for name in plain}
        apex, axis, theta = (data.span(path, begin, end) for path in saved.cone_geometry)
        columns |= {f"apex_{a}_cm": apex[:, k] for k, a in enumerate("xyz")}
        columns |= {f"axis_{a}": axis[:, k] for k, a in enumerate("xyz")}
        columns["theta_rad"] = theta
        if "/cones/gamma_hit_order" in data:
            order = read("gamma_hit_order")
            columns |= {f"gamma_hit_order_{k}": order[:, k] for k in range(order.shape[1])}
        yield columns | {name: read(name) for name in ours if f"/cones/{name}" in data}


def _pixel_blocks(saved: SavedRun) -> Iterator[Columns]:
    """A row a lit pixel of a cone."""
    grid = saved.grid
    for first, footprints in saved.footprint_blocks(PIXELS_A_BLOCK):
        offsets = footprints.offsets.astype(np.int64)
        lit = offsets[1:] - offsets[:-1]
        cone = np.repeat(np.arange(first, first + len(lit)), lit)
        for begin, end in _ranges(len(cone)):
            flat = footprints.pixels[begin:end]
            yield {
                "cone_id": cone[begin:end],
                "flat_pixel_index": flat,
                **pixel_columns(flat, grid),
            }


def _image_blocks(saved: SavedRun) -> Iterator[Columns]:
    """A row a pixel."""
    grid, images = saved.grid, saved.images
    flat = {name: image.ravel() for name, image in images.items()}
    for begin, end in _ranges(grid.nu * grid.nv):
        columns = pixel_columns(np.arange(begin, end), grid)
        yield columns | {name: counts[begin:end] for name, counts in flat.items()}


def pixel_columns(flat: np.ndarray, grid: PixelGrid) -> Columns:
    """Column, row and centre of pixels by their flat index."""
    u, v = flat % grid.nu, flat // grid.nu
    return {
        "u_index": u.astype(np.int32),
        "v_index": v.astype(np.int32),
        "u_cm": grid.u_min_cm + (u + 0.5) * grid.du_cm,
        "v_cm": grid.v_min_cm + (v + 0.5) * grid.dv_cm,
    }


def _counter_blocks(saved: SavedRun) -> Iterator[Columns]:
    rows = [(s, n, v) for s, counts in saved.record.counters.items() for n, v in counts.items()]
    stage, name, value = ([row[k] for row in rows] for k in range(3))
    yield {
        "stage": np.asarray(stage, np.int8),
        "counter": np.asarray(name, object),
        "value": np.asarray(value, np.int64),
    }


def _ranges(n: int) -> Iterator[tuple[int, int]]:
    return row_blocks(n, _ROWS_A_BLOCK)


def _table(
    name: str, what: str, needs: Any, blocks: Callable[[SavedRun], Iterator[Columns]], **codes: Any
) -> FlatTable:
    return FlatTable(name, what, needs if isinstance(needs, tuple) else (needs,), blocks, codes)


TABLES: Final[Mapping[str, FlatTable]] = {
    table.name: table
    for table in (
        _table(
            "hits",
            "a row a hit, before the cuts",
            "/hits/event_id",
            _as_written("/hits", "hit_row"),
            species=SPECIES,
            material_id=("/hits/material_id_labels",),
            filter_code=tuple(c.name for c in HitFilter),
        ),
        _table(
            "lm",
            "a row a hit of an event that passed the cuts",
            "/lm/event_type",
            _lm_blocks,
            event_type=_PARTICLES,
            event_recoil_code=_RECOILS,
            event_cone_filter_code=tuple(c.name for c in ConeFilter),
            hit_material_id=("/lm/hit_material_id_labels",),
        ),
        _table(
            "candidates",
            "a row a hypothesis",
            "/candidates/event_index",
            _as_written("/candidates"),
            species=_PARTICLES,
            recoil_code=_RECOILS,
            status=tuple(s.name for s in CandidateStatus),
        ),
        _table(
            "cones",
            "a row a cone",
            "/cones/theta_rad",
            _cone_blocks,
            species=_PARTICLES,
            recoil_code=_RECOILS,
        ),
        _table(
            "cone_pixels",
            "a row a lit pixel of a cone",
            ("/lm/footprint_pixels", "/lm/cone_pixel_indices"),
            _pixel_blocks,
        ),
        _table("images_summed", "a row a pixel", "/images/summed", _image_blocks),
        *(
            _table(name, what, f"/truth/{group}/event_id", _as_written(f"/truth/{group}"))
            for name, what, group in (
                ("reactions", "true reactions", "reactions"),
                ("reaction_products", "particles that left them", "products"),
            )
        ),
        _table("counters", "a row a counter", "/meta/counters", _counter_blocks),
    )
}
"""Every table, in order of the stages."""
