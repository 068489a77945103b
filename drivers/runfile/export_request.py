"""What of a run's file is exported where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ExportRequest:
    """What is exported where.

    ``output`` is the file to write if its name ends like the format, else the folder for what is
    written; None = beside the source. ``figure`` are wishes for figures, as the command has them.
    """

    source: Path
    to: str
    output: Path | None = None
    overwrite: bool = False
    tables: tuple[str, ...] = ()
    figure: Mapping[str, Any] = field(default_factory=dict)
