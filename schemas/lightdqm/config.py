"""The TOML file of the light data-quality pipeline as one frozen model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from ..settings import (
    FilePath,
    InputOutput,
    OutputPath,
    PipelineName,
    PipelineSettings,
    Section,
    Window,
)
from .settings import VerdictLimits
from .units import Units

Granularity = Literal["channel", "epcb", "tpc", "total"]
FilesInARow = Annotated[int, Field(ge=1)]


class Pipeline(PipelineName):
    """[pipeline]."""

    name: Literal["lightdqm"] = "lightdqm"
    """Which graph."""


class IO(InputOutput):
    """[io]: files. Paths are relative to the TOML file."""

    output_path: OutputPath = "dqm_plots"
    """Folder for everything that is written; what ends in .h5 is the file of the numbers."""


class LightDqm(Section):
    """[lightdqm]: selection, thresholds and pages. Paths are relative to the TOML file."""

    temp_dir: str | None = None
    """Accepted, unused: temporary files stand beside the outputs."""
    channel_status_csv: FilePath | None = None
    """Known channels: 8 rows of 64 numbers; absent = none is known to be bad."""
    file_syntax: str = ""
    """Files of a folder must begin so."""
    units: Units = "ADC16"
    """Unit of the pages; no number depends on it."""
    ptps16bit: float = Field(default=500.0, gt=0)
    """Threshold of a pulse, 16-bit counts."""
    start_run: int = Field(default=0, ge=0)
    """Files of a folder whose last number is smaller are left out."""
    nfiles: int = Field(default=1, ge=-1)
    """Files of a folder to look at, from start_run on; -1 = all."""
    ncomp: int = Field(default=-1, ge=-1)
    """Earlier files to compare with: the last so many; -1 = all, 0 = none."""
    powspec_nevts: int = Field(default=500, ge=1)
    """Most dark waveforms a channel in its spectrum."""
    max_evts: int = Field(default=500, ge=0)
    """Most events that are looked at; 0 = all."""
    write_json_blobs: bool = False
    """Append the JSON-lines of the earlier script."""
    write_parquet: bool = False
    """Write the tables as Parquet as well (needs radiograph[parquet])."""
    merge_grafana_plots: bool = False
    """The PDF shows the masks as the PNGs do, with faces; else with crosses."""
    plot_all_clipped: bool = False
    """Pages of clipped waveforms by channel."""
    plot_all_negatives: bool = False
    """Pages of negative waveforms by EPCB."""
    noise_samples: int = Field(default=50, ge=1)
    """Samples at the beginning of a waveform that give noise and baseline."""
    baseline_band_adc16: Window | tuple[Window, ...] = (-30000.0, -26000.0)
    """Allowed baselines: [low, high], or one such pair for each ADC."""
    spread_adc16: float = Field(default=900.0, gt=0)
    """Greatest distance of the 16 % and 84 % points of a baseline from its median."""
    dead_adc16: float = Field(default=300.0, gt=0)
    """A waveform that nowhere exceeds its baseline by more shows no light."""
    dead_fraction: float = Field(default=0.2, ge=0, lt=1)
    """A channel that sees a smaller share of the light its neighbours see is dead."""
    least_chances: int = Field(default=20, ge=1)
    """Events with light at its neighbours that are needed to call a channel dead."""
    flat_adc16: float = Field(default=2.0, ge=0)
    """A channel with less noise is flat."""
    rail_adc16: float = Field(default=100.0, gt=0)
    """A baseline that is nearer to an end of the range is stuck there."""
    move_sigma: float = Field(default=3.0, gt=0)
    """A baseline has moved if it is more standard errors away from earlier files ..."""
    move_adc16: float = Field(default=100.0, ge=0)
    """... and more counts."""
    spark_step_adc16: float = Field(default=3000.0, gt=0)
    """A step between two samples that light does not make."""
    blocks: int = Field(default=16, ge=1, le=64)
    """Blocks of events that are judged one by one; each has ten events at least."""
    granularities: tuple[Granularity, ...] = ()
    """Fraction pages are made for these denominators; empty = those of the script."""
    pages: tuple[str, ...] = ()
    """Pages of the report, such as "usual", "waveforms", "clipped_self_tpc"; empty = the usual."""
    faces: bool = True
    """A frowning face marks a bad channel in the masks, else a cross."""
    reference_run: int | None = Field(default=None, ge=0)
    """Run to compare with in the place of the files before."""
    store: FilePath | None = None
    """SQLite file of what is known of each run; absent = light_dqm_runs.sqlite with the output."""
    hysteresis: tuple[FilesInARow, FilesInARow] = (2, 2)
    """Failing files in a row that raise an alarm, and others in a row that end it."""
    flapping: tuple[FilesInARow, FilesInARow] = (4, 8)
    """Failing files, of so many with data, that raise an alarm though others lie between."""
    time_zone: str = "America/Chicago"
    """Time zone of printed times."""
    legacy: bool = False
    """The formulas of the earlier script, for comparison."""
    limits: VerdictLimits = VerdictLimits()
    """When a check fails."""

    @field_validator("nfiles")
    @classmethod
    def _some_file(cls, value: int) -> int:
        if value == 0:
            msg = "takes no file; give how many, or -1 for all"
            raise ValueError(msg)
        return value

    @field_validator("baseline_band_adc16")
    @classmethod
    def _some_window(cls, value: object) -> object:
        if value == ():
            msg = "holds no window; give [low, high], or one such pair for each ADC"
            raise ValueError(msg)
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            msg = 'there is no such time zone; give one such as "America/Chicago" or "UTC"'
            raise ValueError(msg) from None
        return value

    @property
    def baseline_bands(self) -> tuple[tuple[float, float], ...]:
        """The allowed baselines as a tuple of windows: one for all ADCs, or one each."""
        band = self.baseline_band_adc16
        first = band[0]
        return band if isinstance(first, tuple) else (band,)  # type: ignore[return-value]


class LightDqmConfig(PipelineSettings):
    """Every section of the file; none is needed."""

    pipeline: Pipeline = Pipeline()
    """Which graph."""
    io: IO = IO()
    """Files."""
    lightdqm: LightDqm = LightDqm()
    """Selection, thresholds and pages."""
