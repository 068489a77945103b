"""Whole chain from file to HDF5: start-up, steady state, imaging again; against ngimager."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .figures import Figure, best_seconds, ngimager_python, process_seconds, radiograph_command
from .runs import measured, settings_file, simulated

STEADY_EVENTS = 1_000_000
NGIMAGER_EVENTS = 20_000
LINE_EVENTS_REPEATED = 20

# A process that imports what a run imports and makes one compiled call: the floor of a cold start.
FLOOR = """
import os
os.environ.setdefault("HAMILTON_AUTOLOAD_EXTENSIONS", "0")
import numpy, pandas, h5py, pydantic, numba, scipy.constants, xxhash, diskcache, typer, rich
import pandera.pandas
from numba.core import entrypoints
entrypoints._already_initialized = True
from hamilton import driver
from radiograph.nodes.imaging.kernels.shaping import first_by_key
first_by_key(numpy.array([0, 3]), numpy.arange(3.0), 2, numpy.zeros((1, 2), numpy.int64))
"""


def figures() -> list[Figure]:
    """Start-up over the import floor, steady rate, imaging again from the cache."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [*_cold_start(folder), *_steady(folder), *_re_imaging(folder)]


def _cold_start(folder: Path) -> list[Figure]:
    published = os.environ.get("RADIOGRAPH_LINE_FILE")
    if published:
        events = folder / "line.out"
        events.write_bytes(Path(published).read_bytes() * LINE_EVENTS_REPEATED)
        what = "phits_line repeated 20 times"
    else:
        events = simulated(folder, 100_000)
        what = "100,000 simulated events (set RADIOGRAPH_LINE_FILE for phits_line)"
    settings = settings_file(folder, events, line=bool(published))
    floor = process_seconds([sys.executable, "-c", FLOOR])
    command = [*radiograph_command(), "run", str(settings), "--quiet", "--no-cache"]
    run = process_seconds(command)
    found = [
        Figure("import floor, one process", floor, "s"),
        Figure(
            "radiograph --help", process_seconds([*radiograph_command(), "--help"]), "s", "< 0.3"
        ),
        Figure(f"file to HDF5 from cold start over the floor, {what}", run - floor, "s", "<= 0.9"),
    ]
    python = ngimager_python()
    if python is not None and published:
        other = folder / "other.toml"
        other.write_text(settings.read_text().replace(".h5", "_other.h5") + NGIMAGER_SECTIONS)
        ng_run = str(Path(python).with_name("ng-run"))
        theirs = process_seconds([ng_run, str(other)], repeats=1)
        found.append(Figure("whole process over ngimager", theirs / run, "x", ">= 5"))
    return found


NGIMAGER_SECTIONS = """
[run]
neutrons = true
gammas = true
jit = true
workers = 0
sbp_engine = "scan"
source_type = "phits"
[io.adapter]
type = "phits"
style = "usrdef"
[filters.hits]
[filters.events]
[filters.cones]
[uncertainty]
enabled = false
"""


def _steady(folder: Path) -> list[Figure]:
    run = measured(settings_file(folder, simulated(folder, STEADY_EVENTS)), 3)
    rate = STEADY_EVENTS / run.wall_s
    found = [
        Figure("whole chain, steady, 1e6 events", rate, "events/s", ">= 0.25e6"),
        Figure("whole chain, steady, events a second of one core", STEADY_EVENTS / run.cpu_s, "/s"),
    ]
    theirs = _ngimager_rate(folder)
    if theirs is not None:
        found += [
            Figure("ngimager, whole chain after its imports", theirs, "events/s"),
            Figure("whole chain, steady, over ngimager", rate / theirs, "x", ">= 60"),
        ]
    return found


def _ngimager_rate(folder: Path) -> float | None:
    """Events a second of ngimager between a short and a long run of the same kind of events."""
    python = ngimager_python()
    if python is None:
        return None
    seconds = []
    for n in (NGIMAGER_EVENTS // 2, NGIMAGER_EVENTS):
        ours = settings_file(folder, simulated(folder, n))
        other = ours.with_name(f"other_{n}.toml")
        other.write_text(ours.read_text().replace(".h5", "_other.h5") + NGIMAGER_SECTIONS)
        ng_run = str(Path(python).with_name("ng-run"))
        seconds.append(process_seconds([ng_run, str(other)], repeats=2))
    return NGIMAGER_EVENTS / 2 / (seconds[1] - seconds[0])


def _re_imaging(folder: Path) -> list[Figure]:
    settings = settings_file(folder, simulated(folder, STEADY_EVENTS))
    cache = ["--cache-dir", str(folder / "cache"), "--quiet", "--json"]
    base = [*radiograph_command(), "run", str(settings), "--target", "summed_images", *cache]
    subprocess.run(base, check=True, capture_output=True)
    half_widths = iter((60.0, 70.0, 80.0, 90.0, 100.0))
    report: dict[str, Any] = {}

    def another_grid() -> None:
        half = next(half_widths)
        grid = {"u_min": -half, "u_max": half, "v_min": -half, "v_max": half}
        grid |= {"du": half / 100, "dv": half / 100}
        command = [*base, *(a for k, v in grid.items() for a in ("--set", f"plane.{k}={v}"))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        report.update(json.loads(done.stdout))

    floor = process_seconds([sys.executable, "-c", FLOOR])
    seconds = best_seconds(another_grid, 4)
    ran = sorted(n for n, r in report["nodes"].items() if r["status"] == "executed")
    return [
        Figure(
            f"another 200 x 200 grid for 1e6 cached cones, over the floor (ran: {', '.join(ran)})",
            seconds - floor,
            "s",
            "<= 1.0",
        )
    ]
