"""The HDF5 file of an imaging run: rows as ranges are done, then images, numbers and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from ...schemas.imaging.codes import NEUTRON
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.images import (
    Counts,
    ImageMetrics,
    ProjectionSet,
    SummedImages,
)
from ..engine.merging import ARRAY
from ..engine.parts import Part
from ..engine.session_state import Shifts
from ..hdf5 import Dataset, blocks, create_checked, describe, write_array
from ..hdf5_rows import SIDE_SUFFIX, RowWriter
from .layout import FOOTPRINT_DATASETS, IMAGED_CONE, OFFSETS, PAIRS, SURVIVAL, Group
from .rows import ROWS_OF_BOTH, ROWS_OF_SPECIES, RowNumbers, run_number_of

_PAIRS_A_WRITE: Final = 1 << 20
_PAIRS_AUTO_LIMIT: Final = 2_000_000
_SPECIES: Final = ("neutron", "gamma")
(_FOOTPRINTS,) = (d.path for d in FOOTPRINT_DATASETS)


class ImagingRows:
    """Writes the rows of each range of events; the sink of a session.

    ``groups`` are those that the run fills; what an earlier run left of others is in the file.
    """

    def __init__(self, file: h5py.File, groups: tuple[Group, ...], config: ImagingConfig) -> None:
        self._groups = groups
        self._names = {g.name for g in groups}
        self._file = file
        self._config = config
        self._list_mode = config.run.list and "imaged" in self._names
        self._rows = _Rows()
        self._rows_of_file = self._rows
        datasets = [d for g in groups for d in g.datasets]
        if self._list_mode:
            datasets += FOOTPRINT_DATASETS
        side = Path(file.filename + SIDE_SUFFIX)
        self._writer = RowWriter(file, datasets, side)
        self._lengths = self._lengths_of_none = self._writer.lengths()

    def begin_file(self) -> None:
        """Remember where the rows of a further input file begin."""
        self._rows_of_file = self._rows
        self._lengths = self._writer.lengths()

    def drop_file(self) -> None:
        """Take back the rows of the present input file."""
        self._rows = self._rows_of_file
        self._writer.cut(self._lengths)

    def begin_again(self) -> None:
        """Take back every row."""
        self._rows = _Rows()
        self._writer.cut(self._lengths_of_none)

    def __call__(self, part: Part, results: Mapping[str, Any], shifts: Shifts) -> None:
        """Append the rows of one range."""
        at = RowNumbers(
            self._rows.hits,
            _shift(shifts, "event_id") or _shift(shifts, ARRAY, "raw_event_ranges"),
            file_ix=int(part.at["file"]),
            run_number=run_number_of(Path(part.inputs["source_file"].path)),
        )
        for name, rows_of in ROWS_OF_BOTH.items():
            if name in self._names:
                self._writer.append(rows_of(results, at))
        if "hits" in self._names:
            self._rows = replace(self._rows, hits=self._rows.hits + len(results["hits"]))
        for species in _SPECIES:
            n_events = _shift(shifts, "event_index", species)
            of_species = replace(at, events=n_events, cones=self._rows.cones[species])
            columns: dict[str, Any] = {}
            for name, species_rows_of in ROWS_OF_SPECIES.items():
                if name in self._names:
                    columns |= species_rows_of(species, results, of_species)
            if not self._list_mode:
                columns.pop(_FOOTPRINTS, None)
            self._writer.append(columns, late=species == "gamma")
            self._rows = self._rows.after(species, columns)

    def finish(self, materials: list[str]) -> None:
        """Append the gamma rows, then what follows from whole columns."""
        cones = self._rows.cones["neutron"]
        self._writer.finish({"event": self._neutron_events(), "cone": cones})
        if "raw_events" in self._names:
            _join_runs(self._file["raw_events/ranges"])
        for dataset in (d for g in self._groups for d in g.datasets if d.labels is not None):
            meaning = "meaning of the codes" if dataset.labels else "materials by id"
            write_array(self._file, dataset.labels_path, dataset.labels or materials, "", meaning)
        if self._names & {"cones", "imaged"} and "lm/event_cone_id" in self._file:
            write_survival(self._file)
        if self._list_mode:
            write_offsets_and_pairs(self._file, self._config.hdf5.pair_table)

    def __enter__(self) -> ImagingRows:
        """Rows may be appended until the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Drop the side file, also after a failure."""
        self._writer.close()

    def _neutron_events(self) -> int:
        """How many rows of /lm are neutron events."""
        if "events" in self._names or "lm/event_type" not in self._file:
            return self._rows.events["neutron"]
        types = blocks(self._file["lm/event_type"])
        return sum(int(np.count_nonzero(part == NEUTRON)) for part in types)


def _shift(shifts: Shifts, column: str, species: str = "") -> int:
    """What the row numbers in a column grow by: the same in every frame of a species."""
    found = (of[column] for name, of in shifts.items() if name.startswith(species) and column in of)
    return next(found, 0)


def _created(file: h5py.File, dataset: Dataset, n_rows: int) -> h5py.Dataset:
    """A dataset of so many rows, to be filled."""
    created = create_checked(file, dataset.path, (n_rows, *dataset.tail), dataset.dtype)
    describe(created, dataset.unit, dataset.description)
    return created


def write_offsets_and_pairs(file: h5py.File, wish: str) -> None:
    """Where the pixels of each cone begin and, as [hdf5] pair_table wishes, the table of pairs."""
    lm = file["lm"]
    lit = lm["cone_lit_pixels"]
    n = lit.shape[0]
    offsets = _created(file, OFFSETS, n + 1)
    total, begin = 0, 0
    offsets[0] = 0
    for counts in blocks(lit):
        ends = total + np.cumsum(counts, dtype=np.uint64)
        offsets[begin + 1 : begin + 1 + len(counts)] = ends
        total += int(counts.sum(dtype=np.int64))
        begin += len(counts)
    if wish == "always" or (wish == "auto" and total <= _PAIRS_AUTO_LIMIT):
        write_pair_table(file)


def _join_runs(dataset: h5py.Dataset) -> None:
    """One run of raw events where several meet: ranges of events leave no trace in the file."""
    runs = dataset[()]
    if not len(runs):
        return
    last = np.append(runs[1:, 0] != runs[:-1, 1], True)
    first = np.append(True, last[:-1])
    joined = np.column_stack([runs[first, 0], runs[last, 1]])
    dataset.resize(len(joined), axis=0)
    dataset[...] = joined


def _none_yet() -> dict[str, int]:
    return dict.fromkeys(_SPECIES, 0)


@dataclass(frozen=True)
class _Rows:
    """How many rows the file holds: hits, and events and cones of each species."""

    hits: int = 0
    events: Mapping[str, int] = field(default_factory=_none_yet)
    cones: Mapping[str, int] = field(default_factory=_none_yet)

    def after(self, species: str, columns: Mapping[str, Any]) -> _Rows:
        """With the rows of one species in ``columns``."""
        events, cones = (
            {**table, species: table[species] + len(columns.get(path, ()))}
            for table, path in ((self.events, "/lm/event_type"), (self.cones, "/cones/cone_id"))
        )
        return replace(self, events=events, cones=cones)


def write_survival(file: h5py.File) -> None:
    """/lm/event_imaged_cone_id and /lm/event_survival from the cones and the pixels they light."""
    lm = file["lm"]
    imaged = lm["event_cone_id"][()]
    if "cone_lit_pixels" in lm:
        dark = np.append(lm["cone_lit_pixels"][()] == 0, False)
        imaged[dark[imaged]] = -1
    else:
        imaged[:] = -1
    n = len(imaged)
    for dataset in (IMAGED_CONE, SURVIVAL):
        file.pop(dataset.path, None)
    text = IMAGED_CONE.description
    write_array(file, IMAGED_CONE.path, imaged, "", text, maxshape=(None,))
    table = _created(file, SURVIVAL, n)
    table[...] = np.column_stack([np.arange(n), lm["event_cone_id"][()], imaged])


def write_pair_table(file: h5py.File) -> None:
    """/lm/cone_pixel_indices from the footprints, with its link under /images/list_mode."""
    lm = file["lm"]
    counts = lm["cone_lit_pixels"]
    pixels = lm["footprint_pixels"]
    pairs = _created(file, PAIRS, pixels.shape[0])
    cone, begin = 0, 0
    for lit in blocks(counts):
        ends = np.cumsum(lit, dtype=np.int64)
        first = 0
        # A cone may light many pixels: few cones at a time keep the memory bounded.
        while first < len(lit):
            done = int(ends[first - 1]) if first else 0
            last = max(int(np.searchsorted(ends, done + _PAIRS_A_WRITE, "right")), first + 1)
            ids = np.arange(cone + first, cone + last, dtype=np.uint32)
            ids = np.repeat(ids, lit[first:last])
            pairs[begin : begin + len(ids)] = np.column_stack(
                [ids, pixels[begin : begin + len(ids)]]
            )
            begin += len(ids)
            first = last
        cone += len(lit)
    links = file.require_group("images/list_mode")
    links["cone_pixel_indices"] = h5py.SoftLink("/lm/cone_pixel_indices")


def write_images(file: h5py.File, images: SummedImages) -> None:
    """/images/summed/{n, g, all}: uint32 counts (nv, nu)."""
    group = file.require_group("images/summed")
    names = {"n": "neutron cones", "g": "gamma cones", "all": "cones of both species"}
    for name, image in images.present().items():
        write_array(
            group,
            name,
            image,
            "counts",
            f"{names[name]} through each pixel; rows v, columns u, v_min first",
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )


def write_projections(
    file: h5py.File,
    projections: ProjectionSet,
    metrics: Mapping[str, ImageMetrics],
    config: ImagingConfig,
) -> None:
    """/images/summed/projections/{n, g, all}/{u, v, u_roi, v_roi} and their metrics."""
    for name, curves in projections.by_image.items():
        group = file.require_group(f"images/summed/projections/{name}")
        if projections.roi is not None:
            for edge in ("u_min_cm", "u_max_cm", "v_min_cm", "v_max_cm"):
                group.attrs[f"roi_{edge}"] = getattr(projections.roi, edge)
        for axis in ("u", "v", "u_roi", "v_roi"):
            curve = getattr(curves, axis)
            if curve is not None:
                where = " inside the region of interest" if axis.endswith("_roi") else ""
                write_array(group, axis, curve, "counts", f"counts along {axis[0]}{where}")
        if name in metrics:
            _write_metrics(group.require_group("metrics"), metrics[name], config)


def _write_metrics(group: h5py.Group, metrics: ImageMetrics, config: ImagingConfig) -> None:
    for axis, numbers in metrics.axes.items():
        settings = getattr(config.vis.projections.metrics, axis[0])
        curve = group.require_group(axis)
        for key in ("edge_low_frac", "edge_high_frac", "min_counts"):
            curve.attrs[key] = getattr(settings, key)
        for key, value in vars(numbers).items():
            unit = (
                "cm"
                if key.endswith("_cm")
                else "counts"
                if "count" in key or key == "peak_value"
                else ""
            )
            write_array(curve, key, value, unit, key.replace("_", " "))
    for suffix, total in (("", metrics.total_counts), ("_roi", metrics.roi_total_counts)):
        if suffix and not any(a.endswith("_roi") for a in metrics.axes):
            continue
        centroid = group.require_group(f"centroid{suffix}")
        for axis in ("u", "v"):
            value = getattr(metrics, f"{axis}{suffix}_centroid_cm")
            write_array(centroid, f"{axis}_centroid", value, "cm", f"count-weighted mean of {axis}")
        write_array(centroid, "total_counts", total, "counts", "sum of the counts")


def write_counters(file: h5py.File, by_stage: Mapping[str, Counts]) -> None:
    """/meta/counters: s<stage>_<name> as int64 datasets, S<stage>_<name> as attributes."""
    # A group lists its members by name unless it keeps the order in which they were written.
    group = file.require_group("meta").create_group("counters", track_order=True)
    for number, counts in enumerate(by_stage.values(), start=1):
        for name, value in counts.values.items():
            write_array(group, f"s{number}_{name}", np.int64(value), "", name.replace("_", " "))
    # Attributes beside them as ngimager 1.2.1 has them; HDF5 keeps at most 64 kB of these
    # in the compact form, so they are kept dense.
    for number, counts in enumerate(by_stage.values(), start=1):
        for name, value in counts.values.items():
            group.attrs[f"S{number}_{name}"] = np.int64(value)
