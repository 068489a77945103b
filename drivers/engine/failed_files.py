"""Input files that gave nothing, while a run goes on with the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ...schemas.errors import InputError
from ...schemas.failures import Failure
from .parts import FILE_AXIS

T = TypeVar("T")
log = logging.getLogger("radiograph.run")


@dataclass(frozen=True)
class FailedFile:
    """An input file that gave nothing: its place among all that were given, and why."""

    path: str
    number: int
    message: str
    code: str = InputError.code
    axis: str = FILE_AXIS

    @property
    def failure(self) -> Failure:
        """The same as every other failure."""
        return Failure({self.axis: self.number}, "", self.code, self.message)


def tell_left_out(file: FailedFile) -> None:
    """Say that a run goes on without a file: as an error, so that --quiet says it too."""
    log.error("left out: %s", file.message)


def none_left(failed: Sequence[FailedFile]) -> InputError:
    """What is raised when no file of several could be used."""
    reasons = "\n".join(f"  {f.message}" for f in failed)
    msg = f"none of the {len(failed)} input files can be used:\n{reasons}"
    return InputError(msg, file=failed[0].path, key="io.input_path")


def usable_files(
    paths: Sequence[Path],
    read: Callable[[int, Path], T],
    *,
    axis: str = FILE_AXIS,
    must_all: bool = False,
    is_of_run: Callable[[InputError], bool] = lambda _: False,
) -> tuple[dict[int, T], list[FailedFile]]:
    """What ``read`` makes of each file, by its number, and the files that give nothing.

    Of several files those that can be read are used, and the others are told of.

    Raises
    ------
    InputError
        That of a file if it is the only one, or they ``must_all`` be good; one that ``is_of_run``
        and not of its file; if none can be used.
    """
    found: dict[int, T] = {}
    failed: list[FailedFile] = []
    for number, path in enumerate(paths):
        try:
            found[number] = read(number, path)
        except InputError as error:
            if len(paths) == 1 or must_all or is_of_run(error):
                raise
            failed.append(FailedFile(str(path), number, error.message, error.code, axis))
    if failed and not found:
        raise none_left(failed)
    for left in failed:
        tell_left_out(left)
    return found, failed
