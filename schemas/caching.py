"""[cache]: intermediate results on disk, a section of every pipeline's file."""

from __future__ import annotations

from pydantic import Field

from .settings import FilePath, Section


class Cache(Section):
    """[cache]: intermediate results on disk."""

    dir: FilePath | None = None
    """Folder; absent = the user's cache folder."""
    enabled: bool = True
    """Use the cache."""
    size_limit_GB: float = Field(default=20.0, gt=0)
    """Size to which the cache is cut after a run, least recently stored first."""
