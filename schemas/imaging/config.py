"""The TOML file of the imaging pipeline as one frozen model."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from ..settings import (
    FilePath,
    InputOutput,
    PipelineName,
    PipelineSettings,
    RunSettings,
    Section,
    number_or_auto,
)
from .calibration import Calibration
from .detectors import Detectors
from .filters import Filters, Shaping
from .list_mode import ListMode
from .physics import Cones, Energy, Imaging, Prior
from .plane import Plane
from .reading import InputFormat, ToldToReaders
from .uncertainty import Errors, Focus, PointFit, Reconstruction, Uncertainty
from .vis import Vis

Stage = Literal["hits", "events", "cones", "image"]
STAGES: tuple[Stage, ...] = ("hits", "events", "cones", "image")
Scalar = bool | int | float | str


class Run(RunSettings):
    """[run]: what is done, and how much of it."""

    source_type: Literal["cf252", "dt", "proton_center", "phits"] | None = None
    """Informational: what made the data."""
    neutrons: bool = True
    """Image neutrons."""
    gammas: bool = True
    """Image gamma rays."""
    fast: bool = False
    """Use the replacements of [fast]."""
    list: bool = False
    """Write which pixels each cone lights."""
    chunk_cones: int | Literal["auto"] = "auto"
    """Cones handed to a thread at a time."""
    jit: bool = True
    """Legacy, without effect: kernels are always compiled."""
    progress: bool = True
    """Progress bars on a terminal."""
    diagnostics_level: int = Field(default=1, ge=0, le=2)
    """0 errors only, 1 stage lines and the table of counters, 2 reader notes and first rows."""
    max_events: int = Field(default=0, ge=0)
    """Keep the first N typed events; 0 = all."""
    max_cones: int = Field(default=0, ge=0)
    """Keep the first N cones; 0 = all."""
    sbp_engine: Literal["scan", "poly"] = "scan"
    """How a cone is drawn."""
    plot_label: str | None = None
    """Title of the figures."""
    meta: Mapping[str, Scalar] = Field(default={})
    """Free description of the run, stored; a date or a time is kept as ISO 8601 text."""

    @field_validator("meta", mode="before")
    @classmethod
    def _dates_as_text(cls, table: object) -> object:
        if not isinstance(table, dict):
            return table
        dates = (datetime.date, datetime.time)
        return {k: v.isoformat() if isinstance(v, dates) else v for k, v in table.items()}

    @field_validator("chunk_cones")
    @classmethod
    def _not_negative(cls, value: int | str) -> int | str:
        return number_or_auto(value)


class Pipeline(PipelineName):
    """[pipeline]."""

    name: Literal["imaging"] = "imaging"
    """Which graph."""
    until: Stage = "image"
    """Last stage that is run and stored."""


class Adapter(ToldToReaders):
    """[io.adapter]: how the input file is read. Absent units follow the format."""

    type: str | None = None
    """Informational."""
    style: str | None = None
    """Informational."""
    unit_pos_is_mm: bool | None = None
    """Positions are in mm (default for root_novo_ddaq), else in cm."""
    require_gamma_triples: bool = True
    """A gamma event needs three hits; anything else cannot be imaged."""

    @field_validator("require_gamma_triples")
    @classmethod
    def _triples(cls, value: bool) -> bool:
        if not value:
            msg = "false is not possible: a Compton cone needs three hits; set true"
            raise ValueError(msg)
        return value


class IO(InputOutput):
    """[io]: files. Paths are relative to the TOML file."""

    input_format: InputFormat = "phits_usrdef"
    """Format of the input."""
    restart_path: FilePath | None = None
    """Legacy: input_path of hdf5_ngimager."""
    max_bad_fraction: float = Field(default=0.01, ge=0, le=1)
    """Greatest share of damaged records."""
    adapter: Adapter = Adapter()
    """Units and trees of the input."""
    extra_text_files: Mapping[str, FilePath] = Field(default={})
    """name = file; its text is stored under /meta/extra_text."""


class Fast(Section):
    """[fast]: what run.fast replaces."""

    min_L1_MeVee: float | None = None
    """Least light of the first hit of a neutron event, MeVee."""
    min_L2_MeVee: float | None = None
    """Least light of the second hit of a neutron event, MeVee."""
    min_L_any_MeVee: float | None = None
    """Least light of every hit of a gamma event, MeVee."""
    min_light_MeVee: float | None = None
    """Least light of a hit, MeVee."""
    max_light_MeVee: float | None = None
    """Most light of a hit, MeVee."""
    max_events: int | None = Field(default=None, ge=0)
    """Keep the first N typed events."""
    max_cones: int | None = Field(default=None, ge=0)
    """Keep the first N cones."""
    plane_downsample: int = Field(default=1, ge=1)
    """Pixels are this many times wider and higher."""
    sbp_engine: Literal["scan", "poly"] | None = None
    """How a cone is drawn."""


class Hdf5(Section):
    """[hdf5]: what the output file holds."""

    include_config: bool = True
    """The text of the TOML file."""
    include_repo_bundle: bool = True
    """The source of the nodes."""
    pair_table: Literal["auto", "always", "never"] = "auto"
    """(cone, pixel) pairs in list mode; auto = up to two million."""


class ImagingConfig(PipelineSettings):
    """Every section of the file; only [energy] strategy has no default."""

    run: Run = Run()
    """What is done, and how much of it."""
    pipeline: Pipeline = Pipeline()
    """Which graph, and how far."""
    io: IO = IO()
    """Files."""
    detectors: Detectors = Detectors()
    """Materials and places of the detectors."""
    shaping: Shaping = Shaping()
    """Which hits of a raw event make an event."""
    plane: Plane | None = None
    """The imaging plane; absent = no image, cones at most."""
    filters: Filters = Filters()
    """Cuts on hits, events and cones."""
    fast: Fast = Fast()
    """What run.fast replaces."""
    energy: Energy
    """How the energy of a neutron before its first scatter is found."""
    prior: Prior = Prior()
    """Where the source is thought to be."""
    cones: Cones = Cones()
    """How hypotheses are built and one of them is chosen."""
    imaging: Imaging = Imaging()
    """How cones become images."""
    list_mode: ListMode = ListMode()
    """Cones and region that list mode is asked for."""
    calibration: Calibration = Calibration()
    """Corrections of the bars."""
    uncertainty: Uncertainty = Uncertainty()
    """How well hits are known, and so how wide a cone is."""
    reconstruction: Reconstruction = Reconstruction()
    """Hypotheses and background of what is fitted."""
    point_fit: PointFit = PointFit()
    """Point sources by maximum likelihood."""
    errors: Errors = Errors()
    """Replicas of the bootstrap."""
    focus: Focus = Focus()
    """Distances of the focus curve."""
    hdf5: Hdf5 = Hdf5()
    """What the output file holds."""
    vis: Vis = Vis()
    """Figures and projections."""
