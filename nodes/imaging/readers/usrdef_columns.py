"""PHITS usrdef text to columns: pieces of the text scanned by threads, then put together.

A piece begins with an event line, and what a thread finds does not depend on the other pieces:
the columns are the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from ....schemas.arrays import I8, U1
from ....schemas.imaging.reading import ReaderSettings
from ....schemas.sources import EventRange
from ..kernels import usrdef_text as kernel

Columns = Mapping[str, np.ndarray]
_FEWEST_BYTES: Final = 1 << 22
_EVENT_COLUMNS: Final = ("hit_event", "reaction_event", "product_event")


@dataclass(frozen=True)
class _Piece:
    """What one thread found: columns, problems by kind, how many event lines and lines."""

    columns: Columns
    counts: I8
    lines: I8
    n_events: int
    n_lines: int


def scanned(
    text: U1, events: EventRange, settings: ReaderSettings, threads: int, *, cut_off: bool
) -> tuple[Columns, int, tuple[I8, I8]]:
    """(columns, number of damaged lines, (problems by kind, their lines)) of a range.

    ``cut_off`` says that the last line, without a newline, is not whole.
    """
    edges = _edges(text, threads)
    first = [(events.first_line, events.first_event)] + [(1, 0)] * (len(edges) - 2)

    def scan(k: int) -> _Piece:
        return _scanned(text[edges[k] : edges[k + 1]], *first[k], settings, cut_off)

    if len(edges) == 2:
        pieces = [scan(0)]
    else:
        with ThreadPoolExecutor(len(edges) - 1) as pool:
            pieces = list(pool.map(scan, range(len(edges) - 1)))
    counts = np.sum([p.counts for p in pieces], axis=0)
    return _joined(pieces, events), int(counts.sum()), (counts, _lines(pieces, events))


def _edges(text: U1, threads: int) -> list[int]:
    """Where the pieces begin, and the end: event lines next to equal shares."""
    n = max(min(threads, len(text) // _FEWEST_BYTES), 1)
    inner = {kernel.next_event_line(text, len(text) * k // n) for k in range(1, n)}
    return [0, *sorted(inner - {len(text)}), len(text)]


def _scanned(
    text: U1, first_line: int, first_event: int, settings: ReaderSettings, cut_off: bool
) -> _Piece:
    n_hits, n_reactions, n_products = kernel.upper_bounds(text)
    columns: dict[str, Any] = {
        "hit_event": np.empty(n_hits, np.int64),
        "hit_number": np.empty(n_hits, np.int16),
        "hit_species": np.empty(n_hits, np.int8),
        "hit_region": np.empty(n_hits, np.int32),
        "hit_values": np.empty((5, n_hits)),
        # No more events than hits can be: each has a line, as each hit has.
        "event_read": np.zeros(n_hits, np.bool_),
        "reaction_event": np.empty(n_reactions, np.int64),
        "reaction_number": np.empty(n_reactions, np.int32),
        "reaction_integers": np.empty((11, n_reactions), np.int64),
        "reaction_values": np.empty((4, n_reactions)),
        "product_event": np.empty(n_products, np.int64),
        "product_reaction": np.empty(n_products, np.int32),
        "product_kf": np.empty(n_products, np.int64),
        "product_values": np.empty((2, n_products)),
    }
    counts = np.zeros(kernel.N_KINDS, np.int64)
    lines = np.zeros((kernel.N_KINDS, kernel.SHOWN_PER_KIND), np.int64)
    units = (settings.cm_per_position_unit, settings.ns_per_time_unit)
    n_events, n_hits, n_reactions, n_products, n_lines = kernel.scan_usrdef(
        text, first_line, first_event, *units, cut_off, *columns.values(), counts, lines
    )
    sizes = {"hit": n_hits, "event": n_events, "reaction": n_reactions, "product": n_products}
    used = {name: c[..., : sizes[name.split("_")[0]]] for name, c in columns.items()}
    return _Piece(used, counts, lines, n_events, n_lines)


def _joined(pieces: Sequence[_Piece], events: EventRange) -> Columns:
    """The columns one after the other, with the events of the later pieces counted on."""
    if len(pieces) == 1:
        return pieces[0].columns
    before = np.cumsum([0, *(p.n_events for p in pieces)])
    joined = {
        name: np.concatenate([p.columns[name] for p in pieces], axis=-1)
        for name in pieces[0].columns
    }
    for name in _EVENT_COLUMNS:
        rows = np.cumsum([0, *(len(p.columns[name]) for p in pieces)])
        for k, (begin, end) in enumerate(pairwise(rows)):
            if k:
                joined[name][begin:end] += events.first_event + before[k]
    return joined


def _lines(pieces: Sequence[_Piece], events: EventRange) -> I8:
    """The first lines of each kind of problem over all pieces, as kernel.scan_usrdef notes them."""
    if len(pieces) == 1:
        return pieces[0].lines
    shown = np.zeros_like(pieces[0].lines)
    for kind in range(kernel.N_KINDS):
        found: list[int] = []
        before = 0
        for k, piece in enumerate(pieces):
            own = piece.lines[kind, : min(piece.counts[kind], kernel.SHOWN_PER_KIND)]
            found += (own + (events.first_line - 1 + before if k else 0)).tolist()
            before += piece.n_lines
        first = found[: kernel.SHOWN_PER_KIND]
        shown[kind, : len(first)] = first
    return shown
