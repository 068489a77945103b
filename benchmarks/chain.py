"""Whole chain from file to HDF5: start-up, steady state, scaling, memory; against ngimager."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .figures import Figure, best_seconds, ngimager_python, process_seconds, radiograph_command

STEADY_EVENTS = 1_000_000
SCALING_EVENTS = (100_000, 300_000, 1_000_000, 3_000_000)
LINE_EVENTS_REPEATED = 20

SETTINGS = """
[io]
input_path = "{input}"
output_path = "{output}"
hdf5_overwrite = true
[detectors]
default_material = "OGS"
[plane]
origin = [0.0, 0.0, 0.0]
normal = {normal}
u_min = -50.0
u_max = 50.0
du = 0.5
v_min = -50.0
v_max = 50.0
dv = 0.5
[energy]
strategy = "Edep"
[prior]
type = "point"
point = {point}
[vis]
export_png_on_write = false
"""

# A process that imports what a run imports and makes one compiled call: the floor of a cold start.
FLOOR = """
import os
os.environ.setdefault("HAMILTON_AUTOLOAD_EXTENSIONS", "0")
import numpy, pandas, h5py, pydantic, numba, scipy.constants, xxhash, diskcache, typer, rich
import pandera.pandas
from hamilton import driver
from radiograph.nodes.imaging.kernels.shaping import n_combinations
n_combinations(3, 2)
"""

RUN_AND_MEASURE = """
import json, os, resource, sys, time
os.environ.setdefault("HAMILTON_AUTOLOAD_EXTENSIONS", "0")
from pathlib import Path
from radiograph.drivers.config import load_config
from radiograph.drivers.imaging.run import run_imaging
loaded = load_config(Path(sys.argv[1]))
times = []
for _ in range(int(sys.argv[2])):
    started = time.perf_counter(); run_imaging(loaded, overwrite=True)
    times.append(time.perf_counter() - started)
print(json.dumps([min(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def settings_file(folder: Path, events: Path, *, line: bool = False) -> Path:
    """A TOML file that images ``events``."""
    path = folder / f"{events.stem}.toml"
    text = SETTINGS.format(
        input=events,
        output=folder / f"{events.stem}.h5",
        normal="[1.0, 0.0, 0.0]" if line else "[0.0, 0.0, 1.0]",
        point="[0.0, 3.0, 4.0]" if line else "[0.0, 0.0, 0.0]",
    )
    path.write_text(text)
    return path


def measured(settings: Path, repeats: int = 2) -> tuple[float, float]:
    """(shortest seconds of a run, peak MB) in a process of its own, without the cache."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_MEASURE, str(settings), str(repeats)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def simulated(folder: Path, n: int) -> Path:
    """A PHITS file of n neutron events: a tenth simulated, then repeated."""
    from radiograph.drivers.simulation import simulation_settings, write_simulation

    base = folder / "base.out"
    if not base.exists():
        settings = simulation_settings({"n_neutrons": 100_000, "n_gammas": 0, "seed": 5})
        write_simulation(settings, base, "phits")
    path = folder / f"events_{n}.out"
    if not path.exists():
        block = base.read_bytes()
        with path.open("wb") as stream:
            for _ in range(n // 100_000):
                stream.write(block)
    return path


def figures() -> list[Figure]:
    """Start-up over the import floor, steady rate, exponent, memory, re-imaging."""
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
    points: list[tuple[int, float, float]] = []
    for n in SCALING_EVENTS:
        seconds, peak = measured(settings_file(folder, simulated(folder, n)))
        points.append((n, seconds, peak))
    log_n, log_s = (np.log([p[k] for p in points]) for k in (0, 1))
    exponent = float(np.polyfit(log_n, log_s, 1)[0])
    steady = next(p for p in points if p[0] == STEADY_EVENTS)
    return [
        Figure(
            "whole chain, steady, 1e6 events", STEADY_EVENTS / steady[1], "events/s", ">= 0.25e6"
        ),
        Figure("exponent of time against events, 1e5 to 3e6", exponent, "", "<= 1.05"),
        *(Figure(f"peak memory, {n:g} events", peak, "MB") for n, _, peak in points),
    ]


def _re_imaging(folder: Path) -> list[Figure]:
    settings = settings_file(folder, simulated(folder, STEADY_EVENTS))
    cache = ["--cache-dir", str(folder / "cache"), "--quiet", "--json"]
    base = [*radiograph_command(), "run", str(settings), "--target", "summed_images", *cache]
    subprocess.run(base, check=True, capture_output=True)
    steps = iter((0.8, 1.0, 1.25, 2.0, 2.5))
    report: dict[str, Any] = {}

    def another_grid() -> None:
        step = next(steps)
        command = [*base, "--set", f"plane.du={step}", "--set", f"plane.dv={step}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        report.update(json.loads(done.stdout))

    floor = process_seconds([sys.executable, "-c", FLOOR])
    seconds = best_seconds(another_grid, 3)
    ran = sorted(n for n, r in report["nodes"].items() if r["status"] == "executed")
    return [
        Figure(
            f"re-image 1e6 cones over the floor (ran: {', '.join(ran)})",
            seconds - floor,
            "s",
            "<= 1.0",
        )
    ]
