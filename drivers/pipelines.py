"""What the core asks of a pipeline beside its graph: settings, checks, runs. One table.

The core never asks which pipeline it serves: it asks the definition that [pipeline] name selects.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..schemas.errors import UsageError
from ..schemas.settings import Section

if TYPE_CHECKING:
    from ..schemas.sources import FileRef
    from .cache.execution import NodeCache, Verdict
    from .cache.opening import CacheOptions
    from .config import LoadedConfig
    from .graph import Pipeline
    from .watching import QuickLook

DEFAULT: Final = "imaging"
_HOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "imaging": "radiograph.drivers.imaging.definition",
        "lightdqm": "radiograph.drivers.lightdqm.definition",
    }
)


class Session(Protocol):
    """A config and its input, ready to be asked for nodes."""

    config: Any
    driver: Any
    cache: NodeCache | None

    @property
    def input_files(self) -> list[FileRef]:
        """The files that are read."""

    def resolved(self, targets: Sequence[str]) -> list[str]:
        """Names of nodes, aliases replaced."""

    def run(self, targets: Sequence[str]) -> dict[str, Any]:
        """One value a target."""

    def survey(self, targets: Sequence[str]) -> list[Verdict]:
        """What a run would do with each node the targets need."""


@dataclass(frozen=True)
class Fault:
    """A problem of ``section``; ``keys`` are the dotted keys that decide it."""

    section: str
    text: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class ScreenSettings:
    """How much a run says on standard error."""

    level: int = 1
    progress: bool = True


@dataclass(frozen=True)
class CompiledAhead:
    """Kernels that a run comes to last, and the module that compiles them when it is run.

    The module is given the folder where compiled code is kept.
    """

    module: str
    kernels: tuple[str, ...]


def _nothing_ahead(config: Any) -> None:
    """No kernel is worth a process of its own."""
    del config


def _anything(dr: Any, targets: Sequence[str], config: Any) -> None:
    """Every node can be asked for with every config."""
    del dr, targets, config


@dataclass(frozen=True)
class Definition:
    """One pipeline as the core sees it.

    Attributes
    ----------
    name
        [pipeline] name.
    graph
        Makes its graph known: modules, frames, inputs.
    settings
        The model of its TOML file.
    example
        A file of configs/ whose graph has every quantity.
    listed_choices
        Choices that show every name in a list of nodes.
    choices
        Which variants of nodes a config selects.
    faults, notices
        Problems between sections, and what is accepted without effect.
    with_fast_mode
        The config that runs and the keys that fast mode replaced.
    effective
        The config with every inherited value filled in, as it is stored.
    run
        Runs a loaded config: keyword arguments as ``run_and_show`` has them.
    session
        Opens its input with a cache.
    summary
        What ``radiograph check`` prints, by name.
    stand_ins
        Sections without defaults: what stands in their place while others are checked.
    keys
        Settings that flags of the commands stand for, where they have another name.
    screen
        How much a run of this config says.
    described
        What is in an output file and how it was made, as plain values and as text.
    check_targets
        UsageError if some nodes cannot be asked for with a config.
    quick_look
        What is made of the files of a folder while they arrive: settings, folder, cache, consent
        to replace.
    compiled_ahead
        What a first run of a config has compiled beside it; None for nothing.
    """

    name: str
    graph: Callable[[], Pipeline]
    settings: type[Section]
    example: str
    listed_choices: Mapping[str, Any]
    choices: Callable[[Any], dict[str, Any]]
    faults: Callable[[Any, Path, frozenset[str]], Iterator[Fault]]
    notices: Callable[[Any, tuple[str, ...]], Iterator[str]]
    with_fast_mode: Callable[[Any], tuple[Any, tuple[str, ...]]]
    effective: Callable[[Any], Section]
    run: Callable[..., Any]
    session: Callable[[LoadedConfig[Any], CacheOptions], Any]
    summary: Callable[[LoadedConfig[Any]], dict[str, Any]]
    screen: Callable[[Any], ScreenSettings]
    described: Callable[[Path], tuple[dict[str, Any], str]]
    quick_look: Callable[[LoadedConfig[Any], Path, CacheOptions, bool], QuickLook]
    check_targets: Callable[[Any, Sequence[str], Any], None] = _anything
    compiled_ahead: Callable[[Any], CompiledAhead | None] = _nothing_ahead
    stand_ins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)


def names() -> tuple[str, ...]:
    """The pipelines that there are."""
    return tuple(_HOMES)


def definition(name: str) -> Definition:
    """A pipeline by name; UsageError if there is none."""
    if name not in _HOMES:
        msg = f"No pipeline {name!r}. There is: {', '.join(_HOMES)}."
        raise UsageError(msg, key="pipeline")
    found: Definition = importlib.import_module(_HOMES[name]).DEFINITION
    return found


def definition_of(config: Section) -> Definition:
    """The pipeline that a config belongs to."""
    return definition(config.pipeline.name)  # type: ignore[attr-defined]
