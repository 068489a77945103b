"""What passes in images: rows against the kernel of the fit, counts, sensitivity, significance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from radiograph.nodes.imaging import point_fit, reconstruction
from radiograph.nodes.imaging.cone_matrix import cone_matrix, seen_cones
from radiograph.nodes.imaging.image_maximisation import ImageProblem, image_fit
from radiograph.nodes.imaging.kernels.cone_rows import SeenCones, fill_row
from radiograph.nodes.imaging.passing_cones import cone_shapes
from radiograph.nodes.imaging.plane_sensitivity import PlaneSensitivity
from radiograph.nodes.imaging.source_likelihood import FitProblem, densities
from radiograph.nodes.imaging.weighted_projection import of_species, weighted_projection
from radiograph.schemas.imaging.sources import ConeMixture
from radiograph.schemas.imaging.uncertainty import ExpectationSettings

from .test_acceptance import FLAT, MC, toy_with_model
from .test_point_fit import FRAME, GRID, joined, toy

COARSE = replace(GRID, du_cm=12.0, nu=10, dv_cm=12.0, nv=10)
PASSES = ExpectationSettings(iterations=8)


@pytest.fixture(scope="module")
def cones() -> ConeMixture:
    toy_cones = toy_with_model()
    known, some = toy_cones.acceptance, slice(0, None, 40)
    assert known is not None
    names = ("first_cm", "onward", "pair_weight", "pair_curve")
    fewer = {name: np.ascontiguousarray(getattr(known, name)[some]) for name in names}
    return replace(toy_cones, acceptance=replace(known, **fewer))


@pytest.fixture(scope="module")
def seen(cones: ConeMixture) -> SeenCones:
    return seen_cones(cones, FRAME, COARSE)


def rows_of(seen: SeenCones) -> np.ndarray:
    rows = np.empty((seen.n_events, seen.n_pixels), np.float32)
    for event in range(seen.n_events):
        fill_row(event, seen, rows[event])
    return rows


def test_rows_are_the_densities_of_the_fit(cones: ConeMixture, seen: SeenCones) -> None:
    """A Gaussian stands for a Gaussian times what passes: edges of thresholds are rounded."""
    problem, rows = FitProblem(cones, FRAME, COARSE, MC), rows_of(seen)
    # A share of 1 in the one class: the density of the source alone.
    exact = np.stack(
        [
            densities(problem, np.array([u, v, 0.0, 0.0, 40.0]), 1)[0]
            for v in COARSE.v_centers_cm
            for u in COARSE.u_centers_cm
        ],
        axis=1,
    )
    off = np.abs(rows - exact).sum(axis=1) / exact.sum(axis=1)
    assert np.median(off) < 0.01
    # The others are where next to nothing passes: curves of the toy have no regard for angles.
    assert np.quantile(off, 0.75) < 0.05


def test_a_bias_is_no_part_of_the_measured_angle(cones: ConeMixture) -> None:
    """Cones moved by a mean of phi - theta are what the fit with that mean takes them for."""
    bias, place = 0.03, np.array([10.0, -9.0])
    moved = replace(cones, theta_rad=cones.theta_rad + bias, bias_rad=np.full(cones.n_events, bias))
    grid = replace(COARSE, u_min_cm=9.5, du_cm=1.0, nu=1, v_min_cm=-9.5, dv_cm=1.0, nv=1)
    problem = FitProblem(cones, FRAME, COARSE, MC)
    exact = densities(problem, np.array([*place, bias, 0.0, 40.0]), 1)[0]
    plane = PlaneSensitivity.of(cones.acceptance, FRAME, COARSE)  # type: ignore[arg-type]
    factor = np.exp(plane.on(grid)).reshape(1, 1).astype(np.float32)
    seen = seen_cones(moved, FRAME, grid)._replace(factor=factor)
    # The fit divides by the sine of the angle that was measured.
    rows = rows_of(seen)[:, 0] * np.sin(moved.theta_rad) / np.sin(cones.theta_rad)
    seen = exact > 0.05 * exact.max()
    off = np.abs(rows[seen] / exact[seen] - 1.0)
    assert np.median(off) < 0.01
    # But where thresholds have an edge.
    assert np.mean(off > 0.1) < 0.1


def test_without_what_passes_nothing_is_taken(cones: ConeMixture) -> None:
    plain = replace(cones, acceptance=None)
    shapes = cone_shapes(plain)
    assert np.array_equal(shapes.theta_rad, cones.theta_rad)
    assert np.array_equal(shapes.sigma_rad, cones.sigma_rad)
    assert not shapes.falls.any()
    flat = seen_cones(plain, FRAME, COARSE)
    assert np.all(flat.curve == -1)
    assert np.array_equal(flat.shape[:, 3], shapes.peak)


def test_gammas_have_no_factor(cones: ConeMixture) -> None:
    gammas = replace(toy(9, 10, 5), species=np.ones(15, np.int64), axis_share=np.ones(15))
    own = replace(cones, axis_share=None, acceptance=None)
    both = replace(
        joined(own, gammas),
        axis_share=np.append(cones.axis_share, gammas.axis_share),
        acceptance=cones.acceptance,
    )
    mixed = rows_of(seen_cones(both, FRAME, COARSE))
    alone = rows_of(seen_cones(gammas, FRAME, COARSE))
    assert np.array_equal(mixed[-15:], alone)
    assert of_species(both, 1).acceptance is None
    neutrons = of_species(both, 0)
    assert neutrons.acceptance is cones.acceptance
    assert np.array_equal(rows_of(seen_cones(neutrons, FRAME, COARSE)), mixed[:-15])


def test_counts_are_kept_and_the_likelihood_rises(cones: ConeMixture) -> None:
    fits = [
        image_fit(ImageProblem(cones, FRAME, COARSE, PASSES, threads), "n") for threads in (1, 2)
    ]
    total = fits[0].history["source_counts"] + fits[0].history["elsewhere_counts"]
    assert total.to_numpy() == pytest.approx(np.full(8, 60.0), rel=1e-6)
    assert np.diff(fits[0].history["loglik_train"]).min() > -1e-7
    assert fits[0].pixels.tobytes() == fits[1].pixels.tobytes()


def test_storages_and_back_projection_take_it(seen: SeenCones, cones: ConeMixture) -> None:
    rows = rows_of(seen)
    dense = cone_matrix(seen, 1.0, 1, "dense")
    error = np.abs(dense.values * dense.scale[:, None] - rows)  # type: ignore[attr-defined]
    assert np.all(error.max(axis=1) <= 0.501 * dense.scale)  # type: ignore[attr-defined]
    image = weighted_projection(cones, FRAME, COARSE, 1)
    highest = rows.max(axis=1, keepdims=True)
    expected = np.divide(rows, highest, out=np.zeros_like(rows), where=highest > 0).sum(axis=0)
    assert image.ravel() == pytest.approx(expected, rel=1e-4)


def test_nodes_follow_the_setting(cones: ConeMixture) -> None:
    seen = point_fit.sensitivity_map(cones, FRAME, COARSE, "mc")
    assert np.exp(seen).mean() == pytest.approx(1.0)
    plane = PlaneSensitivity.of(cones.acceptance, FRAME, COARSE)  # type: ignore[arg-type]
    uv = np.array([COARSE.u_centers_cm[2], COARSE.v_centers_cm[7]])
    other = np.array([COARSE.u_centers_cm[8], COARSE.v_centers_cm[1]])
    assert seen[7, 2] - seen[1, 8] == pytest.approx(plane.at(other)[0] - plane.at(uv)[0])
    assert not point_fit.sensitivity_map(cones, FRAME, COARSE, "flat").any()
    told = point_fit.source_fit(cones, FRAME, COARSE, FLAT)
    assert reconstruction.centred_cones(cones, told, "flat").acceptance is None
    assert reconstruction.centred_cones(cones, told, "mc").acceptance is cones.acceptance


def test_significance_takes_it_and_is_told_by_species(cones: ConeMixture) -> None:
    maps = [point_fit.significance_map(cones, FRAME, COARSE, told) for told in ("mc", "flat")]
    assert not np.allclose(*maps)
    plain = replace(cones, acceptance=None)
    assert np.array_equal(point_fit.significance_map(plain, FRAME, COARSE, "mc"), maps[1])
    alone = point_fit.neutron_significance_map(cones, FRAME, COARSE, "mc")
    assert np.array_equal(alone, maps[0])
    assert not point_fit.gamma_significance_map(cones, FRAME, COARSE, "mc").any()


def test_a_point_through_the_same_chain_passes_alike(cones: ConeMixture) -> None:
    cones = replace(cones, group=np.zeros(cones.n_events, np.int64))
    fit = image_fit(ImageProblem(cones, FRAME, COARSE, PASSES), "n")
    response = reconstruction.point_response(ImageProblem(cones, FRAME, COARSE, PASSES), fit)
    assert response.sum() > 0
