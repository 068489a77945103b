"""Is a file what its own settings give? The run is made again and every dataset compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ..config import LoadedConfig
from ..definition import Definition
from ..hdf5 import datasets_of
from ..runfile.verification import Verification
from ..runfile.verifying import run_again, verified
from .saved import SavedRun, open_run

# Written since datasets carry checksums: a file of before, which has none, lacks nothing.
_ADDED_LATER: Final = frozenset({"/lm/event_cone_filter_code", "/lm/event_cone_filter_code_labels"})
# The input of a restart is named as input_path; figures are not compared.
_ELSEWHERE: Final = MappingProxyType(
    {"io.restart_path": None, "vis.export_png_on_write": False, "vis.png_dir": None}
)


def verify(flow: Definition, path: Path, inputs: Sequence[Path]) -> Verification:
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
    with open_run(path) as saved:
        record, loaded = saved.record, _stored_config(saved)
        is_of_before = not any(
            item.fletcher32 for item in datasets_of(saved.data.group, path).values()
        )
        lacks = {name for name in _ADDED_LATER if is_of_before and name not in saved.data}

    def again(sources: list[Path], folder: Path) -> Path:
        out = folder / "again.h5"
        run_again(flow, record, loaded, sources, out, _ELSEWHERE)
        return out

    return verified(path, record, inputs, again, lambda name: name not in lacks)


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
    return record.loaded(saved.path, ImagingConfig)
