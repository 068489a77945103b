"""What a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .execution import NodeCache, Verdict
from .lazy import NotComputedError


def surveyed(
    cache: NodeCache, run: Callable[[Iterable[str]], Any], targets: Iterable[str]
) -> list[Verdict]:
    """What ``run`` would do with each node that the targets need; nothing is executed."""
    found: list[Verdict] = []
    cache.survey = found
    try:
        run(targets)
    except NotComputedError:
        # What one part kept decides what the next is told: here the survey must end.
        pass
    finally:
        cache.survey = None
    return found
