"""The files that a TOML file of the light pipeline names, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.sources import FileRef
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..engine.executors import Executor
from ..engine.failed_files import FailedFile, usable_files
from ..engine.parts import FILE_AXIS
from ..engine.report import RunReport, joined
from ..files import sampled_file_ref
from ..input_paths import check_place, input_paths, key_of_names
from .checking import check_file, compared_with
from .file_names import chosen_files
from .held_back import HeldBack, all_or_nothing
from .opening import file_selection, output_folder, store_path
from .records import identity_of
from .run import Outputs, check_outputs, run_lightdqm
from .session import LightSession, named_nodes, open_session
from .store import RunStore


def input_files(loaded: LoadedConfig[LightDqmConfig]) -> list[Path]:
    """The files that a config names; ConfigError or InputError if there is none."""
    selection = file_selection(loaded.config.lightdqm)
    return input_paths(loaded, lambda folder: chosen_files([folder], selection))


def compared_session(loaded: LoadedConfig[LightDqmConfig], cache: CacheOptions) -> LightSession:
    """A session for the first of these files, compared as a run compares it; nothing is kept."""
    source = input_files(loaded)[0]
    return open_session(loaded, source, cache, _earlier_runs(loaded, sampled_file_ref(source)))


def _earlier_runs(loaded: LoadedConfig[LightDqmConfig], source: FileRef) -> pd.DataFrame:
    """What the store says of the files before; nothing without a store."""
    settings = loaded.config.lightdqm
    with RunStore(store_path(loaded, None)) as store:
        identity = identity_of(source, settings)
        return compared_with(store, identity, settings).frame


def run_config(
    loaded: LoadedConfig[LightDqmConfig],
    *,
    targets: Sequence[str] = (),
    overwrite: bool = False,
    cache: CacheOptions = NO_CACHE,
    progress: object = None,
    executor: Executor | None = None,
) -> RunReport:
    """Every file that a config names, one after the other; one report.

    Each is compared with the files before it and kept in the store; with ``targets`` it is only
    compared. A file of several that cannot be read is told and left out. The executor evaluates a
    file as a whole, but for its pages and pictures.

    Raises
    ------
    InputError
        If no file can be read; with [io] on_bad_file "fail", if one cannot, and nothing is written.
    UsageError
        If there is no such target, or an output cannot be written; before anything is computed.
    """
    del progress
    named = named_nodes(loaded.config, targets)
    files = input_files(loaded)
    check_outputs(loaded, files, named, Outputs(), overwrite=overwrite)
    options: dict[str, Any] = {"overwrite": overwrite, "cache": cache, "executor": executor}
    if loaded.config.io.on_bad_file == "fail":
        with all_or_nothing(store_path(loaded, None)) as held:
            each = {
                n: _one_file(loaded, p, targets, held=held, **options) for n, p in enumerate(files)
            }
        return _joined(loaded, files, each, [])
    reports, failed = usable_files(
        files,
        lambda _, path: _one_file(loaded, path, targets, **options),
        is_of_run=lambda error: error.key == "store",
    )
    return _joined(loaded, files, reports, failed)


def _one_file(
    loaded: LoadedConfig[LightDqmConfig],
    source: Path,
    targets: Sequence[str],
    *,
    held: HeldBack | None = None,
    **options: Any,
) -> RunReport:
    check_place(source, key_of_names(loaded.config.io))
    if targets:
        seen = sampled_file_ref(source)
        earlier = _earlier_runs(loaded, seen)
        report = run_lightdqm(
            loaded,
            source,
            targets=targets,
            earlier_runs=earlier,
            compared=seen,
            held=None if held is None else held.outputs,
            **options,
        )
        return report.with_plain_values()
    with ExitStack() as stack:
        store = held.store if held else stack.enter_context(RunStore(store_path(loaded, None)))
        checked = check_file(loaded, source, store, outputs=Outputs(), held=held, **options)
    assert checked.report is not None
    return checked.report.with_plain_values()


def _joined(
    loaded: LoadedConfig[LightDqmConfig],
    files: Sequence[Path],
    reports: Mapping[int, RunReport],
    failed: Sequence[FailedFile],
) -> RunReport:
    """One report of several files: what is of each file stands under its number in ``input``."""
    several = len(files) > 1
    report = joined(reports, [str(path) for path in files], str(output_folder(loaded)))
    of_runs = [
        replace(failure, at={FILE_AXIS: number, **failure.at})
        for number, r in reports.items()
        for failure in r.failed
    ]
    return replace(
        report,
        warnings=[
            f"{Path(r.input[0]).name}: {text}" if several else text
            for r in reports.values()
            for text in r.warnings
        ],
        failed=[*(file.failure for file in failed), *of_runs],
        verdict=[{"file": r.input[0], **check} for r in reports.values() for check in r.verdict],
    )
