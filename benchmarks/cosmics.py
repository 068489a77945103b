"""What cosmic-ray cut flows cost: ``python -m benchmarks cosmics``.

CPU seconds of this process for 10,000 events, and ratios to a plain implementation on awkward
arrays in the same run: the branches through uproot, a mask a cut, the flow, a few histograms.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from radiograph.drivers.cache.opening import cache_options
from radiograph.drivers.config import load_config
from radiograph.drivers.engine.running import run_pipeline
from radiograph.drivers.main import guarded

from .figures import Figure

_EVENTS = int(os.environ.get("RADIOGRAPH_EVENTS", "20000"))
_TREE = "EventNtuple/ntuple"
_SETTINGS = """
[pipeline]
name = "cosmics"
[io]
input_path = "nts.*.root"
output_path = "out.h5"
[output]
figures = false
report = false
[cache]
dir = "cache"
"""


def figures() -> Iterator[Figure]:
    """All figures of cosmic rays."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = guarded(["simulate", "cosmics", name, "--kind", "cosmic", "--events", str(_EVENTS)])
        assert made == 0
        (source,) = folder.glob("nts.*.root")
        settings = folder / "cosmics.toml"
        settings.write_text(_SETTINGS)
        # What a process imports, compiles and looks at once belongs to no event.
        _run(settings, "run.max_events=10")
        bare = _cpu_seconds(lambda: _run(settings, "run.max_events=10", "cache.enabled=false"))
        reading = _cpu_seconds(lambda: _branches(source))
        plain = _cpu_seconds(lambda: _plain(source))
        first = _cpu_seconds(lambda: _run(settings))
        again = _cpu_seconds(lambda: _run(settings))
        other = _cpu_seconds(lambda: _run(settings, "cuts.thresholds.lo_trkqual=0.55"))
        yield Figure("file to all tables, CPU of 10,000 events", first, "s", "0.65")
        yield Figure("the same beyond a run of ten events", first - bare, "s", "0.65")
        yield Figure("the same again, from the cache", again, "s", "")
        yield Figure("another threshold, beyond the same again", other - again, "s", "0.05")
        yield Figure("file to all tables beyond ten events / reading through uproot alone",
                     (first - bare) / reading, "", "1.14")  # fmt: skip
        yield Figure("plain awkward / file to all tables beyond ten events",
                     plain / (first - bare), "", "")  # fmt: skip


def _cpu_seconds(work: Callable[[], Any]) -> float:
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 10_000 / _EVENTS


def _run(settings: Path, *overrides: str) -> None:
    loaded = load_config(settings, overrides=overrides)
    run_pipeline(loaded, overwrite=True, cache=cache_options(loaded))


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
