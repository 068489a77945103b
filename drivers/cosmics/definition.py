"""The cosmics pipeline as the core sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ...schemas.cosmics.config import CosmicsConfig
from ...schemas.errors import UsageError
from ..defaults import asked_processes
from ..definition import Companion, Definition, Fault, Source
from ..runfile.export_request import ExportRequest
from .inputs import CHOICES, INPUTS, n_events, parts, remote_stamp

if TYPE_CHECKING:
    from ..engine.report import RunReport


def faults(config: CosmicsConfig, folder: Path, skip: frozenset[str]) -> Iterator[Fault]:
    """Every problem between settings, or between them and the file of cut sets."""
    from .cuts_in_effect import cuts_in_effect
    from .histogram_settings import histogram_specs
    from .scan_settings import scan_points
    from .workspace_settings import workspace_faults

    if "workspace" not in skip:
        yield from workspace_faults(config.workspace, folder)
    veto = config.veto
    if "veto" not in skip and veto.lo_ns[-1] >= veto.hi_ns[0]:
        text = f"lo_ns = {veto.lo_ns[-1]:g} is not below hi_ns = {veto.hi_ns[0]:g}; separate them"
        yield Fault("veto", text, ("veto.lo_ns", "veto.hi_ns"))
    for section, made in (
        ("histograms", lambda: histogram_specs(config.histograms)),
        ("scan", lambda: scan_points(config.scan)),
    ):
        if section not in skip:
            try:
                made()
            except UsageError as error:
                yield Fault(section, _text(error, section), (error.key or section,))
    if not skip & {"cuts", "cuts.toggle_cuts", "cuts.toggle_groups", "cuts.thresholds"}:
        try:
            cuts_in_effect(config.cuts, folder)
        except UsageError as error:
            yield Fault("cuts", _text(error, "cuts"), (error.key or "cuts.cutset",))


def _text(error: UsageError, section: str) -> str:
    """What is wrong, without the section, which stands before it anyway."""
    return error.message.removeprefix(f"[{section}]: ")


def write_report(source: Path, page: Path, *, pdf: bool, overwrite: bool) -> list[Path]:
    """The report of a run file as one page."""
    from .page import write_report as write

    return write(source, page, pdf=pdf, overwrite=overwrite)


def export_events(request: ExportRequest) -> list[Path]:
    """A ROOT file of events as an RNTuple."""
    from .rntuple_copy import export_events as export

    return export(request)


def companions(config: CosmicsConfig, folder: Path) -> Iterator[Companion]:
    """The files beside the run file that [output] and [workspace] ask for."""
    from .companions import asked_companions, workspace_companion

    yield from asked_companions(config.output, has_signal=bool(config.veto.signal_input))
    if config.workspace.samples:
        yield workspace_companion(config.workspace, folder)


def _said(report: RunReport) -> list[str]:
    from .table_text import flow_of_report

    return flow_of_report(report.values, report.verdict)


def _starter(folder: Path, events: int | None, seed: int, overwrite: bool) -> tuple[Path, Path]:
    from .starter import EVENTS, write_starter

    return write_starter(folder, EVENTS if events is None else events, seed, overwrite)


_STAGES: Final = (
    "load",
    "extremes",
    "cuts",
    "flow",
    "normalisation",
    "histograms",
    "studies",
    "verdict",
)

COSMICS = Definition(
    name="cosmics",
    home=f"{__name__}:COSMICS",
    modules=tuple(
        f"radiograph.nodes.cosmics.{name}"
        for name in (
            "load",
            "identity",
            "extremes",
            "added_cuts",
            "cuts",
            "flow",
            "normalisation",
            "histograms",
            "parents",
            "veto",
            "dead_time",
            "scans",
            "survivors",
            "combinations",
            "verdict",
            "projection",
        )
    ),
    tables="radiograph.schemas.cosmics.frames:TABLES",
    settings=CosmicsConfig,
    sources=(
        Source(
            "source",
            "io.input_path",
            "EventNtuple file",
            "*.root",
            count=n_events,
            count_keys=("io.tree", "io.input_format"),
            remote=remote_stamp,
        ),
        Source(
            "signal",
            "veto.signal_input",
            "EventNtuple file of signal",
            "*.root",
            needed=False,
            count=n_events,
            count_keys=("io.tree", "io.input_format"),
            remote=remote_stamp,
        ),
    ),
    parts=parts,
    inputs=INPUTS,
    choices=CHOICES,
    scopes=MappingProxyType(
        {
            "range": ("file", "range"),
            "file": ("file",),
            "run": (),
            "signal_range": ("signal", "range"),
        }
    ),
    merges=MappingProxyType(
        {
            "cut_bits": "append",
            "event_bits": "append",
            "selections": "append",
            "ancestor_pdg": "append",
        }
    ),
    row_numbers=MappingProxyType(
        {
            "event_row": "event_numbers",
            "track_row": "tracks",
            "coincidence_row": "coincidences",
            "unvetoed_segments.track": "unvetoed_events",
            "unvetoed_particles.track": "unvetoed_events",
        }
    ),
    stages=_STAGES,
    outputs=(
        "cut_flow",
        "group_flow",
        "off_cuts",
        "weighted_cut_flow",
        "effective_cuts",
        "subrun_totals",
        "normalisation",
        "window_rates",
        "histograms",
        "not_in_histograms",
        "parents",
        "veto_study",
        "dead_time_curve",
        "threshold_scans",
        "unvetoed_events",
        "unvetoed_coincidences",
        "unvetoed_segments",
        "unvetoed_particles",
        "veto_combinations",
        "verdict",
        "run_summary",
        "efficiency_projection",
    ),
    companions=companions,
    places=MappingProxyType({"histograms": "histograms", "not_in_histograms": "not_in_histograms"}),
    verdict_node="verdict",
    summary_node="run_summary",
    tables_page="cosmics_schemas.md",
    pages=f"{__package__}.pages",
    example="cosmics.toml",
    listed_choices=MappingProxyType(
        {"added": "none", "signal": "given", "scan": "some", "dt_table": "yes"}
    ),
    processes=asked_processes,
    starter=_starter,
    faults=faults,
    report=write_report,
    said=_said,
    export_input=export_events,
)
