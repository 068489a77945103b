"""An output file of a run, or of ngimager, read back: the file in, frames and arrays out.

Nothing is read before it is asked for. What a file lacks, or what cannot be read of it, is an
InputError that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd

from ...nodes.file_kinds import fault_of_hdf5, fault_of_input
from ...nodes.hdf5_heaps import opened_hdf5
from ...schemas.arrays import I8
from ...schemas.errors import InputError
from ...schemas.imaging.codes import SPECIES
from ...schemas.imaging.config import STAGES, ImagingConfig, Stage
from ...schemas.imaging.images import (
    Footprints,
    ImageMetrics,
    PixelGrid,
    PlaneFrame,
    ProjectionSet,
)
from ...schemas.imaging.imaging_method import ImagingMethod
from ...schemas.tables import categories_of
from ..api import GraphPicture
from ..provenance import pipeline_of
from ..runfile.datasets import Datasets
from ..runfile.last_run import graph_of_record
from ..runfile.record import effective_config
from . import saved_footprints, saved_pictures
from .input_values import imaging_method
from .layout import (
    CONE_DATASETS,
    CONE_FILTER_DATASETS,
    EVENT_DATASETS,
    EVENT_HIT_DATASETS,
    IMAGED_CONE,
    LAYOUT,
    MOST_HITS,
    SURVIVAL_DATASETS,
)
from .saved_record import ImagingRecord, imaging_record

_SIGN_OF_STAGE: Final[dict[Stage, str]] = {
    "hits": "/hits/event_id",
    "events": "/lm/event_type",
    "cones": "/cones/theta_rad",
    "image": "/images/summed",
}
_NOUNS: Final[dict[Stage, str]] = {
    "hits": "hits",
    "events": "events",
    "cones": "cones",
    "image": "images",
}
# Columns that files of ngimager, or of before, may lack; what stands in their place.
_NOT_OF_ALL: Final = (
    "incident_energy_MeV", "recoil_energy_MeV", "delta_theta_rad",
    *(f"hit_order_{k + 1}" for k in range(MOST_HITS)),
)  # fmt: skip
_ABSENT: Final = {
    "event_id": -1, "run_id": -1, "file_ix": 0, "cone_id": -1, "imaged_cone_id": -1
}  # fmt: skip
_ADDED: Final = ("cone_filter_code", "hit1_row")
_WANTED: Final = "Give a file that radiograph run wrote."


@contextmanager
def open_run(path: Path) -> Iterator[SavedRun]:
    """The file of a run; InputError if it is missing, no HDF5, cut off or of another kind."""
    path = Path(path)
    if fault := fault_of_input(path):
        msg = f"{path}: {fault}. {_WANTED}"
        raise InputError(msg, file=path)
    try:
        file = opened_hdf5(path)
    except OSError as reason:
        msg = f"{path}: {fault_of_hdf5(path, reason, _WANTED)}"
        raise InputError(msg, file=path) from None
    with file:
        saved = SavedRun(file, path)
        foreign = _foreign(saved)
        if foreign:
            msg = f"{path}: {foreign}"
            raise InputError(msg, file=path, code="foreign_file")
        yield saved


def graph_of_run(path: Path, config: Path | None, **shown: Any) -> GraphPicture:
    """The graph with status and times of the run that wrote a file."""
    with open_run(path) as saved:
        return saved.graph(config, **shown)


def _foreign(saved: SavedRun) -> str:
    """Of what else a file is, with what reads it; empty for that of an imaging run."""
    name = pipeline_of(saved.data)
    if name not in ("", "imaging"):
        return (
            f"is an output of the pipeline {name}; this command is for outputs of the imaging "
            "pipeline. `radiograph info` says what is in it."
        )
    if saved.stages or "/meta" in saved.data:
        return ""
    if "light" in saved.data:
        return (
            "holds light waveforms, which is data and no output of a run. `radiograph lightdqm "
            "judge` looks at it."
        )
    names = ", ".join(saved.data.children("/")[:5]) or "nothing"
    return (
        f"is an HDF5 file, but of no imaging run: it holds {names}. Give a file that radiograph "
        "run, or ngimager, wrote."
    )


class SavedRun:
    """What stands in the file of a run.

    Frames have the columns of the pipeline's own (schemas/imaging/frames.py), as far as the
    file holds them. Numbers of rows are those of the file: ``cone_id`` counts the rows of
    ``cones``, ``event_index`` those of ``events``.
    """

    def __init__(self, file: h5py.File, path: Path) -> None:
        self.path = path
        self.data = Datasets(file, path, LAYOUT)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stages whose rows or images the file holds."""
        return tuple(stage for stage in STAGES if _SIGN_OF_STAGE[stage] in self.data)

    def need(self, stage: Stage) -> None:
        """InputError if the file does not hold a stage."""
        if stage in self.stages:
            return
        held = ", ".join(_NOUNS[s] for s in self.stages) or "nothing of the run"
        msg = (
            f"{self.path}: holds no {_NOUNS[stage]}, only {held}. "
            f'Run it again with [pipeline] until = "{stage}" or later.'
        )
        raise InputError(msg, file=self.path, code="not_in_file")

    @cached_property
    def record(self) -> ImagingRecord:
        """What the file says of its making: settings, inputs, versions, nodes, counters."""
        return imaging_record(self.data)

    @cached_property
    def config(self) -> ImagingConfig:
        """The settings of the run, after command line and fast mode; InputError without them."""
        config: ImagingConfig = effective_config(self.record, self.path, ImagingConfig)
        return config

    def graph(self, config: Path | None = None, **shown: Any) -> GraphPicture:
        """The graph with status and times of the run: of its settings, or of a TOML file."""
        loaded = config or self.record.loaded(self.path, ImagingConfig)
        return graph_of_record("imaging", self.record, self.path, loaded, **shown)

    @cached_property
    def imaging_method(self) -> ImagingMethod:
        """How its cones were drawn; ngimager draws both halves of a cone."""
        if self.record.is_ours:
            return imaging_method(self.config)
        return ImagingMethod(nappe="both")

    @cached_property
    def frame(self) -> PlaneFrame:
        """Origin and normal of the plane; InputError without one."""
        return saved_pictures.plane_frame(self.data)

    @cached_property
    def grid(self) -> PixelGrid:
        """The pixels of the images that the file holds (ngimager has one more a side)."""
        return saved_pictures.pixel_grid(self.data)

    @cached_property
    def images(self) -> dict[str, np.ndarray]:
        """Counts (nv, nu) by name: n, g, all, those that exist."""
        self.need("image")
        return saved_pictures.images(self.data)

    @cached_property
    def projections(self) -> ProjectionSet:
        """ProjectionSet of the images; without projections its ``by_image`` is empty."""
        return saved_pictures.projections(self.data, self.grid)

    @cached_property
    def metrics(self) -> dict[str, ImageMetrics]:
        """{image: ImageMetrics}, empty where none were computed."""
        return saved_pictures.metrics(self.data)

    @cached_property
    def n_cones(self) -> int:
        self.need("cones")
        return self.data.length("/cones/theta_rad")

    @cached_property
    def n_events(self) -> int:
        self.need("events")
        return self.data.length("/lm/event_type")

    @cached_property
    def cones_are_exact(self) -> bool:
        """Whether apex, axis and angle stand in the file as they were computed, in float64."""
        return "/cones/exact/theta_rad" in self.data

    @property
    def cone_geometry(self) -> tuple[str, str, str]:
        """Datasets of apex, axis and angle, the exact ones where the file holds them."""
        if self.cones_are_exact:
            return ("/cones/exact/apex_cm", "/cones/exact/axis", "/cones/exact/theta_rad")
        return ("/cones/apex_xyz_cm", "/cones/axis_xyz", "/cones/theta_rad")

    @cached_property
    def cones(self) -> pd.DataFrame:
        """All cones: cone_id, event_index, species, geometry, energies."""
        return self.cones_at()

    def cones_at(self, rows: I8 | None = None) -> pd.DataFrame:
        """Some cones, or all; ``rows`` ascending. Geometry in float64, exact where stored so."""
        self.need("cones")
        found = self.data.frame_columns(CONE_DATASETS, rows, _NOT_OF_ALL)
        n = len(found["theta_rad"])
        geometry = (*(f"{v}_{a}{u}" for v, u in (("apex", "_cm"), ("axis", "")) for a in "xyz"),)
        for k in range(MOST_HITS):
            order = found.get(f"hit_order_{k + 1}", np.full(n, -1, np.int8))
            # What has no order has its hits in that of time.
            found[f"hit_order_{k + 1}"] = np.where(order >= 0, order, np.int8(k))
        columns = {
            **{name: np.full(n, np.nan, "f4") for name in _NOT_OF_ALL[:3]},
            **found,
            **{name: found[name].astype(np.float64) for name in (*geometry, "theta_rad")},
            "cone_id": np.arange(self.n_cones) if rows is None else np.asarray(rows, np.int64),
            "event_index": found["event_index"].astype(np.int64),
            "species": self._species("/cones/species", rows),
        }
        return pd.DataFrame(columns, copy=False)

    def _species(self, path: str, rows: I8 | None) -> Any:
        return categories_of(self.data.rows(path, rows).astype(np.int8), SPECIES)

    @cached_property
    def events(self) -> pd.DataFrame:
        """All events that passed the cuts, hits in time order, and the cone of each."""
        return self.events_at()

    def events_at(self, rows: I8 | None = None) -> pd.DataFrame:
        """Some events, or all; ``rows`` ascending.

        ``cone_id`` and ``imaged_cone_id`` are -1 where there is none; ``cone_filter_code``
        (codes.ConeFilter) and ``hit1_row`` and so on, rows of ``hits``, are there where the file
        has them.
        """
        self.need("events")
        datasets = (
            *EVENT_DATASETS, *EVENT_HIT_DATASETS, *SURVIVAL_DATASETS, IMAGED_CONE,
            *CONE_FILTER_DATASETS,
        )  # fmt: skip
        found = self.data.frame_columns(datasets, rows, (*_ABSENT, *_ADDED))
        n = len(found["t1_ns"])
        columns = {
            "event_index": np.arange(n) if rows is None else np.asarray(rows, np.int64),
            "species": self._species("/lm/event_type", rows),
            **{name: np.full(n, value) for name, value in _ABSENT.items()},
            **found,
        }
        return pd.DataFrame(columns, copy=False)

    @cached_property
    def hits(self) -> pd.DataFrame:
        """Every hit before the cuts, with ``filter_code`` (codes.HitFilter), 0 = kept."""
        return self.hits_at()

    def hits_at(self, rows: I8 | None = None) -> pd.DataFrame:
        """Some hits, or all; ``rows`` ascending."""
        self.need("hits")
        columns = {
            name: self.data.rows(f"/hits/{name}", rows) for name in self.data.columns("/hits")
        }
        n = self.data.length("/hits/event_id")
        columns = {"hit_row": np.arange(n) if rows is None else np.asarray(rows), **columns}
        columns["species"] = self._species("/hits/species", rows)
        names = self.data.texts("/hits/material_id_labels")
        columns["material"] = categories_of(columns.pop("material_id"), names)
        return pd.DataFrame(columns, copy=False)

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """Every hypothesis of every event: angles, energies, score, status, direction_ok."""
        return self.candidates_at()

    def candidates_at(self, rows: I8 | None = None) -> pd.DataFrame:
        """Some hypotheses, or all; ``rows`` ascending."""
        if "/candidates/event_index" not in self.data:
            msg = (
                f"{self.path}: holds no hypotheses (/candidates); ngimager does not store them. "
                "Run its input with radiograph run."
            )
            raise InputError(msg, file=self.path, code="not_in_file")
        columns = {
            name: self.data.rows(f"/candidates/{name}", rows)
            for name in self.data.columns("/candidates")
        }
        order = columns.pop("hit_order")
        columns["species"] = self._species("/candidates/species", rows)
        columns |= {f"hit_order_{k + 1}": order[:, k] for k in range(MOST_HITS)}
        n = self.data.length("/candidates/event_index")
        first = {"candidate_row": np.arange(n) if rows is None else np.asarray(rows)}
        return pd.DataFrame({**first, **columns}, copy=False)

    @property
    def has_list_mode(self) -> bool:
        """Whether the pixels of each cone stand in the file."""
        return saved_footprints.are_in(self.data)

    def need_list_mode(self) -> None:
        """InputError if the file does not hold the pixels of each cone."""
        saved_footprints.need(self.data)

    @cached_property
    def footprints(self) -> Footprints:
        """The lit pixels of each cone; InputError without list mode."""
        return saved_footprints.all_footprints(self.data, self.n_cones)

    def footprints_at(self, cone_ids: I8) -> Footprints:
        """The lit pixels of some cones, in the order in which they are named."""
        return saved_footprints.footprints_at(self.data, self.n_cones, cone_ids)

    def footprint_blocks(self, n_pixels: int) -> Iterator[tuple[int, Footprints]]:
        """(first cone, footprints) of successive cones, about ``n_pixels`` at a time."""
        return saved_footprints.footprint_blocks(self.data, self.n_cones, n_pixels)

    @cached_property
    def survival(self) -> pd.DataFrame:
        """A row an event: event_index, first_cone_index or -1, first_imaged_cone_index or -1."""
        self.need("cones")
        names = ["event_index", "first_cone_index", "first_imaged_cone_index"]
        if "/lm/event_survival" in self.data:
            return pd.DataFrame(self.data.rows("/lm/event_survival"), columns=names)
        cone, imaged = (self.data.rows(f"/lm/event_{name}cone_id") for name in ("", "imaged_"))
        table = np.column_stack([np.arange(len(cone), dtype=np.int32), cone, imaged])
        return pd.DataFrame(table, columns=names)
