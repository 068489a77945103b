"""The JSON-lines of the near-line script: one line a file index, one JSON file a quantity.

Names and content are those of the script (DUNE 2x2 light DQM, section 3.3 of its description):
``noises.json`` and ``baselines.json`` hold {file_index, data_c, data_l, data_u}: median, and 16 %
and 84 % points less the median; ``<clipped|negatives>_<ch|epcb|tpc>_<beam|self>.json`` hold
{file_index, pass, totals}; ``noise_spectra_roi_<0_5 ... 30_0>mhz.json`` hold {file_index,
spectra_roi} in V^2 per bin. Every array is (n_adcs, 64). The lines say neither units nor settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...schemas.errors import InputError
from ...schemas.lightdqm.detector import N_CHANNELS
from ...schemas.lightdqm.stored_runs import ROI_MHZ, STORED_TRIGGERS, UNKNOWN, roi_label
from ..files import check_kind, locked_folder, replaced_file

Arrays = dict[str, NDArray[Any]]
_SUMMARY_FILES: Final = {"noises.json": "noise", "baselines.json": "baseline"}
_FRACTION_FILE = re.compile(r"(clipped|negatives)_(ch|epcb|tpc|total)_(beam|self)\.json")
_QUANTITIES: Final = {"clipped": "clipped", "negatives": "negative"}
_GRANULARITIES: Final = {"ch": "channel", "epcb": "epcb", "tpc": "tpc", "total": "total"}
_SPECTRUM_FILES: Final = {f"noise_spectra_roi_{roi_label(f)}mhz.json": f for f in ROI_MHZ}
_MOST_NAMED: Final = 5


class _LineError(Exception):
    """Why a line cannot be used."""


@dataclass(frozen=True)
class LinesRead:
    """What a JSON-lines file held.

    Attributes
    ----------
    arrays
        Arrays of the store by name, for each file index.
    n_lines, n_duplicates
        Lines that are not empty, and lines that a later one of the same index replaced.
    problems
        (line number, what is wrong with it) of lines, or of channels in them, left out.
    n_bad
        Lines left out whole.
    """

    path: Path
    arrays: Mapping[int, Arrays]
    n_lines: int
    n_duplicates: int
    n_bad: int
    problems: Sequence[tuple[int, str]]


def read_lines(path: Path, adc16_per_unit: float = 1.0) -> LinesRead:
    """A JSON-lines file of the script; its last line of each file index counts.

    Parameters
    ----------
    adc16_per_unit
        Counts in the unit of the noise and baseline lines.

    Raises
    ------
    InputError
        If the file has another name, cannot be read, or no line can be used.
    """
    _kind_of(path)
    try:
        content = path.read_bytes()
    except OSError as reason:
        msg = f"{path}: cannot be read ({reason.strerror or reason})."
        raise InputError(msg, file=path) from None
    found: dict[int, Arrays] = {}
    problems: list[tuple[int, str]] = []
    n_lines = n_duplicates = n_bad = 0
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        n_lines += 1
        try:
            index, arrays, faults = _parsed(path, line, adc16_per_unit)
        except _LineError as reason:
            n_bad += 1
            problems.append((number, str(reason)))
            continue
        problems += [(number, fault) for fault in faults]
        n_duplicates += index in found
        found[index] = arrays
    if not found:
        why = f" (line {problems[0][0]}: {problems[0][1]})" if problems else "; it is empty"
        msg = f"{path}: holds no line of the light DQM script{why}."
        raise InputError(msg, file=path)
    return LinesRead(path, found, n_lines, n_duplicates, n_bad, tuple(problems))


def _kind_of(path: Path) -> str:
    name = path.name
    if name in _SUMMARY_FILES or name in _SPECTRUM_FILES or _FRACTION_FILE.fullmatch(name):
        return name
    msg = (
        f"{path}: not a name of the light DQM script's JSON files. They are noises.json, "
        "baselines.json, <clipped|negatives>_<ch|epcb|tpc>_<beam|self>.json and "
        "noise_spectra_roi_<0_5 ... 30_0>mhz.json; the name says what the lines mean."
    )
    raise InputError(msg, file=path)


def _parsed(path: Path, line: bytes, scale: float) -> tuple[int, Arrays, list[str]]:
    try:
        entry = json.loads(line)
    except ValueError as reason:
        msg = f"not JSON ({reason})"
        raise _LineError(msg) from None
    if not isinstance(entry, dict):
        msg = "not a JSON object"
        raise _LineError(msg)
    index = entry.get("file_index")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        msg = f"file_index is {json.dumps(index)}, not a whole number from 0 on"
        raise _LineError(msg)
    if quantity := _SUMMARY_FILES.get(path.name):
        return index, _summary(entry, quantity, scale), []
    if path.name in _SPECTRUM_FILES:
        label = roi_label(_SPECTRUM_FILES[path.name])
        return index, {f"spectrum.{label}.median": _grid(entry, "spectra_roi")}, []
    arrays, faults = _fractions(entry, path.name)
    return index, arrays, faults


def _summary(entry: Mapping[str, Any], quantity: str, scale: float) -> Arrays:
    median, lower, upper = (_grid(entry, key) * scale for key in ("data_c", "data_l", "data_u"))
    if not median.shape == lower.shape == upper.shape:
        msg = "data_c, data_l and data_u differ in shape"
        raise _LineError(msg)
    parts = {"median": median, "p16": median + lower, "p84": median + upper}
    arrays: Arrays = {f"{quantity}.{part}": array for part, array in parts.items()}
    return arrays | {f"{quantity}.n": np.full(median.shape, UNKNOWN, np.int64)}


def _fractions(entry: Mapping[str, Any], name: str) -> tuple[Arrays, list[str]]:
    k, n = (_counts(entry, key) for key in ("pass", "totals"))
    if k.shape != n.shape:
        msg = "pass and totals differ in shape"
        raise _LineError(msg)
    faults = []
    wrong = k > n
    if wrong.any():
        named = [f"{a}/{c}" for a, c in np.argwhere(wrong)]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        faults = [f"more passed than there are in {', '.join(named[:_MOST_NAMED])}{more}; left out"]
    found = _FRACTION_FILE.fullmatch(name)
    quantity, granularity, trigger = found.groups() if found else ("", "", "")
    stem = f"{_QUANTITIES[quantity]}.{trigger}.{_GRANULARITIES[granularity]}"
    arrays: Arrays = {f"{stem}.k": np.where(wrong, 0, k), f"{stem}.n": np.where(wrong, 0, n)}
    return arrays, faults


def _grid(entry: Mapping[str, Any], key: str) -> NDArray[Any]:
    if key not in entry:
        msg = f"no {key}"
        raise _LineError(msg)
    try:
        grid = np.array(entry[key], dtype=np.float64)
    except (TypeError, ValueError):
        msg = f"{key} is not a table of numbers"
        raise _LineError(msg) from None
    if grid.ndim != 2 or grid.shape[1] != N_CHANNELS or not grid.size:
        msg = f"{key} has the shape {grid.shape}, not (ADCs, {N_CHANNELS})"
        raise _LineError(msg)
    return grid


def _counts(entry: Mapping[str, Any], key: str) -> NDArray[Any]:
    grid = _grid(entry, key)
    whole = np.isfinite(grid) & (grid >= 0) & (grid == np.floor(grid)) & (grid < 2**53)
    if not whole.all():
        msg = f"{key} holds {grid[~whole][0]:g}, not a count"
        raise _LineError(msg)
    return grid.astype(np.int64)


def lines_of(
    arrays: Mapping[str, NDArray[Any]],
    file_index: int,
    *,
    units_per_adc16: float = 1.0,
    all_clipped: bool = False,
    all_negatives: bool = False,
) -> dict[str, dict[str, Any]]:
    """The line of a file for each JSON file of the script, by name.

    What the script does not write by default (clipped by channel, negatives by EPCB) needs
    ``all_clipped`` and ``all_negatives``; a trigger without events has no line.
    """
    lines: dict[str, dict[str, Any]] = {}
    for name, quantity in _SUMMARY_FILES.items():
        if f"{quantity}.median" in arrays:
            c, low, high = (arrays[f"{quantity}.{p}"] for p in ("median", "p16", "p84"))
            grids = {"data_c": c, "data_l": low - c, "data_u": high - c}
            lines[name] = {k: (v * units_per_adc16).tolist() for k, v in grids.items()}
    wanted = [("clipped", "epcb"), ("negatives", "tpc")]
    wanted += [("clipped", "ch")] * all_clipped + [("negatives", "epcb")] * all_negatives
    for quantity, granularity in wanted:
        for trigger in STORED_TRIGGERS:
            stem = f"{_QUANTITIES[quantity]}.{trigger}.{_GRANULARITIES[granularity]}"
            if f"{stem}.n" in arrays and _has_events(arrays, stem):
                k, n = arrays[f"{stem}.k"].tolist(), arrays[f"{stem}.n"].tolist()
                lines[f"{quantity}_{granularity}_{trigger}.json"] = {"pass": k, "totals": n}
    for name, frequency in _SPECTRUM_FILES.items():
        part = f"spectrum.{roi_label(frequency)}.median"
        if part in arrays:
            lines[name] = {"spectra_roi": arrays[part].tolist()}
    return {name: {"file_index": file_index, **line} for name, line in lines.items()}


def _has_events(arrays: Mapping[str, NDArray[Any]], stem: str) -> bool:
    """Whether the trigger of a fraction has events: total counts all of them, where it is known."""
    quantity, trigger, _ = stem.split(".")
    total = arrays.get(f"{quantity}.{trigger}.total.n", arrays[f"{stem}.n"])
    return bool(total.any())


def write_lines(folder: Path, lines: Mapping[str, Mapping[str, Any]]) -> int:
    """Append a line to each JSON file, in the place of one of the same index; how many went.

    Each file is replaced whole, and other processes wait; a line that is no JSON stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n_replaced = 0
    for name in lines:
        check_kind(folder / name)
    with locked_folder(folder):
        for name, line in lines.items():
            path = folder / name
            before = path.read_bytes().splitlines() if path.exists() else []
            kept = [old for old in before if _index_of(old) != line["file_index"]]
            n_replaced += len(before) - len(kept)
            with replaced_file(path) as temporary:
                new = json.dumps(line).encode()
                temporary.write_bytes(b"".join(part + b"\n" for part in (*kept, new)))
    return n_replaced


def _index_of(line: bytes) -> object:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry.get("file_index") if isinstance(entry, dict) else None
