"""The bytes of a text file, as it is or compressed: in blocks of whole lines, or of one range."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from ....schemas.arrays import U1
from ....schemas.errors import InputError
from ....schemas.sources import EventRange
from ...file_kinds import UNPACKED, kind_of, opened_bytes

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
TAIL_BYTES: Final = 1 << 16
_BLOCK_BYTES: Final = 1 << 22


def blocks(path: Path) -> Iterator[tuple[int, U1]]:
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
    begin = max(len(block) - TAIL_BYTES, 0)
    end = block[begin:].tobytes().rfind(b"\n") + 1
    return begin + end if end else block.tobytes().rfind(b"\n") + 1


def bytes_of(path: Path, events: EventRange, threads: int) -> U1:
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
    if text[:3].tobytes() == BYTE_ORDER_MARK:
        text[:3] = ord(" ")


def check_holes(path: Path, first_byte: int, data: U1) -> None:
    """InputError for zero bytes: as one line they may stand for any number of events."""
    zeros = np.flatnonzero(data == 0)
    if len(zeros):
        msg = (
            f"{path}: holds {len(zeros):,} zero bytes or more, the first at byte "
            f"{first_byte + int(zeros[0]):,}: it was not written or copied whole. "
            "Copy it again."
        )
        raise InputError(msg, file=path)
