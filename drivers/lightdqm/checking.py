"""One light file to its verdict: compared with the files before it, and kept in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...schemas.errors import EXIT_GATE, EXIT_INPUT, InputError, RadiographError
from ...schemas.lightdqm.config import LightDqm, LightDqmConfig
from ...schemas.lightdqm.frames import DQM_VERDICT, EARLIER_RUNS
from ...schemas.lightdqm.stored_runs import RunIdentity, RunRecord
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..engine.executors import Executor
from ..engine.report import RunReport
from ..files import sampled_file_ref, writable
from .file_names import last_number
from .held_back import HeldBack
from .history import (
    failing_channels,
    new_since,
    not_comparable,
    reference_runs,
    runs_before,
    same_file,
    stored_failures,
)
from .inputs import per_adc16
from .json_lines import lines_of, write_lines
from .opening import output_folder
from .records import RECORD_TARGETS, identity_of, record_of
from .roll_up import earlier_frame
from .run import Outputs, check_outputs, run_lightdqm
from .store import RunStore, StoredRun
from .verdict_text import checks_as_json, overall_status

UNREADABLE: Final = "unreadable"


@dataclass(frozen=True)
class Comparison:
    """What a file is compared with: in words, the files, and what they say together."""

    label: str = "no earlier files"
    runs: Sequence[StoredRun] = ()
    frame: pd.DataFrame = field(default_factory=EARLIER_RUNS.empty)


@dataclass(frozen=True)
class FileCheck:
    """The verdict on a file, or why there is none (``error``)."""

    path: Path
    status: str
    identity: RunIdentity | None = None
    verdict: pd.DataFrame = field(default_factory=DQM_VERDICT.empty)
    compared_with: Comparison = field(default_factory=Comparison)
    new: Mapping[str, Sequence[str]] = field(default_factory=dict)
    report: RunReport | None = None
    error: RadiographError | None = None

    @property
    def written(self) -> list[str]:
        """The files that were written of it, those that got a line of JSON among them."""
        if self.report is None:
            return []
        return self.report.files

    @property
    def exit_code(self) -> int:
        """0 fine, 4 a check failed, 3 unreadable."""
        return {UNREADABLE: EXIT_INPUT, "fail": EXIT_GATE}.get(self.status, 0)

    def as_json(self) -> dict[str, Any]:
        """The verdict as plain values."""
        answer: dict[str, Any] = {"file": str(self.path), "status": self.status}
        if self.error is not None:
            code, message = self.error.code, self.error.message
            return {**answer, "error": {"code": code, "message": message}}
        assert self.identity is not None
        numbers = {k: None if v == -1 else v for k, v in vars(self.identity).items()}
        return {
            **answer,
            **{k: numbers[k] for k in ("run", "subrun", "start_ms", "end_ms", "config_hash")},
            "checks": checks_as_json(self.verdict),
            "compared_with": self.compared_with.label,
            "n_compared": len(self.compared_with.runs),
            "new_since_reference": {k: list(v) for k, v in self.new.items()},
            "written": self.written,
        }


def worst_exit_code(checks: Sequence[FileCheck]) -> int:
    """Of several files the worst decides; a file without a verdict is worse than a bad one."""
    codes = [check.exit_code for check in checks]
    return next((code for code in (EXIT_INPUT, EXIT_GATE) if code in codes), 0)


def answer_of(checks: Sequence[FileCheck]) -> dict[str, Any]:
    """The verdicts on several files as plain values."""
    files = [check.as_json() for check in checks]
    return {"exit_code": worst_exit_code(checks), "files": files}


def checked_files(
    loaded: LoadedConfig[LightDqmConfig],
    paths: Sequence[Path],
    store: RunStore | None = None,
    *,
    outputs: Outputs | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Iterator[FileCheck]:
    """check_file() of one file after the other; one that cannot be read has no verdict.

    Raises
    ------
    UsageError
        If an output of any file cannot be written; before anything is computed.
    """
    if outputs is not None:
        check_outputs(loaded, paths, (), outputs, overwrite=overwrite)
    for path in paths:
        try:
            yield check_file(loaded, path, store, outputs=outputs, overwrite=overwrite, **options)
        except InputError as error:
            if error.key == "store":
                raise
            yield FileCheck(path, UNREADABLE, error=error)


def check_file(
    loaded: LoadedConfig[LightDqmConfig],
    path: Path,
    store: RunStore | None = None,
    *,
    outputs: Outputs | None = None,
    overwrite: bool = False,
    reference: str | None = None,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
    held: HeldBack | None = None,
) -> FileCheck:
    """Process one file: its verdict against earlier files, kept in the store.

    Parameters
    ----------
    store
        Where earlier files come from and this one goes; None compares with nothing.
    outputs
        What is written of the file; None = only the JSON-lines of the script, if the settings
        want them.
    overwrite
        Replace existing outputs.
    reference
        Run or file to compare with, in the place of [lightdqm] reference_run.
    executor
        Where the file is evaluated; in this process by default.
    held
        Where everything that is written waits; the store is its own then.

    Raises
    ------
    InputError
        If the file cannot be read.
    UsageError
        If the reference is not in the store, or something cannot be written.
    """
    settings = loaded.config.lightdqm
    source = sampled_file_ref(path)
    identity = identity_of(source, settings)
    comparison = Comparison()
    if store is not None:
        comparison = compared_with(store, identity, settings, reference)
    report = run_lightdqm(
        loaded,
        path,
        targets=() if outputs else RECORD_TARGETS,
        earlier_runs=comparison.frame,
        compared=source,
        outputs=outputs or Outputs.nothing(),
        overwrite=overwrite,
        cache=cache,
        executor=executor,
        held=None if held is None else held.outputs,
    )
    found = report.values
    record = record_of(identity, str(path.absolute()), found)
    before = [] if store is None else stored_failures(store, comparison.runs)
    if store is not None:
        store.add(record)
    if settings.write_json_blobs:

        def write() -> None:
            report.files += write_json_lines(output_folder(loaded), record, settings)

        if held is None:
            write()
        else:
            held.ends.append(write)
    verdict = found["dqm_verdict"]
    return FileCheck(
        path,
        overall_status(verdict),
        identity,
        verdict,
        comparison,
        new_since(failing_channels(verdict), before),
        report.without_values(),
    )


def compared_with(
    store: RunStore, identity: RunIdentity, settings: LightDqm, reference: str | None = None
) -> Comparison:
    """The reference run if one is set, else the files before; UsageError if it is not there.

    The file itself is never among them. Of each channel its noise and baseline count where they
    failed no check; in legacy mode all do, as in the script.
    """
    named = settings.reference_run if reference is None else reference
    if named is not None:
        runs = reference_runs(store, identity.config_hash, named)
        runs = [run for run in runs if not same_file(run.identity, identity)]
        label = f"reference run {named}"
    else:
        runs = runs_before(store, identity, settings.ncomp)
        label = f"the {len(runs)} files before" if len(runs) != 1 else "the file before"
    if not runs:
        return Comparison()
    ids = [run.run_id for run in runs]
    if settings.legacy:
        return Comparison(label, runs, earlier_frame(store, ids, legacy=True))
    failures = stored_failures(store, runs)
    left_out = not_comparable(runs, failures, chosen=named is not None)
    return Comparison(label, runs, earlier_frame(store, ids, left_out=left_out))


def write_json_lines(folder: Path, record: RunRecord, settings: LightDqm) -> list[str]:
    """The JSON-lines of the near-line script, in the unit of the pages as there; the files."""
    lines = lines_of(
        record.arrays,
        max(last_number(record.identity.name), 0),
        units_per_adc16=per_adc16(settings),
        all_clipped=settings.plot_all_clipped,
        all_negatives=settings.plot_all_negatives,
    )
    with writable(folder, key="io.output_path", elsewhere="another folder with -o"):
        write_lines(folder, lines)
    return [str(folder / name) for name in lines]
