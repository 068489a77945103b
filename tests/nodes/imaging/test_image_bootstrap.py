"""Replicas of images: spread as the events allow, the same in any order, nothing of nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.imaging import reconstruction
from radiograph.nodes.imaging.half_maximum import edges_at_half_maximum, widths_at_half_maximum
from radiograph.nodes.imaging.image_bootstrap import bootstrap_images
from radiograph.schemas.imaging.frames import BOOTSTRAP_IMAGES
from radiograph.schemas.imaging.imaging_method import Threads
from radiograph.schemas.imaging.sources import ConeMixture
from radiograph.schemas.imaging.uncertainty import Errors, ExpectationSettings

from .test_point_fit import FRAME, GRID, toy

# Pixels of 4 cm: a place is known to 0.5 cm.
PIXELS = replace(GRID, u_min_cm=-30.0, v_min_cm=-48.0, nu=20, nv=20, du_cm=4.0, dv_cm=4.0)
SETTINGS = ExpectationSettings(iterations=12)
ERRORS = Errors(replicas=12)


def replicas(cones: ConeMixture, threads: int = 1, *, gammas: bool = False) -> pd.DataFrame:
    told = (cones, FRAME, PIXELS, SETTINGS, Threads(threads))
    fits = reconstruction.image_fits(*told, neutrons_on=not gammas, gammas_on=gammas)
    return bootstrap_images(fits, *told, ERRORS)


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
