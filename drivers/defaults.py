"""What holds for a pipeline whose definition says nothing else."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..schemas.errors import UsageError


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


def cores(asked: int | str = 0) -> int:
    """As many as asked for; for 0 and "auto" all that this process may use."""
    return len(os.sched_getaffinity(0)) if asked in ("auto", 0) else int(asked)


def one_process(_loaded: Any) -> int:
    """Parts are evaluated where the command runs."""
    return 1


def asked_processes(loaded: Any) -> int:
    """As many as [run] workers asks for; "auto" is this process alone."""
    workers = loaded.config.run.workers
    return 1 if workers == "auto" else int(workers)


def nothing_said(_report: Any) -> tuple[str, ...]:
    """A run prints its files alone."""
    return ()


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


def no_overview(folder: Path, _page: Path, *, overwrite: bool) -> list[Path]:
    """The page over the files of a folder, of a pipeline that has none."""
    del overwrite
    msg = f"{folder}: is a folder, and this pipeline has no page over several files; name one"
    raise UsageError(msg, file=folder, key="file")
