"""The runs of a campaign, one after the other: a file each, tables, figures, a page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...schemas.errors import InputError, UsageError
from ...schemas.failures import Failure
from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import FPGA_HITS, run_name
from ...schemas.transients.quality import QUALITY
from ...schemas.transients.recordings import HitLog
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..engine.executors import Executor
from ..engine.failed_files import FailedFile, none_left, tell_left_out
from ..engine.report import RunReport, joined
from ..engine.run_file import begun_run
from ..engine.running import write_run
from ..engine.session import Session
from ..files import check_new_files
from ..files_of_settings import files_of_settings
from ..input_paths import check_no_other_kind, is_output_file, output_path
from .beside import beside_paths, write_beside
from .campaign import Campaign, RunFiles, opened_campaign, runs_of
from .session import run_session

log = logging.getLogger("radiograph.run")
_WITHOUT_RECORDINGS: Final = ("run_metadata", "run_log", "hit_log")
_KEY: Final = "io.output_path"


def run_campaign(
    loaded: LoadedConfig[TransientsConfig],
    *,
    targets: Sequence[str] = (),
    overwrite: bool = False,
    cache: CacheOptions = NO_CACHE,
    progress: Callable[[int], None] | None = None,
    executor: Executor | None = None,
) -> RunReport:
    """Every run that a config asks for, one after the other; one report.

    A run that cannot be read is told and left out; one whose archive is cut gives what stands
    before the cut, marked so.

    Raises
    ------
    InputError
        If no run can be read; with [io] on_bad_file "fail", if one cannot.
    UsageError
        If an output cannot be written, or stands there already; before anything is computed.
    """
    campaign = opened_campaign(loaded)
    runs = runs_of(campaign)
    outs = _outputs(loaded, runs)
    planned = [p for out in outs.values() for p in (out, *beside_paths(loaded, out, targets))]
    check_new_files(
        planned,
        [*(path for run in runs for path in run.read_beside(planned)), *files_of_settings(loaded)],
        overwrite=overwrite or loaded.config.io.overwrite,
        key=_KEY,
        setting="[io] overwrite",
    )
    reports: dict[int, RunReport] = {}
    failed: list[FailedFile] = []
    for run in runs:
        try:
            one, out = _alone(loaded, run), outs[run.number]
            report = _one_run(one, campaign, run, out, targets, cache, progress, executor)
            # Tables and figures are made of the file: what the graph gave is not beside it.
            if campaign.metadata(run).sdr_data and not targets:
                report.files += [str(path) for path in write_beside(one, out)]
            reports[run.number] = report
        except InputError as error:
            if len(runs) == 1 or loaded.config.io.on_bad_file == "fail":
                raise
            left = FailedFile(str(run.shown), run.number, error.message, error.code, "run")
            tell_left_out(left)
            failed.append(left)
    if not reports:
        raise none_left(failed)
    named = {run_name(number): report for number, report in reports.items()}
    report = joined(named, [str(run.shown) for run in runs], str(output_path(loaded)))
    return replace(report, failed=[*(file.failure for file in failed), *report.failed])


def _outputs(loaded: LoadedConfig[Any], runs: Sequence[RunFiles]) -> dict[int, Path]:
    out = output_path(loaded)
    if not is_output_file(out):
        check_no_other_kind(out)
        return {run.number: out / f"{run_name(run.number)}.h5" for run in runs}
    if len(runs) > 1:
        msg = (
            f"{out}: is one file, and {len(runs)} runs are asked for. Name a folder, or choose "
            "one with [transients] runs."
        )
        raise UsageError(msg, file=out, key=_KEY)
    return {runs[0].number: out}


def _alone(loaded: LoadedConfig[TransientsConfig], run: RunFiles) -> LoadedConfig[TransientsConfig]:
    """The settings of one run: what is stored makes this run again, not all of them."""
    alone = loaded.config.transients.model_copy(update={"runs": (run.number,)})
    return replace(loaded, config=loaded.config.model_copy(update={"transients": alone}))


def _one_run(
    one: LoadedConfig[TransientsConfig],
    campaign: Campaign,
    run: RunFiles,
    out: Path,
    targets: Sequence[str],
    cache: CacheOptions,
    progress: Callable[[int], None] | None,
    executor: Executor | None,
) -> RunReport:
    """A run written to its file; of its values the report holds those that are told."""
    with begun_run() as begun:
        session = run_session(one, campaign, run, cache, executor)
        start = session.inputs.choices["start"]
        if start != "samples":
            log.info("%s: %s are those of the earlier run", run.shown, start)
        is_whole = campaign.metadata(run).sdr_data or targets
        asked = targets if is_whole else _WITHOUT_RECORDINGS
        try:
            if executor is None:
                _begin_reading(session, run)
            report = write_run(
                session, one, list(run.paths or (run.shown,)), out, begun,
                targets=asked, progress=progress,
            )  # fmt: skip
        finally:
            streams = session.inputs.values.get("recording_streams")
            if streams is not None:
                streams.close()
    _judge(report, run, one.config.transients.max_unusable_fraction)
    return report.with_plain_values()


def _begin_reading(session: Session, run: RunFiles) -> None:
    """Have an archive unpacked from now on, while the libraries of the nodes are loaded.

    Only one that is read for the first time: of another it is not yet known what is asked for.
    """
    for first in session.parts.every[:1]:
        if first.then is not None:
            paths = [file.path for file in first.files()]
            session.inputs.values["recording_streams"].at(paths, run.number, 0)


def _judge(report: RunReport, run: RunFiles, most_unusable: float) -> None:
    """Counters, the verdict on the share of unusable recordings, and failures by name."""
    counts = report.values.get("quality_counts")
    if isinstance(counts, pd.DataFrame):
        report.counters = {
            str(name): int(n) for name, n in zip(counts["name"], counts["count"], strict=True)
        }
        report.counters |= _outlier_counts(report.values)
        n, usable = report.counters["recordings"], report.counters["usable"]
        share = 1.0 - usable / n if n else 0.0
        failed = share > most_unusable
        text = f"{n - usable} of {n} recordings are unusable; {most_unusable:.0%} are allowed"
        report.verdict = [
            {"check": "unusable_recordings", "status": "fail" if failed else "pass",
             "reason": text, "value": share, "run": run_name(run.number)}
        ]  # fmt: skip
        if n and not usable:
            msg = f"{run.shown}: none of its {n} recordings can be used."
            report.failed.append(Failure({"run": run_name(run.number)}, "", "nothing_usable", msg))
        if failed:
            report.warnings.append(f"{run_name(run.number)}: {text}")
        hits = report.values.get("hit_log")
        if isinstance(hits, HitLog) and hits.untimed_rows:
            report.warnings.append(_untimed_text(run, hits))
        report.summary = _summary(report.counters)
    alarms = report.values.get("false_alarms")
    if isinstance(alarms, pd.DataFrame) and alarms["n"][0]:
        row = alarms.iloc[0]
        log.info(
            "%s: noise alone makes outliers of %.1f %% of the recordings (68 %%: %.1f to %.1f)",
            run_name(run.number), *(100 * float(row[key]) for key in ("rate", "low", "high")),
        )  # fmt: skip
        report.summary = {
            **(report.summary or {}),
            "false_alarm_rate": float(row["rate"]),
            "false_alarm_interval": [float(row["low"]), float(row["high"])],
        }


def _untimed_text(run: RunFiles, hits: HitLog) -> str:
    return (
        f"{run_name(run.number)}: {hits.untimed_rows} of "
        f"{hits.untimed_rows + len(hits.values)} rows of the hit log have no time and are left "
        f"out (the first: {hits.first_untimed}); look at {FPGA_HITS}"
    )


def _outlier_counts(values: Mapping[str, Any]) -> dict[str, int]:
    found = values.get("outliers")
    if not isinstance(found, pd.DataFrame):
        return {}
    return {"scored": int(found["scored"].sum()), "outliers": int(found["outlier"].sum())}


def _summary(counters: Mapping[str, int]) -> dict[str, Any]:
    first = ("recordings", "usable", "scored", "outliers", "foreign_members",
             "hits_without_recording", "hits_without_time")  # fmt: skip
    found: dict[str, Any] = {name: counters[name] for name in first if name in counters}
    return {**found, "quality": {name: counters[name] for name in QUALITY.names}}
