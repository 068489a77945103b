"""What holds for a pipeline whose definition says nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..schemas.errors import UsageError

if TYPE_CHECKING:
    from .config import LoadedConfig


def later(place: str) -> Callable[..., Any]:
    """The function that stands at ``module:NAME``, imported when it is called.

    A definition takes no library of a computation, and what the engine does for it knows of it.
    """

    def called(*arguments: Any, **named: Any) -> Any:
        module, _, name = place.partition(":")
        return vars(importlib.import_module(module))[name](*arguments, **named)

    return called


def anything(dr: Any, targets: Sequence[str], config: Any) -> None:
    """Every node can be asked for with every config."""
    del dr, targets, config


def no_notices(_config: Any, _replaced: tuple[str, ...]) -> Iterator[str]:
    yield from ()


def no_artifacts(_config: Any) -> tuple[Any, ...]:
    """Nothing is written beside the run file."""
    return ()


def unchanged(config: Any) -> tuple[Any, tuple[str, ...]]:
    return config, ()


def as_it_is(config: Any) -> Any:
    return config


def not_there(*_: Any, **__: Any) -> Any:
    msg = "the definition of this pipeline does not say how"
    raise NotImplementedError(msg)


def no_starter(*_: Any) -> tuple[Path, Path]:
    """Settings and small data of a pipeline that has none."""
    msg = "this pipeline makes no data to begin with; start from a file of its own"
    raise UsageError(msg, key="pipeline")


def asked_for(loaded: LoadedConfig[Any]) -> dict[str, Any]:
    """Input, output and last stage of a config."""
    config = loaded.config
    return {
        "pipeline": config.pipeline.name,
        "until": config.pipeline.until,
        "input": named_inputs(loaded),
        "output": config.io.output_path,
    }


def named_inputs(loaded: LoadedConfig[Any]) -> list[str]:
    """The input as a config names it, with what is there of it."""
    io = loaded.config.io
    named = io.input_path or io.file_list
    names = [named] if isinstance(named, str) and named else list(named)
    return [_with_presence(loaded, name) for name in names]


def _with_presence(loaded: LoadedConfig[Any], name: str) -> str:
    from .config import resolved_path
    from .files import is_pattern, matching

    path = resolved_path(loaded, name)
    if path.exists():
        return name
    found = len(matching(path)) if is_pattern(path) else 0
    there = f"{found} file{'s' if found > 1 else ''}" if found else "not there yet"
    return f"{name} ({there})"
