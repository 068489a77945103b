"""PHITS usrdef text: event lines ``ne``/``ge`` with hits, and optional reaction records.

Light is the deposited energy (the format has no light response); there is no PSD.
Format: see docs/formats.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from ....schemas.arrays import U1
from ....schemas.errors import InputError
from ....schemas.imaging.codes import SPECIES
from ....schemas.imaging.frames import HITS, PROBLEMS, PRODUCTS, REACTIONS
from ....schemas.imaging.images import SourceRecords
from ....schemas.imaging.reading import ReaderSettings, SourceMetadata
from ....schemas.sources import EventRange, FileRef
from ....schemas.tables import TableSchema, categories_of
from ...file_kinds import UNPACKED, kind_of, opened_bytes
from ..kernels import usrdef_text as kernel
from .reader import Reader
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
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DECIMAL_COMMA: Final = re.compile(rb"(?<=\d),(?=\d)")
_BLOCK_BYTES: Final = 1 << 22
_TAIL_BYTES: Final = 1 << 16
HITS_WITHOUT_MATERIAL: Final = TableSchema(
    "HitsWithoutMaterial", HITS.row, tuple(c for c in HITS.columns if c.name != "material")
)


def event_ranges(path: Path, events_per_range: int, settings: ReaderSettings) -> list[EventRange]:
    """The ranges of a file, by bytes; an empty list where no line is an event line."""
    byte, line = np.zeros(0, np.int64), np.zeros(0, np.int64)
    n_events, number, size = 0, 1, 0
    for first_byte, block in _blocks(path):
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
    data = _bytes(Path(source.path), events, threads)
    cut_off = _is_cut_off(Path(source.path), data)
    columns, n_damaged, problems = scanned(data, events, settings, threads, cut_off=cut_off)
    if n_damaged:
        _check_holes(source.path, events, data)
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


def _blocks(path: Path) -> Iterator[tuple[int, U1]]:
    """The bytes of a file in blocks of whole lines, each with its first byte.

    A block is gone when the next is asked for.
    """
    first_byte, held, buffer = 0, 0, np.empty(_BLOCK_BYTES, np.uint8)
    with opened_bytes(path) as stream:
        while size := held + stream.readinto(buffer[held:].data):
            end = size if size < len(buffer) else _whole_lines(buffer)
            if end == 0:
                # One line is longer than the block.
                held, buffer = size, np.append(buffer, np.empty_like(buffer))
                continue
            if first_byte == 0:
                _blank_mark(buffer[:end])
            yield first_byte, buffer[:end]
            first_byte += end
            held = size - end
            buffer[:held] = buffer[end:size]


def _whole_lines(block: U1) -> int:
    """How many bytes of a block end with its last newline."""
    begin = max(len(block) - _TAIL_BYTES, 0)
    end = block[begin:].tobytes().rfind(b"\n") + 1
    return begin + end if end else block.tobytes().rfind(b"\n") + 1


def _bytes(path: Path, events: EventRange, threads: int) -> U1:
    """The bytes of a range, each thread reading a share; compressed ones are read by one."""
    data = np.empty(events.last_byte - events.first_byte, np.uint8)
    n = 1 if kind_of(path) in UNPACKED else threads
    edges = [len(data) * k // n for k in range(n + 1)]

    def fill(begin: int, end: int) -> None:
        with opened_bytes(path) as stream:
            stream.seek(events.first_byte + begin)
            if stream.readinto(data[begin:end].data) < end - begin:
                msg = f"{path}: has become shorter while it was read. Run again."
                raise InputError(msg, file=path)

    with ThreadPoolExecutor(n) as pool:
        list(pool.map(fill, edges[:-1], edges[1:]))
    if events.first_byte == 0:
        _blank_mark(data)
    return data


def _blank_mark(text: U1) -> None:
    """Blanks in the place of the byte-order mark that editors put before a text."""
    if text[:3].tobytes() == _BYTE_ORDER_MARK:
        text[:3] = ord(" ")


def _check_holes(path: str, events: EventRange, data: U1) -> None:
    """InputError for zero bytes: as one line they may stand for any number of events."""
    zeros = np.flatnonzero(data == 0)
    if len(zeros):
        msg = (
            f"{path}: holds {len(zeros):,} zero bytes or more, the first at byte "
            f"{events.first_byte + int(zeros[0]):,}: it was not written or copied whole. "
            "Copy it again."
        )
        raise InputError(msg, file=path)


def _is_cut_off(path: Path, data: U1) -> bool:
    """Whether the bytes end within an event line: a number cut in two is a number as well.

    Such a line has neither a newline nor the comma that closes the first event line of the file.
    """
    end = data[-_TAIL_BYTES:].tobytes()
    if not end or end.endswith(b"\n") or end.rstrip().endswith(b","):
        return False
    with opened_bytes(path) as stream:
        for line in stream:
            if line.removeprefix(_BYTE_ORDER_MARK).lstrip()[:3] in _EVENT_WORDS:
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
