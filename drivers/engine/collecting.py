"""What a run leaves behind in cycles, let go of without a look at what was there before.

Importing makes half a million objects that stay: a full collection looks at each of them, which
takes longer than a small run.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 1


@contextmanager
def earlier_objects_apart() -> Iterator[Callable[[], object]]:
    """The collector does not look at what is there already while the block runs.

    The block is given what lets go of the cycles that its parts leave. Where something is set
    apart already, by the program around or by a block around this one, it stays so.
    """
    if gc.get_freeze_count():
        yield gc.collect
        return
    gc.collect(_YOUNG)
    gc.freeze()
    try:
        yield _Parts().let_go
        # Each evaluation of a graph leaves a cycle that holds every value it gave; left to the
        # collector they stay beside what is made of the results.
        gc.collect()
    finally:
        gc.unfreeze()


class _Parts:
    """What the parts of a block leave; the first also loads libraries, which stay."""

    def __init__(self) -> None:
        self._is_first = True

    def let_go(self) -> None:
        """Let go of the cycles that were left, and look no more at what the first part loaded."""
        gc.collect()
        if self._is_first:
            gc.freeze()
        self._is_first = False
