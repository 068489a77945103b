"""Names of light files: run and sub-run, natural order, which files of a folder are meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.drivers.files import natural_order
from radiograph.drivers.lightdqm.file_names import (
    FileSelection,
    RunNumber,
    chosen_files,
    last_number,
    run_number,
    stem,
)
from radiograph.schemas.errors import InputError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mpd_run_hvramp_rctl_105_p350.FLOW.hdf5", RunNumber(105, 350)),
        ("mpd_run_data_rctl_00476.FLOW.hdf5", RunNumber(476, -1)),
        ("mpd_run_2_rctl_7_p010.FLOW.hdf5", RunNumber(7, 10)),
        ("run_12_p3.FLOW.hdf5", RunNumber(12, 3)),
        ("light7.FLOW.hdf5", RunNumber(7, -1)),
        ("light.FLOW.hdf5", RunNumber(-1, -1)),
        (f"light_{10**30}.FLOW.hdf5", RunNumber(-1, -1)),
    ],
)
def test_run_and_subrun_of_a_name(name: str, expected: RunNumber) -> None:
    assert run_number(name) == expected


def test_the_stem_is_the_name_without_folder_and_suffix() -> None:
    assert stem("/data/x_p2.FLOW.hdf5") == "x_p2"
    assert stem("x.h5") == "x.h5"
    assert last_number("x_rctl_5_p07.FLOW.hdf5") == 7
    assert last_number("x.FLOW.hdf5") == -1


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_numbers_in_names_sort_as_numbers(numbers: list[int]) -> None:
    names = [f"a_p{n}.FLOW.hdf5" for n in numbers]
    assert sorted(names, key=natural_order) == [f"a_p{n}.FLOW.hdf5" for n in sorted(numbers)]


@given(st.lists(st.text("ab0123²_٣", max_size=8)))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    once = sorted(names, key=natural_order)
    assert sorted(once, key=natural_order) == once


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = [f"a_rctl_5_p{i}.FLOW.hdf5" for i in (10, 2, 0, 7)]
    for name in [*names, "b_rctl_5_p1.FLOW.hdf5", "a_rctl_5_p3.FLOW.hdf5.tmp", "a.txt"]:
        (tmp_path / name).touch()
    (tmp_path / "a_dir.FLOW.hdf5").mkdir()
    return tmp_path


def subruns(files: list[Path]) -> list[int]:
    return [run_number(f.name).subrun for f in files]


def test_a_folder_gives_its_files_in_natural_order_without_unfinished_ones(folder: Path) -> None:
    assert subruns(chosen_files([folder], FileSelection("a", 0, None))) == [0, 2, 7, 10]
    assert subruns(chosen_files([folder], FileSelection("a", 0, 1))) == [0]
    assert subruns(chosen_files([folder], FileSelection("a", 3, 5))) == [7, 10]


def test_a_folder_that_has_more_is_told(folder: Path) -> None:
    notes: list[str] = []
    chosen_files([folder], FileSelection("a", 3, 1), notes.append)
    chosen_files([folder], FileSelection("a", 3, 2), notes.append)
    assert notes == [f"{folder}: 1 of 2 files; set lightdqm.nfiles, -1 = all"]


def test_a_lone_late_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "a_rctl_5_p7.FLOW.hdf5").touch()
    assert subruns(chosen_files([tmp_path], FileSelection())) == [7]
    assert subruns(chosen_files([tmp_path], FileSelection("", 7, 1))) == [7]


def test_named_files_are_taken_as_they_are_and_once(folder: Path) -> None:
    named = folder / "gone.h5"
    files = chosen_files([named, folder, named], FileSelection("b"))
    assert files == [named, folder / "b_rctl_5_p1.FLOW.hdf5"]


def test_nothing_found_names_the_pattern(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"no file c\*\.FLOW\.hdf5 \(6 files there end so"
    ) as error:
        chosen_files([folder], FileSelection("c"))
    assert error.value.exit_code == 3
    with pytest.raises(InputError, match=r"none from number 11 on \(the last is 10\)"):
        chosen_files([folder], FileSelection("a", 11))


def test_an_empty_folder_names_the_pattern(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file \*\.FLOW\.hdf5\. Give"):
        chosen_files([tmp_path], FileSelection())
