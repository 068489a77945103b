"""The two files that the FPGA wrote of a run, by themselves or in the archive of all runs."""

from __future__ import annotations

import contextlib
import csv
import io
import tarfile
from pathlib import Path
from typing import Final

import numpy as np

from ....schemas.arrays import frozen
from ....schemas.errors import InputError
from ....schemas.sources import FileRef
from ....schemas.transients.layout import FPGA_HITS, FPGA_LOG
from ....schemas.transients.recordings import HitLog
from .gunzip import DAMAGES, opened_stream

TICKS: Final = "hw_ts_10us"


def parsed_hits(text: str, name: str) -> HitLog:
    """The columns of a hit log; InputError if its first column is not hw_ts_10us.

    A row without a time is left out and counted.
    """
    reader = csv.reader(io.StringIO(text, newline=""))
    lines = [(reader.line_num, row) for row in reader]
    header = [cell.strip() for cell in lines[0][1]] if lines else []
    if not header or header[0] != TICKS:
        msg = f"{name}: the first column is {header[:1]}, it must be {TICKS} (ticks of 10 us)."
        raise InputError(msg, file=name, code="hit_log")
    # A line without anything on it is no row.
    rows = [(line, row) for line, row in lines[1:] if any(cell.strip() for cell in row)]
    values = np.full((len(rows), len(header)), np.nan)
    for k, (_, row) in enumerate(rows):
        for j, cell in enumerate(row[: len(header)]):
            with contextlib.suppress(ValueError):
                values[k, j] = float(cell)
    timed = np.isfinite(values[:, 0])
    if timed.all():
        return HitLog(tuple(header), frozen(values))
    line, row = rows[int(np.argmin(timed))]
    untimed = int((~timed).sum())
    return HitLog(tuple(header), frozen(values[timed]), untimed, f"line {line}: {row[0]!r}")


def file_content(files: tuple[FileRef, ...], name: str) -> bytes | None:
    """A file of the FPGA: by itself, or a member of its archive."""
    for ref in files:
        path = Path(ref.path)
        if path.as_posix().endswith(name):
            return path.read_bytes()
        if path.name in (FPGA_LOG, FPGA_HITS):
            continue
        try:
            with (
                contextlib.closing(opened_stream([ref.path])) as stream,
                tarfile.open(fileobj=stream, mode="r|") as archive,
            ):
                for info in archive:
                    if info.isreg() and info.name.removeprefix("./") == name:
                        member = archive.extractfile(info)
                        assert member is not None
                        return member.read()
        except (tarfile.TarError, *DAMAGES, OSError) as reason:
            if str(reason) == "empty file":
                continue
            msg = f"{path}: the archive of the FPGA cannot be read ({reason}). Fetch it again."
            raise InputError(msg, file=path, code="not_an_archive") from None
    return None
