"""Where the thin image goes with the prior: hypotheses of a toy, one true and one wrong each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.imaging.prior_leakage import prior_leakage
from radiograph.schemas.imaging.frames import CANDIDATE_CONES
from radiograph.schemas.imaging.imaging_method import ImagingMethod, Threads
from radiograph.schemas.imaging.uncertainty import Errors

from .test_point_fit import FRAME, GRID, toy

N = 400


def candidates(per_event: int, species: str) -> pd.DataFrame:
    """Of each event the true angle first, then angles that are wrong by up to 0.2 rad."""
    cones = toy(3, N, 0, (10.0, -8.0), 0.02)
    twice = np.repeat(np.arange(N), per_event)
    rng = np.random.default_rng(4)
    wrong = np.where(np.arange(len(twice)) % per_event > 0, rng.uniform(-0.2, 0.2, len(twice)), 0.0)
    code = {"n": 0, "g": 1}[species]
    return CANDIDATE_CONES.frame(
        {
            **{name: np.zeros(len(twice)) for name in CANDIDATE_CONES.names},
            "event_index": twice,
            "species": pd.Categorical.from_codes(np.full(len(twice), code), ["n", "g"]),
            "recoil_code": np.ones(len(twice)) * (species == "n"),
            **{f"apex_{a}_cm": cones.apex_cm[twice, k] for k, a in enumerate("xyz")},
            **{f"axis_{a}": cones.axis[twice, k] for k, a in enumerate("xyz")},
            "theta_rad": np.clip(cones.theta_rad[twice] + wrong, 0.05, 1.5),
        }
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    neutrons, gammas = candidates(2, "n"), candidates(6, "g")
    weights = [
        np.where(np.arange(len(c)) % k == 0, 0.9, 0.02) for c, k in ((neutrons, 2), (gammas, 6))
    ]
    every = [np.ones(len(c), np.bool_) for c in (neutrons, gammas)]
    told = (True, ImagingMethod(), FRAME, GRID, Threads(1), Errors(prior_shift_cm=30.0))
    return prior_leakage(neutrons, gammas, *every, *weights, *told)


def test_the_likeliest_follow_no_prior_and_stand_at_the_source(table: pd.DataFrame) -> None:
    rows = table[table["selection"] == "mixture"]
    assert len(rows) == 10
    assert rows["leakage"].dropna().eq(0.0).all()
    assert rows["u_cm"].to_numpy() == pytest.approx(10.0, abs=1.5)
    assert rows["v_cm"].to_numpy() == pytest.approx(-8.0, abs=1.5)


def test_the_nearest_follow_it(table: pd.DataFrame) -> None:
    gammas = table[(table["selection"] == "min_delta") & (table["image"] == "g")]
    leakage = gammas["leakage"].to_numpy()
    assert np.isnan(leakage[0])
    assert np.all(leakage[1:] > 0.05)
    assert gammas["prior_u_cm"].tolist() == [0.0, 30.0, -30.0, 0.0, 0.0]


def test_without_events_there_is_no_place() -> None:
    none = [candidates(k, s).iloc[:0] for k, s in ((2, "n"), (6, "g"))]
    nothing = [np.zeros(0, np.bool_)] * 2
    told = (False, ImagingMethod(), FRAME, GRID, Threads(1), Errors())
    found = prior_leakage(*none, *nothing, np.zeros(0), np.zeros(0), *told)
    assert found[["u_cm", "v_cm"]].isna().all(axis=None)
    assert len(found) == 20
