"""Stage verdict: whether the input is complete, and the summary of the run."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.cosmics.counts import SELECTIONS, CutCounts
from ...schemas.cosmics.cuts import CutsInEffect
from ...schemas.cosmics.frames import SUBRUNS_SEEN
from ...schemas.cosmics.results import CompletenessSettings, Normalisation, RunSummary
from ...schemas.verdict import Check, checks_frame, status_of

MOST_DEVIATION: Final = 1e-3
CUT_SETS: Final = "cut_sets"
"""The check that is there only if something in the file of cut sets has no effect."""
_WHAT: Final = {
    "generated_events": "generated events",
    "processed_events": "processed events",
    "livetime_s": "live time in s",
}


@tag(stage="load", schema="SubrunsSeen", helper="true")
def subruns_seen(event_numbers: pd.DataFrame) -> pd.DataFrame:
    """Run and subrun of the events of a range, each once, with how many there are."""
    run, subrun = (event_numbers[name].to_numpy().astype(np.int64) for name in ("run", "subrun"))
    # One number for both, of the same order: rows of two columns take fifty times as long.
    both, n = np.unique((run << 32) + subrun, return_counts=True)
    run = (both + (1 << 31)) >> 32
    return SUBRUNS_SEEN.frame({"run": run, "subrun": both - (run << 32), "n_events": n})


@tag(stage="verdict", schema="Checks", scope="run", main="true")
def verdict(
    input_files: pd.DataFrame,
    subruns_seen: pd.DataFrame,
    subrun_totals: pd.DataFrame,
    n_distinct_events: int,
    normalisation: Normalisation,
    completeness: CompletenessSettings,
    cuts: CutsInEffect,
) -> pd.DataFrame:
    """Whether files and subruns are all there, nothing counts twice, and numbers agree.

    What the file of cut sets says without effect stands there too, and fails nothing.
    """
    files = input_files[input_files["axis"] == "file"]
    n_read = int((files["status"] == "read").sum())
    n_events = int(files["n_records"].sum())
    checks = [
        _files(n_read, len(files), completeness),
        _whole(n_events, completeness.max_events),
        _subruns(subruns_seen, subrun_totals),
        _twice(n_events, n_distinct_events),
        _processed(n_events, normalisation.processed_events),
    ]
    for name, deviation in normalisation.deviation.items():
        status = "pass" if deviation <= MOST_DEVIATION else "fail"
        text = f"{_WHAT[name]} of settings and files differ by {100 * deviation:.3g} %"
        checks.append(Check(f"{name}_agrees", status, deviation, MOST_DEVIATION, text))
    if cuts.warnings:
        text = f"without effect: {'; '.join(cuts.warnings)}"
        checks.append(Check(CUT_SETS, "pass", len(cuts.warnings), math.nan, text))
    return checks_frame(checks)


def _files(n_read: int, n_listed: int, settings: CompletenessSettings) -> Check:
    expected = settings.expected_files or n_listed
    share = n_read / expected if expected else 0.0
    status = "pass" if share >= settings.min_fraction else "fail"
    least = f"at least {100 * settings.min_fraction:.4g} % of them must be"
    text = f"{n_read} of {expected} files were read, {least}"
    return Check("files_read", status, share, settings.min_fraction, text)


def _whole(n_events: int, most: int) -> Check:
    if not most:
        return Check("whole_files", "pass", n_events, math.nan, "all events of the files were read")
    text = f"[run] max_events = {most}: {n_events} events were read, and totals are of whole files"
    return Check("whole_files", "fail" if n_events >= most else "pass", n_events, most, text)


def _subruns(seen: pd.DataFrame, totals: pd.DataFrame) -> Check:
    if totals.empty:
        return Check("subruns", "no_data", math.nan, math.nan, "the files list no subruns")
    listed = set(zip(totals["run"], totals["subrun"], strict=True))
    found = set(zip(seen["run"], seen["subrun"], strict=True))
    missing, unknown = len(listed - found), len(found - listed)
    text = f"{len(found)} subruns are in the events and {len(listed)} in the lists of the files"
    if missing or unknown:
        text += f": {missing} without events, {unknown} not listed"
    status = "fail" if missing or unknown else "pass"
    return Check("subruns", status, len(found), len(listed), text)


def _twice(n_events: int, n_distinct: int) -> Check:
    n = n_events - n_distinct
    text = f"{n} events stand in the input twice" if n else "no event stands in the input twice"
    return Check("events_once", "fail" if n else "pass", n, 0, text)


def _processed(n_events: int, processed: float | None) -> Check:
    if processed is None:
        text = "how many events were processed is not known"
        return Check("processed", "no_data", n_events, math.nan, text)
    status = "pass" if n_events <= processed else "fail"
    text = f"{n_events} events were read of {processed:.0f} that were processed"
    return Check("processed", status, n_events, processed, text)


@tag(stage="verdict", scope="run")
def run_summary(cut_counts: CutCounts, cuts: CutsInEffect, verdict: pd.DataFrame) -> RunSummary:
    """Cut set, events that pass every selection, and the verdict."""
    unvetoed = int(cut_counts.selected[SELECTIONS.index("Unvetoed"), 0])
    return RunSummary(cuts.cutset, cuts.hash, cuts.on_spill, unvetoed, status_of(verdict))
