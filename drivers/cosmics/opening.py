"""Settings of a cosmics command, with or without a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

from ...schemas.cosmics.config import CosmicsConfig
from ...schemas.errors import ConfigError, SettingProblem
from ..config import LoadedConfig, load_config

_SHIPPED: Final = "cosmics.toml"


def cosmics_config(
    path: Path | None,
    overrides: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> LoadedConfig[CosmicsConfig]:
    """The settings of a TOML file, or those of the package with paths from the working folder.

    ConfigError if they are wrong, or those of another pipeline.
    """
    if path is None:
        with resources.as_file(resources.files("radiograph.configs") / _SHIPPED) as shipped:
            loaded = load_config(shipped, overrides=overrides, settings=settings)
        return replace(loaded, path=Path.cwd() / _SHIPPED)
    loaded = load_config(path, overrides=overrides, settings=settings)
    name: str = loaded.config.pipeline.name
    if name != "cosmics":
        text = f'name = "{name}"; this command needs name = "cosmics"'
        raise ConfigError([SettingProblem(str(path), "pipeline", text, "pipeline.name")], file=path)
    return loaded
