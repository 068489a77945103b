"""Rows that arrive in parts: order, types, shifts, what goes wrong in the thread that writes."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.drivers import hdf5_rows
from radiograph.drivers.hdf5 import Dataset, new_file
from radiograph.drivers.hdf5_rows import RowWriter

DATASETS = (
    Dataset("/lm/event", "i4", "", "row of an event", (), "event"),
    Dataset("/lm/position", "f4", "cm", "where", (3,)),
    Dataset("/lm/code", "u1", "", "why"),
)


def rows(first: int, n: int) -> dict[str, np.ndarray]:
    event = np.arange(first, first + n)
    position = np.add.outer(event / 3, np.arange(3.0))
    return {"/lm/event": event, "/lm/position": position, "/lm/code": (event % 7).astype("u1")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


@pytest.fixture
def file(path: Path) -> Iterator[h5py.File]:
    with new_file(path) as opened:
        yield opened


def writer(file: h5py.File) -> RowWriter:
    return RowWriter(file, DATASETS, Path(file.filename + ".side"))


@settings(deadline=None, max_examples=20)
@given(parts=st.lists(st.tuples(st.integers(0, 900), st.booleans()), max_size=6))
def test_rows_stand_in_order_and_late_ones_behind(parts: list, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.h5"
    early, late = [], []
    with new_file(path) as file:
        to = writer(file)
        for n, is_late in parts:
            first = sum(len(e) for e in (late if is_late else early))
            to.append(rows(first, n), late=is_late)
            (late if is_late else early).append(np.arange(first, first + n))
        n_early = sum(map(len, early))
        assert to.lengths()["/lm/code"] == (n_early, sum(map(len, late)))
        to.finish({"event": n_early})
        event = np.concatenate([*early, *(e + n_early for e in late), np.zeros(0, int)])
        np.testing.assert_array_equal(file["lm/event"], event)
        assert file["lm/event"].dtype == np.int32
        plain = np.concatenate([*early, *late, np.zeros(0, int)])
        position = np.add.outer(plain / 3, np.arange(3.0)).astype("f4")
        np.testing.assert_array_equal(file["lm/position"], position.reshape(-1, 3))
        assert file["lm/position"].attrs["units"] == "cm"
        assert file["lm/position"].maxshape == (None, 3)
    assert [p.name for p in path.parent.iterdir()] == ["a.h5"]


def test_a_number_of_no_row_is_not_shifted(file: h5py.File) -> None:
    to = writer(file)
    to.append({"/lm/event": np.array([0, 1])})
    to.append({"/lm/event": np.array([-1, 0])}, late=True)
    to.finish({"event": 2})
    assert file["lm/event"][()].tolist() == [0, 1, -1, 2]


def test_rows_are_taken_back(file: h5py.File) -> None:
    to = writer(file)
    to.append(rows(0, 5))
    place = to.lengths()
    to.append(rows(5, 4))
    to.append(rows(0, 3), late=True)
    to.cut(place)
    assert to.lengths() == place
    to.append(rows(5, 1))
    to.append(rows(0, 2), late=True)
    to.finish({"event": 6})
    assert file["lm/event"][()].tolist() == [*range(6), 6, 7]


def test_a_short_table_takes_little_room_and_a_long_one_few_pieces(file: h5py.File) -> None:
    to = writer(file)
    to.append({"/lm/code": np.zeros(3, "u1"), "/lm/event": np.zeros(300_000, "i4")})
    to.finish({})
    assert file["lm/code"].chunks == (512,)
    assert file["lm/event"].chunks[0] >= 1 << 16
    assert file["lm/position"].shape == (0, 3)


def test_what_goes_wrong_while_writing_is_raised(
    file: h5py.File, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = writer(file)
    to.append(rows(0, 5))
    to._await(0)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hdf5_rows, "need_room", full)
    to.append(rows(5, 5))
    with pytest.raises(OSError, match="No space"):
        to.finish({})
    to.close()


def test_no_more_than_some_rows_wait(file: h5py.File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_rows, "_MOST_WAITING_BYTES", 10_000)
    to = writer(file)
    for k in range(50):
        to.append(rows(10 * k, 10))
        assert sum(n for _, n in to._waiting) <= 10_000
    to.append(rows(500, 5000))
    assert len(to._waiting) == 1
    to.finish({})
    assert file["lm/event"][()].tolist() == list(range(5500))
