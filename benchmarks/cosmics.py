"""What cosmic-ray cut flows cost: ``python -m benchmarks cosmics``.

CPU seconds of this process for 10,000 events, and ratios to a plain implementation on awkward
arrays in the same run: the branches through uproot, a mask a cut, the flow, a few histograms.
RADIOGRAPH_EVENTS=1000000 makes 25 files of other events each; all numbers are of all of them.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from radiograph.drivers.cache.opening import cache_options
from radiograph.drivers.config import config_of_command
from radiograph.drivers.engine.running import open_session, run_pipeline
from radiograph.drivers.main import guarded

from .figures import Figure

_EVENTS = int(os.environ.get("RADIOGRAPH_EVENTS", "20000"))
_OF_FILE = 40_000
_TREE = "EventNtuple/ntuple"
_FLOW = ("cut_flow", "group_flow", "off_cuts", "histograms", "not_in_histograms", "window_rates")


def figures() -> Iterator[Figure]:
    """All figures of cosmic rays."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        n_files = -(-_EVENTS // _OF_FILE)
        size = ("--files", str(n_files), "--events", str(_EVENTS // n_files))
        assert guarded(["simulate", "cosmics", name, "--kind", "cosmic", *size]) == 0
        sources = sorted(folder.glob("nts.*.root"))

        def run(**settings: Any) -> None:
            loaded = _settings(folder, sources, settings)
            run_pipeline(loaded, overwrite=True, cache=cache_options(loaded))

        # What a process imports, compiles and looks at once belongs to no event.
        run(**{"run.max_events": 10})
        bare = _cpu_seconds(lambda: run(**{"run.max_events": 10, "cache.enabled": False}))
        reading = _cpu_seconds(lambda: [_branches(source) for source in sources])
        plain = _cpu_seconds(lambda: [_plain(source) for source in sources])
        first = _cpu_seconds(run)
        again = _cpu_seconds(run)
        before = _bytes_read()
        other = _cpu_seconds(lambda: run(**{"cuts.thresholds.lo_trkqual": 0.55}))
        read = (_bytes_read() - before) / 1e6 / n_files
        nodes = _node_seconds(folder, sources, {"cuts.thresholds.lo_trkqual": 0.6})
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield Figure("file to all tables, CPU of 10,000 events", first, "s", "0.65")
        yield Figure("the same beyond a run of ten events", first - bare, "s", "0.65")
        yield Figure("the same again, from the cache", again, "s", "")
        yield Figure("another threshold, beyond the same again", other - again, "s", "")
        yield Figure("another threshold, in the nodes of tables and histograms", nodes, "s", "0.05")
        yield Figure("another threshold, read of a file (and of the cache)", read, "MB", "1")
        yield Figure("peak memory of all this, plain awkward too", peak, "MB", "")
        yield Figure("file to all tables beyond ten events / reading through uproot alone",
                     (first - bare) / reading, "", "1.14")  # fmt: skip
        yield Figure("plain awkward / file to all tables beyond ten events",
                     plain / (first - bare), "", "")  # fmt: skip
        yield Figure("plain awkward / another threshold, the whole run", plain / other, "", "")


def _settings(folder: Path, sources: Sequence[Path], more: dict[str, Any]) -> Any:
    """The shipped settings, for all tables of some files."""
    settings = {
        "io.input_path": [str(source) for source in sources],
        "io.output_path": str(folder / "out.h5"),
        "output.figures": False,
        "output.report": False,
        "cache.dir": str(folder / "cache"),
    }
    return config_of_command("cosmics", None, settings={**settings, **more})


def _cpu_seconds(work: Callable[[], Any]) -> float:
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 10_000 / _EVENTS


def _bytes_read() -> int:
    """What this process has asked to be read, from memory or disk."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["rchar"]) + int(lines["read_bytes"])


def _node_seconds(folder: Path, sources: Sequence[Path], settings: dict[str, Any]) -> float:
    """Seconds in the nodes that are executed, of 10,000 events."""
    loaded = _settings(folder, sources, settings)
    session = open_session(loaded, cache_options(loaded))
    session.run(_FLOW)
    spent = [r.seconds for r in session.manifest.nodes.values() if r.status == "executed"]
    return sum(spent) * 10_000 / _EVENTS


def _branches(source: Path) -> dict[str, Any]:
    """The branches that the cuts need, as awkward arrays."""
    names = ("trk.pdg", "trk.nactive", "trkqual.result", "crvcoincs.time", "crvcoincs.timeStart",
             "crvcoincs.timeEnd")  # fmt: skip
    with uproot.open(source) as file:
        tree = file[_TREE]
        found = {name: tree[name].array() for name in names}
        for name in ("trksegs", "trksegpars_lh", "trkmcsim"):
            found[name] = tree[name].array()
    return found


def _plain(source: Path) -> list[int]:
    """The cut flow as a script would do it: a mask a cut, events with any track left."""
    data = _branches(source)
    segments, helix = data["trksegs"], data["trksegpars_lh"]
    momentum = segments["mom"]["fCoordinates"]
    x, y, z = momentum["fX"], momentum["fY"], momentum["fZ"]
    p, slope = np.sqrt(x * x + y * y + z * z), z / np.hypot(x, y)
    sid, time_ns = segments["sid"], segments["time"]

    def everywhere(good: Any, surface: int) -> Any:
        return ak.all(good | (sid != surface), axis=2)

    electron = data["trk.pdg"] == 11
    true = data["trkmcsim"]
    most = true["nhits"] == ak.max(true["nhits"], axis=2)
    at_middle = time_ns[(sid == 1) & electron]
    difference = ak.cartesian([ak.flatten(at_middle, axis=2), data["crvcoincs.time"]])
    dT = difference["0"] - difference["1"]
    unvetoed = ~ak.any((dT > -150) & (dT < 150), axis=1)
    masks = [
        ak.any(sid == 0, axis=2) & ak.any(sid == 1, axis=2) & ak.any(sid == 2, axis=2),
        electron,
        (ak.sum(electron, axis=1) == 1) & (electron | True),
        everywhere(z > 0, 0) & everywhere(z > 0, 1) & everywhere(z > 0, 2),
        ak.any(most & (true["pdg"] == 11), axis=2),
        data["trkqual.result"] > np.float32(0.8),
        everywhere((time_ns > 640) & (time_ns < 1650), 1),
        everywhere(helix["t0err"] < np.float32(0.9), 1),
        data["trk.nactive"] > 20,
        everywhere(helix["d0"] < 100, 0),
        everywhere(slope > 0.5, 0),
        everywhere(slope < 1.0, 0),
        everywhere(helix["maxr"] < 680, 0),
        unvetoed & (electron | True),
        everywhere((p > 85) & (p < 200), 0),
        everywhere((p > 100) & (p < 110), 0),
        everywhere((p > np.float32(103.6)) & (p < np.float32(104.9)), 0),
    ]
    so_far = electron | True
    flow = [len(so_far)]
    for mask in masks:
        so_far = so_far & mask
        flow.append(int(ak.sum(ak.any(so_far, axis=1))))
        for values, surface in ((p, 0), (slope, 0), (time_ns, 1)):
            np.histogram(ak.to_numpy(ak.flatten(values[(sid == surface) & so_far], axis=None)), 200)
    return flow
