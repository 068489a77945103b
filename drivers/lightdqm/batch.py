"""Every light file that a config names, one after the other, against the store of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...schemas.errors import ConfigError, InputError, RadiographError, SettingProblem, UsageError
from ...schemas.lightdqm.config import LightDqmConfig
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig, resolved_path
from .checking import checked_files
from .file_names import chosen_files
from .opening import file_selection, store_path
from .run import LightReport, Outputs, check_outputs, run_lightdqm
from .store import RunStore


def input_files(loaded: LoadedConfig[LightDqmConfig]) -> list[Path]:
    """The files that a config names; ConfigError or InputError if there is none."""
    settings = loaded.config.lightdqm
    named = settings.input_path
    paths = [resolved_path(loaded, p) for p in ((named,) if isinstance(named, str) else named) if p]
    if not paths:
        text = "missing key 'input_path'; add input_path = \"...\", a .FLOW.hdf5 file or a folder"
        raise ConfigError([SettingProblem(str(loaded.path), "lightdqm", text)], file=loaded.path)
    for path in paths:
        if not path.exists():
            msg = f"{path}: no such file. Set [lightdqm] input_path or give --input-path."
            raise InputError(msg, file=path, key="lightdqm.input_path")
    return chosen_files(paths, file_selection(settings))


def run_config(
    loaded: LoadedConfig[LightDqmConfig],
    *,
    targets: Sequence[str] = (),
    overwrite: bool = False,
    cache: CacheOptions = NO_CACHE,
    progress: object = None,
    executor: object = None,
) -> LightReport:
    """Every file that a config names; one report.

    Without ``targets`` files are compared with those before them, and kept in the store of runs.
    A file of several that cannot be read is told and left out.

    Raises
    ------
    InputError
        If no file can be read.
    UsageError
        If an output cannot be written, before anything is computed.
    """
    del progress
    if executor is not None:
        msg = "--executor dask is for event ranges of the pipeline imaging; leave it out"
        raise UsageError(msg, key="executor")
    files = input_files(loaded)
    done: list[LightReport] = []
    failed: list[RadiographError] = []
    for result in _results(loaded, files, targets, overwrite=overwrite, cache=cache):
        if isinstance(result, LightReport):
            done.append(result)
        else:
            failed.append(result)
    if not done:
        raise failed[0]
    return _joined(done, [_failure(error) for error in failed])


def _results(
    loaded: LoadedConfig[LightDqmConfig],
    files: Sequence[Path],
    targets: Sequence[str],
    *,
    overwrite: bool,
    cache: CacheOptions,
) -> Iterator[LightReport | RadiographError]:
    if targets:
        yield from _only(loaded, files, targets, overwrite=overwrite, cache=cache)
        return
    with RunStore(store_path(loaded, None)) as store:
        for check in checked_files(
            loaded, files, store, outputs=Outputs(), overwrite=overwrite, cache=cache
        ):
            if check.error is not None:
                yield check.error
            elif check.report is not None:
                yield check.report


def _only(
    loaded: LoadedConfig[LightDqmConfig],
    files: Sequence[Path],
    targets: Sequence[str],
    *,
    overwrite: bool,
    cache: CacheOptions,
) -> Iterator[LightReport | RadiographError]:
    """Some nodes of each file: nothing is compared or kept."""
    check_outputs(loaded, files, targets, Outputs(), overwrite=overwrite)
    for source in files:
        try:
            report = run_lightdqm(loaded, source, targets=targets, overwrite=overwrite, cache=cache)
        except InputError as error:
            yield error
        else:
            yield report.without_values()


def _failure(error: RadiographError) -> dict[str, Any]:
    return {"file": error.file, "code": error.code, "message": error.message}


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
        figures=[path for r in reports for path in (r.output, *r.figures)][1:],
        counters=counters,
        verdict=[{"file": r.input, **check} for r in reports for check in r.verdict],
        seconds=sum(r.seconds for r in reports),
        nodes=reports[-1].nodes,
        warnings=[f"{Path(r.input).name}: {text}" for r in reports for text in r.warnings],
        failed=failed,
    )
