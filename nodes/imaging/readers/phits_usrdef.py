"""PHITS usrdef text: event lines ``ne``/``ge`` with hits, and optional reaction records.

Light is the deposited energy (the format has no light response); there is no PSD.
Format: see docs/formats.md.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from ....schemas.arrays import U1
from ....schemas.imaging.codes import SPECIES
from ....schemas.imaging.frames import HITS
from ....schemas.imaging.images import SourceRecords
from ....schemas.imaging.reading import ReaderSettings, SourceMetadata
from ....schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS
from ....schemas.sources import EventRange, FileRef
from ....schemas.tables import TableSchema, categories_of
from ...file_kinds import UNPACKED, opened_bytes
from ..kernels import usrdef_text as kernel
from .reader import Reader
from .text_bytes import BYTE_ORDER_MARK, TAIL_BYTES, blocks, bytes_of, check_holes
from .usrdef_columns import Columns, scanned

KIND_NAMES: Final = {
    kernel.BAD_NUMBER: "bad_number",
    kernel.TRUNCATED: "truncated_hit",
    kernel.NO_HITS: "no_hits",
    kernel.NOT_FINITE: "not_finite",
    kernel.NEGATIVE_LIGHT: "negative_light",
    kernel.UNKNOWN_LINE: "unknown_line",
    kernel.BAD_REACTION: "bad_reaction",
    kernel.CUT_OFF: "cut_off",
    kernel.OUT_OF_RANGE: "out_of_range",
    kernel.TOO_MANY_HITS: "too_many_hits",
}
_EVENT_WORDS: Final = (b"ne ", b"ge ", b"ne\t", b"ge\t")
_DECIMAL_COMMA: Final = re.compile(rb"(?<=\d),(?=\d)")
HITS_WITHOUT_MATERIAL: Final = TableSchema(
    "HitsWithoutMaterial", HITS.row, tuple(c for c in HITS.columns if c.name != "material")
)


def event_ranges(path: Path, events_per_range: int, settings: ReaderSettings) -> list[EventRange]:
    """The ranges of a file, by bytes; an empty list where no line is an event line."""
    byte, line = np.zeros(0, np.int64), np.zeros(0, np.int64)
    n_events, number, size = 0, 1, 0
    for first_byte, block in blocks(path):
        # An event line has at least "ne", a blank and a line end: room for every possible start.
        room = (n_events + len(block) // 4) // events_per_range + 2
        if room > len(byte):
            byte, line = (np.append(a, np.zeros(room, np.int64)) for a in (byte, line))
        n_events, number = kernel.event_starts(
            block, events_per_range, n_events, number, first_byte, byte, line
        )
        size = first_byte + len(block)
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


def read(
    source: FileRef, events: EventRange, settings: ReaderSettings, threads: int = 1
) -> SourceRecords:
    """Hits, reactions and problems of one range of event lines."""
    data = bytes_of(Path(source.path), events, threads)
    cut_off = _is_cut_off(Path(source.path), data)
    columns, n_damaged, problems = scanned(data, events, settings, threads, cut_off=cut_off)
    if n_damaged:
        check_holes(Path(source.path), events.first_byte, data)
    return SourceRecords(
        hits=_hits(columns),
        raw_event_ids=events.first_event + np.flatnonzero(columns["event_read"]),
        n_damaged_records=n_damaged,
        problems=_problems(*problems),
        n_hits_clipped=(0, 0, 0),
        n_hits_particle=(0, 0, 0),
        reactions=_reactions(columns),
        products=_products(columns),
    )


def metadata(source: FileRef, settings: ReaderSettings) -> SourceMetadata:
    """Nothing: the format carries none."""
    return SourceMetadata()


def explanation(path: Path, line: int, settings: ReaderSettings) -> str:
    """Why a damaged line may be so, with the repair; empty where nothing is known.

    Only a line that is read when its commas between digits are points has decimal commas.
    """
    with opened_bytes(path) as stream:
        given: bytes = next(islice(stream, line - 1, None), b"")
    words = [w.decode("ascii", "replace") for w in given.split() if _DECIMAL_COMMA.search(w)]
    text = np.frombuffer(_DECIMAL_COMMA.sub(b".", given), np.uint8)
    if not words:
        return ""
    columns, _, _ = scanned(text, EventRange(0, 1, 0, len(text)), settings, 1, cut_off=False)
    if not columns["event_read"].any():
        return ""
    return (
        f"Line {line} has decimal commas ({words[0]}), and a comma ends a hit. Write numbers "
        "with a point."
    )


def _is_cut_off(path: Path, data: U1) -> bool:
    """Whether the bytes end within an event line: a number cut in two is a number as well.

    Such a line has neither a newline nor the comma that closes the first event line of the file.
    """
    end = data[-TAIL_BYTES:].tobytes()
    if not end or end.endswith(b"\n") or end.rstrip().endswith(b","):
        return False
    with opened_bytes(path) as stream:
        for line in stream:
            if line.removeprefix(BYTE_ORDER_MARK).lstrip()[:3] in _EVENT_WORDS:
                return line.rstrip().endswith(b",")
    return False


def _hits(columns: Columns) -> pd.DataFrame:
    deposited, x, y, z, time = columns["hit_values"]
    return HITS_WITHOUT_MATERIAL.frame(
        {
            "event_id": columns["hit_event"],
            "hit_in_event": columns["hit_number"],
            "det_id": columns["hit_region"],
            "species": categories_of(columns["hit_species"], SPECIES),
            "x_cm": x,
            "y_cm": y,
            "z_cm": z,
            "t_ns": time,
            "light_MeVee": deposited,
            "psd": np.full(len(deposited), np.nan),
            "energy_deposited_MeV": deposited,
        }
    )


def _reactions(columns: Columns) -> pd.DataFrame:
    integers = columns["reaction_integers"]
    x, y, z, energy = columns["reaction_values"]
    names = ("ncol", "target_Z", "target_N", "jcl", "kcl", "history", "no", "name", "det_id")
    places = (0, 1, 2, 3, 4, 6, 7, 8, 9)
    return REACTIONS.frame(
        {
            "event_id": columns["reaction_event"],
            "reaction_in_event": columns["reaction_number"],
            **{name: integers[k] for name, k in zip(names, places, strict=True)},
            "x_cm": x,
            "y_cm": y,
            "z_cm": z,
            "projectile_kf": integers[10],
            "projectile_energy_MeV": energy,
        }
    )


def _products(columns: Columns) -> pd.DataFrame:
    energy, weight = columns["product_values"]
    return PRODUCTS.frame(
        {
            "event_id": columns["product_event"],
            "reaction_in_event": columns["product_reaction"],
            "kf": columns["product_kf"],
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


READER: Final = Reader(
    event_ranges=event_ranges,
    read=read,
    metadata=metadata,
    positions_in_mm=False,
    neutron_policy="time_asc",
    gamma_policy="time_asc",
    record="line",
    kinds=frozenset(UNPACKED),
    pattern="*.out",
    light_is_deposited=True,
    explanation=explanation,
)
