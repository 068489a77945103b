"""Settings of a light DQM command, with or without a TOML file, and the store they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

from ...schemas.errors import ConfigError, SettingProblem
from ...schemas.lightdqm.config import LightDqm, LightDqmConfig
from ..config import LoadedConfig, load_config, resolved_path
from ..input_paths import is_output_file, output_path
from .file_names import FileSelection

STORE_NAME: Final = "light_dqm_runs.sqlite"
_SHIPPED: Final = "lightdqm.toml"


def light_config(
    path: Path | None,
    overrides: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> LoadedConfig[LightDqmConfig]:
    """The settings of a TOML file, or those of the package with paths from the working folder.

    Raises
    ------
    ConfigError
        If they are wrong, or those of another pipeline.
    """
    loaded: Any
    if path is None:
        with resources.as_file(resources.files("radiograph.configs") / _SHIPPED) as shipped:
            loaded = load_config(shipped, overrides=overrides, settings=settings)
        by_default: LoadedConfig[LightDqmConfig] = replace(loaded, path=Path.cwd() / _SHIPPED)
        return by_default
    loaded = load_config(path, overrides=overrides, settings=settings)
    name: str = loaded.config.pipeline.name
    if name != "lightdqm":
        text = f'name = "{name}"; this command needs name = "lightdqm"'
        raise ConfigError([SettingProblem(str(path), "pipeline", text, "pipeline.name")], file=path)
    checked: LoadedConfig[LightDqmConfig] = loaded
    return checked


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
