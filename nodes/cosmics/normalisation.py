"""Stage normalisation: what the events that were read stand for, and rates in momentum windows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.cosmics.counts import WINDOWS, CutCounts
from ...schemas.cosmics.cuts import CutsInEffect
from ...schemas.cosmics.results import BeamSettings, Normalisation, NormalisationSettings
from ...schemas.cosmics.statistics import StatisticsSettings
from .intervals import count_interval, fraction_interval

WindowRates = Mapping[str, Mapping[str, Any]]
_SECONDS_A_DAY: Final = 86400.0
_OF_FILES: Final = {"generated": "generated_events", "processed": "processed_events",
                    "livetime_s": "livetime_s"}  # fmt: skip


@tag(stage="normalisation", scope="run", main="true")
def normalisation(
    subrun_totals: pd.DataFrame,
    file_totals: pd.DataFrame,
    input_files: pd.DataFrame,
    normalisation_settings: NormalisationSettings,
) -> Normalisation:
    """Generated and processed events and live time of the files that were read.

    Sums over subruns, each once; else the totals of the files; else the settings, which are for
    all files and scaled to those that were read. A number that one file does not tell is not
    known from the files.
    """
    of_role = input_files[input_files["axis"] == "file"]
    read = of_role["number"][(of_role["status"] == "read").to_numpy()].to_numpy()
    expected = normalisation_settings.expected_files or len(of_role)
    values: dict[str, float | None] = {}
    source: dict[str, str] = {}
    deviation: dict[str, float] = {}
    for column, name in _OF_FILES.items():
        of_files, where = _of_files(subrun_totals, file_totals, read, column)
        given = getattr(normalisation_settings, name, None)
        told = "settings"
        if given is not None and len(read) != expected:
            given, told = given * len(read) / expected, "settings, scaled"
        if given is not None and of_files is not None:
            deviation[name] = abs(given - of_files) / max(abs(of_files), 1e-300)
        use_settings = normalisation_settings.prefer == "settings" or of_files is None
        if given is not None and use_settings:
            values[name], source[name] = given, told
        else:
            values[name], source[name] = of_files, where
    return Normalisation(
        values["generated_events"],
        values["processed_events"],
        values["livetime_s"],
        source,
        deviation,
    )


def _of_files(
    subruns: pd.DataFrame, totals: pd.DataFrame, read: Any, column: str
) -> tuple[float | None, str]:
    """The sum of a number over the files, and where it stands; None if one does not tell it."""
    known = subruns[subruns[column].notna()]
    # A subrun that stands in two files counts once.
    once = known[~known.duplicated(["run", "subrun"])]
    by_subruns = set(subruns["file_index"]) - set(subruns["file_index"][subruns[column].isna()])
    by_totals = set(totals["file_index"][totals[column].notna()]) - by_subruns
    if not len(read) or set(read) - by_subruns - by_totals:
        return None, "unknown"
    of_subruns = once[column][once["file_index"].isin(by_subruns)]
    of_totals = totals[column][totals["file_index"].isin(by_totals)]
    words = [word for word, files in (("subruns", by_subruns), ("histograms", by_totals)) if files]
    return math.fsum([*of_subruns, *of_totals]), " and ".join(words)


@tag(stage="normalisation", scope="run", main="true")
def window_rates(
    cut_counts: CutCounts,
    n_distinct_events: int,
    normalisation: Normalisation,
    beam: BeamSettings,
    cuts: CutsInEffect,
    statistics: StatisticsSettings,
) -> WindowRates:
    """Selected and unvetoed events, efficiencies and rates in each momentum window.

    Rates are None without a live time. Efficiencies are fractions; that of the veto is None where
    nothing is selected, and its interval then (0, 1).
    """
    assert n_distinct_events >= 0
    selected, unvetoed = cut_counts.in_window.T
    missed = fraction_interval(unvetoed, selected, statistics)
    counted = count_interval(unvetoed, statistics)
    found: dict[str, dict[str, Any]] = {}
    for k, name in enumerate(WINDOWS):
        n, u = int(selected[k]), int(unvetoed[k])
        row: dict[str, Any] = {
            "selected": n,
            "unvetoed": u,
            "veto_efficiency": None if n == 0 else 1.0 - u / n,
            "veto_efficiency_lo": 1.0 - float(missed[1][k]),
            "veto_efficiency_hi": 1.0 - float(missed[0][k]),
            **_selection(n, normalisation.generated_events, statistics),
        }
        livetime = normalisation.livetime_s or None
        if livetime is not None and beam.legacy_window_livetime:
            in_signal = int(selected[WINDOWS.index("Signal")])
            livetime = livetime * n / in_signal if in_signal and n else None
        ends = float(counted[0][k]), float(counted[1][k])
        found[name] = row | _rates(n, u, ends, livetime, beam, on_spill=cuts.on_spill)
    return found


def _selection(n: int, generated: float | None, statistics: StatisticsSettings) -> dict[str, Any]:
    if generated is None or not n <= generated or generated == 0:
        return {
            "selection_efficiency": None,
            "selection_efficiency_lo": 0.0,
            "selection_efficiency_hi": 1.0,
        }
    lo, hi = fraction_interval(np.array([n]), np.array([round(generated)]), statistics)
    return {
        "selection_efficiency": n / generated,
        "selection_efficiency_lo": float(lo[0]),
        "selection_efficiency_hi": float(hi[0]),
    }


def _rates(
    n: int,
    u: int,
    ends: tuple[float, float],
    livetime_s: float | None,
    beam: BeamSettings,
    *,
    on_spill: bool,
) -> dict[str, Any]:
    """Rates a day of wall time by mode of the beam, and unvetoed events in Run 1."""
    scales: dict[str, float | None] = {}
    for mode, fraction in beam.on_spill_fraction.items():
        share = fraction if on_spill else 1.0 - fraction
        scales[f"per_day_{mode}"] = (
            None if livetime_s is None else _SECONDS_A_DAY * share / livetime_s
        )
    scales["per_run1"] = None if livetime_s is None else beam.run1_livetime_s / livetime_s
    found: dict[str, Any] = {}
    counts = {"": u, "_lo": ends[0], "_hi": ends[1]}
    for name, scale in scales.items():
        if name != "per_run1":
            found[f"selected_{name}"] = None if scale is None else n * scale
        for end, count in counts.items():
            found[f"unvetoed_{name}{end}"] = None if scale is None else count * scale
    return found
