"""Parts, values that must agree, and files that fail: each rule by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from radiograph.drivers.engine.artifacts import Artifact, GrowingFiles
from radiograph.drivers.engine.failed_files import FailedFile, usable_files
from radiograph.drivers.engine.ledger import input_files_frame
from radiograph.drivers.engine.merging import Added, Gathering, Same
from radiograph.drivers.engine.parts import Part, Parts, with_common
from radiograph.schemas.errors import InputError
from radiograph.schemas.failures import Failure
from radiograph.schemas.sources import FileRef


def test_values_that_must_agree() -> None:
    same = Same()
    same.take(3)
    same.take(3)
    assert same.whole() == 3
    with pytest.raises(ValueError, match="3 and 4"):
        same.take(4)


def test_a_failure_of_a_file_that_is_dropped_is_forgotten() -> None:
    gathering = Gathering(Added, "n", None)
    gathering.take(1, {})
    gathering.end_file()
    gathering.take(Failure({"file": 1}, "n", "bad", "no"), {})
    gathering.drop_file()
    gathering.take(2, {})
    gathering.end_file()
    assert gathering.whole() == 3


def test_parts_of_the_same_axes_are_not_coarser() -> None:
    parts = Parts.of([Part({"file": 0}), Part({"file": 0, "range": 0})])
    assert set(parts.coarser_than(("file", "range"))) == {("file",)}
    assert parts.coarser_than(("file",)) == {}


def test_one_value_that_is_gone_takes_its_parts_with_it() -> None:
    parts = Parts.of([Part({"file": f, "range": r}) for f in (0, 1) for r in (0, 1)])
    left = parts.without([("file", 0)])
    assert [p.at["file"] for p in left.every] == [1, 1]


def test_what_a_part_is_told_itself_counts() -> None:
    common = {("file",): {(0,): Part({"file": 0}, {"a": "of all", "b": "of all"})}}
    told = with_common(Part({"file": 0, "range": 2}, {"a": "own"}), common)
    assert told.inputs == {"a": "own", "b": "of all"}


def _failing(bad: set[int], code: str = "bad") -> Callable[[int, Path], int]:
    def read(number: int, path: Path) -> int:
        if number in bad:
            raise InputError(f"{path}: no", file=path, code=code)
        return number

    return read


def test_files_that_fail() -> None:
    paths = [Path("a"), Path("b")]
    found, failed = usable_files(paths, _failing({0}))
    assert (found, [f.number for f in failed]) == ({1: 1}, [0])
    with pytest.raises(InputError, match="none of the 2 input files"):
        usable_files(paths, _failing({0, 1}))
    with pytest.raises(InputError, match="^a: no"):
        usable_files(paths, _failing({0}, "of_run"), is_of_run=lambda e: e.code == "of_run")
    with pytest.raises(InputError, match="^a: no"):
        usable_files(paths, _failing({0}), must_all=True)
    with pytest.raises(InputError, match="^a: no"):
        usable_files(paths[:1], _failing({0}))


def test_the_ledger_counts_and_orders_files_by_number() -> None:
    parts = [
        Part({"file": f, "range": r}, {"source": FileRef(f"f{f}", 9, "h")}, 5)
        for f in (10, 2)
        for r in (0, 1)
    ]
    failed = [FailedFile("f3", 3, "no", "bad")]
    frame = input_files_frame(Parts.of(parts), failed, ("file",))
    assert frame["number"].tolist() == [2, 3, 10]
    assert frame["n_records"].tolist() == [10, 0, 10]
    assert frame["status"].astype(str).tolist() == ["read", "failed", "read"]


def test_a_part_with_a_failure_gives_a_growing_file_nothing(tmp_path: Path) -> None:
    taken: list[dict[str, int]] = []

    @contextmanager
    def opened(_path: Path) -> Iterator[Callable[..., None]]:
        yield lambda _part, values: taken.append(dict(values))

    item = Artifact("x", ("a", "b"), lambda _config, out: out, opened=opened)
    growing = GrowingFiles([(item, tmp_path / "x")])
    growing.append(Part({"file": 0}), {"a": 1})
    growing.append(Part({"file": 1}), {"a": 1, "b": 2, "c": 3})
    growing.close()
    assert taken == [{"a": 1, "b": 2}]
