"""Members of a tar archive that nobody vouches for, read as a stream.

Only what a recording or a file of the FPGA can be is given out. What could write elsewhere, or be
something else than a plain file, makes the archive hostile.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ....nodes.transients.readers.gunzip import DAMAGES, Joined, opened_stream
from ....schemas.errors import InputError, UsageError
from ....schemas.transients.layout import is_fpga_file, parsed_recording
from ....schemas.transients.manifest import Archive
from .contents import is_html

_BUFFER: Final = 1 << 20
_SET_ID: Final = 0o7000
# Names and attributes of a member; a longer header is no honest one.
_MOST_HEADER_BYTES: Final = 1 << 20
_HEADERS: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class HostileArchive(Exception):
    """A member that no honest archive has."""


@dataclass
class Skipped:
    """What was left out, by name: files of another kind, and files that are too large."""

    foreign: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)


class _Header(tarfile.TarInfo):
    """A header that is read strictly: tarfile takes a damaged one for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Any:
        found = super().frombuf(buf, encoding, errors)
        if found.size < 0 or (found.type in _HEADERS and found.size > _MOST_HEADER_BYTES):
            msg = f"a header says {found.size} bytes"
            raise tarfile.ReadError(msg)
        return found

    @classmethod
    def fromtarfile(cls, archive: Any) -> Any:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as reason:
            # tarfile's own names for them are not public.
            kind = type(reason).__name__
            if kind == "EOFHeaderError":
                raise
            msg = f"no header of a member at byte {archive.offset} of the tar ({reason})"
            raise tarfile.ReadError(msg) from None


def check_python() -> None:
    """UsageError for a Python whose tarfile has no filters."""
    if not hasattr(tarfile, "data_filter"):
        msg = (
            "this Python's tarfile has no data_filter, so that archives cannot be unpacked safely; "
            "use Python 3.11.4 or later."
        )
        raise UsageError(msg, code="old_python")


def members(
    archive: Archive, paths: Sequence[Path], largest: int, skipped: Skipped
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path inside the archive's folder, and content, of each file, in order.

    Raises HostileArchive, and InputError for an archive that is cut, damaged or none.
    """
    check_python()
    names: set[str] = set()
    head = _first_bytes(paths)
    if is_html(head):
        msg = f"{paths[0]}: is an HTML page, not an archive; fetch it again."
        raise InputError(msg, file=paths[0], code="html")
    n = 0
    with io.BufferedReader(opened_stream([str(path) for path in paths]), _BUFFER) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as tar:
                for member in tar:
                    # Else the list of all members grows with the archive.
                    tar.members = []  # type: ignore[attr-defined]
                    n += 1
                    place = _place(archive, member, names)
                    if place is None:
                        if member.isreg():
                            skipped.foreign.append(_printable(member.name))
                    elif member.size > largest:
                        skipped.too_large.append(_printable(member.name))
                    else:
                        content = tar.extractfile(member)
                        assert content is not None
                        yield place, content.read()
            # The checksum of a gzip stream comes after the last member.
            while stream.read(_BUFFER):
                pass
        except (tarfile.TarError, *DAMAGES, OSError) as reason:
            raise _damaged(paths, n, head, reason) from None


def _printable(name: str) -> str:
    """A name that can be written anywhere: what is no printable character is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _first_bytes(paths: Sequence[Path]) -> bytes:
    with Joined([str(path) for path in paths]) as stream:
        return stream.read(512) or b""


def _damaged(paths: Sequence[Path], n: int, head: bytes, reason: Exception) -> InputError:
    what = "is empty" if not head else f"is cut or damaged after {n} members ({reason})"
    msg = f"{paths[0]}: {what}; verify it and fetch it again."
    return InputError(msg, file=paths[0], code="archive_cut" if head else "empty")


def _place(archive: Archive, member: tarfile.TarInfo, names: set[str]) -> PurePosixPath | None:
    """Where a member belongs; None for a folder and for files that are nothing of ours."""
    name = member.name.removeprefix("./")
    fault = _fault(member)
    if not fault and not member.isdir():
        fault = "comes twice" if name in names else ""
        names.add(name)
    if fault:
        msg = f"{name[:200]!r} {fault}"
        raise HostileArchive(msg)
    try:
        tarfile.data_filter(member, "/nowhere")
    except tarfile.FilterError as reason:
        msg = f"{name[:200]!r} is refused ({reason})"
        raise HostileArchive(msg) from None
    if not member.isreg():
        return None
    recording = parsed_recording(name)
    if archive.number is None:
        wanted = is_fpga_file(name)
    else:
        wanted = recording is not None and recording.run == archive.number
    return PurePosixPath(*PurePosixPath(name).parts[1:]) if wanted else None


def _fault(member: tarfile.TarInfo) -> str:
    name = member.name
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        return "is an absolute path"
    if ".." in name.replace("\\", "/").split("/"):
        return "leads out of the folder"
    if member.issym() or member.islnk():
        return f"is a link to {member.linkname[:200]!r}"
    if not (member.isreg() or member.isdir()):
        return "is a device, a pipe or of an unknown kind"
    if member.isreg() and member.mode & _SET_ID:
        return f"has the mode {member.mode:o}, of a file that runs as another user"
    return ""
