"""The parts of an archive as one stream, without a joined copy."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class JoinedFiles(io.RawIOBase):
    """Files read one after another as one; OSError as those raise."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self._rest = list(paths)
        self._now: io.FileIO | None = None

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes; 0 at the end of the last file."""
        while True:
            if self._now is None:
                if not self._rest:
                    return 0
                self._now = io.FileIO(self._rest.pop(0))
            n = self._now.readinto(buffer)
            if n or not len(buffer):
                return n or 0
            self._now.close()
            self._now = None

    def close(self) -> None:
        """Close the file that is open."""
        if self._now is not None:
            self._now.close()
        super().close()
