"""The store of runs: a file once, whole or not at all, also for several writers; damage is told."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.lightdqm.store import RunStore, order_key
from radiograph.schemas.errors import InputError, OutputCheckError, UsageError
from radiograph.schemas.lightdqm.stored_runs import RunRecord

from .conftest import START_MS, arrays_of, record

Make = Callable[..., RunRecord]


def test_what_goes_in_comes_out(store: RunStore, make_record: Make) -> None:
    given = make_record(failing={"dead": "0/5 3/63"}, content="abc", baseline=-27000.25)
    given.arrays["noise.median"][2, 9] = np.nan
    assert store.add(given) == 0
    (run,) = store.runs()
    assert run.identity == given.identity
    assert (run.path, run.version, run.origin) == (given.path, "0.1.0", "file")
    found = arrays_of(store, run.run_id)
    assert found.keys() == given.arrays.keys()
    for name, array in given.arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
        assert not found[name].flags.writeable
    for name, frame in (("verdict", given.verdict), ("triggers", given.triggers)):
        rows = store.rows(name, [run.run_id])
        assert set(rows.pop("run_id")) == {run.run_id}
        pd.testing.assert_frame_equal(rows, frame, check_categorical=False)


def test_the_same_file_again_replaces_what_was_there(store: RunStore, make_record: Make) -> None:
    store.add(make_record(failing={"dead": "0/5"}, noise=12.0))
    assert store.add(make_record(noise=13.0)) == 1
    (run,) = store.runs()
    assert arrays_of(store, run.run_id)["noise.median"][0, 4] == 13.0
    assert set(store.rows("verdict", [run.run_id])["status"]) == {"pass"}
    with sqlite3.connect(store.path) as raw:
        counts = [
            raw.execute(f"SELECT count(DISTINCT run_id) FROM {t}").fetchone()[0]
            for t in ("arrays", "verdict", "triggers")
        ]
    raw.close()
    assert counts == [1, 1, 1]


def test_which_files_are_the_same(store: RunStore, make_record: Make) -> None:
    one = make_record("a_rctl_5_p1.FLOW.hdf5", content="c1")
    store.add(one)
    # A copy under another name, and a file made anew under the same name, are the same data.
    assert store.add(make_record("copy.FLOW.hdf5", content="c1", start_ms=7)) == 1
    store.add(one)
    assert store.add(make_record("a_rctl_5_p1.FLOW.hdf5", content="c2")) == 1
    # Another start, sub-run or other settings are something else.
    assert store.add(make_record("a_rctl_5_p1.FLOW.hdf5", content="c3", start_ms=7)) == 0
    assert store.add(make_record("a_rctl_5_p2.FLOW.hdf5", content="c4")) == 0
    assert store.add(make_record("a_rctl_5_p1.FLOW.hdf5", content="c2", config_hash="o")) == 0
    assert len(store.runs()) == 4
    assert len(store.runs("o")) == 1


def test_files_come_in_the_order_of_their_data_and_naturally(
    store: RunStore, make_record: Make
) -> None:
    for name, start in [
        ("a_rctl_5_p10.FLOW.hdf5", None),
        ("a_rctl_5_p2.FLOW.hdf5", None),
        ("a_rctl_6_p0.FLOW.hdf5", 100),
        ("a_rctl_5_p11.FLOW.hdf5", 200),
        ("a_rctl_4_p9.FLOW.hdf5", 200),
    ]:
        store.add(make_record(name, start_ms=start))
    order = [(r.identity.run, r.identity.subrun) for r in store.runs()]
    assert order == [(5, 2), (5, 10), (6, 0), (4, 9), (5, 11)]


def test_lines_of_the_script_never_replace_a_measurement(
    store: RunStore, make_record: Make
) -> None:
    measured = make_record()
    empty = replace(measured.identity, start_ms=None, end_ms=None)
    lines = RunRecord(empty, "n.json", "0", "json", {"noise.median": np.full((8, 64), 99.0)})
    assert store.merge(lines)
    more = replace(lines, arrays={"noise.p16": np.full((8, 64), 98.0)})
    assert store.merge(more)
    (run,) = store.runs()
    assert sorted(arrays_of(store, run.run_id)) == ["noise.median", "noise.p16"]
    assert store.add(measured) == 1
    assert not store.merge(lines)
    (run,) = store.runs()
    assert run.origin == "file"


def test_a_failed_write_leaves_what_was_there(store: RunStore, make_record: Make) -> None:
    store.add(make_record(noise=12.0))

    class Interrupting(dict[str, Any]):
        def items(self) -> Any:
            yield from list(super().items())[:3]
            raise KeyboardInterrupt

    broken = replace(make_record(noise=13.0), arrays=Interrupting(make_record().arrays))
    with pytest.raises(KeyboardInterrupt), store._transaction():
        store._delete(store._same_file(broken.identity))
        store._insert(broken)
    (run,) = store.runs()
    assert len(arrays_of(store, run.run_id)) == len(make_record().arrays)
    assert arrays_of(store, run.run_id)["noise.median"][0, 0] == 12.0


def test_arrays_of_another_kind_are_refused(store: RunStore, make_record: Make) -> None:
    for name, array in (
        ("noise.median", np.zeros((8, 64), np.float32)),
        ("noise.median", np.zeros(64)),
        ("something", np.zeros((8, 64))),
    ):
        with pytest.raises(OutputCheckError, match=name):
            store.add(replace(make_record(), arrays={name: array}))
    assert store.runs() == []


def _write_some(path: str, first: int, n: int) -> None:
    with RunStore(Path(path)) as store:
        for i in range(n):
            store.add(record(f"a_rctl_5_p{first + i}.FLOW.hdf5"))
            store.add(record("shared_rctl_1_p1.FLOW.hdf5", noise=float(first + i)))


def test_several_processes_write_one_new_store(tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.sqlite"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_some, args=(str(path), 100 * w, 4)) for w in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [w.exitcode for w in writers] == [0] * 4
    with RunStore(path, create=False) as store:
        runs = store.runs()
        assert len(runs) == 4 * 4 + 1
        assert all(len(arrays_of(store, r.run_id)) == len(record().arrays) for r in runs)
    assert {p.name for p in path.parent.iterdir()} <= {
        "runs.sqlite",
        "runs.sqlite-wal",
        "runs.sqlite-shm",
    }


def _die_while_writing(path: str) -> None:
    with RunStore(Path(path)) as store, store._transaction():
        store._insert(record("a_rctl_5_p1.FLOW.hdf5"))
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_writer_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with RunStore(path) as store:
        store.add(record())
    writer = multiprocessing.get_context("fork").Process(
        target=_die_while_writing, args=(str(path),)
    )
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    with RunStore(path) as store:
        assert [r.identity.subrun for r in store.runs()] == [0]
        store.add(record("a_rctl_5_p1.FLOW.hdf5"))
        assert len(store.runs()) == 2


def test_a_store_that_others_keep_busy_is_a_usage_error(
    tmp_path: Path, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("radiograph.drivers.lightdqm.store._TIMEOUT_S", 0.05)
    path = tmp_path / "runs.sqlite"
    with RunStore(path) as one, RunStore(path) as two, one._transaction():
        one._insert(make_record())
        assert two.runs() == []  # readers do not wait
        with pytest.raises(UsageError, match="locked by another process"):
            two.add(make_record())


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "runs.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no store of runs") as error:
        RunStore(path)
    assert error.value.exit_code == 3
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE runs (id INTEGER)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(InputError, match="is no store of runs of light DQM"):
        RunStore(path)
    assert path.read_bytes() == before


def test_a_truncated_store_is_told(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with RunStore(path) as store:
        for i in range(3):
            store.add(record(f"a_rctl_5_p{i}.FLOW.hdf5"))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"damaged one|no store"), RunStore(path) as store:
        for run in store.runs():
            arrays_of(store, run.run_id)


def test_an_array_of_the_wrong_length_is_damage(store: RunStore, make_record: Make) -> None:
    store.add(make_record())
    store._connection.execute("UPDATE arrays SET data = x'00' WHERE name = 'noise.median'")
    (run,) = store.runs()
    with pytest.raises(InputError, match=r"the array noise\.median is not what it should be"):
        store.arrays("noise.median", [run.run_id])


def test_a_newer_store_says_so(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with RunStore(path) as store:
        store.add(record())
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 7")
    raw.close()
    with pytest.raises(InputError, match=r"newer radiograph .*schema 7; this one reads up to 1"):
        RunStore(path)


def test_places_where_no_store_can_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        RunStore(tmp_path)
    with pytest.raises(InputError, match="there is no store of runs"):
        RunStore(tmp_path / "none.sqlite", create=False)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made .*file is a file"):
        RunStore(tmp_path / "file" / "runs.sqlite")


def test_a_store_is_made_when_a_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.sqlite"
    with RunStore(path) as store:
        assert store.runs() == []
        assert not path.parent.exists()
        with RunStore(path) as other:
            other.add(record())
        assert [run.identity.subrun for run in store.runs()] == [0]


def test_many_files_are_asked_for_at_once(store: RunStore, make_record: Make) -> None:
    small = {"noise.median": np.zeros((1, 64))}
    run = replace(make_record(), arrays=small)
    with store._transaction():
        for i in range(1000):
            identity = replace(run.identity, subrun=i, start_ms=START_MS + i)
            store._insert(replace(run, identity=identity))
    runs = store.runs()
    assert [r.identity.subrun for r in runs] == list(range(1000))
    ids = [r.run_id for r in runs]
    assert len(store.arrays("noise.median", ids)) == 1000
    assert store.rows("verdict", ids)["run_id"].nunique() == 1000


def test_unknown_times_come_first(make_record: Make) -> None:
    unknown = make_record(start_ms=None).identity
    known = make_record(start_ms=-5).identity
    assert order_key(unknown) < order_key(known)
