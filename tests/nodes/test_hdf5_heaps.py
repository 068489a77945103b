"""Damage in the global heap of HDF5 that its library reads for ever: told of, by all that read it.

What hangs inside HDF5 cannot be interrupted: commands run in a process of their own with a time
limit, and a test that takes longer than it ends the process of the tests with a traceback.
"""

from __future__ import annotations

import faulthandler
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.germanium.lh5_writing import Lh5Column, new_lh5, write_table
from radiograph.nodes.hdf5_content import opened_content
from radiograph.nodes.hdf5_heaps import has_end, opened_hdf5
from radiograph.nodes.transients.readers.older_hdf5 import older_members, older_metadata
from radiograph.schemas.errors import InputError

LIMIT_S = 60
HEADER = b"GCOL\x01\x00\x00\x00"


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    faulthandler.dump_traceback_later(4 * LIMIT_S, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def _object(index: int, content: bytes) -> bytes:
    """An object of a collection as the specification has it (III.E)."""
    padded = content + bytes(-len(content) % 8)
    return struct.pack("<HHIQ", index, 1, 0, len(content)) + padded


def _collection(*parts: bytes, size: int = 4096) -> bytes:
    used = b"".join(parts)
    rest = size - 16 - len(used)
    free = struct.pack("<HHIQ", 0, 0, 0, rest) if rest >= 16 else b""
    return (HEADER + struct.pack("<Q", size) + used + free).ljust(size, b"\0")


def test_collections_with_an_end() -> None:
    assert has_end(_collection())
    assert has_end(_collection(_object(1, b"table{a,b}"), _object(2, b"ns"), _object(7, b"")))
    # Fewer than 16 bytes are left, too few for an object that says it is free space.
    assert has_end(_collection(_object(1, bytes(4096 - 16 - 16 - 8))))
    assert has_end(_collection(_object(1, bytes(4096 - 16 - 16))))


def _with_size(index: int, size: int) -> bytes:
    return _collection(_object(1, b"ns"), struct.pack("<HHIQ", index, 0, 0, size))


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(_collection(_object(1, b"ns"), bytes(64)), id="zeros"),
        # 16 bytes of header and this are 2^64, which is 0 for a computer.
        pytest.param(_with_size(2, 2**64 - 16), id="wraps"),
        pytest.param(_with_size(2, 5000), id="beyond"),
        pytest.param(_with_size(0, 5000), id="free-beyond"),
        # A step back, to the object before.
        pytest.param(_with_size(0, 2**64 - 24), id="back"),
    ],
)
def test_collections_without(damaged: bytes) -> None:
    assert not has_end(damaged)


def test_sizes_of_four_bytes() -> None:
    """Object headers take 16 bytes then too: 8 + 4, filled up."""
    one = struct.pack("<HHII", 1, 1, 0, 2).ljust(16, b"\0") + b"ns".ljust(8, b"\0")
    free = struct.pack("<HHII", 0, 0, 0, 4096 - 16 - 24)
    head = (HEADER + struct.pack("<I", 4096)).ljust(16, b"\0")
    assert has_end((head + one + free).ljust(4096, b"\0"), 4)
    assert not has_end((head + one).ljust(4096, b"\0"), 4)


def _zeroed(path: Path, n_collection: int = 0) -> Path:
    """Zeros from the second object of a collection on."""
    content = bytearray(path.read_bytes())
    place = -1
    for _ in range(n_collection + 1):
        place = content.index(HEADER, place + 1)
    (first,) = struct.unpack_from("<Q", content, place + 24)
    begin = place + 32 + -(-first // 8) * 8
    content[begin : begin + 64] = bytes(64)
    path.write_bytes(content)
    return path


@pytest.fixture
def lh5(tmp_path: Path) -> Path:
    path = tmp_path / "x-p01-r002-cal-20250101T000000Z-tier_raw.lh5"
    with new_lh5(path) as file:
        columns = {f"column{k}": Lh5Column(np.arange(9.0), {"units": "ns"}) for k in range(9)}
        write_table(file, "ch0000007/raw", columns)
    return path


def _radiograph(*argv: object) -> Any:
    call = [sys.executable, "-c", "from radiograph.drivers.main import cli; cli()", *map(str, argv)]
    return subprocess.run(call, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def test_commands_end(lh5: Path, tmp_path: Path) -> None:
    _zeroed(lh5)
    settings = tmp_path / "run.toml"
    settings.write_text(f"[pipeline]\nname = 'germanium'\n[io]\ninput_path = '{lh5.name}'\n")
    out = tmp_path / "out"
    for argv in (("info", lh5), ("run", settings, "-o", out, "--no-cache")):
        done = _radiograph(*argv)
        assert done.returncode == 3, done
        assert f"{lh5.name}: its texts of variable length cannot be read" in done.stderr
        assert done.stderr.count("\n") == 1
    done = _radiograph("germanium", "files", tmp_path)
    assert done.returncode == 3
    assert f"1 of 1 files in {tmp_path} cannot be read" in done.stderr
    assert lh5.name in done.stderr


def test_undamaged_files_are_read(lh5: Path) -> None:
    with opened_hdf5(lh5) as file:
        assert file["ch0000007/raw/column8"].attrs["units"] == "ns"


def _attribute(file: h5py.File) -> None:
    file.create_group("a/b").attrs.update({"one": "text", "two": "other"})


def _rows(file: h5py.File) -> None:
    file["a"] = np.array(["one", "two", "three"], object)


def _chunks(file: h5py.File) -> None:
    # A length that no memory holds, of which one chunk is written.
    kind = h5py.string_dtype()
    dataset = file.create_dataset("a", (1 << 36,), kind, chunks=(1 << 17,), compression=1)
    dataset[3:9] = ["one", "two"] * 3


def _lists(file: h5py.File) -> None:
    dataset = file.create_dataset("a", (2,), h5py.vlen_dtype("i4"))
    dataset[0], dataset[1] = [1, 2, 3], [4]


def _columns(file: h5py.File) -> None:
    kind = np.dtype([("n", "i4"), ("text", h5py.string_dtype(), (2,))])
    file["a"] = np.array([(1, ["one", "two"]), (2, ["three", "four"])], kind)


@pytest.mark.parametrize("write", [_attribute, _rows, _chunks, _lists, _columns])
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_wherever_the_heap_is_used(
    tmp_path: Path, write: Callable[[h5py.File], None], libver: str
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=libver) as file:
        # Groups that hold each other, and links that lead nowhere or into another file.
        file["loop/again"] = file["/"]
        file["nowhere"] = h5py.SoftLink("/nothing")
        file["other"] = h5py.ExternalLink("other.h5", "/")
        write(file)
    opened_hdf5(path).close()
    _zeroed(path)
    with pytest.raises(InputError, match="its texts of variable length") as raised:
        opened_hdf5(path)
    assert raised.value.exit_code == 3
    assert raised.value.file == str(path)


def test_readers_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file.create_group("meta").attrs.update({"processing_stage": 1, "ion": "Xe", "by": "us"})
        file["sdr_data/all/tran_000001"] = np.zeros(5)
    assert older_members(path) == ["tran_000001"]
    _zeroed(path)
    for read in (older_members, older_metadata):
        with pytest.raises(InputError, match="Copy it again"):
            read(path)
    with pytest.raises(InputError, match="Copy it again"), opened_content(path):
        pass


def test_other_damage_is_left_to_readers(tmp_path: Path) -> None:
    """A group that cannot be opened hides no heap in another, and is no fault of opening."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as file:
        bad = file.create_group("bad")
        address = h5py.h5o.get_info(bad.id).addr
        file.create_group("good").attrs.update({"one": "text", "two": "other"})
    content = bytearray(path.read_bytes())
    content[address + 6] ^= 255
    path.write_bytes(content)
    with opened_hdf5(path) as file:
        with pytest.raises(KeyError):
            file["bad"]
        assert file["good"].attrs["two"] == "other"
    with pytest.raises(InputError):
        opened_hdf5(_zeroed(path))


def test_nothing_else_opens_hdf5_for_reading() -> None:
    """A place that opens a file itself is one that hangs."""
    root = Path(opened_hdf5.__code__.co_filename).parents[1]
    opening = re.compile(r"h5py\.File\((?![^()]*\"(?:w|r\+)\")")
    found = [
        str(path.relative_to(root))
        for folder in ("drivers", "nodes")
        for path in sorted((root / folder).rglob("*.py"))
        if opening.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["nodes/hdf5_heaps.py"]
