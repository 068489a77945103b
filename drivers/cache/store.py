"""Storage by diskcache without pickle: small records as JSON text, values as checked bytes.

Two kinds of rows: ``record`` rows are JSON by name; ``value`` rows hold one value each, named by
its fingerprint. A value row is a header (magic, length, checksum, description) and raw buffers; the
checksum covers the row's name, so that a row in the place of another is seen. Large rows are
written to a temporary file, synced and renamed before its row exists, so that a killed process
leaves at most a file that no row names.
"""

from __future__ import annotations

import json
import mmap
import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import diskcache
import xxhash
from diskcache.core import MODE_BINARY, MODE_RAW, UNKNOWN

from .content import Description
from .rebuilding import DamagedContentError, rebuilt

# The name that diskcache gives its database.
DATABASE: Final = "cache.db"
_MAGIC: Final = b"RGRAPH01"
_INLINE_BYTES: Final = 16384
_ALIGNMENT: Final = 64
_NO_LIMIT: Final = 1 << 50
_ORPHAN_AGE_S: Final = 3600.0
# How long a write waits for other processes before it fails.
_TIMEOUT_S: Final = 30.0
_PREFIX: Final = {"record": "r:", "value": "v:"}
# sqlite3 and the file system say "no" in these ways; the run then goes on without the cache.
STORE_ERRORS: Final = (OSError, sqlite3.Error, diskcache.Timeout)


class Encoded:
    """A value as the bytes of the row ``name``, in parts that need not be joined in memory.

    ``known`` is a description of it that was made before; one that leaves nothing out serves.
    """

    def __init__(self, value: Any, name: str, known: Description | None = None) -> None:
        description = known
        if description is None or not description.is_whole:
            description = Description(value, whole=True)
        header = description.header()
        header += b" " * (-len(header) % _ALIGNMENT)
        body: list[Any] = [header]
        for buffer in description.buffers:
            body += [buffer, b"\0" * (-memoryview(buffer).nbytes % _ALIGNMENT)]
        size = len(header).to_bytes(8, "little")
        check = xxhash.xxh3_128(name.encode() + size)
        for part in body:
            check.update(part)
        first = _MAGIC + size + check.digest()
        self.parts = [first + b"\0" * (-len(first) % _ALIGNMENT), *body]
        self.size = sum(memoryview(p).nbytes for p in self.parts)


_FIRST: Final = -(-(len(_MAGIC) + 8 + 16) // _ALIGNMENT) * _ALIGNMENT


def decoded(data: bytes | mmap.mmap, name: str, packages: tuple[str, ...]) -> Any:
    """The value of the bytes of the row ``name``; DamagedContentError if they are not whole."""
    if len(data) < _FIRST or data[: len(_MAGIC)] != _MAGIC:
        msg = "not a stored value"
        raise DamagedContentError(msg)
    view = memoryview(data)
    at = len(_MAGIC)
    header_size = int.from_bytes(view[at : at + 8], "little")
    check = xxhash.xxh3_128(name.encode() + view[at : at + 8])
    check.update(view[_FIRST:])
    if check.digest() != bytes(view[at + 8 : at + 24]):
        msg = "the checksum differs"
        raise DamagedContentError(msg)
    document = json.loads(bytes(view[_FIRST : _FIRST + header_size]))
    buffers, begin = [], _FIRST + header_size
    for size in document["sizes"]:
        buffers.append(view[begin : begin + size])
        begin += size + -size % _ALIGNMENT
    return rebuilt(document["tree"], buffers, packages)


class PlainDisk(diskcache.Disk):  # type: ignore[misc]
    """Text keys, text or Encoded values; nothing is ever pickled or unpickled."""

    def put(self, key: Any) -> tuple[str, bool]:
        """Keys are texts as they are."""
        if type(key) is not str:
            msg = f"a cache key must be a text, not a {type(key).__name__}"
            raise TypeError(msg)
        return key, True

    def get(self, key: Any, raw: bool) -> str:
        """Keys are texts as they are; a row with another key is foreign."""
        if not raw or not isinstance(key, str):
            return ""
        return key

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> Any:
        """(size, mode, file name, inline value) of a text or an Encoded value."""
        del read
        if type(value) is str:
            return 0, MODE_RAW, None, value
        if not isinstance(value, Encoded):
            msg = f"the cache stores texts and encoded values, not a {type(value).__name__}"
            raise TypeError(msg)
        if value.size < _INLINE_BYTES:
            return 0, MODE_RAW, None, sqlite3.Binary(b"".join(bytes(p) for p in value.parts))
        name, path = self.filename(key, value)
        write_synced(Path(path), value.parts)
        return value.size, MODE_BINARY, name, None

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Inline text or bytes, or the bytes of a file; a row of another mode is foreign."""
        del read
        if mode == MODE_RAW and isinstance(value, (str, bytes)):
            return value
        if mode == MODE_BINARY and filename:
            return _mapped(Path(self._directory) / filename)
        msg = "a row that this cache did not write"
        raise OSError(msg)

    def remove(self, file_path: str) -> None:
        """Remove the file of a row; one outside the folder is not ours."""
        path = Path(self._directory) / file_path
        if path.suffix == ".val" and path.resolve().is_relative_to(Path(self._directory).resolve()):
            super().remove(file_path)


def _mapped(path: Path) -> Any:
    """The bytes of a file without reading them all; a file that is replaced stays as it was."""
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size == 0:
            return b""
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


_CHECK_SIZE: Final = 16


def _check(name: str, text: str) -> str:
    return xxhash.xxh3_64(f"{name}\n{text}".encode()).hexdigest()


def write_synced(path: Path, parts: list[Any]) -> None:
    """A file that appears whole: temporary name, sync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as stream:
            for part in parts:
                stream.write(part)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class _Connected(diskcache.Cache):  # type: ignore[misc]
    """diskcache's cache, which keeps no connection to a database that it cannot use."""

    def __init__(self, directory: str, **settings: Any) -> None:
        try:
            super().__init__(directory, **settings)
        except BaseException:
            if "_local" in vars(self):
                self.close()
            raise


class Store:
    """Records and values in one folder, safe for several processes."""

    def __init__(self, folder: Path, packages: tuple[str, ...]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._packages = packages
        try:
            self._cache = _Connected(
                str(folder),
                disk=PlainDisk,
                eviction_policy="least-recently-stored",
                cull_limit=0,
                size_limit=_NO_LIMIT,
                timeout=_TIMEOUT_S,
                sqlite_journal_mode="wal",
            )
        except STORE_ERRORS:
            raise
        except Exception as reason:  # settings that some other program left in the database
            raise sqlite3.DatabaseError(str(reason)) from None
        # Not every user of a store comes to its end: whoever drops it lets go of the database.
        weakref.finalize(self, self._cache.close)

    def record(self, name: str) -> Any:
        """A JSON record, or None."""
        text = self._cache.get(_PREFIX["record"] + name, default=None)
        if not isinstance(text, str) or text[:_CHECK_SIZE] != _check(name, text[_CHECK_SIZE:]):
            return None
        try:
            return json.loads(text[_CHECK_SIZE:])
        except ValueError:
            return None

    def set_record(self, name: str, record: Any) -> None:
        """Keep a JSON record."""
        text = json.dumps(record, separators=(",", ":"))
        self._cache.set(_PREFIX["record"] + name, _check(name, text) + text)

    def records(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Records whose names begin with ``prefix``."""
        start = _PREFIX["record"] + prefix
        for key in self._cache.iterkeys():
            if key.startswith(start):
                name = key[len(_PREFIX["record"]) :]
                yield name, self.record(name)

    def has_value(self, fingerprint: str) -> bool:
        """Whether a value row exists; it may still be damaged."""
        return _PREFIX["value"] + fingerprint in self._cache

    def value(self, fingerprint: str) -> Any:
        """The value; KeyError if absent, DamagedContentError if damaged."""
        data = self._cache.get(_PREFIX["value"] + fingerprint, default=None)
        if data is None:
            raise KeyError(fingerprint)
        if not isinstance(data, (bytes, mmap.mmap)):
            msg = "not a stored value"
            raise DamagedContentError(msg)
        try:
            return decoded(data, fingerprint, self._packages)
        except DamagedContentError:
            raise
        except Exception as reason:  # whatever strange bytes provoke is damage
            msg = f"cannot be read ({type(reason).__name__}: {reason})"
            raise DamagedContentError(msg) from None

    def add_value(self, fingerprint: str, encoded: Encoded) -> None:
        """Keep a value, unless one of this fingerprint is there."""
        self._cache.add(_PREFIX["value"] + fingerprint, encoded)

    def forget_value(self, fingerprint: str) -> None:
        """Drop a damaged value."""
        self._cache.delete(_PREFIX["value"] + fingerprint)

    def values(self) -> Iterator[str]:
        """Fingerprints of the stored values, least recently stored first."""
        start = _PREFIX["value"]
        for key in self._cache:
            if key.startswith(start):
                yield key[len(start) :]

    def volume(self) -> int:
        """Bytes on disk."""
        return int(self._cache.volume())

    def prune(self, most_bytes: int) -> int:
        """Drop least recently stored values until at most ``most_bytes`` remain; how many."""
        dropped = 0
        for fingerprint in list(self.values()):
            if self.volume() <= most_bytes:
                break
            self.forget_value(fingerprint)
            dropped += 1
        self._drop_orphans()
        return dropped

    def clear(self) -> int:
        """Drop everything; how many rows there were."""
        count = int(self._cache.clear())
        self._drop_orphans()
        return count

    def _drop_orphans(self) -> None:
        """Files that no row names and no running process can be about to name."""
        named = {row[0] for row in self._cache._sql("SELECT filename FROM Cache").fetchall()}
        for path in self.folder.rglob("*"):
            relative = str(path.relative_to(self.folder))
            if path.suffix not in (".val", ".tmp") or relative in named:
                continue
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _ORPHAN_AGE_S:
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the connection."""
        self._cache.close()
