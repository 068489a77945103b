"""Large arrays on pages of memory that are used again.

A page that the system hands out is emptied first, and on a virtual machine often fetched from the
host as well. For an array that is filled once and dropped, range by range, this can take longer
than what is computed. The pages of a dropped array therefore wait for the next one; the system
may take them back whenever it runs short. Values do not depend on it: an array is uninitialised,
as by ``numpy.empty``.
"""

from __future__ import annotations

import mmap
import weakref
from contextlib import suppress
from typing import Final

import numpy as np

from ..schemas.arrays import U4

# Below this size the allocator of numpy keeps pages itself.
_LEAST_BYTES: Final = 1 << 22
_PIECE_BYTES: Final = 1 << 21
# Footprints of two species are in use at a time.
_MOST_WAITING: Final = 2
_HUGE: Final = mmap.MADV_HUGEPAGE if hasattr(mmap, "MADV_HUGEPAGE") else None
_FREE: Final = mmap.MADV_FREE if hasattr(mmap, "MADV_FREE") else None
_HAS_PRIVATE_PAGES: Final = hasattr(mmap, "MAP_PRIVATE") and _FREE is not None
_waiting: list[mmap.mmap] = []


def uninitialised(n: int) -> U4:
    """``n`` places that hold anything; no other living array shares them.

    MemoryError if there is no room.
    """
    n_bytes = 4 * n
    if n_bytes < _LEAST_BYTES or not _HAS_PRIVATE_PAGES:
        return np.empty(n, np.uint32)
    pages = _taken(n_bytes) or _new(n_bytes)
    if pages is None:
        return np.empty(n, np.uint32)
    # Every view of this array keeps it alive, since what is under it is no array.
    array = np.frombuffer(pages, np.uint32)
    weakref.finalize(array, _put_back, pages).atexit = False
    return array[:n]


def _new(n_bytes: int) -> mmap.mmap | None:
    """Pages that were never used; None if the system has none to give."""
    pieces = -(-n_bytes // _PIECE_BYTES)
    try:
        pages = mmap.mmap(-1, pieces * _PIECE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:
        return None
    _advise(pages, _HUGE)
    return pages


def _advise(pages: mmap.mmap, advice: int | None) -> None:
    """Say how pages will be used; a system that does not know the advice goes without."""
    if advice is not None:
        with suppress(OSError):
            pages.madvise(advice)


def _taken(n_bytes: int) -> mmap.mmap | None:
    """Waiting pages that suffice."""
    # No lock: an array may be dropped in the midst of this, by this thread or another one. Each
    # change of the list is one step, and whoever takes pages off it has them alone.
    with suppress(IndexError):
        for _ in range(len(_waiting)):
            pages = _waiting.pop(0)
            if len(pages) >= n_bytes:
                return pages
            _waiting.append(pages)
    return None


def _put_back(pages: mmap.mmap) -> None:
    _advise(pages, _FREE)
    _waiting.append(pages)
    if len(_waiting) > _MOST_WAITING:
        with suppress(ValueError):
            _waiting.remove(min(_waiting, key=len))
