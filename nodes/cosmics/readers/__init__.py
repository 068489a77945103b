"""Readers of event files, one a format: the columns of a range of events, and the file's totals.

All of them give the same columns; awkward arrays end here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ....schemas.cosmics.columns import EventColumns
from ....schemas.errors import InputError
from ....schemas.sources import EventRange, FileRef
from ...addresses import address_of
from ...file_kinds import PARQUET, ROOT, kind_of, what_it_is
from .events_parquet import PARQUET_READER
from .reader import EventReader
from .root_files import ROOT_READER

READERS: Final[Mapping[str, EventReader]] = MappingProxyType(
    {"root": ROOT_READER, "rntuple": ROOT_READER, "parquet": PARQUET_READER}
)
_FORMAT_OF: Final[Mapping[str, str]] = MappingProxyType({ROOT: "root", PARQUET: "parquet"})


def reader_of(path: Path, input_format: str = "auto") -> EventReader:
    """The reader of a file; InputError where its first bytes say that it is of another kind."""
    # What stands at an address is known when it is opened.
    kind = ROOT if address_of(path) else kind_of(path)
    found = _FORMAT_OF.get(kind, "")
    if not found:
        what = what_it_is(kind) if kind else "is neither a ROOT nor a Parquet file"
        msg = f"{path}: {what}. Give an EventNtuple file, or the Parquet file of its events."
        raise InputError(msg, file=path, key="io.input_path", code="other_kind")
    wanted = found if input_format == "auto" else input_format
    if READERS[wanted] is not READERS[found]:
        msg = (
            f'{path}: {what_it_is(kind)}, and [io] input_format is "{input_format}". '
            f'Set it to "{found}" or "auto".'
        )
        raise InputError(msg, file=path, key="io.input_format", code="other_kind")
    return READERS[wanted]


def n_events_of(path: Path, tree: str, input_format: str = "auto") -> int:
    """How many events a file holds; InputError if it cannot be read."""
    return reader_of(path, input_format).n_events(path, tree)


def read_columns(source: FileRef, events: EventRange, tree: str, input_format: str) -> EventColumns:
    """The columns of a range of events; InputError, with file, branch and entries, if damaged."""
    path = Path(source.path)
    return reader_of(path, input_format).read(path, events, tree)
