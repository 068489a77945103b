"""What a run leaves behind in cycles, let go of without a look at what was there before.

Importing makes half a million objects that stay: a full collection looks at each of them, which
takes longer than a small run.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 1


@contextmanager
def earlier_objects_apart() -> Iterator[None]:
    """The collector does not look at what is there already while the block runs.

    Where something is set apart already, by the program around or by a block around this one, it
    stays so.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.collect(_YOUNG)
    gc.freeze()
    try:
        yield
        # Each evaluation of a graph leaves a cycle that holds every value it gave; left to the
        # collector they stay beside what is made of the results.
        gc.collect()
    finally:
        gc.unfreeze()
