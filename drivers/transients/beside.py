"""What is written beside the file of a run, made from that file alone: tables, figures, a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...schemas.transients.config import TransientsConfig
from ..config import LoadedConfig


def beside_paths(
    loaded: LoadedConfig[TransientsConfig], out: Path, targets: Sequence[str]
) -> list[Path]:
    """Every file that a run may write beside its own."""
    return []


def write_beside(loaded: LoadedConfig[Any], out: Path) -> list[Path]:
    """Write them."""
    return []
