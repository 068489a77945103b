"""What a run says on standard error: notes, a progress bar, stage lines, the table of counters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from . import compiling
from .counter_rows import counter_rows
from .definition import StageLine

if TYPE_CHECKING:
    from ..schemas.failures import Failure
    from .engine.report import RunReport

_LEVELS = {0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}
_MOST_PROBLEMS_SHOWN = 5
_MOST_FAILURES_SHOWN = 20


class Screen:
    """Standard error of one run. Level 0 says warnings and errors, 1 the stages, 2 everything."""

    def __init__(self, level: int) -> None:
        self._level = level
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger = logging.getLogger("radiograph")
        logger.handlers[:] = [handler]
        logger.setLevel(_LEVELS[level])
        logger.propagate = False
        # With a level of its own: a first run is told also by a command that quiets the log.
        compiling.log.setLevel(_LEVELS[level])
        compiling.announce_compilations()

    def quiet_log(self) -> None:
        """Warnings only from the package's own log: for a command with lines of its own."""
        logging.getLogger("radiograph").setLevel(max(logging.WARNING, _LEVELS[self._level]))

    def note(self, text: str) -> None:
        """A line that a user may want to know."""
        if self._level:
            self._console.print(f"note: {text}", markup=False)

    def warn(self, text: str) -> None:
        """A line that a user should know, however quiet the run is."""
        self._console.print(f"warning: {text}", markup=False, style="yellow")

    @contextmanager
    def progress(self, *, show: bool) -> Iterator[Callable[[int], None]]:
        """A bar of raw events on a terminal; elsewhere nothing."""
        if not (show and self._level and self._console.is_terminal):
            yield lambda _: None
            return
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.completed:,} raw events"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task("events", total=None)
            yield lambda n: bar.advance(task, n)

    def summary(self, report: RunReport, stage_lines: Iterable[StageLine] = ()) -> None:
        """What failed by key, warnings and problems, stage lines, counters that are not zero."""
        # A file that gave nothing was told of when it was left out.
        by_key = _one_a_cause([failure for failure in report.failed if failure.node])
        for failure in by_key[:_MOST_FAILURES_SHOWN]:
            self._console.print(f"failed: {failure}", markup=False, style="red")
        if len(by_key) > _MOST_FAILURES_SHOWN:
            self.warn(f"{len(by_key) - _MOST_FAILURES_SHOWN} more failures stand in --json")
        for text in report.warnings:
            self.warn(text)
        problems = [p for p in report.problems if p["message"] not in report.warnings]
        for problem in problems[:_MOST_PROBLEMS_SHOWN]:
            self.warn(problem["message"])
        if len(problems) > _MOST_PROBLEMS_SHOWN:
            rest = len(problems) - _MOST_PROBLEMS_SHOWN
            self.warn(f"{rest} more problems stand in the output and in --json")
        if not self._level:
            return
        counters = report.counters
        for stage, before, after, noun in stage_lines:
            if before in counters and after in counters:
                self._console.print(
                    f"{stage:7} {counters[after]:>12,} of {counters[before]:,} {noun}", markup=False
                )
        if any(counters.values()):
            self._console.print(_counter_table(counters))
        self._console.print(f"{report.seconds:.2f} s, {report.output}", markup=False)


def _one_a_cause(failures: Iterable[Failure]) -> list[Failure]:
    """What several nodes tell of one key in the same words is one failure of all of them."""
    nodes: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], Failure] = {}
    for failure in failures:
        cause = (str(dict(failure.at)), failure.message)
        first.setdefault(cause, failure)
        nodes.setdefault(cause, []).append(failure.node)
    return [replace(failure, node=", ".join(nodes[cause])) for cause, failure in first.items()]


def _counter_table(counters: dict[str, int]) -> Table:
    """Counters that are not zero: total, neutrons, gammas."""
    rows = counter_rows(counters)
    # A pipeline without species has totals only.
    columns = [k for k in range(4) if k == 0 or any(row[k] for row in rows)]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for k in columns:
        table.add_column(("counter", "total", "n", "g")[k], justify="right" if k else "left")
    for row in rows:
        table.add_row(*(row[k] for k in columns))
    return table
