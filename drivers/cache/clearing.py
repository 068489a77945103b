"""A cache that cannot be used any more is emptied by its files: database and stored values."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from stat import S_ISREG
from typing import Final

from ...schemas.errors import UsageError
from ..sqlite_locks import is_held
from .opening import opened_store
from .store import DATABASE, STORE_ERRORS

# A process that keeps a value holds the database for much less than this.
_PATIENCE_S: Final = 5.0
_DATABASE_FILES: Final = tuple(f"{DATABASE}{end}" for end in ("", "-wal", "-shm", "-journal"))
# Values, and those that were being written, in folders of two hexadecimal digits in such ones.
_SUBFOLDER: Final = re.compile(r"[0-9a-f]{2}")
_VALUE: Final = re.compile(r"[0-9a-f]{28}\.(val|\d+\.tmp)")


def emptied(folder: Path) -> str:
    """Drop everything that a cache holds, whatever state it is in; what was done, in words.

    Other files of the folder stay. UsageError if another process writes to the cache, or if files
    cannot be removed.
    """
    if not folder.exists():
        return f"0 rows dropped: {folder} is not there"
    _check_unused(folder)
    try:
        with closing(opened_store(folder)) as store:
            return f"{store.clear()} rows dropped from {folder}"
    except STORE_ERRORS as reason:
        why = str(reason) or "its database does not answer"
    # Once more: what did not answer may have been in use by now.
    _check_unused(folder)
    removed, faults = _remove_files(folder)
    cannot = f"{folder}: cannot be used as a cache ({why})"
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        msg = (
            f"{cannot}, nor be emptied: {faults[0]}{more} cannot be removed. Change the rights of "
            "the folder, or name another with --cache-dir."
        )
        raise UsageError(msg, file=folder, code="cache_not_cleared")
    if not removed:
        msg = f"{cannot}, and holds nothing of one. Name another with --cache-dir."
        raise UsageError(msg, file=folder)
    return f"{removed} files removed from {folder}, which could not be used as a cache ({why})"


def _check_unused(folder: Path) -> None:
    if _is_written_by_another(folder / DATABASE):
        msg = f"{folder}: another process writes to this cache. Empty it when that has ended."
        raise UsageError(msg, file=folder, code="cache_in_use")


def _remove_files(folder: Path) -> tuple[int, list[str]]:
    """How many files of the cache were removed, and which ones could not be, and why."""
    removed, faults = 0, []
    for path in _files_of_cache(folder):
        try:
            if S_ISREG(path.lstat().st_mode):
                path.unlink()
                removed += 1
            else:
                faults.append(f"{path} (is no regular file)")
        except FileNotFoundError:
            continue
        except OSError as fault:
            faults.append(f"{path} ({fault.strerror or fault})")
    for sub in (*folder.glob("??/??"), *folder.glob("??")):
        with suppress(OSError):
            if _SUBFOLDER.fullmatch(sub.name):
                sub.rmdir()
    return removed, faults


def _is_written_by_another(database: Path) -> bool:
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(database, timeout=_PATIENCE_S)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.Error as reason:
        return is_held(reason)
    return False


def _files_of_cache(folder: Path) -> Iterator[Path]:
    # Values first: without them a database that stays only tells of what is gone.
    for path in folder.glob("??/??/*"):
        inside = path.relative_to(folder).parts
        if all(_SUBFOLDER.fullmatch(p) for p in inside[:2]) and _VALUE.fullmatch(inside[2]):
            yield path
    for name in _DATABASE_FILES:
        path = folder / name
        if path.exists() or path.is_symlink():
            yield path
