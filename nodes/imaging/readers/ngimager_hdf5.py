"""HDF5 files of an imaging run, this program's and ngimager's, as the start of another run.

What a file holds: hits, events with their hits, selected cones, counters, images. Values that
the common layout rounds to four bytes are taken from the exact ones where a file has them:
event hits by ``/lm/event_hit_index`` from ``/hits``, cones from ``/cones/exact``.
Layout: see docs/formats.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ....schemas.arrays import F8, I8, U4
from ....schemas.errors import InputError
from ....schemas.imaging.codes import GAMMA, GAMMA_ORDERS, NEUTRON, SPECIES, Recoil
from ....schemas.imaging.frames import EVENT_HIT_COLUMNS, numbered
from ....schemas.imaging.images import Counts, PixelGrid, SourceRecords
from ....schemas.imaging.reading import ReaderSettings, SourceMetadata
from ....schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS
from ....schemas.sources import EventRange, FileRef
from ....schemas.tables import TableSchema, categories_of
from ...file_kinds import HDF5, fault_of_hdf5
from ...hdf5_content import Content, Values, damaged_file
from ...hdf5_heaps import opened_hdf5
from .phits_usrdef import HITS_WITHOUT_MATERIAL
from .reader import Reader

# More are no data, but a row number that is damaged.
_MOST_RANGES: Final = 1_000_000
N_HITS: Final = {NEUTRON: 2, GAMMA: 3}
_COUNTED_STAGES: Final = {"hits": 1, "events": 2, "cones": 3, "image": 4}
_DAMAGE: Final = "problems_"


def event_ranges(path: Path, events_per_range: int, settings: ReaderSettings) -> list[EventRange]:
    """Ranges of raw event ids; InputError where a file holds neither hits, events nor cones."""
    with opened(path) as file:
        n_events = _n_event_ids(file)
    if n_events == 0:
        msg = (
            f"{path}: holds no hit, event or cone to start from. Give the output file of a run "
            "that has some, or read the raw data again."
        )
        raise InputError(msg, file=path, key="io.input_path", code="no_events")
    starts = range(0, n_events, events_per_range)
    if len(starts) > _MOST_RANGES:
        msg = (
            f"{path}: its greatest raw event id is {n_events - 1}: {len(starts)} ranges of "
            f"{events_per_range} events, more than {_MOST_RANGES}. The file is damaged: run its "
            "input again; or raise [run] chunk_events."
        )
        raise InputError(msg, file=path, key="run.chunk_events", code="damaged_file")
    return [EventRange(k, min(events_per_range, n_events - k)) for k in starts]


def read(
    source: FileRef, events: EventRange, settings: ReaderSettings, threads: int = 1
) -> SourceRecords:
    """Hits of one range of raw events, in the world frame, and the truth beside them.

    What was dropped before the file was written is counted with the first range.
    """
    path = Path(source.path)
    with opened(path) as file:
        if "hits/event_id" not in file:
            msg = f"{path}: holds no hits. Restart from its events or cones, or read the raw file."
            raise InputError(msg, file=path)
        ids = _whole(file["hits/event_id"])
        begin, stop = np.searchsorted(ids, _ends(events))
        dropped = _dropped(file) if events.first_event == 0 else {}
        kinds = {k: n for k, n in dropped.items() if k.startswith(_DAMAGE) and n}
        return SourceRecords(
            hits=HITS_WITHOUT_MATERIAL.frame(_hit_columns(file, slice(begin, stop))),
            raw_event_ids=_raw_event_ids(file, ids, events),
            n_damaged_records=dropped.get("raw_events_damaged", 0),
            problems=_problems(file, kinds),
            n_hits_clipped=_by_species(dropped, "hits_rejected_clipped"),
            n_hits_particle=_by_species(dropped, "hits_rejected_particle"),
            reactions=_truth(file, "reactions", REACTIONS, events),
            products=_truth(file, "products", PRODUCTS, events),
        )


def metadata(source: FileRef, settings: ReaderSettings) -> SourceMetadata:
    """Nothing: what the first input said of itself is copied with the file."""
    return SourceMetadata()


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """The file for reading; InputError if it is no HDF5 file."""
    try:
        file = opened_hdf5(path)
    except OSError as reason:
        wanted = "Give the output file of an earlier run."
        msg = f"{path}: {fault_of_hdf5(path, reason, wanted)}"
        raise InputError(msg, file=path) from None
    with file:
        yield Content(file, path)


@dataclass(frozen=True)
class EventRows:
    """The events of one species in a range: rows of /lm, ids, and how many come before them."""

    rows: I8
    event_id: I8
    n_before: int


def event_rows(file: Content, species: int, events: EventRange) -> EventRows:
    """Where the events of a species and a range stand in /lm."""
    rows = np.flatnonzero(_event_types(file) == species)
    ids = _whole(file["lm/event_id"])[rows] if "lm/event_id" in file else rows
    begin, stop = np.searchsorted(ids, _ends(events))
    return EventRows(rows[begin:stop], ids[begin:stop], int(begin))


def event_columns(file: Content, species: int, events: EventRange) -> dict[str, Any]:
    """Columns of the typed events of one species in a range, without their materials."""
    found = event_rows(file, species, events)
    columns: dict[str, Any] = {
        "event_index": np.arange(len(found.rows)),
        "event_id": found.event_id,
    }
    for k, hit in enumerate(_hits_of_events(file, found.rows, N_HITS[species]), start=1):
        columns |= {numbered(n, k): hit[n] for n in EVENT_HIT_COLUMNS if n != "material"}
    return columns


def cone_columns(file: Content, species: int, events: EventRange) -> dict[str, Any]:
    """Columns of the selected cones of one species whose events lie in a range."""
    cones = file.content("cones")
    found = event_rows(file, species, events)
    rank = np.full(len(_event_types(file)), -1, np.int64)
    rank[found.rows] = np.arange(len(found.rows))
    event_index = _whole(cones["event_index"])
    here = (_whole(cones["species"], dtype="int8") == species) & (rank[event_index] >= 0)
    rows = np.flatnonzero(here)
    index = rank[event_index[rows]]
    order = _hit_orders(cones, species, rows)
    recoil = _taken(cones["recoil_code"], rows, "int8")
    apex, axis, theta = _exact_cones(cones, rows)
    return {
        "event_index": index,
        "event_id": found.event_id[index],
        "species": categories_of(np.full(len(rows), species, np.int8), SPECIES),
        "candidate_row": _candidate_rows(species, index, recoil, order),
        "recoil_code": recoil,
        **{f"hit_order_{k + 1}": order[:, k] for k in range(3)},
        **{f"apex_{a}_cm": apex[:, k] for k, a in enumerate("xyz")},
        **{f"axis_{a}": axis[:, k] for k, a in enumerate("xyz")},
        "theta_rad": theta,
        **{
            name: _taken(cones[name], rows).astype(np.float64)
            if name in cones
            else np.full(len(rows), np.nan)
            for name in ("incident_energy_MeV", "recoil_energy_MeV", "delta_theta_rad")
        },
    }


def stored_counts(file: Content, stage: str) -> Counts:
    """The counters of a stage, from the datasets or, in ngimager's files, the attributes."""
    if "meta/counters" not in file:
        return Counts()
    group = file.content("meta/counters")
    small, large = (f"{s}{_COUNTED_STAGES[stage]}_" for s in "sS")
    found = {k[len(large) :]: v for k, v in group.attrs.items() if k.startswith(large)}
    found |= {k[len(small) :]: group[k][()] for k in group if k.startswith(small)}
    return Counts({name: _count(file, name, value) for name, value in found.items()})


def _count(file: Content, name: str, value: Any) -> int:
    number = np.asarray(value)
    if number.shape != () or number.dtype.kind not in "iuf" or not np.isfinite(number):
        raise damaged_file(file.path, f"the counter {name}", f"it is {value!r}")
    return int(number)


def stored_image(file: Content, name: str, grid: PixelGrid) -> U4:
    """The counts of an image; zero where the file has none, an InputError for another grid."""
    path = f"images/summed/{name}"
    if path not in file:
        return np.zeros(grid.shape, np.uint32)
    image = file[path][()]
    if image.shape != grid.shape:
        reason = f"{image.shape} pixels, but its plane has {grid.shape}"
        raise damaged_file(file.path, f"/{path}", reason)
    return image.astype(np.uint32)


def _ends(events: EventRange) -> tuple[int, int]:
    return events.first_event, events.first_event + events.n_events


def _n_event_ids(file: Content) -> int:
    """One more than the greatest raw event id."""
    if "raw_events/ranges" in file:
        runs = file["raw_events/ranges"]
        if runs.shape[1:] != (2,):
            raise damaged_file(file.path, runs.name, f"its shape is {runs.shape}, not (n, 2)")
        if len(runs):
            return int(_whole(runs)[-1, 1])
    for path in ("hits/event_id", "lm/event_id"):
        if path in file and len(file[path]):
            return int(_whole(file[path]).max()) + 1
    return len(_event_types(file))


def _event_types(file: Content) -> np.ndarray:
    """The species of each event; a file of cones alone counts each cone as an event."""
    if "lm/event_type" in file:
        return _whole(file["lm/event_type"], dtype="uint8")
    if "cones/event_index" in file and len(file["cones/event_index"]):
        index = _whole(file["cones/event_index"])
        types = np.zeros(int(index.max()) + 1, np.uint8)
        types[index] = _whole(file["cones/species"], dtype="uint8")
        return types
    return np.zeros(0, np.uint8)


def _hit_columns(file: Content, rows: slice) -> dict[str, Any]:
    hits = file.content("hits")
    columns = {
        c.name: _of_type(hits[c.name], rows, c.dtype)
        for c in HITS_WITHOUT_MATERIAL.columns
        if c.name != "species"
    }
    species = _whole(hits["species"], rows, "int8")
    return columns | {"species": categories_of(species, SPECIES)}


def _raw_event_ids(file: Content, hit_ids: I8, events: EventRange) -> I8:
    first, stop = _ends(events)
    if "raw_events/ranges" not in file:
        ids = np.unique(hit_ids)
        return ids[(ids >= first) & (ids < stop)]
    runs = np.clip(_whole(file["raw_events/ranges"]), first, stop)
    lengths = runs[:, 1] - runs[:, 0]
    offsets = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(runs[:, 0] - offsets, lengths)


def _dropped(file: Content) -> dict[str, int]:
    return dict(stored_counts(file, "hits").values)


def _by_species(dropped: dict[str, int], name: str) -> tuple[int, int, int]:
    n, g = dropped.get(f"{name}_n", 0), dropped.get(f"{name}_g", 0)
    return n, g, dropped.get(name, 0) - n - g


def _problems(file: Content, kinds: dict[str, int]) -> pd.DataFrame:
    """Damage told by the earlier run: its places as far as they were listed."""
    if not kinds:
        return PROBLEMS.empty()
    listed = _listed_problems(file)
    known = {k[len(_DAMAGE) :] for k in kinds}
    rows = [
        (p["kind"], p.get("line", p.get("entry", p.get("record", 0))), p["count"])
        for p in listed
        if p["kind"] in known
    ]
    missing = [(k, 0, kinds[_DAMAGE + k]) for k in sorted(known - {kind for kind, _, _ in rows})]
    kind, place, count = zip(*rows, *missing, strict=True)
    return PROBLEMS.frame({"kind": kind, "line_or_entry": place, "count": count})


def _listed_problems(file: Content) -> list[dict[str, Any]]:
    if "provenance/problems" not in file:
        return []
    try:
        found: list[dict[str, Any]] = json.loads(file["provenance/problems"].texts()[0])
    except ValueError as reason:
        raise damaged_file(file.path, "/provenance/problems", reason) from None
    return found


def _truth(file: Content, name: str, table: TableSchema, events: EventRange) -> pd.DataFrame:
    if f"truth/{name}/event_id" not in file:
        return table.empty()
    group = file.content(f"truth/{name}")
    begin, stop = np.searchsorted(_whole(group["event_id"]), _ends(events))
    rows = slice(int(begin), int(stop))
    return table.frame({c.name: _of_type(group[c.name], rows, c.dtype) for c in table.columns})


def _hits_of_events(file: Content, rows: I8, n_hits: int) -> list[dict[str, Any]]:
    if "lm/event_hit_index" in file and "hits" in file:
        index = _taken(file["lm/event_hit_index"], rows, "int64")[:, :n_hits]
        span = _span(index)
        columns = _hit_columns(file, span)
        names = [c for c in columns if c not in ("species", "event_id", "hit_in_event")]
        return [{c: columns[c][index[:, k] - span.start] for c in names} for k in range(n_hits)]
    lm = file.content("lm")
    position = _taken(lm["hit_pos_cm"], rows).astype(np.float64)
    det_id = _taken(lm["hit_det_id"], rows, "int32")
    time, light = (_taken(lm[f"hit_{n}"], rows) for n in ("t_ns", "L_mevee"))
    unknown = np.full(len(rows), np.nan)
    return [
        {
            "det_id": det_id[:, k],
            **{f"{a}_cm": position[:, k, i] for i, a in enumerate("xyz")},
            "t_ns": time[:, k],
            "light_MeVee": light[:, k].astype(np.float64),
            "psd": unknown,
            "energy_deposited_MeV": unknown,
        }
        for k in range(n_hits)
    ]


def _hit_orders(cones: Content, species: int, rows: I8) -> np.ndarray:
    if species == NEUTRON:
        return np.tile(np.arange(3, dtype=np.int8), (len(rows), 1))
    return np.maximum(_taken(cones["gamma_hit_order"], rows, "int8"), 0)


def _exact_cones(cones: Content, rows: I8) -> tuple[F8, F8, F8]:
    """Apex, axis and theta; from four-byte values the axis is made a unit vector again."""
    if "exact" in cones:
        exact = cones.content("exact")
        apex, axis, theta = (_taken(exact[n], rows) for n in ("apex_cm", "axis", "theta_rad"))
        return apex, axis, theta
    names = ("apex_xyz_cm", "axis_xyz", "theta_rad")
    apex, axis, theta = (_taken(cones[n], rows).astype(np.float64) for n in names)
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    return apex, np.divide(axis, length, out=axis, where=length > 0), theta


def _taken(dataset: Values, rows: I8, dtype: str = "float64") -> np.ndarray:
    """Some rows of a dataset; no more than the span of them is read. ``dtype`` as in _of_type."""
    span = _span(rows)
    return np.asarray(_of_type(dataset, span, dtype)[rows - span.start])


def _of_type(dataset: Values, rows: slice, dtype: str) -> np.ndarray:
    """Rows of a dataset as they are, checked to be whole numbers where ``dtype`` is of those."""
    return dataset.whole(rows, dtype) if np.dtype(dtype).kind in "iu" else dataset[rows]


def _whole(dataset: Values, rows: slice = slice(0, None), dtype: str = "int64") -> np.ndarray:
    return dataset.whole(rows, dtype)


def _span(rows: I8) -> slice:
    """From the first to the last of some rows."""
    return slice(int(rows.min()), int(rows.max()) + 1) if rows.size else slice(0, 0)


def _candidate_rows(species: int, event: I8, recoil: np.ndarray, order: np.ndarray) -> I8:
    if species == NEUTRON:
        return 2 * event + (recoil == Recoil.carbon)
    place = np.full((3, 3, 3), -1, np.int64)
    for k, (i, j, m) in enumerate(GAMMA_ORDERS):
        place[i, j, m] = k
    return len(GAMMA_ORDERS) * event + place[order[:, 0], order[:, 1], order[:, 2]]


READER: Final = Reader(
    event_ranges=event_ranges,
    read=read,
    metadata=metadata,
    positions_in_mm=False,
    neutron_policy="time_asc",
    gamma_policy="time_asc",
    record="record",
    kinds=frozenset({HDF5}),
    pattern="",
)
