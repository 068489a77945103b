"""PHITS usrdef text: event lines ``ne``/``ge`` with hits, and optional reaction records.

Light is the deposited energy (the format has no light response); there is no PSD.
Format: see docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ....schemas.arrays import U1
from ....schemas.imaging.codes import SPECIES
from ....schemas.imaging.frames import HITS, PROBLEMS, PRODUCTS, REACTIONS
from ....schemas.imaging.images import SourceRecords
from ....schemas.imaging.reading import ReaderSettings, SourceMetadata
from ....schemas.sources import EventRange, FileRef
from ....schemas.tables import TableSchema, categories_of
from ..kernels import usrdef_text as kernel

KIND_NAMES: Final = {
    kernel.BAD_NUMBER: "bad_number",
    kernel.TRUNCATED: "truncated_hit",
    kernel.NO_HITS: "no_hits",
    kernel.NOT_FINITE: "not_finite",
    kernel.NEGATIVE_LIGHT: "negative_light",
    kernel.UNKNOWN_LINE: "unknown_line",
    kernel.BAD_REACTION: "bad_reaction",
}
_BLOCK_BYTES: Final = 1 << 25
HITS_WITHOUT_MATERIAL: Final = TableSchema(
    "HitsWithoutMaterial", HITS.row, tuple(c for c in HITS.columns if c.name != "material")
)


def event_ranges(path: Path, events_per_range: int, settings: ReaderSettings) -> list[EventRange]:
    """The ranges of a file, by bytes; an empty list where no line is an event line."""
    size = path.stat().st_size
    # An event line has at least "ne", a blank and a line end: room for every possible start.
    room = size // (4 * events_per_range) + 2
    byte, line = np.zeros(room, np.int64), np.zeros(room, np.int64)
    n_events, number = 0, 1
    for first_byte, block in _blocks(path):
        n_events, number = kernel.event_starts(
            block, events_per_range, n_events, number, first_byte, byte, line
        )
    n_ranges = -(-n_events // events_per_range)
    starts = [0, *byte[1:n_ranges].tolist(), size]
    lines = [1, *line[1:n_ranges].tolist()]
    return [
        EventRange(
            k * events_per_range,
            min(events_per_range, n_events - k * events_per_range),
            starts[k],
            starts[k + 1],
            lines[k],
        )
        for k in range(n_ranges)
    ]


def read(source: FileRef, events: EventRange, settings: ReaderSettings) -> SourceRecords:
    """Hits, reactions and problems of one range of event lines."""
    size = events.last_byte - events.first_byte
    data = np.fromfile(source.path, np.uint8, size, offset=events.first_byte)
    columns, sizes, problem_counts, problem_lines = _scanned(data, events)
    n_events, n_hits, n_reactions, n_products = sizes
    read_whole = columns["event_read"][:n_events]
    return SourceRecords(
        hits=_hits(columns, n_hits, events.first_event, settings),
        raw_event_ids=events.first_event + np.flatnonzero(read_whole),
        n_damaged_records=int(problem_counts.sum()),
        problems=_problems(problem_counts, problem_lines),
        n_hits_clipped=(0, 0, 0),
        n_hits_particle=(0, 0, 0),
        reactions=_reactions(columns, n_reactions, events.first_event, settings),
        products=_products(columns, n_products, events.first_event),
    )


def metadata(source: FileRef, settings: ReaderSettings) -> SourceMetadata:
    """Nothing: the format carries none."""
    return SourceMetadata()


def _blocks(path: Path) -> Iterator[tuple[int, U1]]:
    """The bytes of a file in blocks of whole lines, each with its first byte."""
    first_byte, size = 0, _BLOCK_BYTES
    with path.open("rb") as stream:
        while block := stream.read(size):
            end = block.rfind(b"\n") + 1 if len(block) == size else len(block)
            if end == 0:
                # One line is longer than the block.
                size *= 2
            else:
                yield first_byte, np.frombuffer(block[:end], np.uint8)
                first_byte += end
            stream.seek(first_byte)


def _scanned(data: np.ndarray, events: EventRange) -> Any:
    n_hits, n_reactions, n_products = kernel.upper_bounds(data)
    columns = {
        "hit_event": np.empty(n_hits, np.int64),
        "hit_number": np.empty(n_hits, np.int16),
        "hit_species": np.empty(n_hits, np.int8),
        "hit_region": np.empty(n_hits, np.int32),
        "hit_values": np.empty((n_hits, 5)),
        "event_read": np.zeros(events.n_events, np.bool_),
        "reaction_event": np.empty(n_reactions, np.int64),
        "reaction_number": np.empty(n_reactions, np.int32),
        "reaction_integers": np.empty((n_reactions, 11), np.int64),
        "reaction_values": np.empty((n_reactions, 4)),
        "product_event": np.empty(n_products, np.int64),
        "product_reaction": np.empty(n_products, np.int32),
        "product_kf": np.empty(n_products, np.int64),
        "product_values": np.empty((n_products, 2)),
    }
    counts = np.zeros(kernel.N_KINDS, np.int64)
    lines = np.zeros((kernel.N_KINDS, kernel.SHOWN_PER_KIND), np.int64)
    sizes = kernel.scan_usrdef(data, events.first_line, *columns.values(), counts, lines)
    return columns, sizes, counts, lines


def _hits(columns: Any, n: int, first_event: int, settings: ReaderSettings) -> pd.DataFrame:
    values = columns["hit_values"][:n]
    deposited = values[:, 0].copy()
    cm = settings.cm_per_position_unit
    return HITS_WITHOUT_MATERIAL.frame(
        {
            "event_id": columns["hit_event"][:n] + first_event,
            "hit_in_event": columns["hit_number"][:n].copy(),
            "det_id": columns["hit_region"][:n].copy(),
            "species": categories_of(columns["hit_species"][:n], SPECIES),
            "x_cm": values[:, 1] * cm,
            "y_cm": values[:, 2] * cm,
            "z_cm": values[:, 3] * cm,
            "t_ns": values[:, 4] * settings.ns_per_time_unit,
            "light_MeVee": deposited,
            "psd": np.full(n, np.nan),
            "energy_deposited_MeV": deposited,
        }
    )


def _reactions(columns: Any, n: int, first_event: int, settings: ReaderSettings) -> pd.DataFrame:
    integers = columns["reaction_integers"][:n]
    values = columns["reaction_values"][:n]
    cm = settings.cm_per_position_unit
    names = ("ncol", "target_Z", "target_N", "jcl", "kcl", "history", "no", "name", "det_id")
    places = (0, 1, 2, 3, 4, 6, 7, 8, 9)
    return REACTIONS.frame(
        {
            "event_id": columns["reaction_event"][:n] + first_event,
            "reaction_in_event": columns["reaction_number"][:n].copy(),
            **{name: integers[:, k] for name, k in zip(names, places, strict=True)},
            "x_cm": values[:, 0] * cm,
            "y_cm": values[:, 1] * cm,
            "z_cm": values[:, 2] * cm,
            "projectile_kf": integers[:, 10].copy(),
            "projectile_energy_MeV": values[:, 3].copy(),
        }
    )


def _products(columns: Any, n: int, first_event: int) -> pd.DataFrame:
    return PRODUCTS.frame(
        {
            "event_id": columns["product_event"][:n] + first_event,
            "reaction_in_event": columns["product_reaction"][:n].copy(),
            "kf": columns["product_kf"][:n].copy(),
            "energy_MeV": columns["product_values"][:n, 0].copy(),
            "weight": columns["product_values"][:n, 1].copy(),
        }
    )


def _problems(counts: np.ndarray, lines: np.ndarray) -> pd.DataFrame:
    """One row a damaged line up to SHOWN_PER_KIND of a kind; the last row holds the rest."""
    kinds: list[str] = []
    places: list[int] = []
    numbers: list[int] = []
    for kind in np.flatnonzero(counts):
        shown = min(int(counts[kind]), kernel.SHOWN_PER_KIND)
        kinds += [KIND_NAMES[int(kind)]] * shown
        places += lines[kind, :shown].tolist()
        numbers += [1] * (shown - 1) + [int(counts[kind]) - shown + 1]
    return PROBLEMS.frame({"kind": kinds, "line_or_entry": places, "count": numbers})
