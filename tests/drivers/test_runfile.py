"""What every file of a run has in common: columns out and back, limits, settings run again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.config import LoadedConfig
from radiograph.drivers.definition import Definition, Source
from radiograph.drivers.engine.failed_files import usable_files
from radiograph.drivers.graph_inputs import with_settings
from radiograph.drivers.hdf5 import Dataset, Limits, rows_of_frame, write_array
from radiograph.drivers.hdf5_rows import RowWriter
from radiograph.drivers.runfile.datasets import Datasets
from radiograph.drivers.runfile.exporting import keyed_tables
from radiograph.drivers.runfile.record import RunRecord, StoredInput
from radiograph.drivers.runfile.verifying import run_again
from radiograph.nodes.hdf5_content import opened_content
from radiograph.schemas.errors import InputError
from radiograph.schemas.settings import Section

POINT = Dataset("/t/point", "f4", "cm", "where", (3,), columns=("x", "y", "z"))
EXACT = Dataset("/t/exact", "f8", "cm", "where, not rounded", (3,), columns=("x", "y", "z"))
PLACE = Dataset("/t/place", "i2", "", "row of others", columns=("place",),
                limits=Limits(-1, rows_of="/u/rows"), counted_by="/t/kind")  # fmt: skip
KIND = Dataset("/t/kind", "i2", "", "kinds", columns=("kind",), labels=())
TABLE = (POINT, PLACE, KIND)
LAYOUT = {d.path: d for d in (*TABLE, EXACT)}


@pytest.fixture
def frame() -> pd.DataFrame:
    kind = pd.Categorical.from_codes([1, 0, -1], categories=["a", "b"])
    return pd.DataFrame({"x": [1.0, 2.0, 0.1], "y": 5.0, "place": [0, -1, 1], "kind": kind})


@pytest.fixture
def path(frame: pd.DataFrame, tmp_path: Path) -> Path:
    place = tmp_path / "run.h5"
    with h5py.File(place, "w") as file:
        with RowWriter(file, TABLE, tmp_path / "side") as writer:
            writer.append(rows_of_frame(TABLE, frame))
            writer.finish({})
        write_array(file, KIND.labels_path, ["a", "b"], "", "names")
        write_array(file, "/u/rows", [0, 0], "", "two rows")
    return place


def read(path: Path, *datasets: Dataset, **more: Any) -> dict[str, Any]:
    with h5py.File(path) as file:
        return Datasets(file, path, LAYOUT).frame_columns(datasets, **more)


def test_columns_come_back_from_the_datasets_that_are_made_of_them(
    frame: pd.DataFrame, path: Path
) -> None:
    found = read(path, *TABLE)
    assert found["x"].tolist() == frame["x"].astype("f4").tolist()
    assert np.isnan(found["z"]).all()  # the frame had none
    assert found["place"].tolist() == [0, -1, 1]
    assert list(found["kind"]) == ["b", "a", np.nan]
    some = read(path, *TABLE, rows=np.array([2]))
    assert some["place"].tolist() == [1]


def test_of_two_datasets_of_a_column_the_later_counts(path: Path) -> None:
    assert read(path, POINT, EXACT)["x"].dtype == "f4"
    with h5py.File(path, "r+") as file:
        file["t/exact"] = np.full((3, 3), 0.1)
    assert read(path, POINT, EXACT)["x"].tolist() == [0.1] * 3


def test_what_is_not_there_is_refused_but_where_it_may_be_absent(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["t/place"]
    with pytest.raises(InputError, match="has no /t/place"):
        read(path, *TABLE)
    assert "place" not in read(path, *TABLE, may_lack=("place",))


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("t/place", [0, 2, 0], r"/t/place holds 2 in row 1; allowed: -1 to 1\."),
        ("t/kind", [0, 0, 2], r"/t/kind holds 2 in row 2; allowed: -1 to 1\."),
        ("t/place", [0, 0], r"its shape is \(2,\), that of its kind is \(3,\)"),
    ],
)
def test_values_that_cannot_be_are_named(
    path: Path, name: str, values: list[int], text: str
) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = values
    with pytest.raises(InputError, match=text):
        read(path, *TABLE)


class Io(Section):
    """[io]."""

    input_path: str | tuple[str, ...] = "before"
    """Input."""
    forced: str | tuple[str, ...] = ""
    """Triggers."""
    output_path: str = ""
    """Output."""


class Config(Section):
    """Settings."""

    io: Io = Io()
    """Files."""


def test_settings_with_other_values() -> None:
    config = Config()
    changed = with_settings(config, {"io.forced": "a", "io.output_path": "b"})
    assert (changed.io.input_path, changed.io.forced, changed.io.output_path) == (
        "before",
        "a",
        "b",
    )
    assert config == Config()


def test_a_run_is_made_again_with_the_files_of_each_role(tmp_path: Path) -> None:
    ran = SimpleNamespace()
    sources = (Source("source", "io.input_path", "data"), Source("forced", "io.forced", "triggers"))
    flow = Definition("two", sources=sources, run=lambda loaded, targets: vars(ran).update(
        io=loaded.config.io, targets=targets))  # fmt: skip
    roles = ("source", "source", "forced", "")
    stored = tuple(StoredInput(f"{k}", 1, "", role=role) for k, role in enumerate(roles[:3]))
    record = RunRecord(inputs=stored, targets=("gain",))
    files = [tmp_path / str(k) for k in range(3)]
    run_again(flow, record, LoadedConfig(Config(), "", tmp_path), files, tmp_path / "again.h5")
    assert ran.io.input_path == (str(files[0]), str(files[1]))
    assert ran.io.forced == str(files[2])
    assert ran.targets == ("gain",)


def test_of_several_files_those_are_used_that_can_be_read() -> None:
    def read(number: int, path: Path) -> str:
        if path.name == "bad":
            raise InputError("bad: is damaged", code="damaged")
        return f"{number}{path.name}"

    paths = [Path("a"), Path("bad"), Path("c")]
    found, failed = usable_files(paths, read)
    assert found == {0: "0a", 2: "2c"}
    assert [(f.number, f.code) for f in failed] == [(1, "damaged")]
    for alone in (paths[1:2], [Path("bad"), Path("bad")]):
        with pytest.raises(InputError, match="is damaged"):
            usable_files(alone, read)
    with pytest.raises(InputError, match=r"^bad: is damaged$"):
        usable_files(paths, read, must_all=True)
    with pytest.raises(InputError, match=r"^bad: is damaged$"):
        usable_files(paths, read, is_of_run=lambda error: error.code == "damaged")


def test_what_stands_in_a_damaged_group_is_not_absent(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["outer/inner/x"] = [1]
    with opened_content(path) as content:
        assert "outer/inner/x" in content
        assert "/outer" in content
        for name in ("outer/other", "outer/inner/x/y", "none/x"):
            assert name not in content
    whole = path.read_bytes()
    headers = [k for k in range(len(whole)) if whole.startswith(b"OHDR", k)]
    assert len(headers) == 4
    for place in headers[1:]:
        path.write_bytes(whole[: place + 8] + b"XXXX" + whole[place + 12 :])
        with opened_content(path) as content, pytest.raises(InputError, match=r"a\.h5: /outer"):
            "outer/inner/x" in content  # noqa: B015 (asking fails)


def test_frames_of_keys_are_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for key in ("ch1", "ch2"):
            file[f"energy/lines/{key}/keV"] = [1.0, 2.0]
            file[f"energy/number/{key}"] = 3.0
        file["energy/whole/x"] = [1]
    with opened_content(path) as content:
        found = {table.name: next(table.frames()) for table in keyed_tables(content)}
    assert list(found) == ["lines_ch1", "lines_ch2"]
    assert found["lines_ch2"]["keV"].tolist() == [1.0, 2.0]
