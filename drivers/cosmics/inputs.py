"""Settings to graph inputs, each cut as fine as the dependence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ...schemas.cosmics.config import CosmicsConfig
from ...schemas.cosmics.cuts import BIT_OF, CutInEffect, CutsInEffect
from ...schemas.cosmics.histogram_specs import HistogramSpec
from ...schemas.cosmics.projection import ProjectionSettings
from ...schemas.cosmics.results import (
    BeamSettings,
    CompletenessSettings,
    NormalisationSettings,
)
from ...schemas.cosmics.statistics import StatisticsSettings
from ...schemas.cosmics.veto import VetoGrid
from ...schemas.sources import EventRange, FileRef
from ..engine.parts import Part
from ..graph_inputs import Context, Input, of_each_part
from .cuts_in_effect import cuts_in_effect
from .histogram_settings import histogram_specs
from .scan_settings import Point, scan_points

_CUTS: Final = ("cuts",)
_OF_NORMALISATION: Final = ("generated_events", "livetime_s", "prefer", "expected_files")


def _cuts(config: CosmicsConfig, context: Context) -> CutsInEffect:
    return cuts_in_effect(config.cuts, context.folder)


def _added(config: CosmicsConfig, context: Context) -> tuple[tuple[int, CutInEffect], ...]:
    cuts = _cuts(config, context).cuts
    return tuple((i, item) for i, item in enumerate(cuts) if item.cut.name not in BIT_OF)


def _added_choice(config: CosmicsConfig, context: Context) -> str:
    return "some" if _added(config, context) else "none"


def _track_pdg(config: CosmicsConfig, context: Context) -> int:
    return int(_cuts(config, context).thresholds["track_pdg"])


def _projection(config: CosmicsConfig, _context: Context) -> ProjectionSettings:
    return ProjectionSettings(
        config.projection.target, {str(k): v for k, v in config.projection.live_fraction.items()}
    )


def _statistics(config: CosmicsConfig, _context: Context) -> StatisticsSettings:
    settings = config.statistics
    return StatisticsSettings(settings.interval, settings.sigma, settings.poisson_cl)


def _normalisation(config: CosmicsConfig, _context: Context) -> NormalisationSettings:
    return NormalisationSettings(*(getattr(config.normalisation, n) for n in _OF_NORMALISATION))


def _completeness(config: CosmicsConfig, _context: Context) -> CompletenessSettings:
    settings = config.normalisation
    return CompletenessSettings(
        settings.min_fraction, settings.expected_files, config.run.max_events
    )


def _beam(config: CosmicsConfig, _context: Context) -> BeamSettings:
    fractions = dict(config.beam.on_spill_fraction)
    legacy = config.statistics.legacy_window_livetime
    return BeamSettings(fractions, config.beam.run1_livetime_s, legacy)


def _veto_grid(config: CosmicsConfig, _context: Context) -> VetoGrid:
    veto = config.veto
    if not veto.enabled:
        return VetoGrid((), (), veto.closed)
    return VetoGrid(veto.lo_ns, veto.hi_ns, veto.closed)


def _histogram_specs(config: CosmicsConfig, _context: Context) -> tuple[HistogramSpec, ...]:
    return histogram_specs(config.histograms)


def _signal_choice(config: CosmicsConfig, _context: Context) -> str:
    return "given" if config.veto.signal_input else "none"


def _dt_choice(config: CosmicsConfig, _context: Context) -> str:
    return "yes" if config.output.dt_table else "no"


def _scan_choice(config: CosmicsConfig, _context: Context) -> str:
    return "some" if config.scan else "none"


def _scan_points(config: CosmicsConfig, _context: Context) -> tuple[Point, ...]:
    return scan_points(config.scan)


_FILES: Final = ("io.input_path", "io.file_list", "io.file_list_command")
INPUTS: Final[tuple[Input, ...]] = (
    Input("source_file", _FILES, make=of_each_part),
    Input("file_index", _FILES, make=of_each_part),
    Input("event_range", ("run.chunk_events", "run.max_events"), make=of_each_part),
    Input("tree", ("io.tree",)),
    Input("input_format", ("io.input_format",)),
    Input("allow_duplicates", ("io.allow_duplicates",)),
    Input("cuts", _CUTS, make=_cuts),
    Input("added_cuts", _CUTS, make=_added),
    Input("track_pdg", _CUTS, make=_track_pdg),
    Input("statistics", ("statistics.interval", "statistics.sigma", "statistics.poisson_cl"),
          make=_statistics),
    Input("normalisation_settings",
          tuple(f"normalisation.{n}" for n in _OF_NORMALISATION), make=_normalisation),
    Input("completeness",
          ("normalisation.min_fraction", "normalisation.expected_files", "run.max_events"),
          make=_completeness),
    Input("histogram_specs", ("histograms",), make=_histogram_specs),
    Input("signal_file", ("veto.signal_input",), make=of_each_part),
    Input("veto_target", ("veto.target",)),
    Input("scan_points", ("scan",), make=_scan_points),
    Input("veto_grid", ("veto.enabled", "veto.lo_ns", "veto.hi_ns", "veto.closed"),
          make=_veto_grid),
    Input("event_weight", ("normalisation.weight",)),
    Input("beam", ("beam", "statistics.legacy_window_livetime"), make=_beam),
    Input("projection", ("projection",), make=_projection),
)  # fmt: skip
CHOICES: Final[tuple[Input, ...]] = (
    Input("added", _CUTS, make=_added_choice),
    Input("signal", ("veto.signal_input",), make=_signal_choice),
    Input("scan", ("scan",), make=_scan_choice),
    Input("dt_table", ("output.dt_table",), make=_dt_choice),
)


def n_events(path: Path, config: Any) -> int:
    """How many events a file holds; InputError if it is none that can be read."""
    from ...nodes.cosmics.readers import n_events_of

    return n_events_of(path, config.io.tree, config.io.input_format)


def remote_stamp(path: Path) -> tuple[int, str]:
    """Size and version of a file at an address; InputError if its server does not tell them."""
    from ...nodes.cosmics.readers.remote import remote_stamp as stamp

    return stamp(path)


def parts(config: CosmicsConfig, files: Mapping[str, Mapping[int, FileRef]]) -> Iterator[Part]:
    """Files and ranges of their entries; the first [run] max_events of all."""
    left = config.run.max_events or None
    for number, ref in files["source"].items():
        yield Part({"file": number}, {"source_file": ref, "file_index": number})
        n = ref.n_records if left is None else min(ref.n_records, left)
        left = None if left is None else left - n
        for k, events in enumerate(ranges(n, config.run.chunk_events)):
            yield Part({"file": number, "range": k}, {"event_range": events}, events.n_events)
    yield from _signal_parts(config, files.get("signal", {}))


def _signal_parts(config: CosmicsConfig, files: Mapping[int, FileRef]) -> Iterator[Part]:
    for number, ref in files.items():
        yield Part({"signal": number}, {"signal_file": ref})
        for k, events in enumerate(ranges(ref.n_records, config.run.chunk_events)):
            yield Part({"signal": number, "range": k}, {"event_range": events}, events.n_events)


def ranges(n: int, at_a_time: int) -> Iterator[EventRange]:
    """Consecutive ranges of n events; one without events where there are none."""
    step = at_a_time or max(n, 1)
    for first in range(0, max(n, 1), step):
        yield EventRange(first, min(step, n - first))
