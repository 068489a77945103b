"""The distance as a parameter of the point fit: found, as the focus curve finds it, with s(X)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.imaging.report_reconstruction import _distance
from radiograph.drivers.imaging.source_text import said_of_sources
from radiograph.nodes.imaging import bootstrap, class_shares, focus, point_fit
from radiograph.nodes.imaging.plane_sensitivity import (
    DepthSensitivity,
    PlaneSensitivity,
    log_acceptances,
    raised,
)
from radiograph.nodes.imaging.source_likelihood import DISTANCE_SHARES, FitProblem, cost, densities
from radiograph.nodes.imaging.weighted_projection import of_species
from radiograph.schemas.imaging.sources import ConeMixture, SourceFit
from radiograph.schemas.imaging.uncertainty import Errors, Focus, PointFit, Reconstruction

from .test_acceptance import model, toy_with_model
from .test_point_fit import FRAME, GRID, joined, toy

FREE = PointFit(profile=False, free_distance=True)
# Cones of a point at z = -100 cm, on a plane that is set 15 cm too far.
FAR = raised(FRAME, -15.0)


def fitted(cones: ConeMixture, settings: PointFit = FREE) -> tuple[SourceFit, pd.DataFrame]:
    fit = point_fit.source_fit(cones, FAR, GRID, settings)
    return fit, point_fit.point_sources(fit, cones, FAR, GRID, settings)


@pytest.fixture(scope="module")
def cones() -> ConeMixture:
    return toy(4, 1500, 300, width=0.02)


@pytest.fixture(scope="module")
def found(cones: ConeMixture) -> tuple[SourceFit, pd.DataFrame]:
    return fitted(cones)


def test_place_and_distance_come_back(found: tuple[SourceFit, pd.DataFrame]) -> None:
    row = found[1].iloc[0]
    assert 0.2 < row["distance_sigma_cm"] < 10.0
    assert abs(row["distance_cm"] + 100.0) < 3.0 * row["distance_sigma_cm"]
    assert abs(row["u_cm"] - 10.0) < 3.0 * row["u_sigma_cm"]
    assert abs(row["v_cm"] + 8.0) < 3.0 * row["v_sigma_cm"]
    # On the plane that is set the place lies along the ray: 1.5 cm off.
    held = fitted(toy(4, 1500, 300, width=0.02), PointFit(profile=False))[1].iloc[0]
    assert held["u_cm"] == pytest.approx(11.5, abs=0.5)
    assert np.isnan(held["distance_cm"])
    assert np.isnan(held["distance_sigma_cm"])
    assert row["u_sigma_cm"] > held["u_sigma_cm"]
    assert row["log_likelihood"] > held["log_likelihood"]


def test_the_focus_curve_says_the_same(
    cones: ConeMixture, found: tuple[SourceFit, pd.DataFrame]
) -> None:
    scans = [
        focus.focus_scan(fit, cones, FAR, GRID, settings, Focus(steps=9))
        for fit, settings in (
            (found[0], FREE),
            (fitted(cones, PointFit(profile=False))[0], PointFit(profile=False)),
        )
    ]
    row = found[1].iloc[0]
    for scan in scans:
        [best] = focus.focus_distance_cm(scan).to_dict("records")
        assert row["distance_cm"] == pytest.approx(best["distance_cm"], abs=0.05)
        half = 0.5 * (best["high68_cm"] - best["low68_cm"])
        assert row["distance_sigma_cm"] == pytest.approx(half, rel=0.05)
    # The plane of the settings is that of the settings, wherever the fit ended.
    assert scans[0].plane_cm == scans[1].plane_cm == -115.0
    assert scans[0].plane_statistic == pytest.approx(scans[1].plane_statistic, abs=0.02)
    curves = [focus.focus_curve(scan) for scan in scans]
    assert np.array_equal(curves[0]["distance_cm"], curves[1]["distance_cm"])
    assert curves[0]["u_cm"].to_numpy() == pytest.approx(curves[1]["u_cm"].to_numpy(), abs=0.02)


def test_intervals_of_the_distance_cover_the_truth() -> None:
    rows = [fitted(toy(seed, 300, 100, width=0.03))[1].iloc[0] for seed in range(200, 230)]
    table = pd.DataFrame(rows)
    truth = {"distance": -100.0, "u": 10.0, "v": -8.0}
    for name, at in truth.items():
        pull = (table[f"{name}_cm"] - at) / table[f"{name}_sigma_cm"]
        # 30 pulls of mean 0 and width 1, within three of their errors.
        assert abs(pull.mean()) < 0.55
        assert 0.6 < pull.std() < 1.4


def test_profiles_and_replicas_leave_the_distance_free(
    found: tuple[SourceFit, pd.DataFrame], cones: ConeMixture
) -> None:
    fit, rows = found
    told = PointFit(free_distance=True)
    profiled = point_fit.point_sources(fit, cones, FAR, GRID, told).iloc[0]
    sigma = rows["u_sigma_cm"].iloc[0]
    half = 0.5 * (profiled["u_high68_cm"] - profiled["u_low68_cm"])
    assert half == pytest.approx(sigma, rel=0.05)
    replicas = bootstrap.bootstrap_sources(fit, cones, FAR, GRID, FREE, Errors(replicas=40))
    assert replicas["u_cm"].std() == pytest.approx(sigma, rel=0.45)
    assert replicas["u_cm"].mean() == pytest.approx(rows["u_cm"].iloc[0], abs=sigma)


def test_the_share_of_a_class_is_read_where_it_stands(
    found: tuple[SourceFit, pd.DataFrame], cones: ConeMixture
) -> None:
    none = pd.DataFrame({"consistency": np.zeros(0), "event_index": np.zeros(0, np.int64)})
    neutrons = pd.DataFrame(
        {"consistency": np.full(cones.n_events, np.nan), "event_index": np.arange(cones.n_events)}
    )
    told = (neutrons, none, Reconstruction(consistency_edges=()), FAR, GRID, FREE)
    [row] = class_shares.class_shares(found[0], cones, *told).to_dict("records")
    assert row["source_share"] == pytest.approx(1500 / 1800, abs=0.04)


def test_two_sources_share_a_distance() -> None:
    both = joined(toy(4, 1200, 200, (-15.0, 0.0), 0.03), toy(5, 800, 0, (15.0, 5.0), 0.03))
    rows = fitted(both, PointFit(profile=False, free_distance=True, n_sources=2))[1]
    assert rows["distance_cm"][0] == rows["distance_cm"][1]
    assert abs(rows["distance_cm"][0] + 100.0) < 3.0 * rows["distance_sigma_cm"][0]
    assert rows["u_cm"].to_numpy() == pytest.approx([-15.0, 15.0], abs=1.5)


def test_a_distance_at_an_end_of_its_range_has_no_error() -> None:
    # The plane is set at less than half of the way.
    near = raised(FRAME, 60.0)
    some = toy(4, 600, 0, width=0.02)
    fit = point_fit.source_fit(some, near, GRID, FREE)
    rows = point_fit.point_sources(fit, some, near, GRID, FREE)
    row = rows.iloc[0]
    apex_cm = some.apex_cm[:, 2].mean()
    assert row["distance_cm"] == pytest.approx(apex_cm + 2.0 * (-40.0 - apex_cm))
    assert np.isnan(row["distance_sigma_cm"])
    assert row["u_sigma_cm"] > 0.0
    assert "an end of the range" in said_of_sources(rows)[0]
    assert "an end of its range" in str(_distance(rows))


def test_it_is_said_where_it_was_fitted(found: tuple[SourceFit, pd.DataFrame]) -> None:
    rows = found[1]
    row = rows.iloc[0]
    words = (
        f", {row['distance_cm']:.1f} +- {row['distance_sigma_cm']:.1f} (stat) cm along the normal;"
    )
    assert words in said_of_sources(rows)[0]
    assert "to 15 % at best" in str(_distance(rows))
    held = rows.assign(distance_cm=np.nan, distance_sigma_cm=np.nan)
    assert "normal" not in said_of_sources(held)[0]
    # Files of before have no such columns.
    assert _distance(held) == _distance(rows.drop(columns=["distance_cm"])) == []


def test_no_event_has_no_distance() -> None:
    fit, rows = fitted(of_species(toy(1, 5, 0), 1))
    assert len(rows) == 0
    scan = focus.focus_scan(fit, of_species(toy(1, 5, 0), 1), FAR, GRID, FREE, Focus())
    assert len(focus.focus_curve(scan)) == 0


def test_the_gradient_is_that_of_the_likelihood() -> None:
    problem = FitProblem(joined(toy(6, 60, 40), toy(7, 30, 0, (0.0, 20.0))), FRAME, GRID, FREE)
    for n, p in (
        (1, [9.0, -7.0, 0.01, 0.05, 0.3, -4.0]),
        (2, [9.0, -7.0, 1.0, 18.0, 0.4, 0.01, 0.05, 0.3, 6.0]),
    ):
        at = np.array(p)
        _, gradient = cost(problem, at, n, None)
        for k, step in enumerate(1e-5 * np.eye(len(at))):
            rise = cost(problem, at + step, n, None)[0] - cost(problem, at - step, n, None)[0]
            assert gradient[k] == pytest.approx(rise / 2e-5, rel=1e-4, abs=1e-4)
    # Beyond its range it is held at the end.
    low, high = problem.heights_cm
    for beyond, end in ((low - 5.0, low), (high + 5.0, high)):
        values = [cost(problem, np.array([9.0, -7.0, 0.01, 0.05, 0.3, h]), 1, None)
                  for h in (beyond, end)]  # fmt: skip
        assert values[0][0] == values[1][0]
        assert values[0][1][-1] == 0.0


def test_height_moves_the_density_by_what_passes() -> None:
    problem = FitProblem(toy_with_model(), FRAME, GRID, FREE)
    at = np.array([12.0, -9.0, 0.01, 0.1, 0.3, -7.0])
    q, gradients = densities(problem, at, 1)
    for k, step in enumerate(1e-4 * np.eye(len(at))):
        up, down = (np.log(densities(problem, at + s, 1)[0]) for s in (step, -step))
        off = np.abs(gradients[:, k] / q - (up - down) / 2e-4)
        assert np.median(off) < 1e-5
        assert off.max() < 0.03
    # At height 0 it is the fit on the plane, but for what the polynomial is off by.
    at[-1] = 0.0
    plane = FitProblem(problem.cones, FRAME, GRID, PointFit(profile=False))
    on_plane = densities(plane, at[:-1], 1)[0]
    assert densities(problem, at, 1)[0] == pytest.approx(on_plane, rel=1e-3)
    other = problem.with_cones(problem.cones)
    assert other.depth_sensitivity is problem.depth_sensitivity
    flat = replace(problem, settings=PointFit(sensitivity="flat", free_distance=True))
    assert flat.depth_sensitivity is None


def test_acceptance_between_the_planes_is_what_the_sum_gives() -> None:
    known = model()
    depth = DepthSensitivity.of(known, FRAME, GRID, 100.0, DISTANCE_SHARES)
    places = np.array([[13.0, -27.5], [-41.0, 8.0], [2.0, 3.0]])
    for height in (-90.0, -31.0, 0.0, 17.0, 45.0):
        points = np.column_stack([places, np.full(3, -100.0 + height)])
        values = np.array([depth.at(uv, height)[0] for uv in places])
        own = PlaneSensitivity.of(known, raised(FRAME, height), GRID)
        expected = np.array([own.at(uv)[0] for uv in places])
        assert values == pytest.approx(expected, abs=2e-3)
        assert np.diff(values) == pytest.approx(-np.diff(log_acceptances(known, points)), abs=3e-3)
    # Against the sum itself over 8 cm. 2e-5 per cm moves a distance that 1,500 events know to 3 cm
    # by less than 0.1 of that.
    for height in (-40.0, 10.0, 30.0):
        ends = [[13.0, -27.5, -100.0 + height + step] for step in (4.0, -4.0)]
        sums = -log_acceptances(known, np.array(ends))
        slope = depth.at(places[0], height)[1][2]
        assert slope == pytest.approx((sums[0] - sums[1]) / 8.0, abs=1e-4)
    _, by_place = depth.at(places[0], 17.0)
    for k, (du, dv, dh) in enumerate(1e-3 * np.eye(3)):
        up, down = (
            depth.at(places[0] + s * np.array([du, dv]), 17.0 + s * dh)[0] for s in (1.0, -1.0)
        )
        assert by_place[k] == pytest.approx((up - down) / 2e-3, rel=1e-4, abs=1e-7)
