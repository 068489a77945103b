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
_BLOCK_BYTES: Final = 1 << 22
_TAIL_BYTES: Final = 1 << 16
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
    columns, sizes, problem_counts, problem_lines = _scanned(data, events, settings)
    n_events, n_hits, n_reactions, n_products = sizes
    read_whole = columns["event_read"][:n_events]
    return SourceRecords(
        hits=_hits(columns, n_hits),
        raw_event_ids=events.first_event + np.flatnonzero(read_whole),
        n_damaged_records=int(problem_counts.sum()),
        problems=_problems(problem_counts, problem_lines),
        n_hits_clipped=(0, 0, 0),
        n_hits_particle=(0, 0, 0),
        reactions=_reactions(columns, n_reactions),
        products=_products(columns, n_products),
    )


def metadata(source: FileRef, settings: ReaderSettings) -> SourceMetadata:
    """Nothing: the format carries none."""
    return SourceMetadata()


def _blocks(path: Path) -> Iterator[tuple[int, U1]]:
    """The bytes of a file in blocks of whole lines, each with its first byte.

    A block is gone when the next is asked for.
    """
    first_byte, buffer = 0, np.empty(_BLOCK_BYTES, np.uint8)
    with path.open("rb") as stream:
        while size := stream.readinto(buffer.data):
            end = size if size < len(buffer) else _whole_lines(buffer)
            if end == 0:
                # One line is longer than the block.
                buffer = np.empty(2 * len(buffer), np.uint8)
            else:
                yield first_byte, buffer[:end]
                first_byte += end
            stream.seek(first_byte)


def _whole_lines(block: U1) -> int:
    """How many bytes of a block end with its last newline."""
    begin = max(len(block) - _TAIL_BYTES, 0)
    end = block[begin:].tobytes().rfind(b"\n") + 1
    return begin + end if end else block.tobytes().rfind(b"\n") + 1


def _scanned(data: np.ndarray, events: EventRange, settings: ReaderSettings) -> Any:
    n_hits, n_reactions, n_products = kernel.upper_bounds(data)
    columns = {
        "hit_event": np.empty(n_hits, np.int64),
        "hit_number": np.empty(n_hits, np.int16),
        "hit_species": np.empty(n_hits, np.int8),
        "hit_region": np.empty(n_hits, np.int32),
        "hit_values": np.empty((5, n_hits)),
        "event_read": np.zeros(events.n_events, np.bool_),
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
    first = (events.first_line, events.first_event)
    sizes = kernel.scan_usrdef(data, *first, *units, *columns.values(), counts, lines)
    return columns, sizes, counts, lines


def _hits(columns: Any, n: int) -> pd.DataFrame:
    deposited, x, y, z, time = columns["hit_values"][:, :n]
    return HITS_WITHOUT_MATERIAL.frame(
        {
            "event_id": columns["hit_event"][:n],
            "hit_in_event": columns["hit_number"][:n],
            "det_id": columns["hit_region"][:n],
            "species": categories_of(columns["hit_species"][:n], SPECIES),
            "x_cm": x,
            "y_cm": y,
            "z_cm": z,
            "t_ns": time,
            "light_MeVee": deposited,
            "psd": np.full(n, np.nan),
            "energy_deposited_MeV": deposited,
        }
    )


def _reactions(columns: Any, n: int) -> pd.DataFrame:
    integers = columns["reaction_integers"][:, :n]
    x, y, z, energy = columns["reaction_values"][:, :n]
    names = ("ncol", "target_Z", "target_N", "jcl", "kcl", "history", "no", "name", "det_id")
    places = (0, 1, 2, 3, 4, 6, 7, 8, 9)
    return REACTIONS.frame(
        {
            "event_id": columns["reaction_event"][:n],
            "reaction_in_event": columns["reaction_number"][:n],
            **{name: integers[k] for name, k in zip(names, places, strict=True)},
            "x_cm": x,
            "y_cm": y,
            "z_cm": z,
            "projectile_kf": integers[10],
            "projectile_energy_MeV": energy,
        }
    )


def _products(columns: Any, n: int) -> pd.DataFrame:
    energy, weight = columns["product_values"][:, :n]
    return PRODUCTS.frame(
        {
            "event_id": columns["product_event"][:n],
            "reaction_in_event": columns["product_reaction"][:n],
            "kf": columns["product_kf"][:n],
            "energy_MeV": energy,
            "weight": weight,
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
