"""One light file through the pipeline: numbers, pictures and a report out.

Nothing is written before the request is known to be possible, and each file appears under its
name only when it is whole.
"""

from __future__ import annotations

import logging
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...schemas.errors import EXIT_GATE, EXIT_INPUT, UsageError
from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.sources import FileRef
from ..cache.explaining import remember_settings
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..files import check_new_files, replaced_file, writable
from ..graph import visible_nodes
from ..node_execution import NodeRecord
from ..provenance import command_line, versions
from ..unchanged import unchanged
from .file_names import stem
from .html_report import PAGE_NODES, Provenance, light_page
from .opening import output_folder
from .output import write_numbers, write_parquet
from .session import LightSession, named_nodes, open_session
from .verdict_text import checks_as_json, overall_status, shortened

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
_KEY: Final = "lightdqm.output_dir"
_ELSEWHERE: Final = "another folder with -o"
FIGURE_FILES: Final = ("flatline.png", "baseline.png", "main.pdf")


@dataclass
class LightReport:
    """What became of one file, as ``--json`` prints it; ``values`` are those of the nodes.

    ``figures`` are all files that were written beside ``output``.
    """

    input: str
    status: str
    output: str
    targets: list[str]
    figures: list[str]
    counters: dict[str, int]
    verdict: list[dict[str, Any]]
    seconds: float
    nodes: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def exit_code(self) -> int:
        """0 fine, 4 a check failed, 3 if a file could not be read."""
        if self.failed:
            return EXIT_INPUT
        return EXIT_GATE if self.status == "fail" else 0

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {name: value for name, value in vars(self).items() if name != "values"}

    def without_values(self) -> LightReport:
        """The same, without what may be large."""
        return replace(self, values={})


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
) -> LightReport:
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
        What is written to [lightdqm] output_dir.
    overwrite
        Replace existing outputs, as does [lightdqm] overwrite.

    Raises
    ------
    InputError, UsageError, ConfigError
        If the file cannot be read or the outputs cannot be written; nothing is written then.
    """
    started = time.perf_counter()
    targets = named_nodes(loaded.config, targets)
    check_outputs(loaded, [source], targets, outputs, overwrite=overwrite)
    session = open_session(loaded, source, cache, earlier_runs)
    wanted = _wanted(targets, outputs)
    if outputs != Outputs.nothing():
        log.info("%s: to %s", source, output_folder(loaded))
    shown = PAGE_NODES if outputs.figures and FIGURES in wanted else ()
    with unchanged([] if compared is None else [compared]):
        every = session.run([*wanted, *(name for name in shown if name not in wanted)])
    found = {name: every[name] for name in wanted}
    page = _html(session, loaded, every) if shown else ""
    asked = _Asked(targets, outputs, started)
    written = _write(session, loaded, found, page, asked)
    if session.cache is not None:
        remember_settings(session)
        session.cache.close(loaded.config.cache.size_limit_GB)
    return _report(session, source, wanted, found, written, time.perf_counter() - started)


def _wanted(targets: Sequence[str], outputs: Outputs) -> list[str]:
    if targets:
        return list(targets)
    return [*NUMBERS, FIGURES] if outputs.figures else list(NUMBERS)


@dataclass(frozen=True)
class _Paths:
    """The outputs of one file: a folder, and what their names begin with."""

    folder: Path
    stem: str

    def of(self, name: str) -> Path:
        """``<stem>_light_dqm`` and the rest of a name, joined as the dashboards expect it."""
        return self.folder / f"{self.stem}_light_dqm{name}"

    def numbers(self, targets: Sequence[str]) -> Path:
        """Some quantities never stand under the name of all of them."""
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
    """What is written: targets (none = everything), kinds of files, and when the run began."""

    targets: Sequence[str]
    outputs: Outputs
    started: float


def planned_paths(
    loaded: LoadedConfig[LightDqmConfig], source: Path, targets: Sequence[str], outputs: Outputs
) -> list[Path]:
    """Every file that a run may write; ``targets`` are names of nodes, no aliases."""
    paths = _Paths(output_folder(loaded), stem(source.name))
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
    makers: dict[Path, Path] = {}
    for source in sources:
        planned = planned_paths(loaded, source, targets, outputs)
        check_new_files(
            planned,
            [source],
            overwrite=overwrite or loaded.config.lightdqm.overwrite,
            key=_KEY,
            setting="[lightdqm] overwrite",
            elsewhere=_ELSEWHERE,
        )
        for path in planned:
            other = makers.setdefault(path, source)
            if other != source:
                msg = (
                    f"{path}: would be made of {other} and of {source}. Give one of them another "
                    "name, or look at one at a time."
                )
                raise UsageError(msg, file=path, key="lightdqm.input_path")


def _write(
    session: LightSession,
    loaded: LoadedConfig[LightDqmConfig],
    found: Mapping[str, Any],
    page: str,
    asked: _Asked,
) -> list[Path]:
    """The files that are wanted; all of them appear, or none."""
    outputs = asked.outputs
    paths = _Paths(output_folder(loaded), stem(Path(session.source.path).name))
    written: list[Path] = []
    with ExitStack() as stack:
        stack.enter_context(writable(paths.folder, key=_KEY, elsewhere=_ELSEWHERE))

        def new(path: Path) -> Path:
            written.append(path)
            return stack.enter_context(replaced_file(path))

        if outputs.numbers:
            numbers = {name: value for name, value in found.items() if name != FIGURES}
            seconds = time.perf_counter() - asked.started
            write_numbers(new(paths.numbers(asked.targets)), session, loaded, numbers, seconds)
            if loaded.config.lightdqm.write_parquet:
                for name, value in numbers.items():
                    if isinstance(value, pd.DataFrame):
                        write_parquet(new(paths.table(name)), value, schema_of(session, name))
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
    source = session.source
    facts = (
        ("input", source.path),
        ("size in bytes", str(source.size)),
        ("xxh3_128", source.content_hash),
        ("command", shlex.join(command_line())),
        ("software", ", ".join(f"{name} {value}" for name, value in versions().items())),
    )
    return light_page(found, Provenance(facts, loaded.text, session.manifest.nodes))


def schema_of(session: LightSession, node: str) -> str:
    """The name of the schema of a node's frame, empty without."""
    return str(session.driver.graph.nodes[node].tags.get("schema", ""))


def _report(
    session: LightSession,
    source: Path,
    targets: Sequence[str],
    found: Mapping[str, Any],
    written: Sequence[Path],
    seconds: float,
) -> LightReport:
    verdict = found.get("dqm_verdict")
    checks = [] if verdict is None else checks_as_json(verdict)
    records = session.manifest.nodes
    return LightReport(
        input=str(source),
        status="" if verdict is None else overall_status(verdict),
        output=str(written[0]) if written else "",
        targets=list(targets),
        figures=[str(path) for path in written[1:]],
        counters=_counters(found),
        verdict=checks,
        seconds=round(seconds, 6),
        nodes={
            name: {"status": record.status, "seconds": round(record.seconds, 6)}
            for name in visible_nodes(session.driver)
            for record in [records.get(name, NodeRecord())]
        },
        warnings=[_check_text(check) for check in checks if check["status"] in ("fail", "warn")],
        values=found,
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
