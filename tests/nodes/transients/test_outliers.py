"""Outliers of simulated runs: three noise models, thresholds that were fixed before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.statistics.intervals import clopper_pearson
from radiograph.nodes.transients import judging, outliers
from radiograph.nodes.transients.scoring import shape_reasons
from radiograph.schemas.transients.config import Outliers
from radiograph.schemas.transients.layout import NOT_GIVEN
from radiograph.schemas.transients.quality import REASONS
from strikes import NoiseModel, Run, run_of, scan

SETTINGS = Outliers()


def judged(run: Run, settings: Outliers = SETTINGS) -> tuple[pd.DataFrame, ...]:
    centres = outliers.local_centres(run.features, run.noise_ppm, settings)
    scores = outliers.local_scores(run.features, centres, run.noise_ppm, settings)
    forest = judging.forest_scores(run.features, settings)
    found = outliers.outliers(run.features, centres, scores, forest, run.noise_ppm, settings)
    return found, scores, centres


SEEDS = (7101, 7102, 7103)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["white", "flicker", "walk"])
def test_precision_and_recall(model: NoiseModel) -> None:
    called = anomaly = visible = np.zeros(0, np.bool_)
    rates = []
    for seed in SEEDS:
        run = run_of(scan(seed), model, seed)
        found, scores, _ = judged(run)
        assert found["scored"].all()
        kind = run.truth["kind"].to_numpy()
        seen = (run.truth["plain_ppm"].abs() > 3).to_numpy() | (kind == "pretrig_burst")
        called = np.concatenate([called, found["outlier"].to_numpy()])
        anomaly = np.concatenate([anomaly, kind != "inlier"])
        visible = np.concatenate([visible, (kind != "inlier") & seen])
        rates.append(outliers.false_alarms(scores, SETTINGS).iloc[0])
    assert (called & anomaly).sum() >= 0.95 * called.sum()
    assert (called & visible).sum() >= 0.65 * visible.sum()
    true_rate = (called & ~anomaly).sum() / (~anomaly).sum()
    n, k = sum(r["n"] for r in rates), sum(r["found"] for r in rates)
    low, high = clopper_pearson([k], [n])
    # One in a thousand of what position and fit add to the noise before the trigger.
    assert low[0] - 1e-3 <= true_rate <= high[0] + 1e-3


@pytest.mark.slow
def test_scores_of_sound_recordings_are_nearly_normal() -> None:
    """Of few hits a position: not one in some thousand scores is beyond 4.5 (normal: 0.02)."""
    truth = scan(11, share=0.0)
    for model in ("white", "walk"):
        run = run_of(truth, model, 11)
        _, scores, centres = judged(run)
        z = scores.to_numpy()
        z = np.abs(z[np.isfinite(z)])
        assert z.size > 2000
        assert z.max() < 4.5
        assert (z > 3).mean() < 0.0027
        # Of 16 to 36 residuals, or more where the noise floor makes most of the scale.
        assert 5 < centres["dof_posttrig_min"].min() < 20


@pytest.fixture(scope="module")
def plain() -> Run:
    truth = scan(5, half=1, share=0.0)
    truth.loc[:, "amp_ppm"] = 18.0
    truth.loc[7, "amp_ppm"] = -18.0
    truth.loc[12, ["amp_ppm", "kind"]] = [0.0, "no_event"]
    truth.loc[23, "kind"] = "pileup"
    truth.loc[31, "kind"] = "step"
    truth.loc[40, "amp_ppm"] = 36.0
    return run_of(truth, "white", 5)


def test_each_reason_is_named(plain: Run) -> None:
    found, _, _ = judged(plain)
    reasons = {k: set(REASONS.names_of(v)) for k, v in enumerate(found["reasons"]) if v}
    assert sorted(reasons) == [7, 12, 23, 31, 40]
    assert "sign_flip" in reasons[7]
    assert "no_event" in reasons[12]
    assert "pileup" in reasons[23]
    assert "step" in reasons[31]
    assert {"trig_val", "posttrig_max"} <= reasons[40]


def test_a_sign_is_that_of_a_position_with_a_signal() -> None:
    """In units of the noise: a place of each sign, and one of noise with a far one in it."""
    trig = np.array([-20.0, -20, -20, 20, 9, 9, 9, -9, 0.5, -0.5, 0.5, 8, 0.5, -0.5, 0.5, -8])
    place = np.repeat(np.arange(4), 4)
    features = pd.DataFrame(
        {"trig_val": trig, "x_lsb": place * 100, "y_lsb": 0, "usable": True, "quality": 0}
        | dict.fromkeys(("largest_step", "posttrig_std"), 1.0)
    )
    centres = pd.DataFrame({"centre_trig_val": np.array([-20.0, 9, 0.5, -0.5])[place]})
    centres[["centre_posttrig_std", "scale_trig_val"]] = 1.0
    centres["dof_trig_val"] = 100.0
    before = features.copy()
    found = shape_reasons(features, centres, 1.0, SETTINGS)["sign_flip"]
    assert np.flatnonzero(found).tolist() == [3, 7]
    pd.testing.assert_frame_equal(features, before)


def test_the_order_of_the_recordings_does_not_matter(plain: Run) -> None:
    found, scores, _ = judged(plain)
    order = np.random.default_rng(1).permutation(len(plain.features))
    mixed = replace(plain, features=plain.features.iloc[order].reset_index(drop=True))
    again, z, _ = judged(mixed)
    pd.testing.assert_frame_equal(again, found.iloc[order].reset_index(drop=True))
    np.testing.assert_array_equal(z.to_numpy(), scores.to_numpy()[order])


def test_too_few_to_compare_with_is_a_state_of_its_own(plain: Run) -> None:
    few = replace(plain, features=plain.features.iloc[:3].reset_index(drop=True))
    found, _, centres = judged(few)
    assert not found["scored"].any()
    assert not found["outlier"].any()
    assert centres["centre_trig_val"].isna().all()
    none = replace(plain, features=plain.features.iloc[:0])
    found, scores, _ = judged(none)
    assert len(found) == 0
    alarms = outliers.false_alarms(scores, SETTINGS)
    assert (alarms["n"][0], alarms["low"][0], alarms["high"][0]) == (0, 0.0, 1.0)


def test_unusable_recordings_are_neither_scored_nor_compared_with(plain: Run) -> None:
    features = plain.features.copy()
    features.loc[40, "usable"] = False
    found, scores, _ = judged(replace(plain, features=features))
    assert not found["scored"][40]
    assert scores.iloc[40].isna().all()
    assert found["outlier"].sum() == 4


def test_a_drift_of_the_noise_is_followed(plain: Run) -> None:
    found, _, _ = judged(plain, Outliers(drift=True))
    assert found["outlier"].sum() == 5


def test_a_lower_threshold_finds_no_less(plain: Run) -> None:
    n = [judged(plain, Outliers(threshold=t))[0]["outlier"].sum() for t in (3.0, 5.0, 9.0)]
    assert n[0] >= n[1] >= n[2]


def test_truth_beside_outliers(plain: Run) -> None:
    found, _, _ = judged(plain)
    truth = plain.truth.assign(kind=pd.Categorical(plain.truth["kind"]))
    kinds = judging.anomaly_kinds(plain.features, truth)
    rows = judging.detection_quality(kinds, found).set_index("kind")
    # The other sign and the double amplitude were not told: two of five are no anomaly.
    assert (rows["n"]["precision"], rows["found"]["precision"]) == (5, 3)
    assert (rows["n"]["all"], rows["found"]["all"]) == (3, 3)
    assert rows["low"]["all"] == pytest.approx(0.16 ** (1 / 3), abs=0.005)
    lost = truth.assign(number=truth["number"] + 1000)
    assert judging.unknown_labels(plain.features, lost) == len(lost)
    assert len(judging.anomaly_kinds(plain.features, truth.iloc[:0])) == 0


@pytest.mark.slow
def test_a_forest_takes_what_is_absent_for_that_of_its_position(plain: Run) -> None:
    pytest.importorskip("sklearn")
    settings = Outliers(forest="sklearn")
    none = plain.features.copy()
    none.loc[[2, 3], "fit_lambda"] = np.nan
    at_place = none.groupby(["x_lsb", "y_lsb"])["fit_lambda"].transform("median")
    there = none["fit_lambda"].fillna(at_place)
    assert there.notna().sum() > none["fit_lambda"].notna().sum()
    before = none.copy()
    found = judging.forest_scores(none, settings)["forest_score"].to_numpy()
    pd.testing.assert_frame_equal(none, before)
    np.testing.assert_array_equal(np.isfinite(found), none["usable"].to_numpy(bool))
    # A double amplitude stands out; of the absent ones nothing is made up that does.
    assert found[40] > np.quantile(found, 0.9)
    assert found[[2, 3]].max() < found[40]
    assert len(judging.forest_scores(none.iloc[:0], settings)) == 0


@pytest.mark.parametrize(("x", "y", "kinds"), [
    (-1, -1, ["", "step"]),
    (NOT_GIVEN, NOT_GIVEN, ["step", "step"]),
    (-1, NOT_GIVEN, ["step", "step"]),
])  # fmt: skip
def test_a_label_at_step_minus_one_is_a_place(x: int, y: int, kinds: list[str]) -> None:
    """Two recordings have the number 7; the second of them stands at (-1, -1)."""
    features = pd.DataFrame({"number": [7, 7], "x_lsb": [0, -1], "y_lsb": [0, -1]})
    known = pd.DataFrame(
        {"number": [7], "x_lsb": [x], "y_lsb": [y], "kind": ["step"], "amp_ppm": [np.nan]}
    )
    found, n_lost = judging._known_kinds(features, known)
    assert (found["kind"].tolist(), n_lost) == (kinds, 0)
