"""What is known of the files of a campaign: which was verified, when, with what checksum.

An SQLite file (WAL) beside the manifest. An entry counts only while the file has the size, the
time of change and the inode that it had then.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from ....schemas.errors import InputError, UsageError
from ...library_versions import installed_version
from ...sqlite_locks import is_held

FileState = Literal["ok", "no_checksum"]

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS files (
    file TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL, md5 TEXT NOT NULL, sha256 TEXT NOT NULL, state TEXT NOT NULL,
    at_utc TEXT NOT NULL, version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS archives (
    name TEXT PRIMARY KEY, md5 TEXT NOT NULL, parts TEXT NOT NULL, at_utc TEXT NOT NULL,
    version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS unpacked (
    name TEXT PRIMARY KEY, parts TEXT NOT NULL, members INTEGER NOT NULL,
    skipped INTEGER NOT NULL, at_utc TEXT NOT NULL, version TEXT NOT NULL);
"""
_WAIT_S: Final = 60.0
_PAUSE_S: Final = 0.01


@dataclass(frozen=True)
class KnownFile:
    """A file that was read whole: its checksums, and ``ok`` if they are those of the manifest."""

    file: str
    size: int
    md5: str
    sha256: str
    state: FileState
    at_utc: str


@dataclass(frozen=True)
class UnpackedArchive:
    """An archive that was unpacked: the md5 of its parts then, and how many files it gave."""

    name: str
    parts: tuple[str, ...]
    members: int
    skipped: int
    at_utc: str


class Ledger:
    """The ledger of a campaign; every call opens it anew, so that threads and processes share it.

    ``read_only`` = nothing is written, and a ledger that is not there is an empty one.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only

    def known(self, path: Path) -> KnownFile | None:
        """What is known of a file as it is now; None if nothing is, or it has changed since."""
        try:
            state = path.stat()
        except OSError:
            return None
        query = (
            "SELECT file, size, md5, sha256, state, at_utc FROM files "
            "WHERE file = ? AND size = ? AND mtime_ns = ? AND inode = ?"
        )
        found = self._one(query, path.name, state.st_size, state.st_mtime_ns, state.st_ino)
        return None if found is None else KnownFile(*found)

    def note_file(self, path: Path, md5: str, sha256: str, state: FileState) -> None:
        """Remember a file that was read whole."""
        seen = path.stat()
        row = (path.name, seen.st_size, seen.st_mtime_ns, seen.st_ino, md5, sha256, state)
        self._write("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?,?)", *row, *_now())

    def forget_file(self, name: str) -> None:
        """A file is gone, or is not what it was."""
        self._write("DELETE FROM files WHERE file = ?", name)

    def joined_md5(self, name: str, parts: tuple[str, ...]) -> str:
        """The md5 of joined parts with these md5; empty if they were not read as one."""
        query = "SELECT md5 FROM archives WHERE name = ? AND parts = ?"
        found = self._one(query, name, ",".join(parts))
        return "" if found is None else str(found[0])

    def note_joined(self, name: str, md5: str, parts: tuple[str, ...]) -> None:
        """Remember the md5 of the joined parts of an archive."""
        row = (name, md5, ",".join(parts))
        self._write("INSERT OR REPLACE INTO archives VALUES (?,?,?,?,?)", *row, *_now())

    def unpacked(self, name: str) -> UnpackedArchive | None:
        """What was unpacked of an archive."""
        query = "SELECT name, parts, members, skipped, at_utc FROM unpacked WHERE name = ?"
        found = self._one(query, name)
        if found is None:
            return None
        return UnpackedArchive(found[0], tuple(found[1].split(",")), *found[2:])

    def note_unpacked(self, name: str, parts: tuple[str, ...], members: int, skipped: int) -> None:
        """Remember an archive that was unpacked."""
        row = (name, ",".join(parts), members, skipped)
        self._write("INSERT OR REPLACE INTO unpacked VALUES (?,?,?,?,?,?)", *row, *_now())

    def _one(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        if not self.path.exists():
            return None
        with self._opened() as base:
            if not _has_begun(base):
                return None
            found: tuple[Any, ...] | None = base.execute(query, values).fetchone()
            return found

    def _write(self, query: str, *values: Any) -> None:
        with self._opened() as base, base:
            base.execute(query, values)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._connection()) as base:
                if not self._read_only:
                    _make_tables(base)
                yield base
        except sqlite3.OperationalError as reason:
            held = is_held(reason)
            repair = "Wait for the process that holds it" if held else "Make its folder writable"
            msg = f"{self.path}: the ledger cannot be used ({reason}). {repair}."
            raise UsageError(msg, file=self.path, code="ledger") from None
        except sqlite3.DatabaseError as reason:
            msg = (
                f"{self.path}: is no ledger ({reason}). Remove it: fetch and verify make it again."
            )
            raise InputError(msg, file=self.path, code="ledger") from None

    def _connection(self) -> sqlite3.Connection:
        if not self._read_only:
            return sqlite3.connect(self.path, timeout=_WAIT_S)
        # In a folder that cannot be written to, SQLite takes a WAL file for read-only only if it
        # is told that nobody changes it; elsewhere a read-only connection would leave files there.
        how = "mode=rw" if os.access(self.path.parent, os.W_OK) else "immutable=1"
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?{how}", uri=True, timeout=_WAIT_S)


def _make_tables(base: sqlite3.Connection) -> None:
    """The journal and the tables of a ledger, waited for as long as for any other lock.

    SQLite does not wait by itself where the journal of a new file changes: of two threads that
    begin one ledger, the second is told at once that it is locked.
    """
    patience_ends = time.monotonic() + _WAIT_S
    while True:
        try:
            if _has_begun(base):
                return
            base.execute("PRAGMA journal_mode=WAL")
            base.executescript(f"BEGIN IMMEDIATE;{_TABLES}COMMIT;")
        except sqlite3.OperationalError as reason:
            if not is_held(reason) or time.monotonic() > patience_ends:
                raise
            time.sleep(_PAUSE_S)


def _has_begun(base: sqlite3.Connection) -> bool:
    """Whether a database has tables: another may just be making them, all at once."""
    return bool(base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _now() -> tuple[str, str]:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", installed_version("radiograph")
