"""Everything that is not a quantity: command, settings, graph building, execution, files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .registry import DEFAULT

if TYPE_CHECKING:
    from .api import Analysis
    from .config import LoadedConfig


def pipeline(
    name: str = DEFAULT,
    config: str | Path | LoadedConfig | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Analysis:
    """A pipeline with its settings, ready to be asked for nodes; see api.pipeline()."""
    from .home import need_home

    need_home()
    from .api import pipeline as build

    return build(name, config, overrides)
