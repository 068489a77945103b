"""What the name of a light file says, and which files of a folder are meant.

Names are ``<tag>_rctl_<run>.FLOW.hdf5`` or ``<tag>_rctl_<run>_p<subrun>.FLOW.hdf5``. Numbers in
names sort as numbers: p2 comes before p10.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...schemas.errors import InputError
from ..files import natural_order

SUFFIX: Final = ".FLOW.hdf5"
NO_NUMBER: Final = -1
_RUN = re.compile(r"rctl_(\d+)(?:_p(\d+))?$")
_SUBRUN = re.compile(r"(\d+)_p(\d+)$")
_LAST_NUMBER = re.compile(r"(\d+)$")
# SQLite holds no larger one.
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True)
class RunNumber:
    """Run and sub-run of a file; NO_NUMBER where the name says none."""

    run: int = NO_NUMBER
    subrun: int = NO_NUMBER


@dataclass(frozen=True)
class FileSelection:
    """Which files of a folder: beginning of the name, least last number, how many.

    ``nfiles`` None takes all of them.
    """

    prefix: str = ""
    start_run: int = 0
    nfiles: int | None = 1


def stem(name: str) -> str:
    """The name of a file without its folder and without ``.FLOW.hdf5``."""
    return Path(name).name.removesuffix(SUFFIX)


def run_number(name: str) -> RunNumber:
    """Run and sub-run of a file name; without ``rctl`` the last number is the run."""
    text = stem(name)
    if found := _RUN.search(text) or _SUBRUN.search(text):
        return RunNumber(_number(found[1]), _number(found[2]))
    if last := _LAST_NUMBER.search(text):
        return RunNumber(_number(last[1]))
    return RunNumber()


def _number(digits: str | None) -> int:
    if digits is None or int(digits) > _LARGEST:
        return NO_NUMBER
    return int(digits)


def last_number(name: str) -> int:
    """The number at the end of a name (the sub-run, or else the run): what start_run counts."""
    last = _LAST_NUMBER.search(stem(name))
    return _number(last[1]) if last else NO_NUMBER


def chosen_files(
    paths: Sequence[Path], selection: FileSelection, note: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """The files that are meant: those named, and of each folder those that ``selection`` takes.

    A named file is taken as it is, also if it does not exist. Files are not sorted across the
    paths; a file named twice is taken once. ``note`` is told of a folder that has more.

    Raises
    ------
    InputError
        If a folder holds no such file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        there = _files_of_folder(path, selection)
        taken = there[: selection.nfiles]
        if len(taken) < len(there):
            note(f"{path}: {len(taken)} of {len(there)} files; set lightdqm.nfiles, -1 = all")
        found += taken
    return list(dict.fromkeys(found))


def _files_of_folder(folder: Path, selection: FileSelection) -> list[Path]:
    pattern = f"{selection.prefix}*{SUFFIX}"
    try:
        there = [p for p in folder.iterdir() if p.name.endswith(SUFFIX)]
    except OSError as reason:
        msg = f"{folder}: the folder cannot be read ({reason.strerror or reason})."
        raise InputError(msg, file=folder) from None
    named = [p for p in there if p.name.startswith(selection.prefix) and p.is_file()]
    if not named:
        other = f" ({len(there)} files there end so, with other beginnings)" if there else ""
        msg = (
            f"{folder}: no file {pattern}{other}. Give another folder, or set [lightdqm] "
            "file_syntax to how the names begin."
        )
        raise InputError(msg, file=folder, key="lightdqm.file_syntax")
    named.sort(key=lambda p: natural_order(p.name))
    least = selection.start_run
    later = [p for p in named if least <= 0 or last_number(p.name) >= least]
    if not later:
        most = max(last_number(p.name) for p in named)
        msg = (
            f"{folder}: {len(named)} files {pattern}, but none from number {least} on (the last "
            f"is {most}). Set [lightdqm] start_run lower."
        )
        raise InputError(msg, file=folder, key="lightdqm.start_run")
    return later
