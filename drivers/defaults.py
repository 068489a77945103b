"""What the engine does for a pipeline whose definition says nothing else.

Everything is imported when it is called: a definition alone takes no library of a computation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..schemas.errors import UsageError

if TYPE_CHECKING:
    from .api import GraphPicture
    from .cache.opening import CacheOptions
    from .config import LoadedConfig
    from .definition import Definition
    from .runfile.exporting import ExportRequest
    from .runfile.verifying import Verification
    from .watching import QuickLook


def anything(dr: Any, targets: Sequence[str], config: Any) -> None:
    """Every node can be asked for with every config."""
    del dr, targets, config


def no_notices(_config: Any, _replaced: tuple[str, ...]) -> Iterator[str]:
    yield from ()


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


def run_by_engine(loaded: LoadedConfig[Any], **options: Any) -> Any:
    from .engine.running import run_pipeline

    return run_pipeline(loaded, **options)


def session_of_engine(loaded: LoadedConfig[Any], cache: CacheOptions) -> Any:
    from .engine.running import open_session

    return open_session(loaded, cache)


def run_file_verified(flow: Definition, path: Path, inputs: Sequence[Path]) -> Verification:
    from .runfile.verifying import verify_run_file

    return verify_run_file(flow, path, inputs)


def asked_for(loaded: LoadedConfig[Any]) -> dict[str, Any]:
    """Input, output and last stage of a config."""
    io = loaded.config.io
    named = [io.input_path] if isinstance(io.input_path, str) else list(io.input_path)
    return {
        "pipeline": loaded.config.pipeline.name,
        "until": loaded.config.pipeline.until,
        "input": [path for path in named if path],
        "output": io.output_path,
    }


def file_of_run(loaded: LoadedConfig[Any]) -> Path:
    from .input_paths import last_output

    return last_output(loaded)


def graph_of_run_file(path: Path, config: Path | None, **shown: Any) -> GraphPicture:
    from .runfile.last_run import graph_of_run_file

    return graph_of_run_file(path, config, **shown)


def run_file_reported(path: Path, page: Path, *, pdf: bool, overwrite: bool) -> list[Path]:
    from .runfile.report import write_run_report

    return write_run_report(path, page, pdf=pdf, overwrite=overwrite)


def looked_at_by_engine(
    loaded: LoadedConfig[Any], folder: Path, cache: CacheOptions, overwrite: bool
) -> QuickLook:
    from .engine.quick_look import EngineQuickLook
    from .registry import definition_of

    return EngineQuickLook(definition_of(loaded.config), loaded, folder, cache, overwrite)


def run_file_exported(request: ExportRequest) -> list[Path]:
    from .runfile.exporting import export_run_file

    return export_run_file(request)


def run_file_described(path: Path) -> tuple[dict[str, Any], str]:
    from .runfile.summary import described

    return described(path)
