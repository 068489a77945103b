"""What stands at the place of an input file: by its first bytes, alike for all readers."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ..schemas.errors import InputError

HDF5: Final = "HDF5"
ROOT: Final = "ROOT"
PARQUET: Final = "Parquet"
UTF16: Final = "UTF-16"
UNPACKED: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {"gzip": gzip.open, "xz": lzma.open, "bzip2": bz2.open}
)
_UNPACK_WITH: Final[Mapping[str, str]] = MappingProxyType(
    {"gzip": "gunzip", "xz": "unxz", "bzip2": "bunzip2", "zstd": "unzstd", "zip": "unzip"}
)
FIRST_BYTES: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"\x89HDF\r\n\x1a\n": HDF5,
        b"root\x00": ROOT,
        b"PAR1": PARQUET,
        b"\x1f\x8b": "gzip",
        b"\xfd7zXZ\x00": "xz",
        b"\x28\xb5\x2f\xfd": "zstd",
        b"BZh": "bzip2",
        b"PK\x03\x04": "zip",
        b"\xff\xfe": UTF16,
        b"\xfe\xff": UTF16,
    }
)
_LOOKED_AT: Final = 64
_LOCK_HELD: Final = "errno = 11,"


def kind_of(path: Path) -> str:
    """The kind of a file with content, if its first bytes say one; empty for plain text."""
    with path.open("rb") as stream:
        begin = stream.read(_LOOKED_AT)
    for first, kind in FIRST_BYTES.items():
        if begin.startswith(first):
            return kind
    # Text of two bytes a character without a mark: every second byte is zero.
    even, odd = begin[::2], begin[1::2]
    is_wide = len(begin) >= 4 and any(even) != any(odd) and (all(even) or all(odd))
    return UTF16 if is_wide else ""


def what_it_is(kind: str) -> str:
    """A file of a kind that no reader takes, and the repair."""
    if kind in _UNPACK_WITH:
        return f"is compressed ({kind}). Unpack it first ({_UNPACK_WITH[kind]})"
    if kind == UTF16:
        return "is text in UTF-16. Save it as ASCII or UTF-8"
    return f"is {'an' if kind == HDF5 else 'a'} {kind} file"


def fault_of_input(path: Path) -> str:
    """Why nothing can be read at a place; empty where a file with content stands.

    To be asked before the place is opened: opening a pipe waits for a writer.
    """
    if path.is_dir():
        return "is a folder"
    if not path.exists():
        return "no such file"
    if not path.is_file():
        return (
            "is a pipe, a socket or a device, which cannot be read twice; write what comes of it "
            "into a file"
        )
    return "" if path.stat().st_size else "the file is empty (0 bytes)"


def fault_of_hdf5(path: Path, reason: Exception, wanted: str) -> str:
    """Why HDF5 could not open a file, and the repair; ``wanted`` is said where it is another."""
    said = str(reason)
    if fault := fault_of_input(path):
        return f"{fault}. {wanted}"
    if "truncated" in said:
        return "is cut off: it was not written or copied to its end. Copy it again."
    if "signature not found" in said:
        kind = kind_of(path)
        return f"is no HDF5 file{f'; it {what_it_is(kind)}' if kind else ''}. {wanted}"
    if "already open for write" in said:
        return (
            "is open for writing, or its writer was stopped while it was. Wait until the writer is "
            "done; if there is none any more, make the file again."
        )
    if "lock" in said and _LOCK_HELD in said:
        return "is locked: another program has it open for writing. Wait until it is done."
    if "lock" in said:
        return (
            "cannot be locked: its file system has no locks. Set the environment variable "
            "HDF5_USE_FILE_LOCKING=FALSE, or copy it to another disk."
        )
    return f"cannot be opened ({said.partition(chr(10))[0][:200]}). {wanted}"


@contextmanager
def opened_bytes(path: Path) -> Iterator[Any]:
    """The bytes of a file for reading, unpacked if they are compressed in a way of UNPACKED.

    InputError where compressed bytes are cut off or damaged. A seek in them reads on from the
    place, or from the beginning.
    """
    opener = UNPACKED.get(kind_of(path))
    if opener is None:
        with path.open("rb") as plain:
            yield plain
        return
    try:
        with opener(path, "rb") as stream:
            yield stream
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as reason:
        if getattr(reason, "errno", None) is not None:
            raise
        msg = f"{path}: is compressed, and cannot be unpacked to its end ({reason}). Copy it again."
        raise InputError(msg, file=path, code="damaged") from None
