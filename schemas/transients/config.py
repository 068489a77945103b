"""The TOML file of the transients pipeline as one frozen model."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, field_validator

from ..settings import (
    FilePath,
    InputOutput,
    OutputPath,
    PipelineName,
    PipelineSettings,
    RunSettings,
    Section,
)
from .retrieval import Retrieval

Convention = Literal["physical", "ml4see"]
InputFormat = Literal["auto", "archive", "folder", "ml4see_hdf5", "radiograph_hdf5"]
Stage = Literal["structure", "baseline", "features", "outliers", "maps"]
TableFormat = Literal["csv", "parquet"]
Samples = Literal["none", "iq", "frequency"]
LocalFeature = Literal[
    "trig_val",
    "posttrig_std",
    "posttrig_min",
    "posttrig_max",
    "fit_residual",
    "ln_lambda",
    "pretrig_std",
    "pretrig_max",
    "pretrig_min",
]


class Pipeline(PipelineName):
    """[pipeline]."""

    name: Literal["transients"] = "transients"
    """Which graph."""
    until: Stage = "maps"
    """Last stage that is run and stored."""


class IO(InputOutput):
    """[io]: files. Paths are relative to the TOML file."""

    input_path: FilePath | tuple[FilePath, ...] = "campaign"
    """Folder of the campaign (manifest, logbook, archives), a folder of run folders, or HDF5."""
    input_format: InputFormat = "auto"
    """What is read: archives as they were fetched, extracted folders, HDF5 files of either kind."""
    output_path: OutputPath = "transients"
    """Folder for what is written, a run_NNN.h5 each run."""


class Run(RunSettings):
    """[run]: how much is done at a time."""

    chunk_events: int = Field(default=128, ge=1)
    """Recordings that are in memory at a time."""


class Output(Section):
    """[output]: what is written beside the HDF5 file of a run."""

    formats: tuple[TableFormat, ...] = ("csv",)
    """Tables of the recordings as CSV, Parquet."""
    samples: Samples = "none"
    """Keep the samples of the recordings in the HDF5 file: I and Q, or the frequency of each."""
    figures: bool = True
    """Draw the figures (PNG)."""
    report: bool = True
    """Write the HTML page of each run."""


class Demodulation(Section):
    """[transients.demodulation]: from samples to phases."""

    decimate: int = Field(default=5, ge=1)
    """The filter is computed at every such sample after the trigger; divides step and length."""
    taps: int = Field(default=129, ge=3)
    """Taps of the low pass; odd."""
    pass_MHz: float = Field(default=3.0, gt=0)
    """End of its pass band."""
    stop_MHz: float = Field(default=3.2, gt=0)
    """Begin of its stop band."""
    post_samples: int = Field(default=0, ge=0)
    """Samples from the trigger on that are used; 0 = all."""
    trigger_delay_s: float = Field(default=0.0, ge=0)
    """Time from the strike to the trigger sample, taken off the times (convention physical)."""

    @field_validator("taps")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            msg = f"{value} is even; a symmetric filter has a middle, give an odd number"
            raise ValueError(msg)
        return value


class Windows(Section):
    """[transients.windows]: means of the frequency."""

    length: int = Field(default=500, ge=2)
    """Samples of a window."""
    step: int = Field(default=250, ge=1)
    """Samples from one window to the next."""


class Baseline(Section):
    """[transients.baseline]: the frequency before the trigger."""

    guard_samples: int = Field(default=0, ge=0)
    """Samples before the trigger that are left out; 0 = those of the convention."""


class Carrier(Section):
    """[transients.carrier]: what a part in a million is a part of."""

    reference: Literal["cf", "cf_plus_lo"] = "cf"
    """Tuned frequency + baseline, or also the quarter of the sample rate at which it lies."""


class Quality(Section):
    """[transients.quality]: when a recording is marked."""

    dropout_samples: int = Field(default=16, ge=1)
    """So many samples of zero in a row are a dropout."""
    clipped_fraction: float = Field(default=1e-3, ge=0, le=1)
    """A larger share of samples at the end of the range is clipped."""
    carrier_dip: float = Field(default=0.5, ge=0, le=1)
    """A smallest amplitude below this share of the median is a lost carrier."""
    hit_window_us: float = Field(default=20.0, gt=0)
    """A hit of the FPGA this near belongs to a recording."""


class Fit(Section):
    """[transients.fit]: exponentials to the windows after the trigger."""

    components: Literal[1, 2] = 1
    """With 2 a second, faster exponential is tried as well."""
    r2_min: float = Field(default=0.1, ge=0, le=1)
    """A fit that explains no more of the variance is rejected."""
    degenerate_span: float = Field(default=0.3, ge=0)
    """A decay of fewer e-folds over all windows is a straight line."""


class Outliers(Section):
    """[transients.outliers]: recordings that differ from those of their position."""

    features: tuple[LocalFeature, ...] = get_args(LocalFeature)
    """What is compared."""
    neighbours: int = Field(default=1, ge=0)
    """Positions around one that give its centre and scale where it has too few hits itself."""
    min_hits: int = Field(default=3, ge=2)
    """Hits from which a position has a centre of its own."""
    threshold: float = Field(default=5.0, gt=0)
    """An outlier has a score beyond this; scores are as rare as those of a normal variable."""
    noise_floor: float = Field(default=0.5, ge=0)
    """Least scale in spreads of the windows before the trigger."""
    relative_floor: float = Field(default=0.03, ge=0)
    """Least scale as a share of the centre."""
    lambda_r2: float = Field(default=0.8, ge=0, le=1)
    """The decay is compared where a fit explains more of the variance than this ..."""
    lambda_snr: float = Field(default=20.0, ge=0)
    """... and the amplitude of the position is so many spreads."""
    forest: Literal["none", "sklearn"] = "none"
    """An isolation forest for comparison (sklearn needs radiograph[forest])."""
    decide: Literal["local", "forest"] = "local"
    """Which of them says what an outlier is."""
    seed: int = Field(default=1, ge=0)
    """Of the forest."""
    drift: bool = False
    """Centre and scale before the trigger are those of the last 500 recordings, not of the run."""


class Maps(Section):
    """[transients.maps]."""

    amplitude: Literal["trig_val", "flattop", "fit"] = "trig_val"
    """First window, mean of 4 to 15 us, or N - c of the fit."""
    statistic: Literal["mean", "median"] = "mean"
    """What figures show of a position."""
    fill: Literal["none", "neighbours"] = "none"
    """Positions without a value take that of their neighbours within 1.5 steps, marked so."""
    crop_um: float = Field(default=0.0, ge=0)
    """Figures show this far from the middle; 0 = all."""
    sections_um: tuple[float, float] = (0.0, 0.0)
    """The cross sections go through the row and the column nearest to this x, y."""


class Transients(Section):
    """[transients]: the campaign."""

    runs: tuple[int, ...] = ()
    """Numbers of the runs; none = all that are there."""
    manifest: str = "runs_summary.csv"
    """Table of the archives, in io.input_path."""
    logbook: str = "logbook.xlsx"
    """Table of the runs (.xlsx or .csv), in io.input_path."""
    values: Literal["Hz", "ppm"] = "Hz"
    """What the older HDF5 files hold, whatever they say themselves."""
    log_dir: str = "logs"
    """Folder for what fetch, verify and extract tell, in io.input_path."""
    convention: Convention = "physical"
    """Times and windows as they are, or as the ml4see scripts have them."""
    labels: FilePath = ""
    """CSV (transient, type) of recordings that were judged by eye."""
    truth: FilePath = ""
    """CSV (transient, kind) of a simulation."""
    max_unusable_fraction: float = Field(default=0.2, ge=0, le=1)
    """With a larger share of unusable recordings a run fails."""
    retrieval: Retrieval = Retrieval()
    """Fetching and unpacking."""
    demodulation: Demodulation = Demodulation()
    """From samples to phases."""
    windows: Windows = Windows()
    """Means of the frequency."""
    baseline: Baseline = Baseline()
    """Before the trigger."""
    carrier: Carrier = Carrier()
    """What ppm refer to."""
    quality: Quality = Quality()
    """Marks."""
    fit: Fit = Fit()
    """Exponentials."""
    outliers: Outliers = Outliers()
    """Local scores."""
    maps: Maps = Maps()
    """By position."""


class TransientsConfig(PipelineSettings):
    """Settings of the transients pipeline."""

    pipeline: Pipeline = Pipeline()
    """Which graph, and how far."""
    io: IO = IO()
    """Files."""
    run: Run = Run()
    """How much is done at a time."""
    output: Output = Output()
    """Files beside the HDF5 file."""
    transients: Transients = Transients()
    """The campaign."""
