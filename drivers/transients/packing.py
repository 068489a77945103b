"""Archives as they are delivered: tar, compressed or not, cut into parts. Same bytes every time."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any, Final

_TIME_S: Final = 1_652_511_600
_LEVEL: Final = 1
_BLOCK: Final = 1 << 20


def packed(path: Path, files: Iterable[tuple[str, bytes]], *, gz: bool) -> None:
    """Write a tar of files in their order, their folders before them, at ``path``."""
    with ExitStack() as stack:
        stream: Any = stack.enter_context(path.open("wb"))
        if gz:
            stream = stack.enter_context(
                gzip.GzipFile("", "wb", compresslevel=_LEVEL, fileobj=stream, mtime=_TIME_S)
            )
        tar = stack.enter_context(tarfile.open(fileobj=stream, mode="w|"))
        made: set[PurePosixPath] = set()
        for name, content in files:
            for folder in reversed(PurePosixPath(name).parents[:-1]):
                if folder not in made:
                    made.add(folder)
                    tar.addfile(_member(str(folder), tarfile.DIRTYPE, 0o755, 0))
            member = _member(name, tarfile.REGTYPE, 0o644, len(content))
            tar.addfile(member, io.BytesIO(content))


def _member(name: str, kind: bytes, mode: int, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.size, member.mtime = kind, mode, size, _TIME_S
    return member


def split_file(whole: Path, parts: Sequence[Path]) -> str:
    """Cut a file into parts of one length, the last the rest; the md5 of the whole."""
    length = -(-whole.stat().st_size // len(parts))
    digest = hashlib.md5(usedforsecurity=False)
    with whole.open("rb") as stream:
        for part in parts:
            left = length
            with part.open("wb") as out:
                while left and (block := stream.read(min(_BLOCK, left))):
                    digest.update(block)
                    out.write(block)
                    left -= len(block)
    return digest.hexdigest()
