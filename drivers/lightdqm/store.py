"""The store of runs: what light DQM found in each file, in one SQLite file.

Several processes may read and write it at once (write-ahead log; a write waits for another). A
file is written in one transaction, so it is in the store whole or not at all, and a file that is
measured again replaces what was there: the same name, run, sub-run and start, or the same content,
under the same settings. Nothing is pickled.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.errors import InputError, UsageError
from ...schemas.lightdqm.frames import DQM_VERDICT, TRIGGER_COUNTS
from ...schemas.lightdqm.stored_runs import ARRAY_DTYPES, RunIdentity, RunRecord
from ...schemas.tables import TableSchema
from ..files import fault_of_kind, natural_order, written_place
from ..sqlite_locks import is_held
from .store_schema import APPLICATION_ID, RUN_COLUMNS, SCHEMA_VERSION, create_store

# How long a write waits for other processes.
_TIMEOUT_S: Final = 60.0
# What any SQLite takes in one statement.
_MOST_VALUES: Final = 900
_REPAIR: Final = "Name another with --store, or move it away: a new one is made."
_ROWS: Final = {"verdict": DQM_VERDICT, "triggers": TRIGGER_COUNTS}


@dataclass(frozen=True)
class StoredRun:
    """A file in the store: its number there, what it is, where it came from."""

    run_id: int
    identity: RunIdentity
    path: str
    version: str
    origin: str


def order_key(identity: RunIdentity) -> tuple[Any, ...]:
    """The order of files: by the time of their data, those of unknown time first.

    Files of the same time are in natural order of run, sub-run and name.
    """
    start = identity.start_ms
    return (
        start is not None,
        0 if start is None else start,
        identity.run,
        identity.subrun,
        natural_order(identity.name),
    )


class RunStore:
    """An open store of runs; use it in a ``with`` block.

    With ``create`` a store that does not exist is empty, and made when a file is kept.

    Raises
    ------
    InputError
        If the file is no store, damaged, or of a newer version of the package.
    UsageError
        If it cannot be opened or written, or other processes keep it busy.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        fault = fault_of_kind(path)
        if fault:
            msg = f"{path}: {fault}, not a store of runs. Name a file with --store."
            raise UsageError(msg, file=path, key="store")
        if not path.exists() and not create:
            msg = (
                f"{path}: there is no store of runs. `radiograph lightdqm judge` fills one; "
                "name another with --store."
            )
            raise InputError(msg, file=path, key="store")
        self._connected: sqlite3.Connection | None = None
        if path.exists():
            self._connect()
        else:
            self._check_place()

    def _check_place(self) -> None:
        """UsageError if no store can be made: known before anything is computed for it."""
        folders = written_place(self.path).absolute().parents
        place = next(folder for folder in folders if folder.exists())
        if not (place.is_dir() and os.access(place, os.W_OK)):
            why = "may not be written" if place.is_dir() else "is a file"
            msg = f"{self.path}: the store of runs cannot be made ({place} {why})."
            raise UsageError(msg, file=self.path, key="store")

    @property
    def _connection(self) -> sqlite3.Connection:
        """The connection to a store that is made now if it does not exist."""
        if self._connected is None:
            with self._sound():
                create_store(self.path)
            self._connect()
        assert self._connected is not None
        return self._connected

    def _connect(self) -> None:
        with self._sound():
            # Autocommit: transactions begin where they are needed.
            connection = sqlite3.connect(self.path, timeout=_TIMEOUT_S, isolation_level=None)
        try:
            self._check_kind(connection)
        except BaseException:
            connection.close()
            raise
        self._connected = connection

    def _check_kind(self, connection: sqlite3.Connection) -> None:
        with self._sound():
            kind = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("PRAGMA foreign_keys = ON")
        if kind != APPLICATION_ID:
            msg = f"{self.path}: is no store of runs of light DQM. {_REPAIR}"
            raise InputError(msg, file=self.path, key="store")
        if version > SCHEMA_VERSION:
            msg = (
                f"{self.path}: a newer radiograph wrote this store (schema {version}; this one "
                f"reads up to {SCHEMA_VERSION}). Update radiograph, or name another with --store."
            )
            raise InputError(msg, file=self.path, key="store")

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """What SQLite and the file system say against the store, as an error of ours."""
        try:
            yield
        except sqlite3.OperationalError as reason:
            if "malformed" in str(reason) or "no such" in str(reason):
                raise self._damaged(reason) from None
            by = " by another process" if is_held(reason) else ""
            msg = f"{self.path}: the store of runs cannot be used ({reason}{by})."
            raise UsageError(msg, file=self.path, key="store") from reason
        except sqlite3.DatabaseError as reason:
            raise self._damaged(reason) from None
        except OSError as reason:
            msg = f"{self.path}: the store of runs cannot be made ({reason.strerror or reason})."
            raise UsageError(msg, file=self.path, key="store") from reason

    def _damaged(self, reason: object) -> InputError:
        msg = f"{self.path}: is no store of runs, or a damaged one ({reason}). {_REPAIR}"
        return InputError(msg, file=self.path, key="store")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._sound():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def copy_to(self, path: Path) -> None:
        """Write the same store to a new file; nothing if there is none yet."""
        if self._connected is None:
            return
        with self._sound(), closing(sqlite3.connect(path)) as copy:
            self._connected.backup(copy)

    def add(self, record: RunRecord) -> int:
        """Keep a file in the place of what is known of it; how many rows of files went."""
        record.check()
        with self._transaction():
            old = self._same_file(record.identity)
            self._delete(old)
            self._insert(record)
        return len(old)

    def merge(self, record: RunRecord) -> bool:
        """Add arrays to what is known of a file, unless that was measured from the file itself.

        Returns whether they were added. Arrays of the same name are replaced.
        """
        record.check()
        with self._transaction():
            old = self._same_file(record.identity)
            if any(run.origin == "file" for run in self._runs(old)):
                return False
            known: dict[str, NDArray[Any]] = {}
            for run_id in old:
                known |= self._arrays_of(run_id)
            self._delete(old)
            self._insert(replace(record, arrays={**known, **record.arrays}))
        return True

    def _insert(self, record: RunRecord) -> None:
        origin = {"path": record.path, "version": record.version, "origin": record.origin}
        values = {**vars(record.identity), **origin}
        marks = ", ".join("?" * len(RUN_COLUMNS))
        run_id = self._connection.execute(
            f"INSERT INTO runs ({', '.join(RUN_COLUMNS)}) VALUES ({marks})",
            [values[c] for c in RUN_COLUMNS],
        ).lastrowid
        self._connection.executemany(
            "INSERT INTO arrays VALUES (?, ?, ?, ?, ?, ?)",
            (
                (run_id, name, ARRAY_DTYPES[name], *array.shape, array.tobytes())
                for name, array in record.arrays.items()
            ),
        )
        for name, frame in (("verdict", record.verdict), ("triggers", record.triggers)):
            rows = zip(*(frame[c].tolist() for c in frame.columns), strict=True)
            columns = ", ".join(f'"{c}"' for c in frame.columns)
            self._connection.executemany(
                f"INSERT INTO {name} (run_id, {columns}) "
                f"VALUES ({', '.join('?' * (len(frame.columns) + 1))})",
                ((run_id, *row) for row in rows),
            )

    def _same_file(self, identity: RunIdentity) -> list[int]:
        """Numbers of the rows that ``identity`` replaces."""
        rows = self._connection.execute(
            "SELECT id FROM runs WHERE config_hash = :config_hash AND ("
            "(content <> '' AND content = :content) OR "
            "(name = :name AND run = :run AND subrun = :subrun AND "
            "(start_ms IS NULL OR :start_ms IS NULL OR start_ms = :start_ms)))",
            vars(identity),
        )
        return [row[0] for row in rows]

    def _delete(self, run_ids: Iterable[int]) -> None:
        self._connection.executemany("DELETE FROM runs WHERE id = ?", ((i,) for i in run_ids))

    def runs(self, config_hash: str | None = None) -> list[StoredRun]:
        """The files of the store, or those measured with some settings, in their order."""
        if self._connected is None and not self.path.exists():
            return []
        query = "SELECT id FROM runs WHERE :wanted IS NULL OR config_hash = :wanted"
        with self._sound():
            found = self._connection.execute(query, {"wanted": config_hash})
            return self._runs([row[0] for row in found])

    def _runs(self, run_ids: Sequence[int]) -> list[StoredRun]:
        runs = []
        for part in _parts(run_ids):
            for run_id, *values in self._connection.execute(
                f"SELECT id, {', '.join(RUN_COLUMNS)} FROM runs WHERE id IN ({_marks(part)})", part
            ):
                known = dict(zip(RUN_COLUMNS, values, strict=True))
                rest = {k: known.pop(k) for k in ("path", "version", "origin")}
                runs.append(StoredRun(run_id, RunIdentity(**known), **rest))
        return sorted(runs, key=lambda r: order_key(r.identity))

    def arrays(self, name: str, run_ids: Sequence[int]) -> dict[int, NDArray[Any]]:
        """One array of some files, (n_adcs, 64) each; files without it are left out."""
        found: dict[int, NDArray[Any]] = {}
        with self._sound():
            for part in _parts(run_ids):
                for run_id, *rest in self._connection.execute(
                    "SELECT run_id, dtype, n_adcs, n_channels, data FROM arrays "
                    f"WHERE name = ? AND run_id IN ({_marks(part)})",
                    (name, *part),
                ):
                    found[run_id] = self._array(name, *rest)
        return found

    def _arrays_of(self, run_id: int) -> dict[str, NDArray[Any]]:
        rows = self._connection.execute(
            "SELECT name, dtype, n_adcs, n_channels, data FROM arrays WHERE run_id = ?", (run_id,)
        )
        return {name: self._array(name, *rest) for name, *rest in rows}

    def _array(
        self, name: str, dtype: str, n_adcs: int, n_channels: int, data: bytes
    ) -> NDArray[Any]:
        known = ARRAY_DTYPES.get(name)
        if dtype != known or len(data) != n_adcs * n_channels * np.dtype(known).itemsize:
            reason = f"the array {name} is not what it should be"
            raise self._damaged(reason)
        return np.frombuffer(data, known).reshape(n_adcs, n_channels)

    def rows(self, name: str, run_ids: Sequence[int]) -> pd.DataFrame:
        """``verdict`` or ``triggers`` of some files, in their order, ``run_id`` first."""
        schema = _ROWS[name]
        columns = ", ".join(f'"{c}"' for c in schema.names)
        found: dict[int, list[tuple[Any, ...]]] = {run_id: [] for run_id in run_ids}
        with self._sound():
            for part in _parts(run_ids):
                for row in self._connection.execute(
                    f"SELECT run_id, {columns} FROM {name} WHERE run_id IN ({_marks(part)}) "
                    "ORDER BY rowid",
                    part,
                ):
                    found[row[0]].append(row)
        return _frame(schema, [row for rows in found.values() for row in rows])

    def close(self) -> None:
        """Close the connection."""
        if self._connected is not None:
            self._connected.close()

    def __enter__(self) -> RunStore:
        """The store, open until the block ends."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()


def _frame(schema: TableSchema, rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(schema.names) + 1)
    frame = schema.frame(dict(zip(schema.names, columns[1:], strict=True)))
    frame.insert(0, "run_id", np.asarray(columns[0], dtype=np.int64))
    return frame


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


def _parts(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(values), _MOST_VALUES):
        yield values[begin : begin + _MOST_VALUES]
