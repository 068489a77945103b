"""Outliers beside what is known of a campaign: labels by eye, the truth of a simulation."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.transients.config import Outliers
from ...schemas.transients.frames import ANOMALY_KINDS, DETECTION_QUALITY, FOREST_SCORES
from ...schemas.transients.layout import NOT_GIVEN
from ...schemas.transients.quality import QUALITY
from ..statistics.intervals import clopper_pearson, fraction_of
from .selection import usable_rows

INLIER: Final = "inlier"
_VISIBLE_PPM: Final = 3.0
# Found by their marks whatever the position; seen where there is no signal.
_BY_MARK: Final = {"dropout": "dropout", "carrier_loss": "carrier_lost"}
_ALWAYS_VISIBLE: Final = ("dropout", "carrier_loss", "pretrig_burst")
_LABEL_OF_0: Final = "0"
_FOREST_FEATURES: Final = ("pretrig_std", "trig_val", "posttrig_std", "fit_R2", "fit_lambda")
_BLOCK_POSITIONS: Final = 5


def _known_kinds(features: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The kind of each recording ("" = not known), and how many rows name no recording.

    ``known`` has number, x_lsb, y_lsb (NOT_GIVEN where only the number is given), kind, amp_ppm.
    """
    by_place = (known[["x_lsb", "y_lsb"]].to_numpy() != NOT_GIVEN).all(axis=1)
    keys = ["number", "x_lsb", "y_lsb"] if by_place.all() and len(known) else ["number"]
    once = known.drop_duplicates(keys)
    merged = features[["number", "x_lsb", "y_lsb"]].merge(
        once[[*keys, "kind", "amp_ppm"]], on=keys, how="left"
    )
    lost = known.merge(features[keys].drop_duplicates(), on=keys, how="left", indicator=True)
    merged["kind"] = merged["kind"].astype(object).where(merged["kind"].notna(), "")
    return merged, int((lost["_merge"] == "left_only").sum())


@tag(stage="outliers", scope="run", unit="rows")
def unknown_labels(features: pd.DataFrame, known_anomalies: pd.DataFrame) -> int:
    """Rows of labels or truth that name no recording of the run."""
    return _known_kinds(features, known_anomalies)[1] if len(known_anomalies) else 0


@tag(stage="outliers", scope="run", schema="AnomalyKinds")
def anomaly_kinds(features: pd.DataFrame, known_anomalies: pd.DataFrame) -> pd.DataFrame:
    """What each recording is by labels or truth.

    An anomaly is visible where the amplitude of the position is above 3 ppm, or where it is seen
    without one. A dropout and a lost carrier are found by their marks.
    """
    if not len(known_anomalies):
        return ANOMALY_KINDS.empty()
    known, _ = _known_kinds(features, known_anomalies)
    kind = known["kind"].to_numpy(dtype=object)
    quality = features["quality"].to_numpy()
    marked = np.zeros(len(kind), np.bool_)
    for name, mark in _BY_MARK.items():
        marked |= (kind == name) & QUALITY.is_set(quality, mark)
    has_kind = kind != ""
    anomaly = has_kind & ~np.isin(kind, [INLIER, _LABEL_OF_0])
    amplitude = np.abs(known["amp_ppm"].to_numpy(np.float64))
    at = features.groupby(["x_lsb", "y_lsb"]).ngroup().to_numpy()
    plain = pd.Series(np.where(anomaly, np.nan, amplitude)).groupby(at).transform("median")
    visible = anomaly & ((plain.to_numpy() > _VISIBLE_PPM) | np.isin(kind, _ALWAYS_VISIBLE))
    return ANOMALY_KINDS.frame(
        {
            "kind": pd.Categorical(kind, categories=sorted(set(kind))),
            "anomaly": anomaly,
            "visible": visible,
            "marked": marked,
            "judged": has_kind & (usable_rows(features) | marked),
        }
    )


@tag(stage="outliers", scope="run", schema="DetectionQuality")
def detection_quality(anomaly_kinds: pd.DataFrame, outliers: pd.DataFrame) -> pd.DataFrame:
    """Share of each kind that was found, with 68 % intervals; no rows without labels or truth.

    ``precision`` is the share of all that was found which is an anomaly. What is unscored and has
    no mark is not judged.
    """
    if not len(anomaly_kinds):
        return DETECTION_QUALITY.empty()
    known = {name: anomaly_kinds[name].to_numpy() for name in anomaly_kinds if name != "kind"}
    kind = anomaly_kinds["kind"].astype(object).to_numpy()
    judged = known["judged"] & (outliers["scored"].to_numpy() | known["marked"])
    found = outliers["outlier"].to_numpy() | known["marked"]
    masks = {name: kind == name for name in sorted(set(kind[judged]))}
    masks |= {"all": known["anomaly"], "visible": known["visible"]}
    rows = [
        (name, int((judged & mask).sum()), int((judged & mask & found).sum()))
        for name, mask in masks.items()
    ]
    called = judged & found
    rows.append(("precision", int(called.sum()), int((called & known["anomaly"]).sum())))
    n, k = np.array([r[1] for r in rows]), np.array([r[2] for r in rows])
    low, high = clopper_pearson(k, n)
    names = pd.Categorical([r[0] for r in rows], categories=[r[0] for r in rows])
    return DETECTION_QUALITY.frame(
        {"kind": names, "n": n, "found": k, "fraction": fraction_of(k, n), "low": low, "high": high}
    )


@tag(stage="outliers", scope="run", schema="ForestScores")
def forest_scores(features: pd.DataFrame, outlier_settings: Outliers) -> pd.DataFrame:
    """Scores of an isolation forest a block of 5 x 5 positions, 0 to 1; NaN where not asked for.

    What a recording lacks is the median of its position, or where that has none of its block,
    with a column that says so.
    """
    score = np.full(len(features), np.nan)
    if outlier_settings.forest == "sklearn":
        from sklearn.ensemble import IsolationForest

        rows = np.flatnonzero(usable_rows(features))
        at = [features[axis].to_numpy()[rows] for axis in ("x_lsb", "y_lsb")]
        place = [np.unique(one, return_inverse=True)[1] // _BLOCK_POSITIONS for one in at]
        blocks = place[0] * (place[1].max(initial=0) + 1) + place[1]
        frame = features[list(_FOREST_FEATURES)].iloc[rows]
        table, centres = frame.to_numpy(), frame.groupby(at).transform("median").to_numpy()
        for block in np.unique(blocks):
            of_block = blocks == block
            some = table[of_block]
            absent = np.isnan(some)
            middle = np.nan_to_num(np.nanmedian(np.where(absent.all(axis=0), 0.0, some), axis=0))
            own = np.where(np.isnan(centres[of_block]), middle, centres[of_block])
            filled = np.hstack([np.where(absent, own, some), absent])
            forest = IsolationForest(random_state=outlier_settings.seed, n_jobs=1).fit(filled)
            score[rows[of_block]] = -forest.score_samples(filled)
    return FOREST_SCORES.frame({"forest_score": score})
