"""Leaves as awkward arrays to frames: parallel lists compared, parents numbered, no Python lists.

A leaf is an awkward array: one value an event, a list an event, or a list of lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import awkward as ak
import numpy as np
import pandas as pd

from ....schemas.arrays import F4, I8
from ....schemas.cosmics.columns import EventColumns
from ....schemas.cosmics.frames import COINCIDENCES, EVENT_NUMBERS, SEGMENTS, TRACKS, TRUE_PARTICLES
from ....schemas.errors import InputError
from ....schemas.sources import EventRange
from ....schemas.tables import TableSchema
from ...whole_numbers import exactly_whole
from .reader import (
    ALWAYS,
    HELIX,
    HELIX_CIRCLE,
    PER_COINCIDENCE,
    PER_SEGMENT,
    PER_TRACK,
    PER_TRUE_PARTICLE,
    SCALARS,
)

Leaves = Mapping[str, Any]
_TRACK_BRANCHES: Final = ("trk", "trkqual", "trksegs", "trksegpars_lh", "trkmcsim")
_NUMBER_OF: Final = {name.rpartition(".")[2]: name for name in SCALARS}
_SEGMENT_OF: Final = {
    "sid": "trksegs.sid",
    "time_ns": "trksegs.time",
    "px_MeV": "trksegs.mom.fCoordinates.fX",
    "py_MeV": "trksegs.mom.fCoordinates.fY",
    "pz_MeV": "trksegs.mom.fCoordinates.fZ",
    "momerr_MeV": "trksegs.momerr",
    "d0_mm": "trksegpars_lh.d0",
    "maxr_mm": "trksegpars_lh.maxr",
    "t0err_ns": "trksegpars_lh.t0err",
}
_PARTICLE_OF: Final = {
    "nhits": "trkmcsim.nhits",
    "pdg": "trkmcsim.pdg",
    "rank": "trkmcsim.rank",
    "startcode": "trkmcsim.startCode",
    "gen": "trkmcsim.gen",
    "px_MeV": "trkmcsim.mom.fCoordinates.fX",
    "py_MeV": "trkmcsim.mom.fCoordinates.fY",
    "pz_MeV": "trkmcsim.mom.fCoordinates.fZ",
}
_COINCIDENCE_OF: Final = {
    "time_ns": "crvcoincs.time",
    "start_ns": "crvcoincs.timeStart",
    "end_ns": "crvcoincs.timeEnd",
    "x_mm": "crvcoincs.pos.fCoordinates.fX",
    "y_mm": "crvcoincs.pos.fCoordinates.fY",
    "z_mm": "crvcoincs.pos.fCoordinates.fZ",
    "pes": "crvcoincs.PEs",
    "nhits": "crvcoincs.nHits",
    "nlayers": "crvcoincs.nLayers",
    "sector": "crvcoincs.sectorType",
}
EVERY_LEAF: Final = (*SCALARS, *PER_TRACK, *PER_SEGMENT, *HELIX, *PER_TRUE_PARTICLE,
                     *PER_COINCIDENCE)  # fmt: skip


def columns_of(
    leaves: Leaves, path: Path, events: EventRange, absent: Sequence[str]
) -> EventColumns:
    """The frames of a range of events; InputError where parallel branches disagree."""
    missing = [name for name in ALWAYS if name not in leaves]
    if missing:
        msg = f"{path}: has no leaf {missing[0]}, which every event needs. Give another file."
        raise InputError(msg, file=path, code="missing_leaf")
    n_tracks = _track_counts(leaves, path, events)
    n_segments = _nested_counts(leaves, ("trksegs", "trksegpars_lh"), path, events, n_tracks)
    n_particles = _nested_counts(leaves, ("trkmcsim",), path, events, n_tracks)
    n_coincidences = _counts(_first(leaves, "crvcoincs", np.zeros(events.n_events, np.int64)))
    track_columns = {"pdg": "trk.pdg", "nactive": "trk.nactive", "trkqual": "trkqual.result"}
    return EventColumns(
        EVENT_NUMBERS.frame(
            {
                "entry": np.arange(events.n_events) + events.first_event,
                **_columns(EVENT_NUMBERS, leaves, _NUMBER_OF, path),
            }
        ),
        _frame(TRACKS, "event_row", n_tracks, leaves, track_columns, path),
        _frame(SEGMENTS, "track_row", n_segments, _with_circle(leaves), _SEGMENT_OF, path),
        _frame(TRUE_PARTICLES, "track_row", n_particles, leaves, _PARTICLE_OF, path),
        _frame(COINCIDENCES, "event_row", n_coincidences, leaves, _COINCIDENCE_OF, path),
        tuple(absent),
    )


def _frame(
    table: TableSchema,
    parent: str,
    counts: I8,
    leaves: Leaves,
    columns: Mapping[str, str],
    path: Path,
) -> pd.DataFrame:
    """The rows of lists: their parents, and a column a leaf; of absent ones NaN, or 0."""
    rows = np.repeat(np.arange(len(counts)), counts)
    data: dict[str, Any] = {parent: rows, **_columns(table, leaves, columns, path)}
    for name in columns.keys() - data.keys():
        is_float = np.dtype(table[name].dtype).kind == "f"
        data[name] = np.full(len(rows), np.nan if is_float else 0)
    return table.frame(data)


def _columns(
    table: TableSchema, leaves: Leaves, columns: Mapping[str, str], path: Path
) -> dict[str, Any]:
    """The leaves that there are; InputError where a whole number is none, or does not fit."""
    found = {name: _flat(leaves[leaf]) for name, leaf in columns.items() if leaf in leaves}
    for name, values in found.items():
        dtype = table[name].dtype
        if np.dtype(dtype).kind not in "iu" or np.can_cast(values.dtype, dtype):
            continue
        try:
            found[name] = exactly_whole(values, dtype, columns[name])
        except ValueError as reason:
            msg = f"{path}: {reason}: the file is damaged. Make it again, or leave it out."
            raise InputError(msg, file=path, code="no_whole_number") from None
    return found


def _flat(leaf: Any) -> Any:
    return ak.to_numpy(ak.flatten(leaf, axis=None)) if leaf.ndim > 1 else ak.to_numpy(leaf)


def _with_circle(leaves: Leaves) -> Leaves:
    """The leaves of helices, maxr and d0 made of the circle where a file has none.

    c = |centre|, maxr = c + |radius|, d0 = |c - |radius||.
    """
    if all(name in leaves for name in HELIX) or not all(n in leaves for n in HELIX_CIRCLE):
        return leaves
    rad, cx, cy = (leaves[name] for name in HELIX_CIRCLE)
    counts = ak.num(rad, axis=1), ak.flatten(ak.num(rad, axis=2), axis=None)
    centre = np.hypot(_flat(cx), _flat(cy))
    radius = np.abs(_flat(rad))

    def nested(values: F4) -> Any:
        return ak.unflatten(ak.unflatten(values, counts[1]), counts[0])

    made = {
        "trksegpars_lh.maxr": nested(centre + radius),
        "trksegpars_lh.d0": nested(np.abs(centre - radius)),
    }
    return {**made, **leaves}


def made_of_circle(present: Sequence[str]) -> frozenset[str]:
    """Leaves that a file has not and that are made of others."""
    if all(name in present for name in HELIX_CIRCLE):
        return frozenset(HELIX[:2]) - set(present)
    return frozenset()


def _first(leaves: Leaves, branch: str, otherwise: Any) -> Any:
    return next((a for name, a in leaves.items() if name.startswith(f"{branch}.")), otherwise)


def _counts(leaf: Any) -> I8:
    return leaf if isinstance(leaf, np.ndarray) else ak.to_numpy(ak.num(leaf, axis=1))


def _track_counts(leaves: Leaves, path: Path, events: EventRange) -> I8:
    """Tracks an event; InputError unless every branch with tracks has as many."""
    first = ""
    counts = np.zeros(events.n_events, np.int64)
    for branch in _TRACK_BRANCHES:
        leaf = _first(leaves, branch, None)
        if leaf is None:
            continue
        if not first:
            first, counts = branch, _counts(leaf)
        _check_alike(path, events, (first, counts), (branch, _counts(leaf)))
    return counts


def _nested_counts(
    leaves: Leaves, branches: Sequence[str], path: Path, events: EventRange, n_tracks: I8
) -> I8:
    """Rows a track; InputError unless each branch of ``branches`` has as many."""
    first = ""
    counts = np.zeros(int(n_tracks.sum()), np.int64)
    for branch in branches:
        leaf = _first(leaves, branch, None)
        if leaf is None:
            continue
        found = ak.to_numpy(ak.flatten(ak.num(leaf, axis=2), axis=None))
        if not first:
            first, counts = branch, found
        wrong = np.flatnonzero(counts != found)
        if len(wrong):
            track = int(wrong[0])
            event = int(np.searchsorted(np.cumsum(n_tracks), track, side="right"))
            raise _unlike(path, events.first_event + event, (first, counts[track]),
                          (branch, found[track]), " of one track")  # fmt: skip
    return counts


def _check_alike(
    path: Path, events: EventRange, first: tuple[str, I8], other: tuple[str, I8]
) -> None:
    wrong = np.flatnonzero(first[1] != other[1])
    if len(wrong):
        k = int(wrong[0])
        raise _unlike(path, events.first_event + k, (first[0], first[1][k]),
                      (other[0], other[1][k]), "")  # fmt: skip


def _unlike(
    path: Path, entry: int, first: tuple[str, Any], other: tuple[str, Any], where: str
) -> InputError:
    msg = (
        f"{path}: entry {entry}: branch {other[0]} has {other[1]} rows{where} and {first[0]} "
        f"has {first[1]}: the file is damaged. Make it again, or leave it out."
    )
    return InputError(msg, file=path, code="unlike_branches")
