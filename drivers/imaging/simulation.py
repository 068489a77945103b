"""The simulation as a graph, and the files it leaves: PHITS text, ROOT trees, the truth.

Settings come in; files go out, each whole or not at all.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.errors import UsageError
from ...schemas.imaging.codes import GAMMA, NEUTRON
from ...schemas.light_response import LIGHT_RESPONSE
from ...schemas.simulation import (
    BAR_TRUTH,
    TRUTH,
    DetectorArray,
    SimulatedEvents,
    SimulationSettings,
)
from ..checked_settings import checked_settings
from ..definition import Definition
from ..files import check_new_files, new_output
from ..graph import build_driver

Format = Literal["phits", "root"]
FORMATS: Final = ("phits", "root")
STAGES: Final = ("streams", "geometry", "light", "neutrons", "gammas", "resolution", "records")
BLOCK_EVENTS: Final = 1 << 16
_ELSEWHERE: Final = "another file"

_MM_PER_CM: Final = 10.0
_SAMPLES_PER_S: Final = 5.0e9  # sample rate of the digitiser of the NOVO DDAQ
_SLOTS: Final = (1, 2, 3)


@dataclass(frozen=True)
class SimulationResult:
    """What was written."""

    out: Path
    format: Format
    truth: Path | None
    bars: Path | None
    n_neutrons: int
    n_gammas: int
    size_bytes: int


def simulation_settings(
    data: Mapping[str, Any], names: Mapping[str, str] | None = None, origin: str = "simulation"
) -> SimulationSettings:
    """Settings from nested plain values; ConfigError lists every wrong one.

    ``names`` maps dotted settings to what the user calls them (options of a command).
    """
    return checked_settings(SimulationSettings, data, names, origin)


def simulation_pipeline() -> Definition:
    """The graph of the simulation; the imaging graph does not know of it."""
    modules = tuple(f"radiograph.nodes.simulation.{stage}" for stage in STAGES)
    return Definition("simulation", modules=modules, tables=(LIGHT_RESPONSE, TRUTH, BAR_TRUTH))


def run_simulation(settings: SimulationSettings, targets: Sequence[str]) -> dict[str, Any]:
    """The named nodes, e.g. ``simulated_events`` and ``simulation_truth``."""
    table = resources.files("radiograph.configs").joinpath("stopping_powers.csv")
    inputs = {name: getattr(settings, name) for name in type(settings).model_fields}
    inputs["stopping_powers_text"] = table.read_text(encoding="utf-8")
    return dict(build_driver(simulation_pipeline(), {}).execute(list(targets), inputs=inputs))


def write_simulation(
    settings: SimulationSettings,
    out: Path,
    format: Format = "phits",
    truth: Path | None = None,
    *,
    overwrite: bool = False,
) -> SimulationResult:
    """Simulate and write ``out``, and the truth if asked for.

    Raises UsageError before anything is computed if a file exists and ``overwrite`` is false,
    or if the names do not fit together. Folders are made.
    """
    bars = bar_truth_path(truth) if truth is not None and settings.bar_errors.any else None
    check_outputs(out, format, truth, overwrite=overwrite)
    if bars is not None:
        check_new_files([bars], (), overwrite=overwrite, elsewhere=_ELSEWHERE)
    targets = ["simulated_events"]
    targets += ["simulation_truth"] if truth is not None else []
    targets += ["simulated_bars"] if bars is not None else []
    values = run_simulation(settings, targets)
    events: SimulatedEvents = values["simulated_events"]
    if truth is not None:
        write_truth(values["simulation_truth"], truth)
    if bars is not None:
        write_truth(values["simulated_bars"], bars)
    if format == "phits":
        write_phits(events, out)
    else:
        write_root(events, settings.detector, out)
    return SimulationResult(
        out, format, truth, bars, settings.n_neutrons, settings.n_gammas, out.stat().st_size
    )


def bar_truth_path(truth: Path) -> Path:
    """Where the errors of the bars are written, beside the truth of the events: always CSV."""
    return truth.with_name(f"{truth.stem}_bars.csv")


def check_outputs(out: Path, format: str, truth: Path | None, *, overwrite: bool) -> None:
    """UsageError if the files cannot be written as named."""
    if format not in FORMATS:
        msg = f"--format {format} is unknown; allowed: {', '.join(FORMATS)}"
        raise UsageError(msg)
    paths = [out, *([truth] if truth is not None else [])]
    check_new_files(paths, (), overwrite=overwrite, elsewhere=_ELSEWHERE)
    if truth is None:
        return
    if truth.resolve() == out.resolve():
        msg = f"--truth {truth} is the output itself; give it another name"
        raise UsageError(msg, file=truth)
    if _is_parquet(truth) and not _has_pyarrow():
        msg = f"--truth {truth}: Parquet needs pyarrow; install it, or name a .csv file"
        raise UsageError(msg, file=truth)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _has_pyarrow() -> bool:
    return importlib.util.find_spec("pyarrow") is not None


def write_truth(truth: pd.DataFrame, path: Path) -> None:
    """The truth as CSV (shortest exact numbers), or as Parquet for a name in .parquet."""
    with new_output(path, elsewhere=_ELSEWHERE) as temporary:
        if _is_parquet(path):
            truth.to_parquet(temporary, engine="pyarrow", index=False)
        else:
            truth.to_csv(temporary, index=False)


_PHITS_HEADER: Final = """\
!Simulated by radiograph: list of coincident hits, one event a line
!       #iomp    #batch  #history       #no     #name  then per hit  #reg  Edep(MeV)  x(cm)  y(cm)\
  z(cm)  t(ns)

"""
# Behind the name: iomp, batch, history, no, name; then the hits. Seventeen digits, so that no
# bit of a number is lost.
_PHITS_EVENT: Final = "%11d%10d%10d%10d%10d ;"
_PHITS_HIT: Final = "%10d %.16E %.16E %.16E %.16E %.16E ,"
_PHITS_LINES: Final = ("ne" + _PHITS_EVENT + 2 * _PHITS_HIT, "ge" + _PHITS_EVENT + 3 * _PHITS_HIT)


def write_phits(events: SimulatedEvents, path: Path) -> None:
    """The events as PHITS usrdef text: ``ne`` with two hits, ``ge`` with three."""
    with (
        new_output(path, elsewhere=_ELSEWHERE) as temporary,
        temporary.open("w", encoding="ascii") as file,
    ):
        file.write(_PHITS_HEADER)
        for first in range(0, len(events.species), BLOCK_EVENTS):
            _write_phits_block(events, slice(first, first + BLOCK_EVENTS), first, file)


def _write_phits_block(events: SimulatedEvents, rows: slice, first: int, file: IO[str]) -> None:
    species = events.species[rows]
    n = len(species)
    # Iomp, batch, history (numbered from 1), no and name, then six numbers per slot.
    numbers = np.zeros((n, 5 + 6 * len(_SLOTS)))
    numbers[:, 1] = 1
    numbers[:, 2] = first + 1 + np.arange(n)
    numbers[:, 3:5] = np.where(species == NEUTRON, 2, 3)[:, None]
    slots = numbers[:, 5:].reshape(n, len(_SLOTS), 6)
    slots[:, :, 0] = events.det_id[rows]
    slots[:, :, 1] = events.deposit_MeV[rows]
    slots[:, :, 2:5] = events.position_cm[rows]
    slots[:, :, 5] = events.time_ns[rows]
    used = np.ones(numbers.shape, dtype=np.bool_)
    used[:, 5:] = np.repeat(events.det_id[rows] >= 0, 6, axis=1)
    # One text of all lines and one % for the block: the only way to format in C.
    lines = np.asarray(_PHITS_LINES, dtype=object)[species]
    file.write("\n\n".join([*lines.tolist(), ""]) % tuple(numbers[used].tolist()))


def write_root(events: SimulatedEvents, detector: DetectorArray, path: Path) -> None:
    """The events as a NOVO DDAQ file: TTrees ``image_tree`` and ``meta``."""
    import uproot

    branches = {
        f"{name}{i}": dtype
        for i in _SLOTS
        for name, dtype in (
            *((name, "f8") for name in ("x", "y", "z", "t", "dE")),
            ("psd", "f4"),
            *((name, "i4") for name in ("det", "particle", "clipped")),
        )
    }
    with new_output(path, elsewhere=_ELSEWHERE) as temporary, uproot.recreate(temporary) as file:
        tree = file.mktree("image_tree", {**branches, "multi": "i4"})
        for first in range(0, len(events.species), BLOCK_EVENTS):
            tree.extend(_root_block(events, slice(first, first + BLOCK_EVENTS)))
        meta = _root_meta(detector)
        meta_types = {k: np.dtype((v.dtype, v.shape[1:])) for k, v in meta.items()}
        file.mktree("meta", meta_types).extend(meta)


def _root_block(events: SimulatedEvents, rows: slice) -> dict[str, Any]:
    """The branches of a range of events. Empty slots: det -1, particle 0, zeros."""
    det_id = events.det_id[rows]
    used = det_id >= 0
    kind = np.where(events.species[rows] == GAMMA, 2, 1)[:, None] * used
    time = np.where(used, events.start_ns[rows, None] + events.time_ns[rows], 0.0)
    block: dict[str, Any] = {}
    for k, i in enumerate(_SLOTS):
        for axis, name in enumerate("xyz"):
            block[f"{name}{i}"] = _MM_PER_CM * events.position_cm[rows, k, axis]
        block[f"t{i}"] = time[:, k]
        block[f"dE{i}"] = events.light_MeVee[rows, k]
        block[f"psd{i}"] = events.psd[rows, k].astype(np.float32)
        block[f"det{i}"] = det_id[:, k]
        block[f"particle{i}"] = kind[:, k].astype(np.int32)
        block[f"clipped{i}"] = np.zeros(len(det_id), dtype=np.int32)
    block["multi"] = used.sum(axis=1).astype(np.int32)
    return block


def _root_meta(detector: DetectorArray) -> dict[str, Any]:
    """One entry: numbers of the run, and arrays with the detector first (positions in mm)."""
    center = _MM_PER_CM * np.asarray([b.center_cm for b in detector.bars])
    size = _MM_PER_CM * np.asarray([b.size_cm for b in detector.bars])
    arrays: dict[str, NDArray[Any]] = {
        "DetID": np.asarray([b.det_id for b in detector.bars], dtype=np.int32),
        **{f"Bar{a.upper()}": center[:, i] for i, a in enumerate("xyz")},
        **{f"BarSize{a.upper()}": size[:, i] for i, a in enumerate("xyz")},
    }
    return {
        "SampleRate": np.asarray([_SAMPLES_PER_S]),
        "NumDet": np.asarray([len(detector.bars)], dtype=np.int32),
        **{name: values[None, :] for name, values in arrays.items()},
    }
