"""What a place may be wrong by: toy cones with a bar that disagrees, two estimates, words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.imaging.source_text import said_of_sources
from radiograph.nodes.imaging import calibration_error, point_fit, position_budget, refits
from radiograph.nodes.imaging.bars import bars as bars_node
from radiograph.nodes.imaging.source_likelihood import FitProblem
from radiograph.schemas.imaging.bars import BarExtents
from radiograph.schemas.imaging.detectors import Detectors
from radiograph.schemas.imaging.sources import BUDGET_COMPONENTS, ConeMixture, SourceFit
from radiograph.schemas.imaging.uncertainty import PointFit

from .test_point_fit import FRAME, GRID, toy

SETTINGS = PointFit(profile=False)
N_BARS = 6


def bars() -> pd.DataFrame:
    """Three bars along x, three along y."""
    low = np.array([[-7.0, -0.5, 0.0]] * 3 + [[-0.5, -7.0, 10.0]] * 3)
    high = low * [[-1.0, -1.0, 1.0]] * N_BARS
    return bars_node(BarExtents(np.arange(N_BARS), low, high, np.full(N_BARS, 9)), Detectors())


def budget_of(cones: ConeMixture, first: np.ndarray) -> tuple[SourceFit, pd.DataFrame]:
    """The budget of cones whose first hits lie in the bars ``first``, the second in the next."""
    n = cones.n_events
    events = pd.DataFrame({"det_id1": first, "det_id2": (first + 1) % N_BARS})
    weighted = pd.DataFrame({"event_index": np.arange(n)})
    none = pd.DataFrame({"event_index": np.zeros(0, np.int64)})
    gammas = pd.DataFrame({f"det_id{k}": np.zeros(0, np.int64) for k in (1, 2, 3)})
    fit = point_fit.source_fit(cones, FRAME, GRID, SETTINGS)
    told = (FRAME, GRID, SETTINGS)
    strategies = position_budget.strategy_sources__one(fit, cones, *told)
    shift = position_budget.sensitivity_shift_cm(fit, cones, *told)
    of_bars = calibration_error.calibration_shift_cm__unknown(fit)
    found = position_budget.position_budget(
        fit, strategies, shift, of_bars, cones, weighted, none, events, gammas, bars(), *told
    )
    return fit, found


def half_widths(budget: pd.DataFrame) -> pd.DataFrame:
    return budget.set_index("component")[["u_cm", "v_cm"]]


def test_bars_that_agree_give_the_statistical_error() -> None:
    cones = toy(31, 1500, 700)
    first = np.random.default_rng(1).integers(0, N_BARS, cones.n_events)
    fit, budget = budget_of(cones, first)
    assert budget["component"].tolist() == list(BUDGET_COMPONENTS)
    found = half_widths(budget)
    statistical = np.sqrt(np.diagonal(fit.covariance)[:2])
    assert found.loc["statistical"].to_numpy() == pytest.approx(statistical)
    # Each event strikes two bars: a pair counts twice, and few bars tell the width to some 35 %.
    ratio = found.loc["bar_jackknife"].to_numpy() / statistical
    assert np.all((ratio > 0.4) & (ratio < 2.8))
    assert np.all(found.loc["halves"] < 3.0 * statistical)
    assert np.isnan(found.loc["calibration"]).all()
    assert found.loc["prior_leakage"].tolist() == [0.0, 0.0]
    assert found.loc["strategy"].tolist() == [0.0, 0.0]
    total = np.hypot(found.loc["statistical"], found.loc["bar_jackknife"])
    assert found.loc["total"].to_numpy() == pytest.approx(total.to_numpy())
    counted = budget.loc[budget["in_total"] == 1, "component"].tolist()
    assert counted == ["statistical", "bar_jackknife"]


def test_a_bar_that_disagrees_widens_the_total() -> None:
    cones = toy(32, 1500, 700)
    first = np.random.default_rng(2).integers(0, N_BARS, cones.n_events)
    # The events of one orientation see the source elsewhere.
    apex = cones.apex_cm.copy()
    apex[first >= 3, 0] += 4.0
    _, before = budget_of(cones, first)
    _, after = budget_of(replace(cones, apex_cm=apex), first)
    before, after = half_widths(before), half_widths(after)
    assert after.loc["orientation", "u_cm"] == pytest.approx(2.0, abs=0.8)
    assert after.loc["bar_jackknife", "u_cm"] > 1.5 * before.loc["bar_jackknife", "u_cm"]


def test_the_jackknife_by_hand() -> None:
    places = [np.array([[u, 0.0]]) for u in (1.0, 2.0, 3.0)]
    assert refits.jackknife(places).tolist() == [[pytest.approx(np.sqrt(2.0 / 3.0 * 2.0)), 0.0]]


def test_another_estimate_of_the_angle_moves_the_place() -> None:
    cones = toy(33, 800, 200)
    fit = point_fit.source_fit(cones, FRAME, GRID, SETTINGS)
    problem = FitProblem(cones, FRAME, GRID, SETTINGS)
    same = refits.with_angles(cones, cones.theta_rad, cones.sigma_rad)
    at = refits.places_from(replace(problem, cones=same), fit)
    assert at == pytest.approx(fit.parameters[:2].reshape(1, 2), abs=0.02)
    theta = cones.theta_rad.copy()
    theta[::7] = np.nan
    fewer = refits.with_angles(cones, theta, cones.sigma_rad)
    assert (fewer.weight == 0).sum() == len(theta[::7])
    assert np.isfinite(refits.places_from(replace(problem, cones=fewer), fit)).all()
    # The input is as it was.
    assert np.all(cones.weight == 1.0)


def test_no_event_no_budget() -> None:
    cones = toy(34, 0, 0)
    fit, budget = budget_of(cones, np.zeros(0, np.int64))
    assert len(budget) == 0
    told = (FRAME, GRID, SETTINGS)
    assert len(position_budget.strategy_sources__one(fit, cones, *told)) == 0


def test_the_line_says_both_errors() -> None:
    cones = toy(31, 1500, 700)
    first = np.random.default_rng(1).integers(0, N_BARS, cones.n_events)
    fit, budget = budget_of(cones, first)
    rows = point_fit.point_sources(fit, cones, FRAME, GRID, SETTINGS)
    [alone] = said_of_sources(rows)
    [line] = said_of_sources(rows, budget)
    assert "(syst)" not in alone
    found = half_widths(budget)
    for a in "uv":
        systematic = found.loc["bar_jackknife", f"{a}_cm"]
        assert f"+- {rows[f'{a}_sigma_cm'][0]:.2f} (stat) +- {systematic:.2f} (syst)" in line
