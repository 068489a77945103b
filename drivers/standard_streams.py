"""Standard output and standard error: told apart from files when they cannot be written."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, Final, TextIO

from ..schemas.errors import LostOutputError

_NAMES: Final = {1: "standard output", 2: "standard error"}


class _Descriptor(io.FileIO):
    """A standard stream by its number; LostOutputError if it takes no more."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)

    def write(self, data: Any, /) -> int:
        """Bytes written; a reader that is gone is BrokenPipeError, as everywhere."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as reason:
            raise LostOutputError(_NAMES[self.fileno()], self.fileno(), reason) from None


def watch_streams() -> None:
    """From here on, a standard stream that cannot be written raises LostOutputError."""
    sys.stdout = _watched(sys.stdout, 1)
    sys.stderr = _watched(sys.stderr, 2)


def _watched(stream: TextIO, number: int) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):  # closed, or somebody else's
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(number)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def turn_to_nothing(number: int) -> None:
    """What is still to be written to a standard stream goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
