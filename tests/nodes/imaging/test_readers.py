"""Every reader of the table has what CONTRIBUTING.md lists for a new input format."""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from radiograph.nodes.file_kinds import FIRST_BYTES, UNPACKED, UTF16, kind_of
from radiograph.nodes.imaging.readers import READERS
from radiograph.schemas.imaging.reading import InputFormat, ReaderSettings, ToldToReaders
from radiograph.schemas.imaging.record_frames import PROBLEMS

ROOT = Path(__file__).resolve().parents[3]
OF_THIS_TEST = "test_readers.py"
# Where the reader of an earlier run's output is tested: as the start of a run.
TESTED_AS = {"hdf5_ngimager": "test_restart.py"}
NAMES = sorted(READERS)


def module_of(name: str) -> str:
    """The last part of the name of the module that a reader is written in."""
    return READERS[name].read.__module__.rpartition(".")[2]


def test_settings_allow_the_formats_of_the_table_and_no_other() -> None:
    assert list(get_args(InputFormat)) == list(READERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_stands_in_one_module_of_its_own(name: str) -> None:
    reader = READERS[name]
    functions = (reader.event_ranges, reader.read, reader.metadata)
    assert {f.__module__ for f in functions} == {reader.read.__module__}
    assert vars(sys.modules[reader.read.__module__])["READER"] is reader
    assert len({r.read.__module__ for r in READERS.values()}) == len(READERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_says_what_its_files_are_and_what_is_counted(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    assert reader.record.isidentifier()
    assert reader.kinds
    assert UTF16 not in reader.kinds
    # A kind that no first bytes tell would refuse every file.
    for kind in reader.kinds - set(UNPACKED):
        first = next(first for first, known in FIRST_BYTES.items() if known == kind)
        (tmp_path / "file").write_bytes(first + b"abcd")
        assert kind_of(tmp_path / "file") == kind


def test_files_of_two_formats_do_not_arrive_under_one_name() -> None:
    patterns = sorted(reader.pattern for reader in READERS.values() if reader.pattern)
    assert len(patterns) >= 2
    for one, other in pairwise(patterns):
        assert not fnmatch(one.replace("*", "x"), other)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_is_documented(name: str) -> None:
    said = f'`[io] input_format = "{name}"`'
    assert said in (ROOT / "docs" / "formats.md").read_text("utf-8")
    settings = (ROOT / "configs" / "phits_edep.toml").read_text("utf-8")
    (line,) = [line for line in settings.splitlines() if "input_format =" in line]
    assert name in line


@pytest.mark.parametrize("name", NAMES)
def test_a_format_has_a_test_module(name: str) -> None:
    tests = {path.name: path for path in (ROOT / "tests").rglob("test_*.py")}
    own = TESTED_AS.get(name) or next(
        file
        for file in sorted(tests)
        if file.startswith("test_readers_") and module_of(name) in tests[file].read_text("utf-8")
    )
    assert own != OF_THIS_TEST
    assert name in tests[own].read_text("utf-8")


def test_what_a_reader_is_told_is_a_part_of_its_settings() -> None:
    assert set(ToldToReaders.model_fields) < set(ReaderSettings.model_fields)


def test_problems_can_name_the_places_that_a_reader_counts() -> None:
    assert "line_or_entry" in {column.name for column in PROBLEMS.columns}
