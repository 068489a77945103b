"""Is a file what its own settings give? The run is made again and every dataset compared."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import h5py

from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ..config import LoadedConfig
from ..hdf5 import datasets_of
from ..runfile.verifying import Verification, compared, dataset_hashes, now_inputs
from .run import run_imaging
from .saved import SavedRun, open_run

# Written since datasets carry checksums: a file of before, which has none, lacks nothing.
_ADDED_LATER: Final = frozenset({"/lm/event_cone_filter_code", "/lm/event_cone_filter_code_labels"})


def verify(path: Path, inputs: Sequence[Path] = ()) -> Verification:
    """Run the stored settings again, without cache, and compare every dataset by its hash.

    Parameters
    ----------
    path
        HDF5 file of a run.
    inputs
        Where its input files are now; by default where they were.

    Raises
    ------
    InputError
        If the file holds no settings, or an input is gone or has another content.
    """
    started = time.perf_counter()
    with open_run(path) as saved:
        loaded = _stored_config(saved)
        record = saved.record
        where = Path(record.config_path) if record.config_path else None
        sources = now_inputs(path, record.inputs, inputs, where)
        before = dataset_hashes(saved.data.file)
        is_of_before = not any(
            item.fletcher32 for item in datasets_of(saved.data.file, path).values()
        )
    with tempfile.TemporaryDirectory(prefix="radiograph-verify-") as folder:
        out = Path(folder) / "again.h5"
        again = LoadedConfig(_again(loaded.config, sources, out), loaded.text, loaded.path)
        run_imaging(again, targets=record.targets)
        with h5py.File(out, "r") as file:
            after = dataset_hashes(file)
    for name in _ADDED_LATER - before.keys() if is_of_before else ():
        after.pop(name, None)
    return compared(path, before, after, dict(record.versions), started)


def _stored_config(saved: SavedRun) -> LoadedConfig:
    record = saved.record
    if not record.is_ours:
        msg = (
            f"{saved.path}: was written by {record.software or 'another program'}; only files of "
            "radiograph can be verified."
        )
        raise InputError(msg, file=saved.path, code="foreign_file")
    if record.config_text is None:
        msg = (
            f"{saved.path}: holds no config, since it was run with [hdf5] include_config = false. "
            "A file can be verified if it is run with include_config = true."
        )
        raise InputError(msg, file=saved.path, key="hdf5.include_config", code="no_config")
    where = Path(record.config_path) if record.config_path else saved.path
    return LoadedConfig(saved.config, record.config_text, where)


def _again(config: ImagingConfig, sources: Sequence[Path], out: Path) -> ImagingConfig:
    """The settings as they ran, with other places and no figures."""
    paths = tuple(str(p.absolute()) for p in sources)
    io = config.io.model_copy(
        update={
            "input_path": paths[0] if len(paths) == 1 else paths,
            "restart_path": None,
            "output_path": str(out),
        }
    )
    vis = config.vis.model_copy(update={"export_png_on_write": False, "png_dir": None})
    return config.model_copy(update={"io": io, "vis": vis})
