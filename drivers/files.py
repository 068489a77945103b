"""Input files by their content, and output files that appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path
from stat import S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG, S_ISSOCK

import xxhash

from ..nodes.addresses import address_of
from ..nodes.file_kinds import fault_of_input
from ..schemas.errors import InputError, UsageError
from ..schemas.sources import FileRef
from .temporary_files import remove_leftovers, temporary_beside
from .unchanged import check_stamp, settled_stamp, stamp_of

_DIGITS = re.compile(r"(\d+)")

_BLOCK = 1 << 22
_SAMPLES = 64
_SAMPLE_BYTES = 1 << 14
SAMPLED = "sampled:"
REMOTE = "remote:"
"""What the hash of a file begins with that was not read whole."""


def _check_regular(path: Path) -> None:
    """InputError for a pipe or device: opening it would wait for a writer."""
    if path.exists() and not path.is_file():
        msg = f"{path}: {fault_of_input(path)}. Give a file."
        raise InputError(msg, file=path)


def file_ref(path: Path) -> FileRef:
    """Size and xxh3_128 of a file; InputError if it cannot be read or is written to."""
    _check_regular(path)
    digest = xxhash.xxh3_128()
    try:
        with path.open("rb") as stream:
            stamp = settled_stamp(stream)
            while block := stream.read(_BLOCK):
                digest.update(block)
            check_stamp(path, stamp, stamp_of(stream))
    except OSError as reason:
        msg = f"{path}: cannot be read ({reason.strerror or reason})."
        raise InputError(msg, file=path) from None
    return FileRef(str(path), stamp.size, digest.hexdigest(), stamp)


def remote_file_ref(path: Path, size: int, version: str) -> FileRef:
    """A file at an address: known by address, size and what the server says of its version.

    It is not read for its name: the hash, marked ``remote:``, is of these.
    """
    address = address_of(path)
    known = xxhash.xxh3_128_hexdigest(repr((address, size, version)).encode())
    return FileRef(address, size, f"{REMOTE}{known}")


def sampled_file_ref(path: Path) -> FileRef:
    """A file too long to be read for its name: known by size, times and samples of its content.

    The hash, marked ``sampled:``, is that of the size, inode and times that the system has of the
    file and of blocks spread over it, both ends included. Written to or copied it is another
    file, so that a cache may compute once too often but never mistakes one file for another.
    InputError if it cannot be read or is written to.
    """
    _check_regular(path)
    digest = xxhash.xxh3_128()
    try:
        with path.open("rb") as stream:
            stamp = settled_stamp(stream)
            device = os.fstat(stream.fileno()).st_dev
            identity = (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode, device)
            digest.update(repr(identity).encode())
            for k in range(_SAMPLES):
                stream.seek(max(stamp.size - _SAMPLE_BYTES, 0) * k // (_SAMPLES - 1))
                digest.update(stream.read(_SAMPLE_BYTES))
            check_stamp(path, stamp, stamp_of(stream))
    except OSError as reason:
        msg = f"{path}: cannot be read ({reason.strerror or reason})."
        raise InputError(msg, file=path) from None
    return FileRef(str(path), stamp.size, f"{SAMPLED}{digest.hexdigest()}", stamp)


_KINDS = (
    (S_ISDIR, "a folder"),
    (S_ISFIFO, "a named pipe (FIFO)"),
    (S_ISCHR, "a character device"),
    (S_ISBLK, "a block device"),
    (S_ISSOCK, "a socket"),
)


def fault_of_kind(path: Path) -> str:
    """Why what stands at ``path`` is no file to be replaced; empty if it is one, or nothing is."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as reason:
        return f"cannot be reached ({reason.strerror or reason})"
    if S_ISREG(mode):
        return ""
    kind = next((name for matches, name in _KINDS if matches(mode)), "no regular file")
    return f"is a link to {written_place(path)}, {kind}" if path.is_symlink() else f"is {kind}"


def written_place(path: Path) -> Path:
    """The file that is replaced when ``path`` is written: where a symbolic link leads."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def fault_of_place(path: Path, read: Sequence[Path]) -> str:
    """Why a file cannot be written at ``path``; empty if it can. ``read`` files must stay."""
    fault = fault_of_kind(path)
    if fault:
        return fault
    if path.exists() and any(r.exists() and path.samefile(r) for r in read):
        return "is read by this run and would be replaced"
    folder = next(p for p in written_place(path).absolute().parents if p.exists())
    if not folder.is_dir():
        return f"cannot be made, since {folder} is a file"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"cannot be made: no permission to write in {folder}"
    return ""


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A temporary name that takes the place of ``path`` when the block ends well.

    A symbolic link stays: the file that it leads to is replaced, beside that file. What processes
    that are gone left in the folder is removed. UsageError if something else than a regular file
    stands there.
    """
    target = written_place(path)
    check_kind(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target)
    temporary = temporary_beside(target)
    try:
        yield temporary
        check_kind(path)
        temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink()


def check_kind(path: Path) -> None:
    """UsageError if a device, a pipe or a folder stands where a file is to be written."""
    fault = fault_of_kind(path)
    if fault:
        msg = f"{path}: {fault}. An output is a regular file; name {OTHER_OUTPUT}."
        raise UsageError(msg, file=path, key="output")


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Other processes that ask for the same folder wait until the block ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


OTHER_OUTPUT = "another output with -o"


@contextmanager
def writable(out: Path, *, key: str = "output", elsewhere: str = OTHER_OUTPUT) -> Iterator[None]:
    """UsageError for a full disk and whatever else keeps the files from being written."""
    try:
        yield
    except (OSError, RuntimeError) as reason:
        # HDF5 tells of a full disk in the text of an error of its own.
        if getattr(reason, "errno", None) is None and "No space left" not in str(reason):
            raise
        msg = f"{out}: cannot be written ({reason}). Name {elsewhere}."
        raise UsageError(msg, file=out, key=key) from reason


@contextmanager
def new_output(path: Path, *, key: str = "output", elsewhere: str = OTHER_OUTPUT) -> Iterator[Path]:
    """A temporary name that becomes ``path``; UsageError if it cannot be written."""
    with writable(path, key=key, elsewhere=elsewhere), replaced_file(path) as temporary:
        yield temporary


def check_new_files(
    paths: Sequence[Path],
    read: Sequence[Path],
    *,
    overwrite: bool,
    key: str = "output",
    setting: str = "",
    elsewhere: str = OTHER_OUTPUT,
) -> None:
    """UsageError if a file cannot be written, or would replace another without consent.

    The files ``read`` are never replaced. ``setting`` gives consent as well as --overwrite;
    ``elsewhere`` is what to name instead.
    """
    consent = f"set {setting} = true, " if setting else ""
    places: dict[Path, Path] = {}
    for path in paths:
        other = places.setdefault(Path(os.path.realpath(path)), path)
        if other != path:
            msg = f"{path}: leads to the same file as {other}. Name {elsewhere}."
            raise UsageError(msg, file=path, key=key)
        fault = fault_of_place(path, read)
        if fault:
            msg = f"{path}: {fault}. Name {elsewhere}."
            raise UsageError(msg, file=path, key=key)
        if path.exists() and not overwrite:
            msg = f"{path}: exists already. Give --overwrite, {consent}or name {elsewhere}."
            raise UsageError(msg, file=path, key=key, code="output_exists")


def is_pattern(path: Path) -> bool:
    """Whether a name may stand for several files: it has ``*``, ``?`` or ``[`` in some part."""
    return any(c in str(_folder_and_rest(path)[1]) for c in "*?[")


def matching(path: Path) -> list[Path]:
    """The files that a pattern stands for, in natural order; ``**`` = folders of any depth."""
    folder, rest = _folder_and_rest(path)
    found = (folder / name for name in glob(str(rest), root_dir=folder, recursive=True))  # noqa: PTH207 (Path.glob fails on "**x")
    return sorted(found, key=lambda p: natural_order(str(p)))


def _folder_and_rest(path: Path) -> tuple[Path, Path]:
    """The deepest folder of a path that is there, whatever its name, and the rest."""
    folder = next((p for p in path.parents if p.exists()), path.parent)
    return folder, path.relative_to(folder)


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts texts with their numbers as numbers: p2 before p10."""
    # Every second part is a number.
    parts = enumerate(_DIGITS.split(name))
    return tuple((1, int(part), part) if i % 2 else (0, 0, part) for i, part in parts if part)
