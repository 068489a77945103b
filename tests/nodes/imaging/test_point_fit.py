"""Point sources on toy cones: place, width, share, two sources, coverage, replicas, pulls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.imaging import bootstrap, class_shares, point_fit, pulls
from radiograph.nodes.imaging.kernels.cone_likelihood import Passing, cone_densities
from radiograph.nodes.imaging.poisson_weights import poisson_weights
from radiograph.nodes.imaging.pull_fit import fitted_pulls
from radiograph.nodes.imaging.source_likelihood import (
    ISOTROPIC,
    FitProblem,
    cost,
    significance,
)
from radiograph.nodes.imaging.source_search import fit_start
from radiograph.schemas.imaging.frames import CLASS_SHARES, WEIGHTED_CONES
from radiograph.schemas.imaging.images import PixelGrid, PlaneFrame
from radiograph.schemas.imaging.sources import Acceptance, ConeMixture
from radiograph.schemas.imaging.uncertainty import Errors, PointFit, Reconstruction, Uncertainty

FRAME = PlaneFrame((0.0, 0.0, -100.0), (0.0, 0.0, 1.0))
GRID = PixelGrid(-60.0, 60.0, 2.0, 60, -60.0, 60.0, 2.0, 60, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
WIDTH = 0.08


def toy(
    seed: int,
    n_source: int,
    n_else: int,
    at: tuple[float, float] = (10.0, -8.0),
    width: float = WIDTH,
) -> ConeMixture:
    """Cones around apexes near the origin: of a source at ``at``, and of isotropic directions."""
    rng = np.random.default_rng(seed)
    n = n_source + n_else
    apex = rng.uniform(-7.0, 7.0, (n, 3))
    source = np.array([*at, -100.0])
    towards = source - apex
    isotropic = rng.normal(size=(n_else, 3))
    towards[n_source:] = isotropic
    towards /= np.linalg.norm(towards, axis=1)[:, None]
    # An axis at the angle phi to the direction, theta = phi smeared.
    phi = rng.uniform(0.3, 1.2, n)
    helper = np.cross(towards, rng.normal(size=(n, 3)))
    helper /= np.linalg.norm(helper, axis=1)[:, None]
    axis = np.cos(phi)[:, None] * towards + np.sin(phi)[:, None] * helper
    return ConeMixture(
        apex_cm=apex,
        axis=axis,
        theta_rad=phi + rng.normal(0.0, width, n),
        sigma_rad=np.full(n, width),
        weight=np.ones(n),
        start=np.arange(n + 1),
        event_id=np.arange(n),
        species=np.zeros(n, np.int64),
        group=np.zeros(n, np.int64),
    )


def joined(a: ConeMixture, b: ConeMixture) -> ConeMixture:
    names = ("apex_cm", "axis", "theta_rad", "sigma_rad", "weight", "species", "group")
    n = a.n_events + b.n_events
    columns = {k: np.concatenate([getattr(a, k), getattr(b, k)]) for k in names}
    return ConeMixture(start=np.arange(n + 1), event_id=np.arange(n), **columns)


def fit(cones: ConeMixture, **settings: object) -> pd.DataFrame:
    told = PointFit.model_validate(settings)
    found = point_fit.source_fit(cones, FRAME, GRID, told)
    return point_fit.point_sources(found, cones, FRAME, GRID, told)


def replicas_of(cones: ConeMixture, settings: PointFit, errors: Errors) -> pd.DataFrame:
    found = point_fit.source_fit(cones, FRAME, GRID, settings)
    return bootstrap.bootstrap_sources(found, cones, FRAME, GRID, settings, errors)


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return fit(toy(1, 1500, 1000))


def test_the_source_is_found_with_its_share_and_width(found: pd.DataFrame) -> None:
    row = found.iloc[0]
    assert abs(row["u_cm"] - 10.0) < 3.0 * row["u_sigma_cm"] < 2.0
    assert abs(row["v_cm"] + 8.0) < 3.0 * row["v_sigma_cm"] < 2.0
    assert row["counts"] == pytest.approx(1500, abs=120)
    assert row["counts"] + row["elsewhere_counts"] == pytest.approx(2500)
    assert row["neutron_scale"] == pytest.approx(1.0, abs=0.1)
    assert abs(row["neutron_bias_rad"]) < 0.02
    assert np.isnan(row["gamma_bias_rad"])
    assert row["TS"] > 1000


def test_profile_and_hessian_agree_on_a_parabola(found: pd.DataFrame) -> None:
    row = found.iloc[0]
    for a in "uv":
        for level, factor in ((68, 1.0), (95, 1.96)):
            low, high = row[f"{a}_low{level}_cm"], row[f"{a}_high{level}_cm"]
            expected = factor * row[f"{a}_sigma_cm"]
            assert row[f"{a}_cm"] - low == pytest.approx(expected, rel=0.05)
            assert high - row[f"{a}_cm"] == pytest.approx(expected, rel=0.05)


def test_the_width_that_is_wrong_is_fitted() -> None:
    cones = toy(2, 1500, 500)
    row = fit(replace(cones, sigma_rad=cones.sigma_rad / 1.3), profile=False).iloc[0]
    assert row["neutron_scale"] == pytest.approx(1.3, abs=0.08)


def test_a_bias_is_fitted_or_held() -> None:
    cones = toy(3, 1500, 500)
    shifted = replace(cones, theta_rad=cones.theta_rad - 0.03)
    assert fit(shifted, profile=False)["neutron_bias_rad"][0] == pytest.approx(0.03, abs=0.01)
    held = fit(shifted, profile=False, bias_rad=0.03)
    assert held["neutron_bias_rad"][0] == 0.03
    assert abs(held["u_cm"][0] - 10.0) < 1.5


def test_two_sources_are_found_and_one_does_not_hide_the_other() -> None:
    cones = joined(toy(4, 1200, 400, (-15.0, 0.0)), toy(5, 600, 0, (15.0, 5.0)))
    two = fit(cones, n_sources=2, profile=False)
    assert two["counts"].tolist() == sorted(two["counts"], reverse=True)
    for row, (u, v) in zip(two.itertuples(), ((-15.0, 0.0), (15.0, 5.0)), strict=True):
        assert abs(row.u_cm - u) < 3.0 * row.u_sigma_cm < 3.0
        assert abs(row.v_cm - v) < 3.0 * row.v_sigma_cm < 3.0
    assert two["TS"][1] > 100
    assert two["counts"].to_numpy() == pytest.approx([1200, 600], rel=0.15)


@pytest.mark.parametrize("ratio", [1, 10])
def test_two_sources_20_cm_apart_are_told_apart(ratio: int) -> None:
    strong, weak = (-10.0, 3.0), (10.0, 3.0)
    n_weak = 3000 // (1 + ratio)
    cones = joined(toy(41, 3000 - n_weak, 2000, strong), toy(42, n_weak, 0, weak))
    told = PointFit(n_sources=2, profile=False)
    two = point_fit.source_fit(cones, FRAME, GRID, told)
    rows = point_fit.point_sources(two, cones, FRAME, GRID, told)
    by_u = rows.sort_values("u_cm")
    for row, (u, v) in zip(by_u.itertuples(), (strong, weak), strict=True):
        assert abs(row.u_cm - u) < 3.0 * row.u_sigma_cm
        assert abs(row.v_cm - v) < 3.0 * row.v_sigma_cm
        assert row.u_sigma_cm < 2.5
    # The weaker row tells what two explain better than one.
    assert rows["TS"].min() > 25
    # One source asked for: the map beside it shows another, which two leave nothing of.
    one = PointFit(profile=False)
    alone = point_fit.source_fit(cones, FRAME, GRID, one)
    residual = point_fit.residual_significance_map(alone, cones, FRAME, GRID, one)
    explained = point_fit.residual_significance_map(two, cones, FRAME, GRID, told)
    assert residual.shape == GRID.shape
    assert residual.max() > 20
    assert explained.max() < 15


def test_the_residual_map_of_one_source_is_empty() -> None:
    cones, one = toy(43, 2000, 1000), PointFit(profile=False)
    fitted = point_fit.source_fit(cones, FRAME, GRID, one)
    assert point_fit.residual_significance_map(fitted, cones, FRAME, GRID, one).max() < 15
    none = toy(44, 0, 0)
    empty = point_fit.source_fit(none, FRAME, GRID, one)
    assert not point_fit.residual_significance_map(empty, none, FRAME, GRID, one).any()


def test_intervals_cover_the_truth() -> None:
    pulls_ = []
    for seed in range(100, 140):
        row = fit(toy(seed, 200, 160), profile=False).iloc[0]
        pulls_ += [
            (row["u_cm"] - 10.0) / row["u_sigma_cm"],
            (row["v_cm"] + 8.0) / row["v_sigma_cm"],
        ]
    inside = np.mean(np.abs(pulls_) < 1.0)
    # 80 pulls: 68 % within 3 sigma of the binomial.
    assert 0.52 < inside < 0.84
    assert abs(np.mean(pulls_)) < 0.45
    assert 0.75 < np.std(pulls_) < 1.25


def test_the_gradient_is_that_of_the_likelihood() -> None:
    problem = FitProblem(
        joined(toy(6, 60, 40), toy(7, 30, 0, (0.0, 20.0))), FRAME, GRID, PointFit()
    )
    for n, p in (
        (1, [9.0, -7.0, 0.01, 0.05, 0.3]),
        (2, [9.0, -7.0, 1.0, 18.0, 0.4, 0.01, 0.05, 0.3]),
    ):
        at = np.array(p)
        _, gradient = cost(problem, at, n, None)
        for k in range(len(at)):
            step = np.zeros(len(at))
            step[k] = 1e-5
            rise = cost(problem, at + step, n, None)[0] - cost(problem, at - step, n, None)[0]
            assert gradient[k] == pytest.approx(rise / 2e-5, rel=1e-4, abs=1e-4)


def test_the_kernel_equals_its_python_form() -> None:
    cones = toy(8, 20, 5)
    arguments = (
        cones.apex_cm,
        cones.axis,
        cones.theta_rad,
        cones.sigma_rad,
        cones.weight,
        np.array([0, 3, 10, 25]),
        np.array([0, 1, 0]),
        np.array([5.0, 1.0, -100.0]),
        np.array([0.01, -0.02]),
        np.array([1.1, 0.9]),
        Passing(
            np.arange(25) % 4 - 1,
            np.linspace(0.0, 1.0, 25),
            np.linspace(0.2, 1.0, 30).reshape(3, 10),
            np.linspace(-0.5, 0.5, 30).reshape(3, 10),
        ),
    )
    compiled, plain = [(np.empty(3), np.empty((3, 5))) for _ in range(2)]
    cone_densities(*arguments, *compiled)
    cone_densities.py_func(*arguments, *plain)
    for a, b in zip(compiled, plain, strict=True):
        assert a == pytest.approx(b, rel=1e-12)


def test_the_density_of_a_cone_is_one_over_the_sphere() -> None:
    cones = toy(9, 1, 0)
    phi = np.linspace(0.0, np.pi, 4001)
    axis = cones.axis[0]
    across = np.cross(axis, [0.3, 0.5, 0.8])
    across /= np.linalg.norm(across)
    directions = np.cos(phi)[:, None] * axis + np.sin(phi)[:, None] * across
    points = cones.apex_cm[0] + 100.0 * directions
    values = np.array([density_at(cones, point)[0] for point in points])
    total = np.trapezoid(2.0 * np.pi * np.sin(phi) * values, phi)
    # sin(phi) / sin(theta) over the Gaussian: exp(-sigma^2 / 2) where nothing is cut off.
    assert total == pytest.approx(np.exp(-0.5 * WIDTH**2), rel=1e-3)


def all_pass(cones: ConeMixture) -> Passing:
    """No factor is taken for what passes."""
    return FitProblem(cones, FRAME, GRID, PointFit(sensitivity="flat")).passing


def density_at(cones: ConeMixture, point: np.ndarray) -> np.ndarray:
    density, slopes = np.empty(cones.n_events), np.empty((cones.n_events, 5))
    cone_densities(
        cones.apex_cm,
        cones.axis,
        cones.theta_rad,
        cones.sigma_rad,
        cones.weight,
        cones.start,
        cones.species,
        point,
        np.zeros(2),
        np.ones(2),
        all_pass(cones),
        density,
        slopes,
    )
    return density


def test_the_map_is_highest_at_the_source_and_flat_for_nothing() -> None:
    grid = replace(GRID, du_cm=6.0, nu=20, dv_cm=6.0, nv=20)
    shown = point_fit.significance_map(toy(10, 300, 200), FRAME, grid, "flat")
    v, u = np.unravel_index(np.argmax(shown), shown.shape)
    assert abs(-57.0 + 6.0 * u - 10.0) <= 6.0
    assert abs(-57.0 + 6.0 * v + 8.0) <= 6.0
    nothing = point_fit.significance_map(toy(11, 0, 400), FRAME, grid, "flat")
    assert nothing.max() < 40.0 < shown.max()


def test_a_source_that_is_known_leaves_no_significance_behind() -> None:
    cones = toy(12, 400, 100)
    point = np.array([[10.0, -8.0, -100.0]])
    isotropic = np.full(500, ISOTROPIC)
    problem = FitProblem(cones, FRAME, GRID, PointFit())
    strong, share = significance(problem, point[:, :2], isotropic)
    known = share[0] * density_at(cones, point[0]) + (1.0 - share[0]) * ISOTROPIC
    left, _ = significance(problem, point[:, :2], known)
    assert left[0] < 1.0 < strong[0]


def test_the_start_sees_no_prior(found: pd.DataFrame) -> None:
    problem = FitProblem(toy(1, 1500, 1000), FRAME, GRID, PointFit(profile=False))
    uv, _ = fit_start(problem, np.full(2500, ISOTROPIC))
    assert np.abs(uv - found.loc[0, ["u_cm", "v_cm"]].to_numpy(float)).max() < 5.0


def test_replicas_spread_as_the_error_says(found: pd.DataFrame) -> None:
    cones = toy(1, 1500, 1000)
    replicas = replicas_of(cones, PointFit(profile=False), Errors(replicas=60))
    assert len(replicas) == 60
    for a in "uv":
        assert replicas[f"{a}_cm"].std() == pytest.approx(found[f"{a}_sigma_cm"][0], rel=0.35)
        assert replicas[f"{a}_cm"].mean() == pytest.approx(found[f"{a}_cm"][0], abs=0.2)


def test_weights_of_replicas_follow_the_event_and_not_its_place() -> None:
    cones = toy(1, 3000, 0)
    weights = poisson_weights(cones, 1, 5)
    assert weights.mean() == pytest.approx(1.0, abs=0.06)
    assert weights.var() == pytest.approx(1.0, abs=0.12)
    order = np.random.default_rng(1).permutation(3000)
    shuffled = replace(cones, event_id=cones.event_id[order])
    assert np.array_equal(poisson_weights(shuffled, 1, 5), weights[order])
    assert not np.array_equal(poisson_weights(cones, 1, 6), weights)
    assert not np.array_equal(poisson_weights(cones, 2, 5), weights)


def test_no_event_no_source() -> None:
    nothing = toy(1, 0, 0)
    assert len(fit(nothing)) == 0
    assert len(replicas_of(nothing, PointFit(), Errors())) == 0


def weighted(n: int, seed: int) -> pd.DataFrame:
    cones = toy(seed, n, n // 2)
    m = cones.n_events
    return WEIGHTED_CONES.frame(
        {
            "event_index": np.arange(m),
            "event_id": np.arange(m),
            "recoil_code": np.ones(m),
            **{f"apex_{a}_cm": cones.apex_cm[:, k] for k, a in enumerate("xyz")},
            **{f"axis_{a}": cones.axis[:, k] for k, a in enumerate("xyz")},
            "theta_rad": cones.theta_rad,
            "cone_sigma_rad": cones.sigma_rad,
            "axis_sigma_rad": 0.5 * cones.sigma_rad,
            "consistency": np.where(np.arange(m) % 2 == 0, 0.1, -2.0),
            "incident_energy_MeV": np.ones(m),
            "weight": np.ones(m),
        }
    )


def test_pulls_at_the_reference_have_the_width_and_share_of_the_core() -> None:
    settings = Uncertainty(reference_source_cm=(10.0, -8.0, -100.0))
    frame = pulls.neutron_cone_pulls(weighted(3000, 13), settings)
    scale, bias, share = fitted_pulls(frame)
    assert scale == pytest.approx(1.0, abs=0.06)
    assert abs(bias) < 0.01
    assert share == pytest.approx(2.0 / 3.0, abs=0.04)
    assert pulls.cone_width_scale__fit(frame, frame.head(3)).tolist() == [scale, 1.0]


def test_classes_of_consistency_and_species_stay_apart() -> None:
    mixture = point_fit.cone_mixture(
        weighted(40, 1),
        weighted(20, 2).assign(consistency=np.nan),
        np.array([2.0, 1.0]),
        Reconstruction(consistency_edges=(0.5, 1.0)),
        Acceptance.none(),
    )
    assert mixture.n_events == 90
    assert np.bincount(mixture.group).tolist() == [30, 30, 30]
    assert mixture.sigma_rad[:60] == pytest.approx(2.0 * WIDTH)
    assert mixture.sigma_rad[60:] == pytest.approx(WIDTH)
    assert mixture.species.tolist() == [0] * 60 + [1] * 30


def test_hypotheses_of_an_event_stay_together() -> None:
    frame = weighted(4, 1).assign(event_index=[0, 0, 2, 5, 5, 5])
    mixture = point_fit.cone_mixture(
        frame,
        frame.head(0),
        np.ones(2),
        Reconstruction(consistency_edges=()),
        Acceptance.none(),
    )
    assert mixture.start.tolist() == [0, 2, 3, 6]
    assert mixture.event_id.tolist() == [0, 2, 3]


def shares_of(
    neutrons: pd.DataFrame, gammas: pd.DataFrame, edges: tuple[float, ...]
) -> pd.DataFrame:
    told = Reconstruction(consistency_edges=edges)
    mixture = point_fit.cone_mixture(neutrons, gammas, np.ones(2), told, Acceptance.none())
    settings = PointFit(profile=False)
    found = point_fit.source_fit(mixture, FRAME, GRID, settings)
    frames = (neutrons, gammas, told, FRAME, GRID, settings)
    return class_shares.class_shares(found, mixture, *frames)


def test_the_share_of_the_source_is_told_for_each_class() -> None:
    # toy: the first n are of the source, and n / 2 of anywhere follow.
    n, frame = 600, weighted(600, 3)
    of_source = np.arange(len(frame)) < n
    mostly = np.random.default_rng(1).random(len(frame)) < np.where(of_source, 0.9, 0.1)
    neutrons = frame.assign(consistency=np.where(mostly, 0.2, -0.7))
    gammas = weighted(200, 4).assign(consistency=np.nan)
    found = shares_of(neutrons, gammas, (0.5, 1.0, 2.0))
    CLASS_SHARES.validate(found, "class_shares")
    # The class from 1 to 2 and that from 2 have no event, and no row.
    assert found["species"].tolist() == ["neutron", "neutron", "gamma"]
    assert found["low_sigma"].tolist()[:2] == [0.0, 0.5]
    assert found["high_sigma"].tolist()[:2] == [0.5, 1.0]
    assert found[["low_sigma", "high_sigma"]].iloc[2].isna().all()
    assert found["events"].tolist() == [mostly.sum(), (~mostly).sum(), 300]
    expected = [of_source[mostly].mean(), of_source[~mostly].mean(), 2.0 / 3.0]
    error = found["source_share_sigma"].to_numpy()
    assert np.all(np.abs(found["source_share"] - expected) < 4.0 * error)
    assert np.all((error > 0.005) & (error < 0.1))


def test_neutrons_of_one_estimate_are_a_class_without_edges() -> None:
    neutrons = weighted(100, 5).assign(consistency=np.nan)
    [row] = shares_of(neutrons, neutrons.head(0), (0.5,)).to_dict("records")
    assert row["species"] == "neutron"
    assert np.isnan(row["low_sigma"])
    assert row["events"] == 150
    assert len(shares_of(neutrons.head(0), neutrons.head(0), (0.5,))) == 0
