"""The TOML file of the cosmics pipeline as one frozen model."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from ..settings import (
    FilePath,
    InputOutput,
    OnBadFile,
    OutputPath,
    PipelineName,
    PipelineSettings,
    RunSettings,
    Section,
)
from .statistics import Interval

InputFormat = Literal["auto", "root", "rntuple", "parquet"]
Format = Literal["csv", "json", "tex", "html", "root", "parquet"]
Stage = Literal[
    "load", "extremes", "cuts", "flow", "normalisation", "histograms", "studies", "verdict"
]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Pipeline(PipelineName):
    """[pipeline]."""

    name: Literal["cosmics"] = "cosmics"
    """Which graph."""
    until: Stage = "verdict"
    """Last stage that is run and stored."""


class IO(InputOutput):
    """[io]: files. Paths are relative to the TOML file."""

    output_path: OutputPath = "cosmics.h5"
    """What ends in .h5 (or .hdf5) is the file to write, anything else a folder."""
    on_bad_file: OnBadFile = "fail"
    """A file that gives nothing ends the run with nothing written, or is left out ("skip")."""
    file_list_command: tuple[str, ...] = ()
    """A program and its arguments that prints the names, where neither of the others has any."""
    tree: str = "EventNtuple/ntuple"
    """Tree of events in a ROOT file."""
    input_format: InputFormat = "auto"
    """What the files are; auto = by their first bytes."""
    allow_duplicates: bool = False
    """Take an event of one run, subrun and number that stands in the input twice."""


class Run(RunSettings):
    """[run]: how much is done at a time, and how much of it."""

    workers: int | Literal["auto"] = "auto"
    """Processes that work on ranges of events side by side; 0 = one a core, auto = this alone."""
    chunk_events: int = Field(default=20000, ge=0)
    """Events of a file that are in memory at a time; 0 = all of a file."""


class Cuts(Section):
    """[cuts]: which cuts, and their thresholds."""

    cutset: str = "alpha"
    """Name of the cut set."""
    cutsets_file: FilePath | None = None
    """YAML file of cut sets; absent = the one that is shipped."""
    on_spill: bool = True
    """Whether the data are on-spill; off-spill there is no cut on t0."""
    strict: bool = True
    """An unknown cut or threshold in the YAML file is an error; else it is told and ignored."""
    toggle_cuts: Mapping[str, bool] = Field(default={})
    """Cut = on or off, whatever the cut set says."""
    toggle_groups: Mapping[str, bool] = Field(default={})
    """Group = all its cuts on or off, after toggle_cuts."""
    thresholds: Mapping[str, float] = Field(default={})
    """Threshold = value, whatever the cut set says."""


class Normalisation(Section):
    """[normalisation]: what the events that were read stand for."""

    generated_events: float | None = Field(default=None, ge=0)
    """Generated events of all files; absent = what the files say."""
    livetime_s: float | None = Field(default=None, ge=0)
    """Live time of all files; absent = what the files say."""
    prefer: Literal["files", "settings"] = "files"
    """Which counts where both are known; they must agree to 0.1 %."""
    expected_files: int | None = Field(default=None, ge=1)
    """Files that the numbers above are for; absent = those of the input."""
    min_fraction: float = Field(default=1.0, ge=0, le=1)
    """Share of the files that must be read for the result to be good."""
    weight: float = Field(default=1.0, gt=0)
    """Weight of each event in the weighted flow."""


class Beam(Section):
    """[beam]: shares of time, and the length of a run."""

    on_spill_fraction: Mapping[str, Fraction] = Field(default={"1batch": 0.322, "2batch": 0.246})
    """Share of wall time that is on-spill, by mode of the beam."""
    run1_livetime_s: float = Field(default=3.46e6, gt=0)
    """Live time of Run 1."""


class Statistics(Section):
    """[statistics]: intervals."""

    interval: Interval = "wilson"
    """Interval of a fraction."""
    sigma: float = Field(default=1.0, gt=0)
    """Standard deviations to each side."""
    poisson_cl: Fraction | None = None
    """Confidence level of counts; absent = that of sigma."""
    legacy_window_livetime: bool = False
    """Scale the live time of each momentum window by its selected events, as was done before."""


class Veto(Section):
    """[veto]: the study of veto windows."""

    enabled: bool = True
    """Count what every window of the grid vetoes."""
    lo_ns: tuple[float, ...] = (-150.0, -10.0, -5.0, 0.0, 5.0, 10.0)
    """Lower edges of the windows, ns."""
    hi_ns: tuple[float, ...] = tuple(float(t) for t in range(110, 165, 5))
    """Upper edges of the windows, ns."""
    closed: bool = False
    """An edge belongs to the window."""
    target: float = Field(default=0.999, gt=0, le=1)
    """Veto efficiency that a window must reach."""
    signal_input: FilePath | tuple[FilePath, ...] = ()
    """Files of signal with pile-up, for the dead time."""

    @field_validator("lo_ns", "hi_ns")
    @classmethod
    def _some_ascending(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or any(a >= b for a, b in pairwise(value)):
            msg = f"{list(value)}: give edges that ascend, one at least"
            raise ValueError(msg)
        return value


class HistogramSettings(Section):
    """[histograms.NAME]: what is other than usual, or a histogram of its own."""

    bins: int | None = Field(default=None, ge=1, le=1_000_000)
    """Bins; absent = as usual."""
    lo: float | None = None
    """Lower end; absent = as usual."""
    hi: float | None = None
    """Upper end; absent = as usual."""
    label: str | None = None
    """What stands at the axis; absent = as usual."""
    quantity: str | None = None
    """For a histogram of its own: the name of the usual one whose quantity it shows."""


class Projection(Section):
    """[projection]: the error of the veto efficiency over wall time."""

    live_fraction: Mapping[Literal["off", "on"], Fraction] = Field(
        default={"off": 0.72, "on": 0.28}
    )
    """Live share of wall time, off-spill and on-spill."""
    target: float = Field(default=1e-4, gt=0, lt=1)
    """Error of the veto efficiency that is wanted."""


class Workspace(Section):
    """[workspace]: a model of counts for pyhf of this run and others."""

    samples: Mapping[str, FilePath] = Field(default={})
    """Name = file of another run, with the same cuts; none = no workspace."""
    name: str = "cosmic"
    """Name of this run among the samples."""
    signal: str = ""
    """The sample whose strength is measured."""
    scales: Mapping[str, float] = Field(default={})
    """Name = factor to the exposure; without, as it is."""
    histogram: str = "mom_ext"
    """Histogram that is the channel."""
    selection: Literal["All", "Preselect", "Select", "Unvetoed"] = "Unvetoed"
    """Its selection."""


class Output(Section):
    """[output]: what is written beside the HDF5 file."""

    events: bool = False
    """Write the surviving events as Parquet."""
    event_info: bool = False
    """Write info.txt, a block a surviving track."""
    dt_table: bool = False
    """Write every time difference of the veto study as Parquet."""
    formats: tuple[Format, ...] = ("csv", "json")
    """Formats of the tables."""
    figures: bool = True
    """Draw the figures."""
    report: bool = True
    """Write the report as one HTML page, and as LaTeX."""


class CosmicsConfig(PipelineSettings):
    """Settings of the cosmics pipeline."""

    pipeline: Pipeline = Pipeline()
    """Which graph."""
    io: IO = IO()
    """Files."""
    run: Run = Run()
    """How much at a time."""
    cuts: Cuts = Cuts()
    """Cuts and thresholds."""
    normalisation: Normalisation = Normalisation()
    """What the events stand for."""
    beam: Beam = Beam()
    """Shares of time."""
    statistics: Statistics = Statistics()
    """Intervals."""
    veto: Veto = Veto()
    """Veto windows."""
    scan: Mapping[str, list[float] | Mapping[str, list[float]]] = Field(default={})
    """[scan]: threshold = values, one or two of them."""
    histograms: Mapping[str, HistogramSettings] = Field(default={})
    """[histograms.NAME]: bins, lo, hi, label."""
    projection: Projection = Projection()
    """The error over wall time."""
    workspace: Workspace = Workspace()
    """A model of counts."""
    output: Output = Output()
    """What is written."""
