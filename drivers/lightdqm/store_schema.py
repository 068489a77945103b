"""The tables of the store of runs in SQLite, and how a new file of them is made."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from ..files import written_place
from ..temporary_files import remove_leftovers, temporary_beside

# "RGLD": tells a store of runs from any other database.
APPLICATION_ID: Final = 0x52474C44
SCHEMA_VERSION: Final = 1
RUN_COLUMNS: Final = (
    "name",
    "content",
    "run",
    "subrun",
    "start_ms",
    "end_ms",
    "config_hash",
    "path",
    "version",
    "origin",
)
# Little-endian numbers in the order of the rows; ``dtype`` and ``shape`` say which.
SCHEMA_SQL: Final = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    run INTEGER NOT NULL,
    subrun INTEGER NOT NULL,
    start_ms INTEGER,
    end_ms INTEGER,
    config_hash TEXT NOT NULL,
    path TEXT NOT NULL,
    version TEXT NOT NULL,
    origin TEXT NOT NULL
);
CREATE INDEX runs_by_name ON runs (config_hash, name);
CREATE INDEX runs_by_content ON runs (config_hash, content);
CREATE TABLE arrays (
    run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    name TEXT NOT NULL,
    dtype TEXT NOT NULL,
    n_adcs INTEGER NOT NULL,
    n_channels INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX arrays_by_name ON arrays (name, run_id);
CREATE INDEX arrays_by_run ON arrays (run_id);
CREATE TABLE verdict (
    run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    "check" TEXT NOT NULL,
    status TEXT NOT NULL,
    value REAL,
    "limit" REAL,
    unit TEXT NOT NULL,
    n_channels INTEGER NOT NULL,
    channels TEXT NOT NULL,
    reason TEXT NOT NULL,
    action TEXT NOT NULL
);
CREATE INDEX verdict_by_run ON verdict (run_id);
CREATE TABLE triggers (
    run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    "trigger" TEXT NOT NULL,
    n_events INTEGER NOT NULL,
    n_selected INTEGER NOT NULL
);
CREATE INDEX triggers_by_run ON triggers (run_id);
"""


def create_store(path: Path) -> None:
    """A new store at ``path``, whole from the first moment; one that is there is left alone.

    Several processes may do so at once.
    """
    path = written_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    temporary = temporary_beside(path)
    temporary.unlink(missing_ok=True)
    try:
        connection = sqlite3.connect(temporary)
        try:
            connection.executescript(
                f"PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {SCHEMA_VERSION};" + SCHEMA_SQL
            )
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink(missing_ok=True)
