"""A user's light response: CSV with the columns light_MeVee and energy_MeV, or NPZ.

NPZ files hold arrays of these names, or ``L_inv`` and ``E_inv``. Columns ``light_low`` and
``light_high`` beside them are the light less and more one sigma. Nothing is ever unpickled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ....schemas.arrays import F8
from ....schemas.errors import InputError
from ....schemas.sources import FileRef
from ...csv_numbers import EXACT

_NAMES = (("light_MeVee", "energy_MeV"), ("L_inv", "E_inv"))
_BAND = ("light_low", "light_high")
_KEY = "energy.lut_paths"


@dataclass(frozen=True)
class LightTable:
    """Energies (n,) and light, both strictly rising; light less and more one sigma, if told."""

    energy_MeV: F8
    light_MeVee: F8
    band_MeVee: tuple[F8, F8] | None = None


def read_light_table(file: FileRef) -> LightTable:
    """The table of a file; InputError where it is none."""
    path = Path(file.path)
    try:
        present, columns = _npz(path) if path.suffix.lower() == ".npz" else _csv(path)
    except Exception as reason:  # a damaged archive raises anything from zlib.error to EOFError
        said = str(reason) or type(reason).__name__
        msg = f"{path}: not a light table ({said}). Give CSV or NPZ with light_MeVee, energy_MeV."
        raise InputError(msg, file=path, key=_KEY) from None
    names = next((pair for pair in _NAMES if set(pair) <= set(columns)), None)
    if names is None:
        msg = (
            f"{path}: a light table needs the columns light_MeVee and energy_MeV "
            f"(NPZ also L_inv and E_inv); it has {', '.join(present) or 'none'}."
        )
        raise InputError(msg, file=path, key=_KEY)
    light, energy = (columns[name] for name in names)
    if light.shape != energy.shape or light.ndim != 1 or len(light) < 2:
        msg = f"{path}: light {light.shape} and energy {energy.shape} must be two equal columns."
        raise InputError(msg, file=path, key=_KEY)
    for name, values in zip(names, (light, energy), strict=True):
        _check_rising(path, name, values)
    return LightTable(energy, light, _band(path, light, columns))


def _band(path: Path, light: F8, columns: dict[str, F8]) -> tuple[F8, F8] | None:
    given = [name for name in _BAND if name in columns]
    if not given:
        return None
    if len(given) == 1:
        msg = f"{path}: {given[0]} stands alone; a band has light_low and light_high. Give both."
        raise InputError(msg, file=path, key=_KEY)
    low, high = (columns[name] for name in _BAND)
    if low.shape != light.shape or high.shape != light.shape:
        msg = f"{path}: light_low {low.shape} and light_high {high.shape} must have a value a row."
        raise InputError(msg, file=path, key=_KEY)
    beside = np.flatnonzero(~((low <= light) & (light <= high) & (low < high)))
    if len(beside):
        row = int(beside[0])
        msg = (
            f"{path}: the light in row {row}, {light[row]:g}, is not between light_low = "
            f"{low[row]:g} and light_high = {high[row]:g}; correct the band."
        )
        raise InputError(msg, file=path, key=_KEY)
    return low, high


def _check_rising(path: Path, name: str, values: F8) -> None:
    falls = np.flatnonzero(~(np.diff(values) > 0))
    if len(falls) or not np.isfinite(values).all():
        row = int(falls[0]) + 1 if len(falls) else int(np.flatnonzero(~np.isfinite(values))[0])
        msg = f"{path}: {name} must rise strictly; row {row} holds {values[row]:g}."
        raise InputError(msg, file=path, key=_KEY)
    if values[0] < 0:
        msg = f"{path}: {name} is negative in row 0: {values[0]:g}. Start the table at 0 or above."
        raise InputError(msg, file=path, key=_KEY)


def _npz(path: Path) -> tuple[list[str], dict[str, F8]]:
    """All names, and the arrays wanted: one of objects beside them is never opened."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        wanted = [n for pair in (*_NAMES, _BAND) for n in pair if n in arrays.files]
        return arrays.files, {n: np.asarray(arrays[n], np.float64) for n in wanted}


def _csv(path: Path) -> tuple[list[str], dict[str, F8]]:
    # A last digit off, and values one apart would fall together.
    frame = pd.read_csv(path, comment="#", skipinitialspace=True, **EXACT)
    wanted = [n for pair in (*_NAMES, _BAND) for n in pair if n in frame.columns]
    return [str(c) for c in frame.columns], {n: frame[n].to_numpy(np.float64) for n in wanted}
