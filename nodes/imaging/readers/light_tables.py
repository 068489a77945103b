"""A user's light response: CSV with the columns light_MeVee and energy_MeV, or NPZ.

NPZ files hold arrays of these names, or ``L_inv`` and ``E_inv``. Nothing is ever unpickled.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ....schemas.arrays import F8
from ....schemas.errors import InputError
from ....schemas.sources import FileRef

_NAMES = (("light_MeVee", "energy_MeV"), ("L_inv", "E_inv"))


def read_light_table(file: FileRef) -> tuple[F8, F8]:
    """Energies (MeV) and light (MeVee), both strictly rising; InputError otherwise."""
    path = Path(file.path)
    try:
        columns = _npz(path) if path.suffix == ".npz" else _csv(path)
    except (OSError, ValueError, UnicodeError) as reason:
        msg = f"{path}: not a light table ({reason}). Give CSV or NPZ with light_MeVee, energy_MeV."
        raise InputError(msg, file=path, key="energy.lut_paths") from None
    for light_name, energy_name in _NAMES:
        if light_name in columns and energy_name in columns:
            light, energy = columns[light_name], columns[energy_name]
            break
    else:
        msg = (
            f"{path}: a light table needs the columns light_MeVee and energy_MeV "
            f"(NPZ also L_inv and E_inv); it has {', '.join(columns) or 'none'}."
        )
        raise InputError(msg, file=path, key="energy.lut_paths")
    if light.shape != energy.shape or light.ndim != 1 or len(light) < 2:
        msg = f"{path}: light {light.shape} and energy {energy.shape} must be two equal columns."
        raise InputError(msg, file=path, key="energy.lut_paths")
    for name, values in ((light_name, light), (energy_name, energy)):
        falls = np.flatnonzero(~(np.diff(values) > 0))
        if len(falls) or not np.isfinite(values).all():
            row = int(falls[0]) + 1 if len(falls) else int(np.flatnonzero(~np.isfinite(values))[0])
            msg = f"{path}: {name} must rise strictly; row {row} holds {values[row]:g}."
            raise InputError(msg, file=path, key="energy.lut_paths")
    return energy, light


def _npz(path: Path) -> dict[str, F8]:
    with np.load(path, allow_pickle=False) as arrays:
        # An array of objects would need unpickling; only the named numeric ones are opened.
        wanted = {n for pair in _NAMES for n in pair}
        return {n: np.asarray(arrays[n], np.float64) for n in arrays.files if n in wanted}


def _csv(path: Path) -> dict[str, F8]:
    frame = pd.read_csv(path, comment="#", skipinitialspace=True)
    return {c: frame[c].to_numpy(np.float64) for c in frame.columns}
