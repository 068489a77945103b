"""The rows of a table of hits out of its file, CSV (also compressed) or Parquet, by ranges."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ....schemas.arrays import U1, Mask
from ....schemas.errors import InputError
from ....schemas.imaging.reading import ReaderSettings
from ....schemas.sources import EventRange
from ...csv_numbers import EXACT
from ...file_kinds import PARQUET, kind_of, opened_bytes
from .hits_table_columns import Ids, Layout, Rows, as_rows, layout_of, new_events, whole_ids
from .text_bytes import BYTE_ORDER_MARK, blocks, bytes_of, check_holes

_DELIMITERS: Final = (",", ";", "\t")
_LONGEST_HEADING: Final = 1 << 16
_ROWS_A_BATCH: Final = 1 << 16


def ids_of_file(path: Path, settings: ReaderSettings) -> Iterator[Ids]:
    """The event ids of a file in blocks."""
    if kind_of(path) == PARQUET:
        with _parquet(path, settings) as (file, layout):
            for batch in _batches(file, [layout.names["event_id"]]):
                yield _ids_of_batch(batch, layout)
        return
    layout = _layout_of_csv(path, settings)
    for first_byte, block in blocks(path):
        check_holes(path, first_byte, block)
        begin = max(layout.first_byte - first_byte, 0)
        yield _Lines(path, block[begin:], layout).ids(first_byte + begin)


def rows_of(path: Path, events: EventRange, settings: ReaderSettings, threads: int) -> Rows:
    """The rows of a range of events."""
    if kind_of(path) == PARQUET:
        with _parquet(path, settings) as (file, layout):
            return _rows_of_parquet(path, file, layout, events, settings)
    layout = _layout_of_csv(path, settings)
    lines = _Lines(path, bytes_of(path, events, threads), layout)
    given = lines.columns(sorted(layout.heading.index(name) for name in layout.names.values()))

    def column(name: str) -> pd.Series:
        return given[layout.heading.index(layout.names[name])]

    return as_rows(lines.ids(events.first_byte), column, layout, settings, lines.broken)


def fields_of_row(path: Path, row: int, settings: ReaderSettings) -> dict[str, str]:
    """What the file has in our columns of a row, which counts from 1, by its own names."""
    if kind_of(path) == PARQUET:
        with _parquet(path, settings) as (file, layout):
            batch = next(_batches(file, list(layout.names.values()), row - 1))
            return {name: str(batch.column(name)[0].as_py()) for name in layout.names.values()}
    layout = _layout_of_csv(path, settings)
    with opened_bytes(path) as stream:
        lines = (line for line in stream if line.strip())
        line = next(islice(lines, row, None), b"").decode("utf-8", "replace").strip()
    there = dict(zip(layout.heading, line.split(layout.delimiter), strict=False))
    return {name: there.get(name, "nothing") for name in layout.names.values()}


def _layout_of_csv(path: Path, settings: ReaderSettings) -> Layout:
    with opened_bytes(path) as stream:
        line = stream.readline(_LONGEST_HEADING)
    text = line.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "replace").strip().lstrip("# ")
    if not text.isprintable() and not text.replace("\t", "").isprintable():
        msg = f"{path}: its first line is no text. Give a CSV file with a heading, or Parquet."
        raise InputError(msg, file=path, code="no_table")
    delimiter = max(_DELIMITERS, key=text.count)
    heading = [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
    return layout_of(path, heading, settings, first_byte=len(line), delimiter=delimiter)


class _Lines:
    """The lines of a text that are rows: where each begins, and which have a field a column."""

    def __init__(self, path: Path, text: U1, layout: Layout) -> None:
        ends = np.flatnonzero(text == ord("\n")) + 1
        if len(text) and text[-1] != ord("\n"):
            ends = np.append(ends, len(text))
        begins = np.append(0, ends)[:-1].astype(np.int64)
        marks = np.flatnonzero(text == ord(layout.delimiter))
        n_fields = np.searchsorted(marks, ends) - np.searchsorted(marks, begins) + 1
        broken = n_fields != len(layout.heading)
        is_row = np.zeros(0, bool)
        if len(begins):
            is_row = np.maximum.reduceat(text, begins) > ord(" ")
        whole = is_row & ~broken
        self.broken: Mask = broken[is_row]
        self._begins = np.append(begins[is_row], len(text))
        self._whole = text if whole.all() else text[np.repeat(whole, ends - begins)]
        self._path, self._layout = path, layout

    def ids(self, first_byte: int) -> Ids:
        """Event ids; the text begins at a byte of the file."""
        place = self._layout.heading.index(self._layout.names["event_id"])
        given = self.columns([place])[place]
        if given.dtype.kind not in "iu":
            given = self.columns([place], dtype=str, keep_default_na=False)[place]
        values, bad = np.zeros(len(self.broken), np.int64), self.broken.copy()
        values[~self.broken], bad[~self.broken] = whole_ids(given)
        return Ids(values, bad, first_byte + self._begins)

    def columns(self, places: list[int], **how: Any) -> pd.DataFrame:
        """Columns of the rows that have a field a column, by their place."""
        n = int((~self.broken).sum())
        if not n:
            return pd.DataFrame({place: pd.Series(dtype=object) for place in places})
        try:
            found = pd.read_csv(
                io.BytesIO(self._whole.tobytes()),
                header=None,
                sep=self._layout.delimiter,
                usecols=places,
                skipinitialspace=True,
                low_memory=False,
                encoding_errors="replace",
                **EXACT,
                **how,
            )
        except ValueError:  # what pandas raises for quotes within which lines end
            found = pd.DataFrame()
        if len(found) != n:
            msg = f"{self._path}: has a quote that is not closed in its line. Write it without."
            raise InputError(msg, file=self._path, code="open_quote")
        return found


@contextmanager
def _parquet(path: Path, settings: ReaderSettings) -> Iterator[tuple[Any, Layout]]:
    """The open file and where its columns stand; InputError for whatever is wrong with it."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        msg = (
            f"{path}: is a Parquet file, which needs pyarrow, and that is not installed: pip "
            "install radiograph[parquet]; or give CSV."
        )
        raise InputError(msg, file=path, code="no_pyarrow") from None
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            layout = layout_of(path, file.schema_arrow.names, settings)
            for column, name in layout.names.items():
                kind = file.schema_arrow.field(name).type
                values = kind.value_type if pa.types.is_dictionary(kind) else kind
                number = pa.types.is_integer(values) or pa.types.is_floating(values)
                text = pa.types.is_string(values) or pa.types.is_large_string(values)
                if not number and not (text and column == "species"):
                    msg = (
                        f"{path}: column {name!r} is of the type {kind}; {column} needs "
                        f"{'texts' if column == 'species' else 'numbers'}. Write it so."
                    )
                    raise InputError(msg, file=path, code="wrong_type")
            yield file, layout
    except (pa.ArrowException, OSError) as reason:
        said = str(reason).partition("\n")[0][:200]
        msg = f"{path}: cannot be read as Parquet ({said}): cut off or damaged. Copy it again."
        raise InputError(msg, file=path, code="damaged") from None


def _batches(file: Any, names: Sequence[str], first_row: int = 0) -> Iterator[Any]:
    """Columns from a row on, a bounded number of rows at a time."""
    groups = range(file.num_row_groups)
    ends = np.cumsum([file.metadata.row_group(k).num_rows for k in groups], dtype=np.int64)
    first = int(np.searchsorted(ends, first_row, side="right"))
    skipped = first_row - (int(ends[first - 1]) if first else 0)
    for batch in file.iter_batches(_ROWS_A_BATCH, row_groups=groups[first:], columns=list(names)):
        if skipped < len(batch):
            yield batch.slice(skipped)
        skipped = max(skipped - len(batch), 0)


def _ids_of_batch(batch: Any, layout: Layout) -> Ids:
    given = batch.column(layout.names["event_id"]).to_pandas(integer_object_nulls=True)
    return Ids(*whole_ids(given), np.zeros(len(given) + 1, np.int64))


def _rows_of_parquet(
    path: Path, file: Any, layout: Layout, events: EventRange, settings: ReaderSettings
) -> Rows:
    import pyarrow as pa

    taken, left, before = [], events.n_events, None
    for batch in _batches(file, list(layout.names.values()), events.first_line - 1):
        new, before = new_events(path, _ids_of_batch(batch, layout), before, 0)
        taken.append(batch.slice(0, int(np.searchsorted(np.cumsum(new), left, side="right"))))
        left -= int(new.sum())
        if left < 0:
            break
    table = pa.Table.from_batches(taken, schema=None if taken else pa.schema([]))

    def column(name: str) -> pd.Series:
        found: pd.Series = table.column(layout.names[name]).to_pandas(integer_object_nulls=True)
        return found

    return as_rows(
        _ids_of_batch(table, layout), column, layout, settings, np.zeros(table.num_rows, bool)
    )
