"""Simulated EventNtuple files, with the truth beside.

Events are made and written in blocks, so memory does not grow with the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import uproot

from ...schemas.cosmics_simulation import (
    COINCIDENCES,
    FITS,
    GENERATED_PER_EVENT,
    LIVETIME_PER_EVENT_S,
    PARTICLES,
    PASSAGES,
    PILE_UP_NS,
    SEGMENTS,
    SIMULATED_EVENTS,
    VETO_NS,
    CosmicsSimulationSettings,
    SimulatedSums,
)
from ...schemas.sources import EventRange
from ..definition import Definition
from ..files import check_new_files, new_output
from ..graph import build_driver
from ..rootfile.tree import TreeWriter
from .ntuple_layout import RELEASES, TITLE, content
from .simulated_columns import Columns, ntuple_columns

STAGES: Final = ("events", "tracks", "veto", "kinds")
BLOCK_EVENTS: Final = 20_000
FOLDER: Final = "EventNtuple"
_ELSEWHERE: Final = "another folder"
_FRAMES: Final = ("events", "fits", "segments", "particles", "coincidences", "sums")


@dataclass(frozen=True)
class CosmicsSimulationResult:
    """What was written."""

    out: Path
    truth: Path
    sums: SimulatedSums
    size_bytes: int


def cosmics_simulation_pipeline() -> Definition:
    """The graph of the simulated EventNtuple."""
    modules = tuple(f"radiograph.nodes.simulation.cosmics_{stage}" for stage in STAGES)
    tables = (SIMULATED_EVENTS, PASSAGES, FITS, SEGMENTS, PARTICLES, COINCIDENCES)
    return Definition("cosmics_simulation", modules=modules, tables=tables)


def simulated_block(
    settings: CosmicsSimulationSettings, first_event: int, n_events: int
) -> dict[str, Any]:
    """The frames ``simulated_events`` and so on of a range of events, and ``simulated_sums``."""
    inputs = {
        "seed": settings.seed,
        "run": settings.run_number,
        "subrun": settings.subrun,
        "kind": settings.kind,
        "on_spill": settings.on_spill,
        "veto_inefficiency": settings.veto_inefficiency,
        "pile_up_per_event": settings.pile_up_per_event,
        "event_range": EventRange(first_event, n_events),
    }
    driver = build_driver(cosmics_simulation_pipeline(), {})
    return dict(driver.execute([f"simulated_{name}" for name in _FRAMES], inputs=inputs))


def output_paths(settings: CosmicsSimulationSettings, folder: Path) -> dict[str, Path]:
    """Names of the files: the data, and the truth beside."""
    out = folder / settings.file_name
    return {"out": out, "truth": out.with_name(f"{out.name}.truth.json")}


def check_outputs(
    several: Iterable[CosmicsSimulationSettings], folder: Path, *, overwrite: bool
) -> None:
    """UsageError if a file of any of the settings exists."""
    paths = [path for settings in several for path in output_paths(settings, folder).values()]
    check_new_files(paths, (), overwrite=overwrite, elsewhere=_ELSEWHERE)


def write_cosmics_simulation(
    settings: CosmicsSimulationSettings, folder: Path, *, overwrite: bool = False
) -> CosmicsSimulationResult:
    """Simulate one file into ``folder``, which is made, with its truth beside.

    Raises UsageError before an event is drawn if a file exists and ``overwrite`` is false.
    """
    check_outputs([settings], folder, overwrite=overwrite)
    paths = output_paths(settings, folder)
    with ExitStack() as stack:
        truth = stack.enter_context(new_output(paths["truth"], elsewhere=_ELSEWHERE))
        temporary = stack.enter_context(new_output(paths["out"], elsewhere=_ELSEWHERE))
        with uproot.recreate(temporary) as file:
            sums = _write(file, settings)
        truth.write_text(json.dumps(_truth(settings, sums), indent=1), encoding="utf-8")
    return CosmicsSimulationResult(**paths, sums=sums, size_bytes=paths["out"].stat().st_size)


def _write(file: Any, settings: CosmicsSimulationSettings) -> SimulatedSums:
    """Everything in the file; the sums of all its events."""
    folder = file.mkdir(FOLDER)
    sums = simulated_block(settings, 0, 0)["simulated_sums"]
    with _ntuple(folder, settings) as extend:
        for first in range(0, settings.n_events, BLOCK_EVENTS):
            values = simulated_block(settings, first, min(BLOCK_EVENTS, settings.n_events - first))
            sums += values["simulated_sums"]
            for columns, n in ntuple_columns(values, settings).baskets(settings.basket_events):
                extend(columns, n)
    _write_totals(folder, settings)
    return sums


@contextmanager
def _ntuple(
    folder: Any, settings: CosmicsSimulationSettings
) -> Iterator[Callable[[Columns, int], None]]:
    """What takes the columns of the next events, in the format that was asked for."""
    if settings.format == "rntuple":
        from .simulated_rntuple import extend_rntuple, new_rntuple

        ntuple = new_rntuple(folder, content(settings.release))
        yield lambda columns, _: extend_rntuple(ntuple, content(settings.release), columns)
        return
    writer = TreeWriter(folder, "ntuple", TITLE, content(settings.release))
    yield writer.extend
    writer.finish()


def _totals(settings: CosmicsSimulationSettings) -> tuple[int, int, float]:
    """Generated and processed events and livetime (s) of the file."""
    n = settings.n_events
    return GENERATED_PER_EVENT * n, n, float(np.float32(LIVETIME_PER_EVENT_S * n))


def _write_totals(folder: Any, settings: CosmicsSimulationSettings) -> None:
    """The tree of the sub-run, the totals of the file, its release."""
    from uproot.writing.identify import to_TH1x

    generated, processed, livetime_s = _totals(settings)
    if settings.totals in ("subruns", "both"):
        columns: Columns = {
            "run": np.asarray([settings.run_number], dtype=np.int32),
            "subrun": np.asarray([settings.subrun], dtype=np.int32),
            "genEventCount": np.asarray([generated], dtype=np.int64),
            "procEventCount": np.asarray([processed], dtype=np.int64),
            "cosmicLivetime": np.asarray([livetime_s], dtype=np.float32),
        }
        types = {name: values.dtype for name, values in columns.items()}
        folder.mktree("subrunNtuple", types).extend(columns)
    histograms: Columns = {"version": np.asarray(RELEASES[settings.release], dtype=np.int32)}
    if settings.totals in ("histograms", "both"):
        totals = {
            "n_gen_events": generated,
            "n_proc_events": processed,
            "cosmic_livetime": livetime_s,
        }
        histograms |= {
            name: np.asarray([value], dtype=np.float64) for name, value in totals.items()
        }
    for name, values in histograms.items():
        folder[name] = _histogram(to_TH1x, name, values)


def _histogram(made: Callable[..., Any], name: str, values: Any) -> Any:
    """A TH1 (TH1I of whole numbers) with bins of width one."""
    n = len(values)
    axis = uproot.writing.identify.to_TAxis(
        fName="xaxis", fTitle="", fNbins=n, fXmin=0.0, fXmax=float(n)
    )
    places = np.arange(n) + 0.5
    total = float(values.sum())
    return made(
        fName=name,
        fTitle=name,
        data=np.concatenate([[0], values, [0]]).astype(values.dtype),
        fEntries=float(n),
        fTsumw=total,
        fTsumw2=total,
        fTsumwx=float((places * values).sum()),
        fTsumwx2=float((places**2 * values).sum()),
        fSumw2=np.zeros(0),
        fXaxis=axis,
    )


def _truth(settings: CosmicsSimulationSettings, sums: SimulatedSums) -> dict[str, Any]:
    """What was drawn and planted, for the file beside."""
    generated, processed, livetime_s = _totals(settings)
    known = settings.totals != "none"
    return {
        "kind": settings.kind,
        "n": sums.n_events,
        "run": settings.run_number,
        "subrun": settings.subrun,
        "seed": settings.seed,
        "on_spill": settings.on_spill,
        "schema": settings.release,
        "ntrk": sums.n_fits,
        "nseg": sums.n_segments,
        "nsim": sums.n_particles,
        "ncoinc": sums.n_coincidences,
        "sum_pdg": sums.sum_pdg,
        "sum_sid": sums.sum_sid,
        "sum_px": sums.sum_px_MeV,
        "gen": generated if known else 0,
        "processed": processed if known else 0,
        "livetime_s": livetime_s if known else 0.0,
        "planted": {
            "veto_inefficiency": settings.veto_inefficiency,
            "events_seen": sums.n_seen,
            "pile_up_per_event": settings.pile_up_per_event,
            "pile_up_ns": list(PILE_UP_NS),
            "veto_ns": list(VETO_NS),
            "expected_vetoed": sums.expected_vetoed,
        },
    }
