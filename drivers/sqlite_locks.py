"""Whether SQLite refuses because another connection holds the database."""

from __future__ import annotations

import sqlite3


def is_held(reason: sqlite3.Error) -> bool:
    """True if another connection, of this process or of another, has the database locked."""
    # Errors of the module itself carry no code of SQLite.
    return getattr(reason, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF == sqlite3.SQLITE_BUSY
