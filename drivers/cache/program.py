"""Versions of the code of an unchanged program, kept from one run of the command to the next.

To look at every function again takes a fifth of a second, and a program seldom changes. What a
run found is used by another one only if every source file and every compiled one of the package,
and of those that bring pipelines of their own, is the same by size, inode and both times, and if
all of them had been so for a while when the process began: then what was loaded is what they hold.
An edit, also one that is taken back, changes a time that no program can set.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import xxhash

from .code import Parts

_FOLDERS: Final = ("radiograph.drivers", "radiograph.nodes", "radiograph.schemas")
_OWN: Final = "radiograph"
_NAME: Final = "program:"
# Longer than the command takes to start, and than clocks of file servers are behind.
_SETTLED_S: Final = 10.0


def program_identity(started_s: float, packages: Sequence[str] = ()) -> str | None:
    """Digest of what stat says of the files of the program; None if one of them is young.

    ``started_s`` is the time at which this process began, in seconds since the epoch;
    ``packages`` are the roots of module names whose code results depend on, beside this one.
    """
    digest = xxhash.xxh3_128()
    for path, stat in _files([*_FOLDERS, *(p for p in packages if p != _OWN)]):
        if max(stat.st_mtime, stat.st_ctime) > started_s - _SETTLED_S:
            return None
        times = (stat.st_mtime_ns, stat.st_ctime_ns)
        digest.update(repr((path, stat.st_size, stat.st_ino, *times)).encode())
    return digest.hexdigest()


def _files(packages: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    for package in packages:
        module = importlib.import_module(package)
        if not hasattr(module, "__path__"):
            yield str(module.__file__), os.stat(str(module.__file__))  # noqa: PTH116
            continue
        for folder in module.__path__:
            for parent, folders, names in os.walk(folder):
                folders.sort()
                for name in sorted(names):
                    if name.endswith((".py", ".pyc")):
                        path = os.path.join(parent, name)  # noqa: PTH118 (a Path costs more)
                        yield path, os.stat(path)  # noqa: PTH116


def record_name(identity: str) -> str:
    """Under which name the versions of a program are kept."""
    return _NAME + identity


def as_versions(record: object) -> dict[str, Parts]:
    """A record as it was kept; empty for anything else."""
    return record if isinstance(record, dict) else {}
