"""The files that a TOML file of the light pipeline names, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...schemas.errors import InputError, UsageError
from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.sources import FileRef
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..files import sampled_file_ref
from ..input_paths import check_place, input_paths
from .checking import check_file, compared_with
from .file_names import chosen_files
from .opening import file_selection, store_path
from .records import identity_of
from .run import LightReport, Outputs, check_outputs, run_lightdqm
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
    executor: object = None,
) -> LightReport:
    """Every file that a config names, one after the other; one report.

    Each is compared with the files before it and kept in the store; with ``targets`` it is only
    compared. A file of several that cannot be read is told and left out.

    Raises
    ------
    InputError
        If no file can be read.
    UsageError
        If there is no such target, or an output cannot be written; before anything is computed.
    """
    del progress
    if executor is not None:
        msg = "--executor dask is for the event ranges of the pipeline imaging; leave it out"
        raise UsageError(msg, key="executor")
    targets = named_nodes(loaded.config, targets)
    files = input_files(loaded)
    check_outputs(loaded, files, targets, Outputs(), overwrite=overwrite)
    reports: list[LightReport] = []
    failed: list[dict[str, Any]] = []
    for source in files:
        try:
            check_place(source)
            found = _one_file(loaded, source, targets, overwrite=overwrite, cache=cache)
        except InputError as error:
            if len(files) == 1 or error.key == "store":
                raise
            failed.append({"file": str(source), "message": error.message, "code": error.code})
            continue
        found.values = {}
        reports.append(found)
    if not reports:
        msg = "; ".join(f["message"] for f in failed)
        raise InputError(msg, file=files[0], code="no_file")
    return _joined(reports, failed)


def _one_file(
    loaded: LoadedConfig[LightDqmConfig], source: Path, targets: Sequence[str], **options: Any
) -> LightReport:
    if targets:
        seen = sampled_file_ref(source)
        earlier = _earlier_runs(loaded, seen)
        return run_lightdqm(
            loaded, source, targets=targets, earlier_runs=earlier, compared=seen, **options
        )
    with RunStore(store_path(loaded, None)) as store:
        report = check_file(loaded, source, store, outputs=Outputs(), **options).report
    assert report is not None
    return report


def _joined(reports: Sequence[LightReport], failed: list[dict[str, Any]]) -> LightReport:
    first = reports[0]
    if len(reports) == 1 and not failed:
        return first
    statuses = [r.status for r in reports]
    worst = next((s for s in ("fail", "warn", "no_data") if s in statuses), statuses[0])
    counters: dict[str, int] = {}
    for report in reports:
        for name, n in report.counters.items():
            counters[name] = counters.get(name, 0) + n
    return LightReport(
        input=", ".join(r.input for r in reports),
        status=worst,
        output=first.output,
        targets=first.targets,
        figures=list(dict.fromkeys(p for r in reports for p in (r.output, *r.figures)))[1:],
        counters=counters,
        verdict=[{"file": r.input, **check} for r in reports for check in r.verdict],
        seconds=sum(r.seconds for r in reports),
        nodes=reports[-1].nodes,
        warnings=[f"{Path(r.input).name}: {text}" for r in reports for text in r.warnings],
        failed=failed,
    )
