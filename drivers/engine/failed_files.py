"""Input files that gave nothing, while a run goes on with the others."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ...schemas.errors import InputError
from ...schemas.failures import Failure
from .parts import FILE_AXIS

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
