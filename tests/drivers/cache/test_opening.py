"""A cache that cannot be used is done without, with one warning; a file is known by its content."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers import files
from radiograph.drivers.cache import location, opening, store
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.execution import NodeCache
from radiograph.drivers.cache.lazy import resolved
from radiograph.drivers.cache.opening import CacheOptions, known_file, open_cache
from radiograph.drivers.node_records import NodeCall
from radiograph.schemas.errors import UsageError


def doubled(x: int) -> int:
    return 2 * x


def call(x: int) -> NodeCall:
    return NodeCall("doubled", doubled, {"x": x}, lambda inputs, _: doubled(**inputs))


def is_hit(cache: NodeCache, x: int) -> bool:
    outcome = cache.evaluate(call(x))
    assert resolved(outcome.value) == 2 * x
    return outcome.hit


def broken(folder: Path, how: str) -> Path:
    """A folder that cannot be a cache."""
    if how == "under a file":
        folder.write_text("a file")
        return folder / "cache"
    if how == "a file":
        folder.write_text("a file")
        return folder
    if how == "no such place":
        return Path("/proc/no/cache")
    folder.mkdir()
    path = folder / "cache.db"
    if how == "garbage":
        path.write_bytes(b"no database at all" * 500)
    elif how == "folder":
        path.mkdir()
    elif how == "truncated":
        store.Store(folder, ()).close()
        with path.open("r+b") as stream:
            stream.truncate(5000)
    return folder


HOWS = ["under a file", "a file", "no such place", "garbage", "folder", "truncated"]


@pytest.mark.parametrize("how", HOWS)
def test_unusable_folder(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = broken(tmp_path / "c", how)
    monkeypatch.setattr(opening, "default_folder", lambda: folder)
    with caplog.at_level(logging.WARNING):
        assert open_cache(CacheOptions(), ()) is None
    (record,) = caplog.records
    assert str(folder) in record.getMessage()
    assert "the run goes on without it" in record.getMessage()
    # Asked for by name, it stops with one sentence.
    with pytest.raises(UsageError, match="cannot be used as a cache") as failure:
        open_cache(CacheOptions(folder), ())
    assert str(folder) in str(failure.value)
    assert "--no-cache" in str(failure.value)
    # Not asked for, nothing is looked at.
    assert open_cache(CacheOptions(folder, enabled=False), ()) is None


def raiser(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


FAILURES = {
    "full disk": OSError(errno.ENOSPC, "No space left on device"),
    "read-only": OSError(errno.EROFS, "Read-only file system"),
    "full database": sqlite3.OperationalError("database or disk is full"),
    "malformed database": sqlite3.DatabaseError("database disk image is malformed"),
    "locked": store.diskcache.Timeout("too long"),
}


@pytest.mark.parametrize("operation", ["add_value", "set_record", "record", "has_value"])
@pytest.mark.parametrize("kind", FAILURES)
def test_failing_store_is_told_once(
    tmp_path: Path,
    kind: str,
    operation: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = open_cache(CacheOptions(tmp_path / "c"), ())
    assert cache is not None
    is_hit(cache, 1)
    monkeypatch.setattr(cache.store, operation, raiser(FAILURES[kind]))
    with caplog.at_level(logging.WARNING):
        for x in (1, 2, 3, 1):
            is_hit(cache, x)
        cache.remember("name", {"a": 1})
        cache.close(20.0)
    (record,) = caplog.records
    assert str(FAILURES[kind]) in record.getMessage()
    assert record.getMessage().endswith("the run goes on without it")


@pytest.mark.parametrize("error", [FAILURES["full disk"], FAILURES["full database"]], ids=str)
def test_full_while_writing(
    tmp_path: Path,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = open_cache(CacheOptions(tmp_path / "c"), ())
    assert cache is not None
    monkeypatch.setattr(store, "_INLINE_BYTES", 0)
    monkeypatch.setattr(store, "write_synced", raiser(error))
    assert not is_hit(cache, 1)
    assert not is_hit(cache, 2)
    assert len(caplog.records) == 1
    monkeypatch.undo()
    again = open_cache(CacheOptions(tmp_path / "c"), ())
    assert again is not None
    assert not is_hit(again, 1)  # nothing half is left
    assert is_hit(again, 1)


def test_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = open_cache(CacheOptions(tmp_path / "c"), ())
    assert cache is not None
    is_hit(cache, 1)
    monkeypatch.setattr(cache.store, "add_value", raiser(FAILURES["full disk"]))
    assert not is_hit(cache, 2)
    assert is_hit(cache, 1)


def test_database_damaged_between_runs(tmp_path: Path) -> None:
    """Pages in the middle of the database overwritten: right values, no crash."""
    folder = tmp_path / "c"
    cache = open_cache(CacheOptions(folder), ())
    assert cache is not None
    for x in range(40):
        is_hit(cache, x)
    cache.close(20.0)
    path = folder / "cache.db"
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(8192)
        stream.write(b"\xa5" * (size - 12288))
    opened: NodeCache | None = None
    try:
        opened = open_cache(CacheOptions(folder), ())
    except UsageError:
        return
    assert opened is not None
    for x in range(40):
        is_hit(opened, x)


# --- where ----------------------------------------------------------------------------------


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RADIOGRAPH_CACHE", str(tmp_path))
    assert location.default_folder() == tmp_path / "results"
    monkeypatch.delenv("RADIOGRAPH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    monkeypatch.setattr("sys.platform", "linux")
    assert location.default_folder() == tmp_path / "x" / "radiograph" / "results"


def test_salt_names_what_computes() -> None:
    assert {"python", "numpy", "numba", "pandas", "scipy", "epoch"} <= set(location.salt())


def test_a_new_epoch_changes_every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, versions = store.Store(tmp_path, ()), CodeVersions(())

    def keys() -> set[str]:
        cache = NodeCache(folder, versions)
        found = {cache.key(n, {"code": c}, {"x": x}) for n in "ab" for c in "cd" for x in "ef"}
        joined = cache.derived(doubled, "doubled", [(1, "fingerprint")])
        return found | {joined, cache.deferred(call(1)).fingerprint}

    before = keys()
    assert before == keys()
    assert len(before) == 10
    monkeypatch.setattr(location, "CACHE_EPOCH", location.CACHE_EPOCH + 1)
    assert not before & keys()
    folder.close()


def test_another_version_is_another_key(tmp_path: Path) -> None:
    cache = open_cache(CacheOptions(tmp_path / "c"), ())
    assert cache is not None
    is_hit(cache, 1)
    newer = NodeCache(cache.store, cache.versions, salt={**cache.salt, "numpy": "99"})
    reasons: list[str] = []
    one = call(1)
    newer.evaluate(NodeCall(one.name, one.function, one.inputs, lambda i, r: reasons.append(r)))
    assert reasons == ["version of numpy changed"]


# --- files ----------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Paths whose bytes were read."""
    read: list[Path] = []

    def noted(path: Path) -> Any:
        read.append(path)
        return files.file_ref(path)

    monkeypatch.setattr(opening, "file_ref", noted)
    return read


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodeCache:
    monkeypatch.setattr(opening, "_SETTLED_S", -1.0)
    opened = open_cache(CacheOptions(tmp_path / "c"), ())
    assert opened is not None
    return opened


def test_unchanged_file_is_not_read_again(
    cache: NodeCache, tmp_path: Path, reads: list[Path]
) -> None:
    path = tmp_path / "a.out"
    path.write_bytes(b"one")
    first = known_file(path, cache)
    assert first == files.file_ref(path)
    assert known_file(path, cache) == first
    assert reads == [path]
    assert known_file(path, cache, rehash=True) == first
    assert reads == [path, path]
    assert known_file(path, None) == first


def test_same_size_and_time_but_other_content(cache: NodeCache, tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    path.write_bytes(b"one")
    before = path.stat()
    first = known_file(path, cache)
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )
    # The time of change cannot be set back.
    assert known_file(path, cache).content_hash != first.content_hash


def test_replaced_by_rename(cache: NodeCache, tmp_path: Path) -> None:
    path, other = tmp_path / "a.out", tmp_path / "b.out"
    path.write_bytes(b"one"), other.write_bytes(b"two")
    first = known_file(path, cache)
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert known_file(path, cache) == files.file_ref(path) != first


def test_link_to_other_content(cache: NodeCache, tmp_path: Path) -> None:
    one, two, link = tmp_path / "1", tmp_path / "2", tmp_path / "link"
    one.write_bytes(b"one"), two.write_bytes(b"two")
    link.symlink_to(one)
    first = known_file(link, cache)
    link.unlink()
    link.symlink_to(two)
    assert known_file(link, cache).content_hash != first.content_hash


def test_moved_file_has_the_same_identity(cache: NodeCache, tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    path.write_bytes(b"one")
    first = known_file(path, cache)
    moved = path.rename(tmp_path / "b.out")
    again = known_file(moved, cache)
    assert again == first
    assert again.path == str(moved)


def test_young_file_is_not_remembered(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes within a tick of the clock look like one."""
    opened = open_cache(CacheOptions(tmp_path / "c"), ())
    path = tmp_path / "a.out"
    path.write_bytes(b"one")
    known_file(path, opened)
    known_file(path, opened)
    assert reads == [path, path]
    now = opening.time.time()
    monkeypatch.setattr(opening.time, "time", lambda: now + 10)
    known_file(path, opened)
    known_file(path, opened)
    assert reads == [path] * 3


def test_file_that_was_young_when_its_hash_began_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_cache(CacheOptions(tmp_path / "c"), ())
    path = tmp_path / "a.out"
    path.write_bytes(b"one")
    clock, read = [opening.time.time()], []

    def takes_long(path: Path) -> Any:
        clock[0] += 10
        read.append(path)
        return files.file_ref(path)

    monkeypatch.setattr(opening, "file_ref", takes_long)
    monkeypatch.setattr(opening.time, "time", lambda: clock[0])
    known_file(path, opened)
    known_file(path, opened)
    known_file(path, opened)
    assert read == [path, path]


def test_damaged_memory_of_a_file(cache: NodeCache, tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    path.write_bytes(b"one")
    first = known_file(path, cache)
    name = f"file:{path.absolute()}"
    for record in (None, [], {}, {"identity": []}, "x", 1):
        cache.remember(name, record)
        assert known_file(path, cache) == first
