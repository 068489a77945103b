"""What a run says on standard error, kept for the file that it writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Kept(logging.Handler):
    """The notes and warnings of a run as lines, in their order."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(f"{record.levelname.lower()}: {record.getMessage()}")


@contextmanager
def said_meanwhile() -> Iterator[list[str]]:
    """Lines that grow with what this package says, as far as its log is not quieted."""
    logger, kept = logging.getLogger("radiograph"), _Kept()
    logger.addHandler(kept)
    try:
        yield kept.lines
    finally:
        logger.removeHandler(kept)
