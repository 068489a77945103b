"""What a command over a campaign says: a log file, lines on standard error, a bar on a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from ....schemas.errors import UsageError

_MOST_NAMES: Final = 1000


class Telling:
    """Lines of one command, each also in its own new log file.

    ``log`` = None writes none. It is told of transfers from several threads.
    """

    def __init__(self, log: IO[str] | None, *, quiet: bool) -> None:
        self._log = log
        self._quiet = quiet
        self._lock = threading.Lock()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._last: dict[str, int] = {}
        self._totals: dict[str, int] = {}
        self._total: int | None = None
        self._of_run: dict[str, str] = {}

    def files_of(self, run: str, *files: str) -> None:
        """The run that files belong to, for the log."""
        self._of_run.update(dict.fromkeys(files, run))

    def said(self, file: str, text: str, *, warning: bool = False) -> None:
        """A line about a file."""
        with self._lock:
            level = "WARNING" if warning else "INFO"
            if self._log is not None:
                run = self._of_run.get(file, "")
                now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
                self._log.write(f"{now} {level} {run or '-'} {file or '-'} {text}\n")
                self._log.flush()
            if not self._quiet:
                self._print(f"{file}: {text}" if file else text)

    def _print(self, line: str) -> None:
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            sys.stderr.write(f"{line}\n")

    def moved(self, file: str, size: int, total: int | None) -> None:
        """So many bytes of a file are here."""
        if self._bar is None:
            return
        with self._lock:
            if file not in self._tasks:
                self._tasks[file] = self._bar.add_task(file, total=total, completed=size)
                self._last[file] = size
            self._bar.update(self._tasks[file], completed=size, total=total)
            if self._total is None and total is not None:
                self._totals[file] = total
                self._bar.update(self._tasks[""], total=sum(self._totals.values()))
            self._bar.advance(self._tasks[""], max(size - self._last[file], 0))
            self._last[file] = max(size, self._last[file])

    def ended(self, file: str) -> None:
        """A file is done with."""
        with self._lock:
            if self._bar is not None and file in self._tasks:
                self._bar.remove_task(self._tasks.pop(file))

    @contextmanager
    def progress(self, total: int | None) -> Iterator[None]:
        """Bytes, rate and time left, per file and in all; on a terminal only.

        Where ``total`` is None, all are the files that have begun.
        """
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            self._bar, self._total = bar, total
            self._tasks[""] = bar.add_task("all", total=total)
            try:
                yield
            finally:
                self._bar = None
                self._tasks.clear()


@contextmanager
def telling(folder: Path, command: str, *, quiet: bool, dry_run: bool = False) -> Iterator[Telling]:
    """What a command says, with its new file ``<command>_<UTC time>.log``; none of a dry run."""
    if dry_run:
        yield Telling(None, quiet=quiet)
        return
    with _new_log(folder, command) as log:
        yield Telling(log, quiet=quiet)


def _new_log(folder: Path, command: str) -> IO[str]:
    stem = f"{command}_{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(_MOST_NAMES):
            try:
                return (folder / f"{stem}{f'_{k}' if k else ''}.log").open("x", encoding="utf-8")
            except FileExistsError:
                continue
    except OSError as reason:
        fault = reason.strerror or str(reason)
    else:
        fault = "there is no free name"
    msg = f"{folder}: no log can be written ({fault}). Name another folder in transients.log_dir."
    raise UsageError(msg, file=folder, key="transients.log_dir", code="read_only")
