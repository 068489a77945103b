"""Labels, truth and the older layout: numbers that are none are told, not bent."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from radiograph.drivers.transients.known_anomalies import read_anomalies
from radiograph.nodes.transients.readers.older_hdf5 import older_members, read_older_hdf5
from radiograph.schemas.errors import InputError
from radiograph.schemas.transients.layout import NOT_GIVEN
from radiograph.schemas.transients.recordings import RecordingForm, RecordingRange


def test_labels_with_and_without_places(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("transient,x_lsb,y_lsb,type\ntran_000007,-5,3,step\n12,,4,\n13,-1,-1,step\n")
    found = read_anomalies(path)
    assert found["number"].tolist() == [7, 12, 13]
    assert found["x_lsb"].tolist() == [-5, NOT_GIVEN, -1]
    assert found["y_lsb"].tolist() == [3, 4, -1]
    assert found["amp_ppm"].isna().all()
    path.write_text("transient,kind,amp_ppm\ntran_1,step,2.5\n")
    assert read_anomalies(path)["amp_ppm"].tolist() == [2.5]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "tran_1,1.7,0,step,1",
            "x_lsb holds 1 value that cannot be int64, the first in row 1: 1.7",
        ),
        ("tran_1,0,inf,step,1", "y_lsb holds 1 value .*: inf"),
        ("tran_1,abc,0,step,1", "Unable to parse string .abc."),
        ("tran_1,0,0,step,much", "Unable to parse string .much."),
        ("tran_99999999999999999999,0,0,step,1", "transient holds object, no numbers"),
        ("unnamed,0,0,step,1", "transient holds 1 value .* row 1: nan"),
    ],
)
def test_labels_that_name_no_recording(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"transient,x_lsb,y_lsb,kind,amp_ppm\ntran_0,0,0,step,1\n{row}\n")
    with pytest.raises(InputError, match=rf"labels\.csv: {said}.*Correct the row"):
        read_anomalies(path)


def test_labels_from_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="is a pipe"):
        read_anomalies(tmp_path / "pipe.csv")


FORM = RecordingForm(100, 200, 20e6, 1e9, 1.0, 1.0, in_ppm=False)


def older(path: Path, **attributes: float) -> str:
    """A file of the older layout with one recording."""
    own = {"tran_num": 4, "x_lsb": -2, "y_lsb": 3, "hw_ts_sec": 0.5, "sys_ts_sec": 1.0}
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("sdr_data/all/tran_000004", data=np.zeros(171))
        dataset.attrs.update({**own, **attributes})
    return str(path)


def test_numbers_of_the_older_layout(tmp_path: Path) -> None:
    place = RecordingRange("ml4see_hdf5", ("tran_000004",), 0, 1)
    found = read_older_hdf5(older(tmp_path / "a.h5", tran_num=4.0), place, FORM)
    assert (found.numbers[0], found.x_lsb[0], found.y_lsb[0]) == (4, -2, 3)
    for attributes in ({"tran_num": 1.7}, {"x_lsb": float("nan")}, {"y_lsb": 1e30}):
        (name,) = attributes
        with pytest.raises(InputError, match=f"tran_000004: {name} holds 1 value"):
            read_older_hdf5(older(tmp_path / "a.h5", **attributes), place, FORM)


def test_why_an_older_file_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    older(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="is cut off"):
        older_members(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        older_members(path)
