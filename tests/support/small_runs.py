"""A small run of each pipeline that reads what others measured: settings, files, outputs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from campaigns import small_members, tar_of, write_campaign
from radiograph.drivers.germanium.lh5_writing import new_lh5, write_table
from radiograph.drivers.germanium.simulation import raw_columns, simulated
from radiograph.drivers.main import guarded
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.germanium_simulation import GermaniumSimulationSettings

_COSMICS = """\
[pipeline]
name = "cosmics"
[io]
input_path = "nts.*.root"
output_path = "out/run.h5"
[run]
chunk_events = 20
[cuts]
toggle_cuts = {is_truth_electron = false}
[output]
figures = false
report = false
formats = []
[cache]
dir = "cache"
"""
_GERMANIUM = """\
[pipeline]
name = "germanium"
until = "dsp"
[io]
input_path = "sim-p01-r001-cal-20250101T000000Z-tier_raw.lh5"
output_path = "out/run.h5"
[run]
workers = 1
chunk_events = 16
[output]
report = false
[germanium]
tiers = ["dsp"]
[germanium.pole_zero]
tau1_us = 450.0
[germanium.filters]
optimise = false
[cache]
dir = "cache"
"""


@dataclass(frozen=True)
class SmallRun:
    """Settings that write ``out`` from one file of data, in several ranges; cache beside."""

    settings: Path
    data: Path
    out: Path

    @property
    def clean(self) -> Path:
        """Where a run is kept that others are compared with."""
        return self.settings.with_name("clean.h5")

    def copied(self, folder: Path) -> SmallRun:
        """The same settings and data in a folder that is new."""
        here = self.settings.parent
        shutil.copytree(here, folder, ignore=shutil.ignore_patterns("cache", "out", "clean*"))
        places = (self.settings, self.data, self.out)
        return SmallRun(*(folder / path.relative_to(here) for path in places))


def cosmics_run(folder: Path) -> SmallRun:
    """Forty cosmic-ray events in two ranges."""
    assert guarded(["simulate", "cosmics", str(folder), "--events", "40"]) == 0
    (data,) = folder.glob("nts.*.root")
    settings = folder / "cosmics.toml"
    settings.write_text(_COSMICS, "utf-8")
    return SmallRun(settings, data, folder / "out" / "run.h5")


def transients_run(folder: Path) -> SmallRun:
    """Twelve recordings of an archive in three ranges."""
    archive = tar_of(small_members(), packed=False)
    more = '[cache]\ndir = "cache"\n'
    settings = write_campaign(folder, {"run_001": [archive]}, more=more)
    data = folder / "campaign" / "download" / "run_001.tar"
    return SmallRun(settings, data, folder / "out" / "run_001.h5")


def germanium_run(folder: Path) -> SmallRun:
    """Forty pulses of a channel in three ranges, up to the dsp tier with a given decay."""
    own = GermaniumSimulationSettings(seed=3, n_events=40)
    data = folder / "sim-p01-r001-cal-20250101T000000Z-tier_raw.lh5"
    with new_lh5(data) as file:
        write_table(
            file, "ch1104000/raw", raw_columns(simulated(own, 0, detector_constants(own, 0)))
        )
    settings = folder / "germanium.toml"
    settings.write_text(_GERMANIUM, "utf-8")
    return SmallRun(settings, data, folder / "out" / "run.h5")


SMALL_RUNS: dict[str, Callable[[Path], SmallRun]] = {
    "cosmics": cosmics_run,
    "transients": transients_run,
    "germanium": germanium_run,
}
