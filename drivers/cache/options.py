"""What a run wants of the cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class CacheOptions:
    """What a run wants of the cache.

    Attributes
    ----------
    folder
        Where, if it was named (--cache-dir or [cache] dir); None = the user's folder.
    enabled
        False = execute everything, keep nothing.
    refreshed
        Nodes to compute again though they are known.
    rehash
        Read the input even if size and times say that it is unchanged.
    started_s
        When the process of a command began, seconds since the epoch: versions of an unchanged
        program are then taken from the cache. None = look at the code that is in memory.
    for_one_run
        Nothing in it outlives the run: nodes are known by their names, their code is not looked at.
    """

    folder: Path | None = None
    enabled: bool = True
    refreshed: tuple[str, ...] = ()
    rehash: bool = False
    started_s: float | None = None
    for_one_run: bool = False


NO_CACHE: Final = CacheOptions(enabled=False)
