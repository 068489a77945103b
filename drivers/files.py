"""Input files by their content, and output files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import xxhash

from ..schemas.errors import InputError, UsageError
from ..schemas.sources import FileRef

_BLOCK = 1 << 22


def file_ref(path: Path) -> FileRef:
    """Size and xxh3_128 of a file; InputError if it cannot be read."""
    digest = xxhash.xxh3_128()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
            size = stream.tell()
    except OSError as reason:
        msg = f"{path}: cannot be read ({reason.strerror or reason})."
        raise InputError(msg, file=path) from None
    return FileRef(str(path), size, digest.hexdigest())


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that takes its place when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def writable(out: Path) -> Iterator[None]:
    """UsageError for a full disk and whatever else keeps the files from being written."""
    try:
        yield
    except (OSError, RuntimeError) as reason:
        # HDF5 tells of a full disk in the text of an error of its own.
        if getattr(reason, "errno", None) is None and "No space left" not in str(reason):
            raise
        msg = f"{out}: cannot be written ({reason}). Name another output with -o."
        raise UsageError(msg, file=out, key="io.output_path") from reason


def fault_of_place(path: Path, read: Sequence[Path]) -> str:
    """Why a file cannot be written at ``path``; empty if it can. ``read`` files must stay."""
    if path.is_dir():
        return "is a folder"
    if path.exists() and any(r.exists() and path.samefile(r) for r in read):
        return "is read by this run and would be replaced"
    folder = next(p for p in path.absolute().parents if p.exists())
    if not folder.is_dir():
        return f"cannot be made, since {folder} is a file"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"cannot be made: no permission to write in {folder}"
    return ""


def check_new_files(
    paths: Sequence[Path], read: Sequence[Path], *, overwrite: bool, name_it: str = "-o"
) -> None:
    """UsageError if a file cannot be written, or would replace another without consent.

    ``name_it`` is the option that names another place.
    """
    for path in paths:
        fault = fault_of_place(path, read)
        if fault:
            msg = f"{path}: {fault}. Name another output with {name_it}."
            raise UsageError(msg, file=path, key="output")
        if path.exists() and not overwrite:
            msg = (
                f"{path}: exists already. Give --overwrite, or name another output with {name_it}."
            )
            raise UsageError(msg, file=path, key="output", code="output_exists")
