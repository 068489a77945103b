"""The HDF5 file of an imaging run: rows as ranges are done, then images, numbers and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from ...schemas.imaging.codes import CandidateStatus, HitFilter
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.images import (
    BackProjection,
    Counts,
    ImageMetrics,
    ProjectionSet,
    SummedImages,
)
from ...schemas.sources import EventRange
from ..execution import RangeResults
from ..hdf5 import SIDE_SUFFIX, RowWriter, blocks, describe, write_array
from . import rows
from .layout import FOOTPRINT_DATASETS, Group
from .merging import RowsBefore

_PAIRS_AUTO_LIMIT: Final = 2_000_000
_SPECIES: Final = ("neutron", "gamma")
_LABELS: Final = {
    "/lm/event_type_labels": ("events", ["0=neutron", "1=gamma"]),
    "/cones/species_labels": ("cones", ["0=neutron", "1=gamma"]),
    "/cones/recoil_code_labels": ("cones", ["0=NA/gamma/unknown", "1=proton", "2=carbon"]),
    "/candidates/status_labels": ("candidates", [f"{s.value}={s.name}" for s in CandidateStatus]),
    "/hits/filter_code_labels": ("hit_filter", [f"{c.value}={c.name}" for c in HitFilter]),
    "/hits/species_labels": ("hits", ["0=neutron", "1=gamma", "2=unknown"]),
}


class ImagingRows:
    """Writes the rows of each range of events; the sink of a session."""

    def __init__(
        self, file: h5py.File, groups: tuple[Group, ...], config: ImagingConfig, run_number: int
    ) -> None:
        self._names = {g.name for g in groups}
        self._file = file
        self._config = config
        self._run_number = run_number
        self._list_mode = config.run.list and "imaged" in self._names
        self._cones = dict.fromkeys(_SPECIES, 0)
        self._events = dict.fromkeys(_SPECIES, 0)
        datasets = [d for g in groups for d in g.datasets]
        if self._list_mode:
            datasets += FOOTPRINT_DATASETS
        side = Path(file.filename + SIDE_SUFFIX)
        self._writer = RowWriter(file, datasets, side)

    def __call__(self, _: EventRange, results: RangeResults, before: RowsBefore) -> None:
        """Append the rows of one range."""
        if "hits" in self._names:
            self._writer.append(rows.hit_rows(results))
        if "hit_filter" in self._names:
            self._writer.append({"/hits/filter_code": results["hit_filter_code"]})
        if "truth" in self._names:
            self._writer.append(rows.truth_rows(results))
        for species in _SPECIES:
            at = rows.RowNumbers(getattr(before, species), self._cones[species])
            columns = self._species_rows(species, results, at)
            self._writer.append(columns, late=species == "gamma")
            if "/lm/event_type" in columns:
                self._events[species] += len(columns["/lm/event_type"])
            if "/cones/cone_id" in columns:
                self._cones[species] += len(columns["/cones/cone_id"])

    def _species_rows(
        self, species: str, results: RangeResults, at: rows.RowNumbers
    ) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        if "events" in self._names:
            columns |= rows.event_rows(species, results, self._run_number)
        if "candidates" in self._names:
            columns |= rows.candidate_rows(species, results, at)
        if "candidate_scores" in self._names:
            columns["/candidates/delta_theta_rad"] = results[f"{species}_cone_scores"]
        if "candidate_directions" in self._names:
            columns["/candidates/direction_ok"] = results[f"{species}_direction_ok"]
        if "cones" in self._names:
            columns |= rows.cone_rows(species, results, at)
            columns |= rows.survival_rows(species, results, at)
        if "imaged" in self._names:
            projection: BackProjection = results[f"{species}_back_projection"]
            columns["/lm/cone_lit_pixels"] = projection.lit_pixels
            if self._list_mode and projection.footprints is not None:
                columns["/lm/footprint_pixels"] = projection.footprints.pixels
        return columns

    def finish(self, materials: list[str]) -> None:
        """Append the gamma rows, then what follows from whole columns."""
        self._writer.finish({"event": self._events["neutron"], "cone": self._cones["neutron"]})
        for path, (group, labels) in _LABELS.items():
            if group in self._names:
                write_array(self._file, path, labels, "", "meaning of the codes")
        for path, group in (
            ("/lm/hit_material_id_labels", "events"),
            ("/hits/material_id_labels", "hits"),
        ):
            if group in self._names:
                write_array(self._file, path, materials, "", "materials by id")
        if "cones" in self._names:
            self._write_survival()
        if self._list_mode:
            self._write_offsets_and_pairs()

    def __enter__(self) -> ImagingRows:
        """Rows may be appended until the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Drop the side file, also after a failure."""
        self._writer.close()

    def _write_survival(self) -> None:
        lm = self._file["lm"]
        n = lm["event_cone_id"].shape[0]
        table = lm.create_dataset("event_survival", (n, 3), "i4")
        describe(table, "", "event_index, first cone or -1, first cone that lights a pixel or -1")
        begin = 0
        for cone, imaged in zip(
            blocks(lm["event_cone_id"]), blocks(lm["event_imaged_cone_id"]), strict=True
        ):
            index = np.arange(begin, begin + len(cone))
            table[begin : begin + len(cone)] = np.column_stack([index, cone, imaged])
            begin += len(cone)

    def _write_offsets_and_pairs(self) -> None:
        lm = self._file["lm"]
        lit = lm["cone_lit_pixels"]
        n = lit.shape[0]
        offsets = lm.create_dataset("footprint_offsets", (n + 1,), "u8")
        describe(offsets, "", "cone i lights footprint_pixels[offsets[i]:offsets[i + 1]]")
        total, begin = 0, 0
        offsets[0] = 0
        for counts in blocks(lit):
            offsets[begin + 1 : begin + 1 + len(counts)] = total + np.cumsum(
                counts, dtype=np.uint64
            )
            total += int(counts.sum(dtype=np.int64))
            begin += len(counts)
        wish = self._config.hdf5.pair_table
        if wish == "always" or (wish == "auto" and total <= _PAIRS_AUTO_LIMIT):
            write_pair_table(self._file)


def write_pair_table(file: h5py.File) -> None:
    """/lm/cone_pixel_indices from the footprints, with its link under /images/list_mode."""
    lm = file["lm"]
    counts = lm["cone_lit_pixels"]
    pixels = lm["footprint_pixels"]
    pairs = lm.create_dataset("cone_pixel_indices", (pixels.shape[0], 2), "u4")
    describe(pairs, "", "rows (cone_id, flat pixel index v * nu + u)")
    cone, begin = 0, 0
    for lit in blocks(counts):
        ids = np.repeat(np.arange(cone, cone + len(lit), dtype=np.uint32), lit)
        part = np.column_stack([ids, pixels[begin : begin + len(ids)]])
        pairs[begin : begin + len(ids)] = part
        cone += len(lit)
        begin += len(ids)
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
    group = file.require_group("meta/counters")
    for number, counts in enumerate(by_stage.values(), start=1):
        for name, value in counts.values.items():
            write_array(group, f"s{number}_{name}", np.int64(value), "", name.replace("_", " "))
    # Attributes beside them as ngimager 1.2.1 has them; HDF5 keeps at most 64 kB of these
    # in the compact form, so they are kept dense.
    for number, counts in enumerate(by_stage.values(), start=1):
        for name, value in counts.values.items():
            group.attrs[f"S{number}_{name}"] = np.int64(value)
