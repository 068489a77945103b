"""Replicas of images: spread as the events allow, the same in any order, nothing of nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.imaging import reconstruction
from radiograph.nodes.imaging.bootstrap import bootstrap_sources
from radiograph.nodes.imaging.half_maximum import edges_at_half_maximum, widths_at_half_maximum
from radiograph.nodes.imaging.image_bootstrap import bootstrap_images, bootstrap_weighted_images
from radiograph.nodes.imaging.point_fit import source_fit
from radiograph.nodes.imaging.poisson_weights import poisson_weights
from radiograph.nodes.imaging.weighted_projection import (
    projections_of_replicas,
    weighted_projection,
)
from radiograph.schemas.imaging.frames import BOOTSTRAP_IMAGES
from radiograph.schemas.imaging.imaging_method import Threads
from radiograph.schemas.imaging.sources import ConeMixture
from radiograph.schemas.imaging.uncertainty import (
    Errors,
    ExpectationSettings,
    PointFit,
    Quantity,
    Uncertainty,
)

from .test_point_fit import FRAME, GRID, toy

# Pixels of 4 cm: a place is known to 0.5 cm.
PIXELS = replace(GRID, u_min_cm=-30.0, v_min_cm=-48.0, nu=20, nv=20, du_cm=4.0, dv_cm=4.0)
SETTINGS = ExpectationSettings(iterations=12)
ERRORS = Errors(replicas=12)


def replicas(
    cones: ConeMixture, threads: int = 1, *, gammas: bool = False, errors: Errors = ERRORS
) -> pd.DataFrame:
    told = (cones, FRAME, PIXELS, SETTINGS, Threads(threads))
    fits = reconstruction.image_fits(*told, neutrons_on=not gammas, gammas_on=gammas)
    return bootstrap_images(fits, *told, errors)


def of_weighted(
    cones: ConeMixture, threads: int = 1, errors: Errors = ERRORS, smearing: str = "weighted"
) -> pd.DataFrame:
    told = Uncertainty.model_validate({"smearing": smearing})
    return bootstrap_weighted_images(cones, FRAME, PIXELS, told, Threads(threads), errors)


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return replicas(toy(5, 1500, 700))


def test_a_centroid_scatters_as_its_statistics(found: pd.DataFrame) -> None:
    BOOTSTRAP_IMAGES.validate(found, "bootstrap_images")
    image = found[found["image"] == "all"]
    assert image["replica"].tolist() == list(range(12))
    for name, truth in (("u_cm", 10.0), ("v_cm", -8.0)):
        assert image[name].mean() == pytest.approx(truth, abs=1.5)
        assert 0.05 < image[name].std() < 1.5
    # Poisson weights of 2,200 events, some 1,500 of the source.
    assert image["source_counts"].mean() == pytest.approx(1500, abs=200)
    assert 15.0 < image["source_counts"].std() < 100.0


def test_edges_stand_around_the_peak_and_make_the_width(found: pd.DataFrame) -> None:
    for a in "uv":
        assert np.all(found[f"{a}_low_cm"] < found[f"{a}_peak_cm"])
        assert np.all(found[f"{a}_peak_cm"] < found[f"{a}_high_cm"])
        width = found[f"{a}_high_cm"] - found[f"{a}_low_cm"]
        assert found[f"fwhm_{a}_cm"].to_numpy() == pytest.approx(width.to_numpy())


def test_the_only_species_is_both_together_and_threads_change_no_byte(found: pd.DataFrame) -> None:
    columns = [c for c in found if c != "image"]
    n, both = (found.loc[found["image"] == k, columns].reset_index(drop=True) for k in ("n", "all"))
    pd.testing.assert_frame_equal(n, both, check_exact=True)
    pd.testing.assert_frame_equal(replicas(toy(5, 1500, 700), 2), found, check_exact=True)


def test_no_event_has_no_replica() -> None:
    assert len(replicas(toy(1, 0, 0))) == 0


def test_one_event_counts_as_often_as_it_is_drawn() -> None:
    only = replicas(toy(1, 1, 0))
    # At most the Poisson number of each replica, and nothing where it is 0.
    assert only["source_counts"].max() <= 6.0
    assert only.loc[only["source_counts"] == 0.0, "u_cm"].isna().all()


def test_edges_of_a_line_between_pixels() -> None:
    image = np.zeros((20, 20))
    image[5, 3:8] = [1.0, 2.0, 4.0, 3.0, 1.0]
    image[4, 5] = image[6, 5] = 1.0
    low, high, below, above = edges_at_half_maximum(image, PIXELS)
    # Half of 4 is at 2 itself, one pixel below the peak at 5, and 1.5 above it.
    u, v = PIXELS.u_centers_cm[5], PIXELS.v_centers_cm[5]
    assert (low, high) == pytest.approx((u - 4.0, u + 6.0))
    assert (below, above) == pytest.approx((v - 4.0 * 2 / 3, v + 4.0 * 2 / 3))
    assert widths_at_half_maximum(image, PIXELS) == pytest.approx((high - low, above - below))
    assert np.isnan(edges_at_half_maximum(np.zeros((20, 20)), PIXELS)).all()


@pytest.mark.parametrize("thick", [False, True])
@pytest.mark.parametrize("n_events", [1, 7, 300])
def test_a_back_projection_is_linear_in_the_events(thick: bool, n_events: int) -> None:
    """An event that counts k times is k events; 300 are more than the rows kept at once."""
    cones = toy(3, n_events, 0)
    own = weighted_projection(cones, FRAME, PIXELS, 1, thick=thick)
    counts = np.stack([np.ones(n_events), np.arange(n_events) % 3.0, np.zeros(n_events)])
    images = projections_of_replicas(cones, counts, FRAME, PIXELS, 2, thick=thick)
    assert images[0] == pytest.approx(own, rel=1e-5, abs=1e-4)
    ones = [
        weighted_projection(one_event(cones, k), FRAME, PIXELS, 1, thick=thick)
        for k in range(n_events)
    ]
    expected = np.einsum("k,kvu->vu", counts[1], np.stack(ones))
    assert images[1] == pytest.approx(expected, rel=1e-5, abs=1e-4)
    assert not images[2].any()


def one_event(cones: ConeMixture, k: int) -> ConeMixture:
    rows = slice(cones.start[k], cones.start[k + 1])
    return replace(
        cones,
        apex_cm=cones.apex_cm[rows],
        axis=cones.axis[rows],
        theta_rad=cones.theta_rad[rows],
        sigma_rad=cones.sigma_rad[rows],
        weight=cones.weight[rows],
        start=np.array([0, cones.start[k + 1] - cones.start[k]]),
        event_id=cones.event_id[k : k + 1],
        species=cones.species[k : k + 1],
        group=cones.group[k : k + 1],
    )


def test_replicas_of_weighted_images_count_the_events_of_those_of_the_fit() -> None:
    cones = toy(5, 300, 100)
    found = of_weighted(cones)
    BOOTSTRAP_IMAGES.validate(found, "bootstrap_weighted_images")
    n = found[found["image"] == "n"].reset_index(drop=True)
    weights = [poisson_weights(cones, ERRORS.seed, k) for k in range(12)]
    image = projections_of_replicas(cones, np.stack(weights), FRAME, PIXELS, 1)
    assert n["source_counts"].to_numpy() == pytest.approx(image.sum(axis=(1, 2)))
    assert 0.05 < n["u_cm"].std() < 3.0
    pd.testing.assert_frame_equal(of_weighted(cones, threads=4), found, check_exact=True)
    assert not of_weighted(cones, smearing="thicken").equals(found)
    assert len(of_weighted(toy(1, 0, 0))) == 0


@pytest.mark.parametrize(
    ("quantities", "told"),
    [
        (("centroid",), ("u_cm", "u_peak_cm")),
        (("fwhm",), ("fwhm_u_cm",)),
        (("edges",), ("u_low_cm", "u_high_cm")),
        (("fwhm", "edges"), ("fwhm_u_cm", "u_low_cm", "u_high_cm")),
    ],
)
def test_only_the_quantities_that_are_asked_are_told(
    quantities: tuple[Quantity, ...], told: tuple[str, ...]
) -> None:
    cones, errors = toy(5, 300, 100), Errors(replicas=3, quantities=quantities)
    whole = replicas(cones, errors=Errors(replicas=3))
    for found in (replicas(cones, errors=errors), of_weighted(cones, errors=errors)):
        named = {"u_cm", "u_peak_cm", "u_low_cm", "u_high_cm", "fwhm_u_cm"}
        assert {name for name in named if found[name].notna().any()} == set(told)
    pd.testing.assert_frame_equal(
        replicas(cones, errors=errors)[list(told)], whole[list(told)], check_exact=True
    )


def test_point_is_the_quantity_of_the_fit() -> None:
    cones = toy(5, 300, 100)
    images, point = (Errors(replicas=3, quantities=q) for q in (("centroid",), ("point",)))
    settings = PointFit(profile=False)
    fit = source_fit(cones, FRAME, GRID, settings)
    told = (fit, cones, FRAME, GRID, settings)
    assert len(bootstrap_sources(*told, images)) == 0
    assert len(bootstrap_sources(*told, point)) == 3
    assert len(replicas(cones, errors=point)) == len(of_weighted(cones, errors=point)) == 0


def test_no_quantity_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no replicas"):
        Errors(quantities=())
