"""Events and histograms of a run for other programs: Parquet, text blocks, ROOT."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...schemas.errors import UsageError
from ...schemas.histograms import Histogram
from .stored import Stored

_LINE: Final = "-" * 40
_NUMBERS: Final = ("run", "subrun", "event")
_CRV: Final = {
    "time": "time_ns",
    "timeStart": "start_ns",
    "timeEnd": "end_ns",
    "nHits": "nhits",
    "PEs": "pes",
    "pos.fCoordinates.fZ": "z_mm",
}


def write_info(found: Stored, path: Path) -> None:
    """A block a surviving track: where it is, its time, and the nearest coincidence."""
    of_data = found.input_files[found.input_files["axis"] == "file"]
    files = dict(zip(of_data["number"], of_data["path"], strict=True))
    blocks = []
    rows: Iterator[Any] = found.frames["unvetoed_events"].itertuples(index=False)
    for row in rows:
        is_alone = math.isnan(row.nearest_dT_ns)
        coincidence = "None" if is_alone else f"{row.t0_ns - row.nearest_dT_ns:.4f} ns"
        blocks.append(
            f"Index: {row.file_index}\nSubrun: {row.subrun}\nEvent: {row.event}\n"
            f"File: {files.get(row.file_index, '')}\nTrack time: {row.t0_ns:.4f} ns\n"
            f"Coinc time: {coincidence}\n"
            f"dt: {'N/A' if is_alone else f'{row.nearest_dT_ns:.4f} ns'}\n{_LINE}\n"
        )
    path.write_text("".join(blocks), "utf-8")


def write_events(found: Stored, path: Path) -> None:
    """The surviving events as Parquet, a row each with its tracks that survive.

    In the records that the reader takes: evt, crv, trk, trkfit, trkmc; and beside them a column a
    cut, a truth a track. UsageError without pyarrow.
    """
    pa = _pyarrow()
    tracks = found.frames["unvetoed_events"]
    n = len(tracks)
    begins = np.flatnonzero(np.diff(tracks["event_row"].to_numpy(), prepend=-1))
    of_event = np.append(begins, n).astype(np.int64)

    def listed(values: Any, offsets: Any) -> Any:
        return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))

    def record(columns: dict[str, Any]) -> Any:
        arrays = [v if isinstance(v, pa.Array) else pa.array(v) for v in columns.values()]
        return pa.StructArray.from_arrays(arrays, list(columns))

    def vector(frame: Any) -> Any:
        names = {"fX": "px_MeV", "fY": "py_MeV", "fZ": "pz_MeV"}
        return record({"fCoordinates": record({k: frame[v].to_numpy() for k, v in names.items()})})

    def per_track(frame: Any, columns: dict[str, Any]) -> Any:
        counts = np.bincount(frame["track"].to_numpy(), minlength=n)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return listed(listed(record(columns), offsets), of_event)

    segments, true = found.frames["unvetoed_segments"], found.frames["unvetoed_particles"]
    numbers = tracks[list(_NUMBERS)].iloc[begins]
    hits, offsets = _coincidences_of(numbers, found.frames["unvetoed_coincidences"])
    cuts = _with_cuts(found, "unvetoed_events")
    columns = {
        "evt": record({name: numbers[name].to_numpy() for name in _NUMBERS}),
        "crv": record({f"crvcoincs.{leaf}": listed(hits[name].to_numpy(), offsets)
                       for leaf, name in _CRV.items()}),
        "trk": record({leaf: listed(tracks[name].to_numpy(), of_event) for leaf, name in
                       {"trk.nactive": "nactive", "trk.pdg": "pdg",
                        "trkqual.result": "trkqual"}.items()}),
        "trkfit": record({
            "trksegs": per_track(segments, {
                "mom": vector(segments), "time": segments["time_ns"].to_numpy(),
                "momerr": segments["momerr_MeV"].to_numpy(), "sid": segments["sid"].to_numpy(),
            }),
            "trksegpars_lh": per_track(segments, {
                "maxr": segments["maxr_mm"].to_numpy(), "d0": segments["d0_mm"].to_numpy(),
                "t0err": segments["t0err_ns"].to_numpy(),
            }),
        }),
        "trkmc": record({"trkmcsim": per_track(true, {
            "mom": vector(true), "startCode": true["startcode"].to_numpy(),
            **{name: true[name].to_numpy() for name in ("nhits", "pdg", "rank", "gen")},
        })}),
        **{name: listed(values, of_event) for name, values in cuts.items()
           if name.startswith("cut_")},
    }  # fmt: skip
    _write_parquet(columns, path)


def _coincidences_of(numbers: Any, coincidences: Any) -> tuple[Any, Any]:
    """The coincidences of each event, and where those of each begin."""
    rows = numbers.assign(row=np.arange(len(numbers))).merge(
        coincidences, on=list(_NUMBERS), how="inner"
    )
    rows = rows.sort_values("row", kind="stable")
    counts = np.bincount(rows["row"].to_numpy(), minlength=len(numbers))
    return rows, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def write_dT(found: Stored, path: Path) -> None:
    """Every time difference of the veto as a Parquet table; UsageError without pyarrow."""
    _write_parquet(_with_cuts(found, "veto_combinations"), path)


def _with_cuts(found: Stored, name: str) -> dict[str, Any]:
    """The columns of a table, its bits as a column a cut."""
    table = found.frames[name]
    columns = {column: table[column].to_numpy() for column in table.columns}
    bits = columns.pop("cut_bits")
    for place, cut in enumerate(found.frames["effective_cuts"]["cut"]):
        columns[f"cut_{cut}"] = (bits >> np.uint32(place) & np.uint32(1)).astype(bool)
    return columns


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        msg = "events as Parquet need pyarrow: pip install radiograph[parquet], or leave them out"
        raise UsageError(msg, key="output.events", code="missing_library") from None
    return pyarrow


def _write_parquet(columns: dict[str, Any], path: Path) -> None:
    pa = _pyarrow()
    pa.parquet.write_table(pa.table(columns), path, write_page_checksum=True)


def write_root(found: Stored, path: Path) -> None:
    """Each histogram in each selection as a TH1D, named NAME_SELECTION."""
    import uproot

    with uproot.recreate(path) as file:
        for name, histogram in found.histograms.items():
            for k, selection in enumerate(histogram.axes[1].categories):
                file[f"{name}_{selection}"] = _th1(f"{name}_{selection}", histogram, k)


def _th1(name: str, histogram: Histogram, selection: int) -> Any:
    import uproot.writing.identify as identify

    axis = histogram.axes[0]
    values = histogram.values[:, selection].astype(np.float64)
    assert axis.edges is not None
    bins = len(axis.edges) - 1
    centres = (axis.edges[1:] + axis.edges[:-1]) / 2
    inside = values[1:-1]
    return identify.to_TH1x(
        fName=name,
        fTitle=f"{axis.label} {axis.unit}".strip(),
        data=values,
        fEntries=float(values.sum()),
        fTsumw=float(inside.sum()),
        fTsumw2=float(inside.sum()),
        fTsumwx=float((inside * centres).sum()),
        fTsumwx2=float((inside * centres**2).sum()),
        fSumw2=values,
        fXaxis=identify.to_TAxis(
            fName="xaxis",
            fTitle=f"{axis.label} ({axis.unit})" if axis.unit else axis.label,
            fNbins=bins,
            fXmin=float(axis.edges[0]),
            fXmax=float(axis.edges[-1]),
            fXbins=axis.edges,
        ),
    )
