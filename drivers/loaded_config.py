"""Settings that were read and checked: what every run begins with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from typing_extensions import TypeVar

from ..schemas.settings import Section

C = TypeVar("C", bound=Section, default=Any)


@dataclass(frozen=True)
class LoadedConfig(Generic[C]):
    """A config that can run, of the pipeline that its [pipeline] name selects.

    Attributes
    ----------
    config
        The settings after the command line and fast mode.
    text
        The TOML file, word for word.
    path
        Where the file was read; paths in it are relative to its folder.
    replaced
        Dotted keys whose values fast mode replaced.
    notices
        What was accepted without effect.
    overrides
        Settings of the command line, as written.
    """

    config: C
    text: str
    path: Path
    replaced: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
