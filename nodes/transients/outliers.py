"""Recordings that differ from the others of their position, with the reason."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import Mask
from ...schemas.transients.config import Outliers
from ...schemas.transients.frames import (
    FALSE_ALARMS,
    LOCAL_CENTRES,
    LOCAL_SCORES,
    OUTLIERS,
)
from ...schemas.transients.quality import LOCAL_FEATURES, REASONS
from ..statistics.intervals import clopper_pearson, fraction_of
from ..statistics.scores import width_degrees
from .scoring import (
    DRIFT_RECORDINGS,
    OF_THE_RUN,
    local_floor,
    local_score,
    of_positions,
    of_run,
    places_of,
    scored_values,
    shape_reasons,
)
from .selection import usable_rows

_LEAST_RESIDUALS: Final = 5
# Of an isolation forest: clearly above the 0.5 of an ordinary point.
_FOREST_SCORE: Final = 0.6


@tag(stage="outliers", scope="run", schema="LocalCentres")
def local_centres(
    features: pd.DataFrame, noise_level_ppm: float, outlier_settings: Outliers
) -> pd.DataFrame:
    """What each recording is compared with: the median of its position, and the local scale."""
    settings, noise = outlier_settings, noise_level_ppm
    places = places_of(features, settings.neighbours)
    usable = usable_rows(features)
    trig, _, _ = of_positions(features["trig_val"].to_numpy(), places, settings.min_hits)
    snr = np.abs(trig) / noise if noise > 0 else np.full(len(trig), np.nan)
    times = features["hw_time_s"].to_numpy()
    columns: dict[str, Any] = {}
    for name, values in scored_values(features, settings, snr).items():
        if name in OF_THE_RUN:
            centre, spread = of_run(values, usable, times, settings.drift)
            most = DRIFT_RECORDINGS if settings.drift else len(usable)
            number = np.where(usable, min(int(usable.sum()), most), 0)
        else:
            centre, spread, number = of_positions(values, places, settings.min_hits)
        scale = np.hypot(spread, local_floor(name, centre, features, settings, noise))
        enough = number >= _LEAST_RESIDUALS
        columns[f"centre_{name}"] = np.where(enough, centre, np.nan)
        columns[f"scale_{name}"] = np.where(enough, scale, np.nan)
        columns[f"dof_{name}"] = width_degrees(number, spread, columns[f"scale_{name}"])
    return LOCAL_CENTRES.frame(columns)


@tag(stage="outliers", scope="run", schema="LocalScores", main="true")
def local_scores(
    features: pd.DataFrame,
    local_centres: pd.DataFrame,
    noise_level_ppm: float,
    outlier_settings: Outliers,
) -> pd.DataFrame:
    """How many local scales each feature is off, as normal scores; NaN for what is not compared.

    A scale of few recordings is not well known, and spreads and extremes are skew: a score is the
    standard normal value that is as rare (nodes/statistics/scores.py).
    """
    trig = np.abs(local_centres["centre_trig_val"].to_numpy())
    snr = trig / noise_level_ppm if noise_level_ppm > 0 else np.full(len(trig), np.nan)
    values = scored_values(features, outlier_settings, snr)
    usable = usable_rows(features)
    columns = {}
    for name in LOCAL_FEATURES:
        z = local_score(name, values[name], local_centres)
        is_used = name in outlier_settings.features
        columns[f"z_{name}"] = np.where(usable, z, np.nan) if is_used else np.full(len(z), np.nan)
    return LOCAL_SCORES.frame(columns)


@tag(stage="outliers", scope="run", schema="Outliers", main="true")
def outliers(
    features: pd.DataFrame,
    local_centres: pd.DataFrame,
    local_scores: pd.DataFrame,
    forest_scores: pd.DataFrame,
    noise_level_ppm: float,
    outlier_settings: Outliers,
) -> pd.DataFrame:
    """Which recordings are outliers and why; one with nothing to compare it with is unscored."""
    settings = outlier_settings
    masks: dict[str, Mask] = {
        name: np.abs(local_scores[f"z_{name}"].to_numpy()) > settings.threshold
        for name in LOCAL_FEATURES
    }
    scored = local_scores["z_trig_val"].notna().to_numpy()
    if "trig_val" not in settings.features:
        scored = local_scores.notna().any(axis=1).to_numpy()
    if noise_level_ppm > 0:
        masks |= shape_reasons(features, local_centres, noise_level_ppm, settings)
    if settings.decide == "forest":
        scored = forest_scores["forest_score"].notna().to_numpy()
        masks = {"forest": forest_scores["forest_score"].to_numpy() > _FOREST_SCORE}
    reasons = np.where(scored, REASONS.pack(masks), np.uint16(0)).astype(np.uint16)
    return OUTLIERS.frame({"scored": scored, "outlier": reasons != 0, "reasons": reasons})


@tag(stage="outliers", scope="run", schema="FalseAlarms", main="true")
def false_alarms(local_scores: pd.DataFrame, outlier_settings: Outliers) -> pd.DataFrame:
    """How often noise alone is called an outlier, estimated on the side that no anomaly reaches.

    A burst makes the spread and the maximum before the trigger larger and the minimum smaller:
    scores of the other sign are noise.
    """
    threshold = outlier_settings.threshold
    z = {name: local_scores[f"z_{name}"].to_numpy() for name in OF_THE_RUN}
    scored = np.isfinite(np.column_stack(list(z.values()))).any(axis=1)
    beyond = (
        (z["pretrig_std"] < -threshold)
        | (z["pretrig_max"] < -threshold)
        | (z["pretrig_min"] > threshold)
    )
    n, found = int(scored.sum()), int((beyond & scored).sum())
    low, high = clopper_pearson([found], [n]) if n else (np.array([0.0]), np.array([1.0]))
    rate = fraction_of([found], [n])
    return FALSE_ALARMS.frame({"n": [n], "found": [found], "rate": rate, "low": low, "high": high})
