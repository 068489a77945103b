"""Unvetoed events of a run: a list of them, and one as a page to be looked at.

Segments are not in the file of the run: they are read anew from the input file, if it is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.addresses import address_of
from ...nodes.cosmics.readers import reader_of
from ...nodes.hdf5_content import opened_content
from ...schemas.cosmics.columns import EventColumns
from ...schemas.errors import InputError, UsageError
from ...schemas.sources import EventRange
from ..home import path_of_setting
from ..provenance import stored_settings
from ..runfile.record import stored_inputs
from .stored_results import tables_of

_WIDTH: Final = 72
_EVENT: Final = ("run", "subrun", "event")
_VETO: Final = "unvetoed"
_MIDDLE: Final = 1
_ELECTRON: Final = 11


@dataclass(frozen=True)
class Survivors:
    """The unvetoed tracks of a run.

    Attributes
    ----------
    tracks, coincidences
        As the tables unvetoed_events and unvetoed_coincidences.
    files
        Paths of the input files by their place in the input.
    tree, input_format
        How they are read.
    veto_ns
        Edges of the veto window.
    """

    tracks: pd.DataFrame
    coincidences: pd.DataFrame
    files: tuple[Path, ...]
    tree: str
    input_format: str
    veto_ns: tuple[float, float]


def survivors(path: Path) -> Survivors:
    """The unvetoed tracks that a file holds; InputError where it holds none of them."""
    with opened_content(path) as content:
        tables = tables_of(content)
        settings = stored_settings(content)
        inputs = stored_inputs(content)
        folder = Path(str(content.attrs.get("config_path", path))).parent
    if "unvetoed_events" not in tables or "unvetoed_coincidences" not in tables:
        msg = f"{path}: holds no unvetoed_events; run it again without --target."
        raise InputError(msg, file=path, code="not_in_file")
    cuts = tables["effective_cuts"].set_index("cut")
    lo, hi = (float(cuts[name].get(_VETO, math.nan)) for name in ("lo", "hi"))
    return Survivors(
        tables["unvetoed_events"],
        tables["unvetoed_coincidences"],
        tuple(place_of(item.path, folder, path.parent) for item in inputs),
        str(settings.get("io.tree", "")),
        str(settings.get("io.input_format", "auto")),
        (lo, hi),
    )


def place_of(named: str, settings: Path, run: Path) -> Path:
    """Where an input file is: as the run named it, from its settings, or beside its output."""
    from_settings = path_of_setting(settings, named)
    places = (Path(named), from_settings, run / Path(named).name)
    return next((p for p in places if address_of(p) or p.is_file()), from_settings)


def list_lines(found: Survivors) -> Iterator[str]:
    """A line a track."""
    yield (
        f"{'run':>7} {'subrun':>7} {'event':>9} {'p MeV/c':>9} {'pz/pT':>7} {'d0 mm':>7} "
        f"{'t0 ns':>10} {'dT ns':>9} {'fits':>4}  file"
    )
    for row in _rows(found.tracks):
        nearest = "none" if math.isnan(row.nearest_dT_ns) else f"{row.nearest_dT_ns:.2f}"
        yield (
            f"{row.run:>7} {row.subrun:>7} {row.event:>9} {row.p_MeV:>9.3f} {row.slope:>7.4f} "
            f"{row.d0_mm:>7.2f} {row.t0_ns:>10.2f} {nearest:>9} {row.n_fits:>4}  "
            f"{_file(found, row.file_index)}"
        )
    n_events = len(found.tracks[list(_EVENT)].drop_duplicates())
    yield f"{len(found.tracks)} tracks of {n_events} events"


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    return iter(table.itertuples(index=False))


def _file(found: Survivors, index: int) -> str:
    return found.files[index].name if index < len(found.files) else "?"


def page_lines(found: Survivors, numbers: tuple[int, ...]) -> Iterator[str]:
    """One event: its tracks, its times on a line, segments, coincidences.

    ``numbers`` are subrun and event, or run, subrun and event. UsageError if there is no such
    event among the unvetoed ones, or more than one.
    """
    rows = _chosen(found.tracks, numbers)
    first = next(_rows(rows))
    event = (int(first.run), int(first.subrun), int(first.event))
    coincidences = _chosen_or_none(found.coincidences, event)
    path = found.files[int(first.file_index)]
    yield f"run {event[0]}, subrun {event[1]}, event {event[2]} ({path}, entry {first.entry})"
    for row in _rows(rows):
        yield from _track_lines(row)
    yield ""
    columns = _read_again(found, path, int(first.entry), event)
    yield from _times(rows, coincidences, columns, found.veto_ns)
    yield ""
    yield from _coincidence_lines(coincidences, rows)
    yield ""
    yield from _segment_lines(columns, path)


def _chosen(tracks: pd.DataFrame, numbers: tuple[int, ...]) -> pd.DataFrame:
    rows = _chosen_or_none(tracks, numbers)
    told = ", ".join(str(n) for n in numbers)
    if not len(rows):
        msg = f"--event {told}: is no unvetoed event; without --event all of them are listed."
        raise UsageError(msg, key="event", code="no_event")
    if len(rows[list(_EVENT)].drop_duplicates()) > 1:
        runs = ", ".join(str(n) for n in sorted(set(rows["run"])))
        msg = f"--event {told}: is in the runs {runs}; give RUN,SUBRUN,EVENT."
        raise UsageError(msg, key="event", code="no_event")
    return rows


def _chosen_or_none(table: pd.DataFrame, numbers: tuple[int, ...]) -> pd.DataFrame:
    is_it = np.ones(len(table), dtype=np.bool_)
    for name, number in zip(reversed(_EVENT), reversed(numbers), strict=False):
        is_it &= table[name].to_numpy() == number
    return table[is_it]


def _track_lines(row: Any) -> Iterator[str]:
    nearest = (
        "no coincidence"
        if math.isnan(row.nearest_dT_ns)
        else f"nearest coincidence at dT {row.nearest_dT_ns:.4f} ns"
    )
    yield (
        f"  track: p {row.p_MeV:.4f} MeV/c, pz/pT {row.slope:.6f}, d0 {row.d0_mm:.4f} mm, "
        f"maxr {row.maxr_mm:.4f} mm"
    )
    yield (
        f"         t0 {row.t0_ns:.4f} +- {row.t0err_ns:.4f} ns, quality {row.trkqual:.4f}, "
        f"{row.nactive} active hits, {nearest}"
    )
    yield (
        f"         truth: PDG {row.true_pdg}, process {row.startcode}, of PDG {row.parent_pdg}; "
        f"{row.n_fits} fits in the event"
    )


def _read_again(
    found: Survivors, path: Path, entry: int, event: tuple[int, ...]
) -> EventColumns | None:
    """The event in its input file; None where the file is gone or holds another event there."""
    if not address_of(path) and not path.is_file():
        return None
    reader = reader_of(path, found.input_format)
    columns = reader.read(path, EventRange(entry, 1), found.tree)
    seen = columns.event_numbers[list(_EVENT)]
    return columns if seen.to_numpy().tolist() == [list(event)] else None


def _times(
    rows: pd.DataFrame,
    coincidences: pd.DataFrame,
    columns: EventColumns | None,
    veto_ns: tuple[float, float],
) -> Iterator[str]:
    """T = a surviving track, t = another electron fit, C = a coincidence; = is the veto window."""
    lo, hi = veto_ns
    tracks = rows["t0_ns"].dropna().to_numpy()
    others = _other_times(columns)
    crv = coincidences["time_ns"].dropna().to_numpy().astype(np.float64)
    edges = np.concatenate([tracks - hi, tracks - lo]) if math.isfinite(hi - lo) else tracks
    every = np.concatenate([tracks, others, crv, edges])
    if not len(every):
        yield "  no times"
        return
    low, high = float(every.min()), float(every.max())
    step = max(high - low, 1.0) / (_WIDTH - 1)

    def place(time: float) -> int:
        return round((time - low) / step)

    line = ["-"] * _WIDTH
    if math.isfinite(hi - lo):
        for time in tracks:
            for cell in range(place(time - hi), place(time - lo) + 1):
                line[cell] = "="
    for times, mark in ((crv, "C"), (others, "t"), (tracks, "T")):
        for time in times:
            line[place(time)] = mark
    yield f"  {''.join(line)}"
    left, right = f"{low:.1f} ns", f"{high:.1f} ns"
    yield f"  {left}{right:>{_WIDTH - len(left)}}"
    window = f", = a coincidence here would veto ({lo:g} < dT < {hi:g} ns)"
    shown = window if math.isfinite(hi - lo) else ""
    yield f"  T unvetoed track, t other electron fit, C coincidence{shown}"


def _other_times(columns: EventColumns | None) -> np.ndarray:
    if columns is None:
        return np.zeros(0)
    segments, pdg = columns.segments, columns.tracks["pdg"].to_numpy()
    middle = segments[segments["sid"].to_numpy() == _MIDDLE]
    is_electron = pdg[middle["track_row"].to_numpy()] == _ELECTRON
    times: np.ndarray = middle["time_ns"].to_numpy()[is_electron]
    return times[np.isfinite(times)]


def _coincidence_lines(coincidences: pd.DataFrame, rows: pd.DataFrame) -> Iterator[str]:
    if not len(coincidences):
        yield "  no coincidences"
        return
    yield (
        f"  {'time ns':>12} {'dT ns':>10} {'start':>10} {'end':>10} {'PEs':>8} {'hits':>4} "
        f"{'layers':>6} {'sector':>6} {'x mm':>9} {'y mm':>9} {'z mm':>9}"
    )
    t0 = rows["t0_ns"].iloc[0]
    for row in _rows(coincidences):
        yield (
            f"  {row.time_ns:>12.4f} {t0 - float(row.time_ns):>10.4f} {row.start_ns:>10.2f} "
            f"{row.end_ns:>10.2f} {row.pes:>8.1f} {row.nhits:>4} {row.nlayers:>6} "
            f"{row.sector:>6} {row.x_mm:>9.1f} {row.y_mm:>9.1f} {row.z_mm:>9.1f}"
        )


_SURFACES: Final[Mapping[int, str]] = {0: "TT_Front", 1: "TT_Mid", 2: "TT_Back"}


def _segment_lines(columns: EventColumns | None, path: Path) -> Iterator[str]:
    if columns is None:
        yield f"  segments: {path} is not there, or holds another event"
        return
    yield (
        f"  {'fit':>3} {'pdg':>4} {'surface':>9} {'time ns':>12} {'p MeV/c':>9} {'pz':>9} "
        f"{'d0 mm':>8} {'maxr mm':>8} {'t0err':>6}"
    )
    pdg = columns.tracks["pdg"].to_numpy()
    for row in _rows(columns.segments.sort_values(["track_row", "time_ns"])):
        p = math.sqrt(float(row.px_MeV) ** 2 + float(row.py_MeV) ** 2 + float(row.pz_MeV) ** 2)
        yield (
            f"  {row.track_row:>3} {pdg[row.track_row]:>4} {_SURFACES.get(row.sid, row.sid):>9} "
            f"{row.time_ns:>12.4f} {p:>9.4f} {row.pz_MeV:>9.4f} {row.d0_mm:>8.3f} "
            f"{row.maxr_mm:>8.3f} {row.t0err_ns:>6.3f}"
        )
