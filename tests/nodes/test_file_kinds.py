"""What stands at a place: told by the first bytes, for all readers alike."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import uproot
from radiograph.nodes.file_kinds import (
    fault_of_hdf5,
    fault_of_input,
    kind_of,
    opened_bytes,
    what_it_is,
)
from radiograph.schemas.errors import InputError

TEXT = "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4 ,\n"


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = 1


def root(path: Path) -> None:
    with uproot.recreate(path) as file:
        file["t"] = {"x": np.arange(3)}


def text(encoding: str) -> Callable[[Path], None]:
    return lambda path: _written(path, TEXT.encode(encoding))


def _written(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (hdf5, "HDF5"),
        (root, "ROOT"),
        (lambda p: _written(p, gzip.compress(TEXT.encode(), mtime=0)), "gzip"),
        (lambda p: _written(p, lzma.compress(TEXT.encode())), "xz"),
        (lambda p: _written(p, bz2.compress(TEXT.encode())), "bzip2"),
        (lambda p: _written(p, b"\x28\xb5\x2f\xfd" + bytes(50)), "zstd"),
        (lambda p: _written(p, b"PK\x03\x04" + bytes(50)), "zip"),
        (text("utf-16"), "UTF-16"),
        (text("utf-16-le"), "UTF-16"),
        (text("utf-16-be"), "UTF-16"),
        (text("ascii"), ""),
        (text("utf-8-sig"), ""),
        (lambda p: _written(p, b"root of all\n"), ""),
        (lambda p: _written(p, bytes(64)), ""),
        (lambda p: _written(p, b"n"), ""),
    ],
)
def test_first_bytes_say_the_kind(tmp_path: Path, write: Callable[[Path], None], kind: str) -> None:
    path = tmp_path / "a"
    write(path)
    assert kind_of(path) == kind
    assert fault_of_input(path) == ""


def test_what_no_reader_takes_comes_with_its_repair() -> None:
    assert what_it_is("zstd") == "is compressed (zstd). Unpack it first (unzstd)"
    assert what_it_is("UTF-16") == "is text in UTF-16. Save it as ASCII or UTF-8"
    assert what_it_is("HDF5") == "is an HDF5 file"
    assert what_it_is("ROOT") == "is a ROOT file"


def test_places_without_a_file_are_told_and_not_opened(tmp_path: Path) -> None:
    assert fault_of_input(tmp_path) == "is a folder"
    assert fault_of_input(tmp_path / "none") == "no such file"
    (tmp_path / "nothing").touch()
    assert fault_of_input(tmp_path / "nothing") == "the file is empty (0 bytes)"
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe, a socket or a device" in fault_of_input(tmp_path / "pipe")
    assert "is a pipe, a socket or a device" in fault_of_input(Path("/dev/null"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("unable to lock file, errno = 11, error message = 'Resource'", "is locked: another"),
        ("unable to lock file, errno = 37, error message = 'No locks'", "USE_FILE_LOCKING=FALSE"),
        (
            "file is already open for write/SWMR write (may use <h5clear file> to clear flags)",
            "is open for writing, or its writer was stopped while it was. Wait until",
        ),
        ("unable to open file: truncated file: eof = 96", "is cut off: it was not written"),
        ("Permission denied", "cannot be opened (Permission denied). Give another."),
    ],
)
def test_one_sentence_for_what_hdf5_says(tmp_path: Path, said: str, told: str) -> None:
    hdf5(tmp_path / "a.h5")
    assert told in fault_of_hdf5(tmp_path / "a.h5", OSError(said), "Give another.")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty (0 bytes). Give another."),
        (b"text", "is no HDF5 file. Give another."),
        (b"root\x00" + bytes(50), "is no HDF5 file; it is a ROOT file. Give another."),
        (gzip.compress(b"x", mtime=0), "is no HDF5 file; it is compressed (gzip). Unpack it first"),
    ],
)
def test_what_stands_where_hdf5_was_asked_for(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(content)
    with pytest.raises(OSError) as caught:
        h5py.File(path, "r")
    assert fault_of_hdf5(path, caught.value, "Give another.").startswith(told)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_compressed_bytes_are_unpacked(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    content = np.random.default_rng(0).bytes(200_000)
    path = tmp_path / "a"
    path.write_bytes(pack(content))
    with opened_bytes(path) as stream:
        stream.seek(150_000)
        assert stream.read() == content[150_000:]
    path.write_bytes(pack(content)[:100_000])
    said = f"{path}: is compressed, and cannot be unpacked to its end"
    with pytest.raises(InputError, match=said), opened_bytes(path) as stream:
        stream.read()
