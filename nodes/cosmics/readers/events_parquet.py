"""Reader of the events as Parquet: records evt, crv, trk, trkfit, trkmc of awkward arrays.

Tracks may be null: they are taken for absent. Other columns are ignored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import awkward as ak

from ....schemas.cosmics.columns import NO_FACTS, EventColumns, FileFacts
from ....schemas.errors import InputError, UsageError
from ....schemas.sources import EventRange
from .leaves import EVERY_LEAF, columns_of, made_of_circle
from .reader import HELIX_CIRCLE, EventReader, damage_told

_RECORDS: Final = {
    "evtinfo": ("evt", ""),
    "crvcoincs": ("crv", "crvcoincs."),
    "trk": ("trk", "trk."),
    "trkqual": ("trk", "trkqual."),
    "trksegs": ("trkfit", "trksegs"),
    "trksegpars_lh": ("trkfit", "trksegpars_lh"),
    "trkmcsim": ("trkmc", "trkmcsim"),
}
_NESTED: Final = frozenset({"trksegs", "trksegpars_lh", "trkmcsim"})


def _opened(path: Path) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        msg = (
            "reading Parquet needs pyarrow, which is not installed: pip install radiograph[parquet]"
        )
        raise UsageError(msg, key="io.input_path", code="missing_library") from None
    with damage_told(path, "the Parquet file"):
        return pq.ParquetFile(path, page_checksum_verification=True)


def _n_events(path: Path, tree: str) -> int:
    del tree
    file = _opened(path)
    if "evt" not in file.schema_arrow.names:
        msg = (
            f"{path}: is a Parquet file without the record evt; it has "
            f"{', '.join(file.schema_arrow.names[:6])}. Give a file of events."
        )
        raise InputError(msg, file=path, code="no_tree")
    return int(file.metadata.num_rows)


def _read(path: Path, events: EventRange, tree: str) -> EventColumns:
    del tree
    array = _rows(path, events)
    present: dict[str, Any] = {}
    for leaf in (*EVERY_LEAF, *HELIX_CIRCLE):
        with damage_told(path, f"column {leaf}"):
            found = _leaf(array, leaf)
        if found is not None:
            present[leaf] = found
    absent = [n for n in EVERY_LEAF if n not in present and n not in made_of_circle([*present])]
    return columns_of(present, path, events, absent)


def _rows(path: Path, events: EventRange) -> Any:
    """The rows of a range, of the row groups that hold it."""
    file = _opened(path)
    names = [n for n in dict.fromkeys(r for r, _ in _RECORDS.values())
             if n in file.schema_arrow.names]  # fmt: skip
    first = 0
    groups: list[int] = []
    begin = -1
    for group in range(file.metadata.num_row_groups):
        n = file.metadata.row_group(group).num_rows
        if first < events.first_event + events.n_events and first + n > events.first_event:
            groups.append(group)
            begin = first if begin < 0 else begin
        first += n
    with damage_told(path, f"entries from {events.first_event} on"):
        table = file.read_row_groups(groups, columns=names)
        rows = ak.from_arrow(table, highlevel=True)
        return rows[events.first_event - max(begin, 0) :][: events.n_events]


def _leaf(array: Any, leaf: str) -> Any:
    """A leaf without null tracks; None if the file has none."""
    branch, _, rest = leaf.partition(".")
    record, prefix = _RECORDS[branch]
    if record not in array.fields:
        return None
    found = array[record]
    names = [prefix, *rest.split(".")] if branch in _NESTED else [f"{prefix}{rest}"]
    for name in names:
        if name not in found.fields:
            return None
        found = found[name]
    return found if found.ndim == 1 else ak.drop_none(found, axis=1)


def _facts(path: Path, tree: str) -> FileFacts:
    del path, tree
    return NO_FACTS


PARQUET_READER: Final = EventReader(_n_events, _read, _facts)
