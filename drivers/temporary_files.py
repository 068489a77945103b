"""Hidden files that become outputs: how they are named, and what a killed process left of them.

A name carries the process and where it runs, so that no other machine or container that writes
to the same disk makes the same one, and nobody takes a file away under a process that writes.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

# With what stands around it, a name of this length is still one that file systems take.
_MOST_NAME_BYTES: Final = 180
# What belongs to a file that is written: rows that wait (HDF5), journals (SQLite).
_COMPANIONS: Final = r"(?:\.side|-journal|-wal|-shm)?"
_NAME: Final = re.compile(rf"\..+\.(\d+)-(\d+)-([0-9a-f]{{8}})\.tmp{_COMPANIONS}", re.DOTALL)
_OLD_NAME: Final = r"\.{name}\.(\d+)\.tmp" + _COMPANIONS
# A process of another machine, or before a restart, is not to be seen: its file is left over
# once it has rested this long.
_RESTED_S: Final = 86400.0


class _Writer(NamedTuple):
    """A process, as names of temporary files tell it: number, time of its start, place."""

    process: int
    started: int
    place: str


def temporary_beside(path: Path) -> Path:
    """The hidden name beside ``path`` under which this process writes it."""
    me, name = os.getpid(), os.fsencode(path.name)
    if len(name) > _MOST_NAME_BYTES:
        # Long names that differ at their ends stay apart.
        name = name[:_MOST_NAME_BYTES] + xxhash.xxh32(name).hexdigest().encode()
    return path.with_name(f".{os.fsdecode(name)}.{me}-{_state_and_start(me)[1]}-{_place()}.tmp")


def meant_name(temporary: Path) -> str:
    """The name that a temporary file of ``temporary_path`` is to get, if it is not too long."""
    found = _NAME.fullmatch(temporary.name)
    return temporary.name[1:].rsplit(".", 2)[0] if found else temporary.name


def remove_leftovers(path: Path) -> None:
    """Remove what processes that are gone left of their files in the folder of ``path``.

    What cannot be removed stays: it does no harm but taking room.
    """
    older = re.compile(_OLD_NAME.format(name=re.escape(path.name)))
    with suppress(OSError):
        for entry in os.scandir(path.parent):
            if not entry.name.startswith("."):
                continue
            with suppress(OSError):
                if _is_left_over(entry, older):
                    Path(entry.path).unlink()


def _is_left_over(entry: os.DirEntry[str], older: re.Pattern[str]) -> bool:
    if not entry.is_file(follow_symlinks=False):
        return False
    found = _NAME.fullmatch(entry.name)
    if found is not None:
        writer = _Writer(int(found[1]), int(found[2]), found[3])
        return _is_gone(writer) if writer.place == _place() else _has_rested(entry)
    # Names of earlier versions do not tell the place.
    found = older.fullmatch(entry.name)
    return found is not None and _is_gone(_Writer(int(found[1]), 0, "")) and _has_rested(entry)


def _has_rested(entry: os.DirEntry[str]) -> bool:
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > _RESTED_S


def _is_gone(writer: _Writer) -> bool:
    """Whether a process of this machine has ended; another may have its number now."""
    try:
        os.kill(writer.process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass  # it is there, and somebody else's
    state, started = _state_and_start(writer.process)
    # A killed process that nobody has waited for keeps its number.
    return state in ("Z", "X") or bool(writer.started and started and started != writer.started)


def _state_and_start(process: int) -> tuple[str, int]:
    """State of a process and clock ticks from boot to its start; ("", 0) where it is not told."""
    try:
        # /proc may number the processes of another container.
        if Path("/proc/self").readlink().name != str(os.getpid()):
            return "", 0
        text = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    except OSError:
        return "", 0
    # The name of the program, in brackets, may hold anything.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _place() -> str:
    """Eight hexadecimal digits for where process numbers mean the same: machine, boot, container.

    Without /proc the name of the machine.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        place = f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        place = os.uname().nodename
    return xxhash.xxh32(place.encode()).hexdigest()
