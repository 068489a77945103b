"""Parameter files of LEGEND, by their content."""

from __future__ import annotations

from dataclasses import dataclass

from ..sources import FileRef


@dataclass(frozen=True)
class ParameterFiles:
    """Files whose constants are used, in order: a later one adds to, or replaces, earlier ones.

    ``arrays`` are the LH5 files that they name, which hold what is too long for them.
    """

    files: tuple[FileRef, ...]
    arrays: tuple[FileRef, ...] = ()
