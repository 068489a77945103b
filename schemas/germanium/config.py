"""The settings of the germanium pipeline as a TOML file has them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..settings import PipelineName, PipelineSettings, RunSettings, Section
from .settings import Germanium

STAGES = (
    "load",
    "pole_zero",
    "noise",
    "selection",
    "filters",
    "svm",
    "dsp",
    "quality",
    "trapping",
    "energy",
    "aoe",
    "lq",
    "hit",
    "summary",
    "figures",
)
Stage = Literal[
    "load",
    "pole_zero",
    "noise",
    "selection",
    "filters",
    "svm",
    "dsp",
    "quality",
    "trapping",
    "energy",
    "aoe",
    "lq",
    "hit",
    "summary",
    "figures",
]


class GermaniumPipeline(PipelineName):
    """[pipeline]."""

    name: Literal["germanium"] = "germanium"
    """Which graph."""
    until: Stage = "figures"
    """Last stage that is run and stored."""


class GermaniumRun(RunSettings):
    """[run]: rows in memory at a time, channels side by side."""

    chunk_events: int = Field(default=4096, ge=1)
    """Rows of a table that are in memory at a time."""


class GermaniumOutput(Section):
    """[output]: what is written beside the run file."""

    report: bool = True
    """A page of the run with its figures."""
    figures: bool = True
    """Draw the figures of the page; without them it has its tables and what failed."""
    formats: tuple[Literal["csv", "parquet"], ...] = ()
    """The hit tier of all channels as one table beside it too, CSV or Parquet."""


class GermaniumConfig(PipelineSettings):
    """Settings of the germanium pipeline."""

    pipeline: GermaniumPipeline = GermaniumPipeline()
    """Which graph."""
    run: GermaniumRun = GermaniumRun()
    """How much is done at a time."""
    output: GermaniumOutput = GermaniumOutput()
    """What is written beside the run file."""
    germanium: Germanium = Germanium()
    """Detectors, what is made, and how."""
