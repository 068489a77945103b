"""Settings of a light DQM command, with or without a TOML file, and the store they name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from ...schemas.lightdqm.config import LightDqm, LightDqmConfig
from ..config import LoadedConfig, resolved_path
from ..input_paths import is_output_file, output_path
from .file_names import FileSelection

STORE_NAME: Final = "light_dqm_runs.sqlite"


def output_folder(loaded: LoadedConfig[LightDqmConfig]) -> Path:
    """The folder that [io] output_path names, or that of the file it names."""
    out = output_path(loaded)
    return out.parent if is_output_file(out) else out


def with_output_folder(
    loaded: LoadedConfig[LightDqmConfig], folder: Path
) -> LoadedConfig[LightDqmConfig]:
    """The same settings with another output_path, relative to the working folder."""
    io = loaded.config.io.model_copy(update={"output_path": str(folder.absolute())})
    return replace(loaded, config=loaded.config.model_copy(update={"io": io}))


def store_path(loaded: LoadedConfig[LightDqmConfig], given: Path | None) -> Path:
    """The file of the store of runs: of the command line, of the settings, or with the output."""
    if given is not None:
        return given
    named = loaded.config.lightdqm.store
    return output_folder(loaded) / STORE_NAME if named is None else resolved_path(loaded, named)


def file_selection(settings: LightDqm) -> FileSelection:
    """Which files of a folder the settings take."""
    nfiles = None if settings.nfiles < 0 else settings.nfiles
    return FileSelection(settings.file_syntax, settings.start_run, nfiles)
