"""One light file through the pipeline: numbers, pictures and a report out.

Nothing is written before the request is known to be possible, and each file appears under its
name only when it is whole.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...schemas.errors import UsageError
from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.sources import FileRef
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..engine.executors import Executor
from ..engine.report import RunReport, node_table
from ..engine.run_file import Begun, begun_run
from ..files import check_new_files, replaced_file, writable
from ..files_of_settings import files_of_settings
from ..graph import visible_nodes
from ..input_paths import check_no_other_kind, is_output_file, output_path
from ..provenance import command_line, versions
from ..runfile.exporting import write_parquet
from ..unchanged import unchanged
from .file_names import stem
from .html_report import PAGE_NODES, light_page, provenance_of
from .opening import output_folder
from .output import BESIDE, write_numbers
from .session import LightSession, named_nodes, open_session
from .verdict_text import checks_as_json, shortened

log = logging.getLogger("radiograph.run")

NUMBERS: Final = (
    "light_layout",
    "trigger_counts",
    "missing_adcs",
    "adc_clocks",
    "selected_events",
    "waveform_features",
    "noise_summary",
    "baseline_summary",
    "light_hits",
    "spark_rates",
    "dqm_fractions",
    "power_spectra",
    "epcb_spectra",
    "noise_tones",
    "picked_waveforms",
    "channel_history",
    "light_ratios",
    "copied_channels",
    "light_partners",
    "sample_coding",
    "unwritten_events",
    "event_order",
    "clock_faults",
    "channel_masks",
    "dqm_verdict",
)
"""The nodes whose values a full run writes."""
FIGURES: Final = "light_figures"
_KEY: Final = "io.output_path"
_ELSEWHERE: Final = "another folder with -o"
FIGURE_FILES: Final = ("flatline.png", "baseline.png", "main.pdf")


@dataclass(frozen=True)
class Outputs:
    """What is written of a file beside the answer: numbers (HDF5, Parquet) and pictures."""

    numbers: bool = True
    figures: bool = True

    @classmethod
    def nothing(cls) -> Outputs:
        """The answer only."""
        return cls(numbers=False, figures=False)


def run_lightdqm(
    loaded: LoadedConfig[LightDqmConfig],
    source: Path,
    *,
    targets: Sequence[str] = (),
    earlier_runs: pd.DataFrame | None = None,
    compared: FileRef | None = None,
    outputs: Outputs = Outputs(),
    overwrite: bool = False,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
    held: ExitStack | None = None,
) -> RunReport:
    """Look at one light file.

    Parameters
    ----------
    targets
        Nodes to compute; empty = every number, and the figures if they are wanted.
    earlier_runs
        What is known of earlier files (schema EarlierRuns); None = nothing.
    compared
        The file as it was when these were looked for; it must still be so.
    outputs
        What is written to [io] output_path.
    overwrite
        Replace existing outputs, as does [io] overwrite.
    executor
        Where the file is evaluated; in this process by default.
    held
        Where the outputs wait until it is closed; None = they appear at once.

    Raises
    ------
    InputError, UsageError, ConfigError
        If the file cannot be read or the outputs cannot be written; nothing is written then.
    """
    named, targets = targets, named_nodes(loaded.config, targets)
    with begun_run() as begun:
        check_outputs(loaded, [source], targets, outputs, overwrite=overwrite)
        session = open_session(loaded, source, cache, earlier_runs, executor)
        wanted = _wanted(targets, outputs)
        if outputs != Outputs.nothing():
            log.info("%s: to %s", source, output_folder(loaded))
        shown = PAGE_NODES if outputs.figures and FIGURES in wanted else ()
        stored = [*wanted, *(BESIDE if outputs.numbers and not targets else ())]
        with unchanged([] if compared is None else [compared]):
            every = session.run(dict.fromkeys((*stored, *shown)))
        found = {name: every[name] for name in stored}
        page = _html(session, loaded, every) if shown else ""
        asked = _Asked(targets, outputs, begun, named)
        written = _write(session, loaded, found, page, asked, held)
        session.end_cache()
        return _report(session, source, asked, found, written)


def _wanted(targets: Sequence[str], outputs: Outputs) -> list[str]:
    if targets:
        return list(targets)
    return [*NUMBERS, FIGURES] if outputs.figures else list(NUMBERS)


@dataclass(frozen=True)
class _Paths:
    """The outputs of one file: a folder, what their names begin with, a name for the numbers."""

    folder: Path
    stem: str
    file: Path | None = None

    @classmethod
    def of_source(cls, loaded: LoadedConfig[LightDqmConfig], source: Path) -> _Paths:
        """Where the settings put the outputs of a file."""
        out = output_path(loaded)
        return cls(output_folder(loaded), stem(source.name), out if is_output_file(out) else None)

    def of(self, name: str) -> Path:
        """``<stem>_light_dqm`` and the rest of a name, joined as the dashboards expect it."""
        return self.folder / f"{self.stem}_light_dqm{name}"

    def numbers(self, targets: Sequence[str]) -> Path:
        """Some quantities never stand under the name of all of them."""
        if self.file is not None:
            return self.file
        return self.of("_targets.h5" if targets else ".h5")

    @property
    def page(self) -> Path:
        return self.of(".html")

    def figure(self, name: str) -> Path:
        return self.of(f"_{name}")

    def table(self, name: str) -> Path:
        return self.of(f"_{name.removeprefix('dqm_')}.parquet")


@dataclass(frozen=True)
class _Asked:
    """What is wanted: nodes (none = everything), kinds of files; the run.

    ``named`` are the nodes as they were asked for.
    """

    targets: Sequence[str]
    outputs: Outputs
    begun: Begun
    named: Sequence[str] = ()


def planned_paths(
    loaded: LoadedConfig[LightDqmConfig], source: Path, targets: Sequence[str], outputs: Outputs
) -> list[Path]:
    """Every file that a run may write; ``targets`` are names of nodes, no aliases."""
    paths = _Paths.of_source(loaded, source)
    wanted = _wanted(targets, outputs)
    planned = [paths.numbers(targets)] if outputs.numbers else []
    if outputs.numbers and loaded.config.lightdqm.write_parquet:
        planned += [paths.table(name) for name in wanted]
    if outputs.figures and FIGURES in wanted:
        planned += [*(paths.figure(name) for name in FIGURE_FILES), paths.page]
    return planned


def check_outputs(
    loaded: LoadedConfig[LightDqmConfig],
    sources: Sequence[Path],
    targets: Sequence[str],
    outputs: Outputs,
    *,
    overwrite: bool,
) -> None:
    """UsageError if an output of any file cannot be written.

    Nothing is replaced without consent, and no output of one input by that of another.
    """
    if outputs != Outputs.nothing():
        check_no_other_kind(output_path(loaded))
    makers: dict[Path, Path] = {}
    read = files_of_settings(loaded)
    for source in sources:
        planned = planned_paths(loaded, source, targets, outputs)
        check_new_files(
            planned,
            [source, *read],
            overwrite=overwrite or loaded.config.io.overwrite,
            key=_KEY,
            setting="[io] overwrite",
            elsewhere=_ELSEWHERE,
        )
        for path in planned:
            other = makers.setdefault(path, source)
            if other != source:
                msg = (
                    f"{path}: would be made of {other} and of {source}. Give one of them another "
                    "name, or look at one at a time."
                )
                raise UsageError(msg, file=path, key="io.input_path")


def _write(
    session: LightSession,
    loaded: LoadedConfig[LightDqmConfig],
    found: Mapping[str, Any],
    page: str,
    asked: _Asked,
    held: ExitStack | None,
) -> list[Path]:
    """The files that are wanted; all of them appear, or none."""
    outputs = asked.outputs
    paths = _Paths.of_source(loaded, Path(session.source.path))
    written: list[Path] = []
    with ExitStack() as own:
        stack = own if held is None else held
        stack.enter_context(writable(paths.folder, key=_KEY, elsewhere=_ELSEWHERE))

        def new(path: Path) -> Path:
            written.append(path)
            return stack.enter_context(replaced_file(path))

        if outputs.numbers:
            numbers = {name: value for name, value in found.items() if name != FIGURES}
            place = new(paths.numbers(asked.targets))
            write_numbers(place, session, loaded, numbers, asked.begun)
            if loaded.config.lightdqm.write_parquet:
                for name, value in numbers.items():
                    if isinstance(value, pd.DataFrame):
                        table = session.table_of(name)
                        write_parquet(name, iter([value]), new(paths.table(name)), table)
        if outputs.figures:
            for name, content in found.get(FIGURES, {}).items():
                new(paths.figure(name)).write_bytes(content)
        if page:
            new(paths.page).write_text(page, encoding="utf-8")
    return written


def _html(
    session: LightSession, loaded: LoadedConfig[LightDqmConfig], found: Mapping[str, Any]
) -> str:
    """The report as one HTML page, with what it was made of."""
    for name, sheet in found["report_pages"].items():
        if sheet.problem:
            log.warning("page %s could not be drawn: %s", name, sheet.problem)
    made = provenance_of(
        session.source, command_line(), versions(), loaded.text, session.manifest.nodes
    )
    return light_page(found, made)


def _report(
    session: LightSession,
    source: Path,
    asked: _Asked,
    found: Mapping[str, Any],
    written: Sequence[Path],
) -> RunReport:
    verdict = found.get("dqm_verdict")
    checks = [] if verdict is None else checks_as_json(verdict)
    return RunReport(
        pipeline=session.flow.name,
        input=[str(source)],
        output=str(written[0]) if written and asked.outputs.numbers else "",
        files=[str(path) for path in written],
        targets=_wanted(asked.targets, asked.outputs),
        counters=_counters(found),
        seconds=asked.begun.seconds,
        nodes=node_table(session.manifest, visible_nodes(session.driver), {}),
        warnings=[_check_text(check) for check in checks if check["status"] in ("fail", "warn")],
        failed=list(session.failures),
        verdict=checks,
        summary=found.get(session.flow.summary_node),
        values=found,
        asked={t: (n, f"/numbers/{n}") for t in asked.named for n in session.resolved([t])},
    )


def _check_text(check: Mapping[str, Any]) -> str:
    channels = shortened(check["channels"])
    return f"{check['check']}: {check['reason']}" + (f" ({channels})" if channels else "")


def _counters(found: Mapping[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    if "trigger_counts" in found:
        for row in found["trigger_counts"].itertuples(index=False):
            counts[f"events_{row.trigger}"] = int(row.n_events)
            counts[f"selected_{row.trigger}"] = int(row.n_selected)
    if "dqm_verdict" in found:
        status = found["dqm_verdict"]["status"].value_counts()
        counts |= {f"checks_{name}": int(n) for name, n in status.items()}
    return counts
