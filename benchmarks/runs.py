"""Runs of the imaging pipeline that benchmarks measure: settings, events, a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

EVENTS_OF_BASE = 10_000

SETTINGS = """
[io]
input_path = "{input}"
output_path = "{output}"
overwrite = true
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

RUN_AND_MEASURE = """
import json, os, resource, sys, time
os.environ.setdefault("HAMILTON_AUTOLOAD_EXTENSIONS", "0")
from pathlib import Path
from radiograph.drivers.config import load_config
from radiograph.drivers.imaging.run import run_imaging
loaded = load_config(Path(sys.argv[1]))
def now():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime
times = []
for _ in range(int(sys.argv[2])):
    started, cpu = now(); run_imaging(loaded, overwrite=True)
    ended, cpu_ended = now(); times.append((ended - started, cpu_ended - cpu))
(line,) = [t for t in open("/proc/self/status") if t.startswith("VmHWM")]
print(json.dumps([*map(min, zip(*times)), int(line.split()[1]) / 1024]))
"""


@dataclass(frozen=True)
class Run:
    """The shortest wall time and CPU time of some runs in one process, and its most memory."""

    wall_s: float
    cpu_s: float
    peak_MB: float


def settings_file(folder: Path, events: Path, *, line: bool = False, more: str = "") -> Path:
    """A TOML file that images ``events``; ``more`` are lines of its [io]."""
    path = folder / f"{events.stem}.toml"
    text = SETTINGS.format(
        input=events,
        output=folder / f"{events.stem}.h5",
        normal="[1.0, 0.0, 0.0]" if line else "[0.0, 0.0, 1.0]",
        point="[0.0, 3.0, 4.0]" if line else "[0.0, 0.0, 0.0]",
    )
    path.write_text(text.replace("[io]\n", f"[io]\n{more}"))
    return path


def measured(settings: Path, repeats: int = 2) -> Run:
    """Runs in a process of their own, without the cache."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_MEASURE, str(settings), str(repeats)],
        check=True,
        capture_output=True,
        text=True,
    )
    return Run(*json.loads(done.stdout.splitlines()[-1]))


def simulated(folder: Path, n: int) -> Path:
    """A PHITS file of n neutron events: some simulated, then repeated."""
    from radiograph.drivers.imaging.simulation import simulation_settings, write_simulation

    base = folder / "base.out"
    if not base.exists():
        data = {"n_neutrons": EVENTS_OF_BASE, "n_gammas": 0, "seed": 5}
        write_simulation(simulation_settings(data), base, "phits")
    path = folder / f"events_{n}.out"
    if not path.exists():
        block = base.read_bytes()
        with path.open("wb") as stream:
            for _ in range(n // EVENTS_OF_BASE):
                stream.write(block)
    return path


def simulated_root(folder: Path, n: int) -> Path:
    """A NOVO DDAQ file of n events, a tenth gammas: some simulated, then repeated."""
    import uproot
    from radiograph.drivers.imaging.simulation import simulation_settings, write_simulation

    n_block = 250_000
    base = folder / "base.root"
    n_gammas = n_block // 10
    data = {"n_neutrons": n_block - n_gammas, "n_gammas": n_gammas, "seed": 5}
    write_simulation(simulation_settings(data), base, "root")
    path = folder / f"events_{n}.root"
    with uproot.open(base) as source, uproot.recreate(path) as file:
        block = source["image_tree"].arrays(library="np")
        tree = file.mktree("image_tree", {name: array.dtype for name, array in block.items()})
        for _ in range(n // n_block):
            tree.extend(block)
    base.unlink()
    return path
