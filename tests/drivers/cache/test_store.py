"""What is kept is right or absent: damage, foreign rows, pickles, pruning, two at a time."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diskcache.core import MODE_BINARY, MODE_PICKLE, MODE_RAW, MODE_TEXT
from radiograph.drivers.cache import store as storing
from radiograph.drivers.cache.content import fingerprint
from radiograph.drivers.cache.rebuilding import DamagedContentError
from radiograph.drivers.cache.report import damaged_values, entries
from radiograph.drivers.cache.store import Encoded, Store

SMALL = {"a": (1, 2.5), 3: "x"}
LARGE = np.arange(20_000.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = Store(folder, ("radiograph",))
    yield opened
    opened.close()


def keep(store: Store, value: Any) -> str:
    known = fingerprint(value)
    store.add_value(known, Encoded(value, known))
    return known


def rows(folder: Path, statement: str, *arguments: Any) -> list[Any]:
    with sqlite3.connect(folder / "cache.db") as connection:
        found = connection.execute(statement, arguments).fetchall()
    connection.close()
    return found


def file_of(folder: Path, known: str) -> Path:
    ((name,),) = rows(folder, "SELECT filename FROM Cache WHERE key = ?", f"v:{known}")
    return folder / name


def test_small_and_large_come_back(store: Store, folder: Path) -> None:
    small, large = keep(store, SMALL), keep(store, LARGE)
    assert store.value(small) == SMALL
    assert np.array_equal(store.value(large), LARGE)
    assert not store.value(large).flags.writeable
    assert file_of(folder, large).stat().st_size > LARGE.nbytes
    assert rows(folder, "SELECT filename FROM Cache WHERE key = ?", f"v:{small}") == [(None,)]
    assert not list(folder.rglob("*.tmp"))
    with pytest.raises(KeyError):
        store.value("0" * 32)


def test_nothing_of_it_is_a_pickle(store: Store, folder: Path) -> None:
    keep(store, SMALL), keep(store, LARGE)
    store.set_record("key:a", {"b": [1, "c"]})
    assert {m for (m,) in rows(folder, "SELECT mode FROM Cache")} <= {MODE_RAW, MODE_BINARY}
    assert {r for (r,) in rows(folder, "SELECT raw FROM Cache")} == {1}
    for (value,) in rows(folder, "SELECT value FROM Cache WHERE value IS NOT NULL"):
        assert isinstance(value, (str, bytes))
        assert not (isinstance(value, bytes) and value.startswith(b"\x80"))


@pytest.mark.parametrize("value", [1, b"a", ["a"], None, {"a": 1}])
def test_only_texts_and_encoded_values_go_in(store: Store, value: Any) -> None:
    with pytest.raises(TypeError, match="the cache stores texts and encoded values"):
        store._cache.set("r:a", value)
    with pytest.raises(TypeError, match="key must be a text"):
        store._cache.set(value, "a")


def test_mode_of_the_folder(folder: Path, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        Store(folder, ()).close()
        Store(tmp_path / "a" / "b" / "c", ()).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b" / "c").stat().st_mode) == 0o700


# --- damage ---------------------------------------------------------------------------------


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda d: d[:-1],
    "half": lambda d: d[: len(d) // 2],
    "empty": lambda _: b"",
    "three bytes": lambda d: d[:3],
    "longer": lambda d: d + b"\0",
    "bit of the magic": lambda d: flipped(d, 2),
    "bit of the length": lambda d: flipped(d, 8),
    "length less by padding": lambda d: d[:8] + bytes([d[8] - 16]) + d[9:],
    "bit of the checksum": lambda d: flipped(d, 20),
    "bit of the description": lambda d: flipped(d, 70),
    "first bit of the body": lambda d: flipped(d, len(d) // 2),
    "last bit": lambda d: flipped(d, len(d) - 1),
    "foreign": lambda _: b"GIF89a" + b"\0" * 500,
    "pickle": lambda _: pickle.dumps({"a": 1}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("value", [SMALL, LARGE], ids=["inline", "file"])
def test_damage_is_seen(store: Store, folder: Path, change: str, value: Any) -> None:
    known, other = keep(store, value), keep(store, "other")
    if value is LARGE:
        path = file_of(folder, known)
        path.write_bytes(CHANGES[change](path.read_bytes()))
    else:
        ((data,),) = rows(folder, "SELECT value FROM Cache WHERE key = ?", f"v:{known}")
        changed = sqlite3.Binary(CHANGES[change](data))
        rows(folder, "UPDATE Cache SET value = ? WHERE key = ?", changed, f"v:{known}")
    with pytest.raises(DamagedContentError):
        store.value(known)
    assert [d.value for d in damaged_values(store)] == [known]
    store.forget_value(known)
    assert not store.has_value(known)
    keep(store, value)
    assert fingerprint(store.value(known)) == known
    assert store.value(other) == "other"


def test_a_row_in_the_place_of_another_is_seen(store: Store, folder: Path) -> None:
    """Each file is whole, but they were exchanged: names belong to the checksum."""
    one, two = keep(store, LARGE), keep(store, LARGE + 1)
    a, b = file_of(folder, one), file_of(folder, two)
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second), b.write_bytes(first)
    for known in (one, two):
        with pytest.raises(DamagedContentError, match="checksum"):
            store.value(known)
    store.set_record("key:a", {"value": "1"})
    store.set_record("key:b", {"value": "2"})
    ((text,),) = rows(folder, "SELECT value FROM Cache WHERE key = 'r:key:b'")
    rows(folder, "UPDATE Cache SET value = ? WHERE key = 'r:key:a'", text)
    assert store.record("key:a") is None
    assert store.record("key:b") == {"value": "2"}


@pytest.mark.parametrize("change", ["bit", "short", "empty", "bytes", "number", "null", "json"])
def test_a_damaged_record_is_absent(store: Store, folder: Path, change: str) -> None:
    store.set_record("key:a", {"value": "0123456789abcdef", "bytes": 7})
    ((text,),) = rows(folder, "SELECT value FROM Cache WHERE key = 'r:key:a'")
    new: dict[str, Any] = {
        "bit": text.replace("7", "6", 1) if text.count("7") else text + " ",
        "short": text[:-1],
        "empty": "",
        "bytes": b"\xff\xfe",
        "number": 7,
        "null": None,
        "json": '{"value":"0123456789abcdef","bytes":7}',
    }
    rows(folder, "UPDATE Cache SET value = ? WHERE key = 'r:key:a'", new[change])
    assert store.record("key:a") is None
    assert dict(store.records("key:")) == {"key:a": None}
    assert entries(store) == []


def test_a_missing_file_is_absent(store: Store, folder: Path) -> None:
    known = keep(store, LARGE)
    file_of(folder, known).unlink()
    with pytest.raises(KeyError):
        store.value(known)
    assert [d.value for d in damaged_values(store)] == [known]


# --- what others put there ------------------------------------------------------------------


class Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


def test_a_planted_pickle_is_never_loaded(store: Store, folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    data = pickle.dumps(Bomb(marker))
    pickle.loads(data)
    assert marker.exists()  # it would work
    marker.unlink()
    large, small = keep(store, LARGE), keep(store, SMALL)
    file_of(folder, large).write_bytes(data)
    change = "UPDATE Cache SET mode = ?, value = ? WHERE key = ?"
    for mode in (MODE_PICKLE, MODE_TEXT, MODE_BINARY, 99):
        rows(folder, change, mode, None, f"v:{large}")
        rows(folder, change, mode, sqlite3.Binary(data), f"v:{small}")
        rows(folder, change, mode, sqlite3.Binary(data), "r:opened")
        for known in (large, small):
            with pytest.raises((KeyError, DamagedContentError)):
                store.value(known)
        assert store.record("opened") is None
    # A pickled key is no row of ours, and listing does not load it either.
    rows(folder, "INSERT INTO Cache (key, raw, mode, value) VALUES (?, 0, 4, ?)", data, data)
    assert sorted(store.values()) == sorted([large, small])
    assert dict(store.records("key:")) == {}
    assert {d.value for d in damaged_values(store)} == {large, small}
    store.prune(0)
    store.clear()
    store.close()
    Store(folder, ("radiograph",)).close()
    assert not marker.exists()


def test_foreign_settings_are_no_crash(store: Store, folder: Path) -> None:
    store.close()
    rows(folder, "INSERT INTO Settings VALUES ('disk_surprise', 1)")
    with pytest.raises(storing.STORE_ERRORS):
        Store(folder, ())


@pytest.mark.parametrize("damaged", [False, True])
def test_a_connection_does_not_outlive_its_store(
    folder: Path, damaged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 warns of one that nobody closed; before, it is only lost."""
    connect, opened = sqlite3.connect, []

    def remembered(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    if damaged:
        folder.mkdir()
        (folder / "cache.db").write_bytes(b"no database " * 1000)
    monkeypatch.setattr(sqlite3, "connect", remembered)
    if damaged:
        with pytest.raises(storing.STORE_ERRORS):
            Store(folder, ())
    else:
        Store(folder, ()).set_record("a", 1)
    gc.collect()
    assert opened
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_row_cannot_point_outside(store: Store, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "precious.val"
    outside.write_bytes(b"precious")
    known = keep(store, LARGE)
    for name in (str(outside), "../precious.val", "cache.db"):
        rows(folder, "UPDATE Cache SET filename = ? WHERE key = ?", name, f"v:{known}")
        with pytest.raises((KeyError, DamagedContentError)):
            store.value(known)
        store.forget_value(known)
        keep(store, LARGE)
        rows(folder, "UPDATE Cache SET filename = ? WHERE key = ?", name, f"v:{known}")
        store.clear()
        keep(store, LARGE)
    assert outside.read_bytes() == b"precious"
    assert fingerprint(store.value(known)) == known


def test_foreign_files_are_left_alone(store: Store, folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    (folder / "ab").mkdir(exist_ok=True)
    (folder / "ab" / "young.val").write_bytes(b"about to be named")
    old = folder / "ab" / "old.val"
    old.write_bytes(b"nobody names it")
    os.utime(old, (0, 0))
    keep(store, LARGE)
    store.prune(10**9)
    assert (folder / "notes.txt").exists()
    assert (folder / "ab" / "young.val").exists()
    assert not old.exists()
    assert len(list(store.values())) == 1


# --- keeping house --------------------------------------------------------------------------


def test_nothing_is_evicted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """diskcache would drop ten rows at each write beyond its limit, the new one among them."""
    monkeypatch.setattr(storing, "_NO_LIMIT", 100_000)
    store = Store(folder, ())
    kept = [keep(store, LARGE + k) for k in range(30)]
    assert store.volume() > 30 * LARGE.nbytes
    assert list(store.values()) == kept
    again = Store(folder, ())
    assert [fingerprint(again.value(k)) for k in kept] == kept
    assert storing._NO_LIMIT == 100_000
    store.close(), again.close()
    # Another program's settings in the same file do not turn it on either.
    rows(folder, "UPDATE Settings SET value = 10 WHERE key = 'cull_limit'")
    third = Store(folder, ())
    keep(third, "new")
    assert len(list(third.values())) == 31
    third.close()


def test_prune_keeps_the_newest(store: Store) -> None:
    kept = [keep(store, LARGE + k) for k in range(8)]
    store.value(kept[0])  # reading does not make it newer
    for k, known in enumerate(kept):
        record = {"node": f"n{k}", "value": known, "bytes": 1, "seconds": 0.0, "time": float(k)}
        store.set_record(f"key:{k}", record)
    most = 3 * LARGE.nbytes + 120_000
    assert store.prune(most) == 5
    assert list(store.values()) == kept[5:]
    assert store.volume() <= most
    assert all(fingerprint(store.value(k)) == k for k in kept[5:])
    # Listed is what is kept.
    assert [e.node for e in entries(store)] == ["n7", "n6", "n5"]
    assert store.prune(most) == 0
    store.prune(0)
    assert list(store.values()) == []


def test_clear(store: Store, folder: Path) -> None:
    keep(store, LARGE), keep(store, SMALL)
    store.set_record("key:a", {})
    assert store.clear() == 3
    assert list(store.values()) == []
    assert dict(store.records("")) == {}
    assert not list(folder.rglob("*.val"))


def test_a_good_value_is_not_replaced(store: Store, folder: Path) -> None:
    known = keep(store, LARGE)
    path = file_of(folder, known)
    before = path.stat().st_mtime_ns
    keep(store, LARGE)
    assert file_of(folder, known) == path
    assert path.stat().st_mtime_ns == before
    assert len(list(folder.rglob("*.val"))) == 1
    # Not even by a value that only claims the name.
    store.add_value(known, Encoded(LARGE + 1, known))
    assert np.array_equal(store.value(known), LARGE)


def test_two_stores_on_one_folder(store: Store, folder: Path) -> None:
    other = Store(folder, ("radiograph",))
    known = keep(store, LARGE)
    assert fingerprint(other.value(known)) == known
    other.set_record("a", [1])
    assert store.record("a") == [1]
    keep(other, LARGE)
    store.forget_value(known)
    assert not other.has_value(known)
    other.close()


def test_a_full_disk_leaves_nothing_behind(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = fingerprint(LARGE)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            keep(store, LARGE)
    assert not store.has_value(known)
    assert not [*folder.rglob("*.tmp"), *folder.rglob("*.val")]
    keep(store, LARGE)
    assert fingerprint(store.value(known)) == known


def test_a_locked_database_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "_TIMEOUT_S", 0.05)
    store = Store(folder, ())
    holder = sqlite3.connect(folder / "cache.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(storing.STORE_ERRORS):
        store.set_record("a", 1)
    with pytest.raises(storing.STORE_ERRORS):
        keep(store, LARGE)
    assert store.record("a") is None  # reading needs no lock
    holder.execute("ROLLBACK")
    holder.close()
    store.set_record("a", 1)
    assert store.record("a") == 1
    store.close()
