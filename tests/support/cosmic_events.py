"""Small files of cosmic rays as RNTuples, of which every number is known, and settings for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

SETTINGS = """
[pipeline]
name = "cosmics"
[io]
input_path = "nts.*.root"
output_path = "out.h5"
[output]
figures = false
report = false
formats = ["csv", "json", "tex", "root"]
event_info = true
[cache]
dir = "{cache}"
"""
F4 = np.float32


def events_of(rng: np.random.Generator, n: int, subrun: int) -> dict[str, Any]:
    """Events of one track through the tracker, half of them with a coincidence at once."""

    def column(values: Any) -> Any:
        return ak.unflatten(values, np.ones(n, np.int64))

    def segment(values: Any) -> Any:
        return ak.unflatten(ak.unflatten(values, np.full(n, 3)), np.ones(n, np.int64))

    p = np.repeat(rng.normal(104.3, 1.0, n).astype(F4), 3)
    time = np.repeat(rng.uniform(700, 1600, n), 3)
    zero = segment(np.zeros(3 * n, F4))
    flat = {
        "fX": segment(p * F4(0.8)), "fY": zero, "fZ": segment(p * F4(0.6)),
    }  # fmt: skip
    three = ("fX", "fY", "fZ")
    segments = ak.zip(
        {
            "mom": ak.zip({"fCoordinates": ak.zip({c: flat[c] for c in three})}),
            "time": segment(time),
            "momerr": segment(np.full(3 * n, 0.2, F4)),
            "sid": segment(np.tile(np.arange(3, dtype=np.int32), n)),
        }
    )
    helix = ak.zip({name: segment(np.full(3 * n, value, F4)) for name, value in
                    (("maxr", 600), ("d0", 20), ("t0err", 0.5))})  # fmt: skip
    whole = {name: segment(np.full(3 * n, 11, np.int32)) for name in ("nhits", "pdg", "rank")}
    codes = {name: segment(np.full(3 * n, 44, np.int32)) for name in ("startCode", "gen")}
    truth = ak.zip({**whole, **codes, "mom": segments["mom"]})
    has = (np.arange(n) % 2).astype(np.int64)
    at = time[::3][has == 1].astype(F4) - F4(50)
    floats = {name: ak.unflatten(at, has) for name in ("time", "timeStart", "timeEnd", "PEs")}
    whole = {name: ak.unflatten(np.ones(len(at), np.int32), has)
             for name in ("nHits", "nLayers", "sectorType")}  # fmt: skip
    places = ak.zip({"fCoordinates": ak.zip(dict.fromkeys(three, floats["PEs"]))})
    return {
        "evtinfo": ak.zip({"run": np.full(n, 1, np.int32), "subrun": np.full(n, subrun, np.int32),
                           "event": np.arange(n, dtype=np.int32)}),
        "trk": ak.zip({"pdg": column(np.full(n, 11, np.int32)),
                       "nactive": column(np.full(n, 40, np.int32))}),
        "trkqual": ak.zip({"result": column(np.full(n, 0.95, F4))}),
        "trksegs": segments,
        "trksegpars_lh": helix,
        "trkmcsim": truth,
        "crvcoincs": ak.zip({**floats, **whole, "pos": places}),
    }  # fmt: skip


def written(path: Path, n: int, subrun: int, **left_out: Any) -> Path:
    data = events_of(np.random.default_rng(subrun), n, subrun)
    data = {name: values for name, values in data.items() if name not in left_out}
    with uproot.recreate(path) as file:
        folder = file.mkdir("EventNtuple")
        folder.mkrntuple("ntuple", data)
        totals = {"run": "i4", "subrun": "i4", "genEventCount": "i8", "procEventCount": "i8",
                  "cosmicLivetime": "f4"}  # fmt: skip
        folder.mktree("subrunNtuple", totals).extend(
            {"run": [1], "subrun": [subrun], "genEventCount": [100 * n], "procEventCount": [n],
             "cosmicLivetime": [10.0]}
        )  # fmt: skip
    return path
