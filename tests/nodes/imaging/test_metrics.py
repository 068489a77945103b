"""Projections and their numbers: hand-computed values, recovered peaks, sums that must agree."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.nodes.imaging import metrics
from radiograph.schemas.imaging.images import PixelGrid, Projections, ProjectionSet, SummedImages
from radiograph.schemas.imaging.vis import ProjectionsSettings
from scipy.special import ndtr

ON = {"enabled": True}
LOW = {"min_counts": 0.0, "compute_edges": True}


def grid_of(nv: int, nu: int, u_min: float = 0.0, v_min: float = 0.0, step: float = 1.0):
    return PixelGrid(u_min, u_min + nu * step, step, nu, v_min, v_min + nv * step, step, nv)


def images_of(n, g=None, grid=None):
    n = np.asarray(n, dtype=np.uint32)
    total = n if g is None else n + np.asarray(g, dtype=np.uint32)
    return SummedImages(grid or grid_of(*n.shape), n, g, total)


def projected(images, **keys):
    chosen = ProjectionsSettings(**keys)
    roi = metrics.region_of_interest(chosen, images.grid)
    return metrics.projections(images, roi, chosen)


def curve_metrics(counts, low_cm=0.0, step_cm=1.0, **keys):
    """Metrics along u of an image of one row."""
    image = np.atleast_2d(np.asarray(counts, dtype=np.uint32))
    grid = PixelGrid(
        low_cm, low_cm + image.shape[1] * step_cm, step_cm, image.shape[1], 0.0, 1.0, 1.0, 1
    )
    chosen = ProjectionsSettings(metrics={**ON, "u": {**LOW, **keys}})
    images = SummedImages(grid, image, None, image)
    roi = metrics.region_of_interest(chosen, grid)
    found = metrics.projection_metrics(metrics.projections(images, roi, chosen), chosen)
    return found["n"].axes["u"]


def gaussian_counts(position, sigma, area, ground, n=100, low=-100.0, step=2.0, seed=1):
    edges = low + step * np.arange(n + 1)
    expected = area * np.diff(ndtr((edges - position) / sigma)) + ground
    return np.random.default_rng(seed).poisson(expected)


def test_missing_edges_of_the_roi_are_the_planes():
    grid = grid_of(4, 6, u_min=-3.0, v_min=-2.0)
    roi = metrics.region_of_interest(ProjectionsSettings(roi_u_max_cm=1.5), grid)
    assert (roi.u_min_cm, roi.u_max_cm, roi.v_min_cm, roi.v_max_cm) == (-3.0, 1.5, -2.0, 2.0)


def test_projections_sum_columns_and_rows():
    found = projected(images_of([[1, 2, 3], [4, 5, 6]]))
    assert found.by_image["n"].u.tolist() == [5, 7, 9]
    assert found.by_image["n"].v.tolist() == [6, 15]
    assert found.by_image["n"].u.dtype == np.uint64
    assert found.roi is None
    assert found.by_image["n"].u_roi is None
    assert list(found.by_image) == ["n", "all"]


def test_roi_takes_pixel_centres_edges_included():
    found = projected(
        images_of([[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        roi_u_min_cm=0.5, roi_u_max_cm=1.5, roi_v_min_cm=0.6,
    )  # fmt: skip
    assert found.by_image["n"].u_roi.tolist() == [11, 13, 0]
    assert found.by_image["n"].v_roi.tolist() == [0, 9, 15]


def test_roi_beside_the_plane_is_empty():
    found = projected(images_of([[1, 2], [3, 4]]), roi_u_min_cm=10.0, roi_u_max_cm=20.0)
    assert found.by_image["n"].u_roi.tolist() == [0, 0]
    numbers = metrics.projection_metrics(
        found, ProjectionsSettings(metrics={**ON, "u": LOW, "v": LOW})
    )["n"]
    assert numbers.roi_total_counts == 0.0
    assert not numbers.axes["u_roi"].peak_ok
    assert np.isnan(numbers.u_roi_centroid_cm)


def test_projections_of_large_counts_are_exact():
    image = np.full((3, 2), 2**32 - 1, dtype=np.uint32)
    found = projected(images_of(image)).by_image["n"]
    assert found.u.tolist() == [3 * (2**32 - 1)] * 2


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**32 - 1), st.floats(-1.0, 8.0))
def test_sums_agree(nv, nu, seed, edge):
    counts = np.random.default_rng(seed).integers(0, 50, (nv, nu), dtype=np.uint32)
    found = projected(images_of(counts), roi_u_max_cm=edge).by_image["n"]
    inside = np.arange(nu) + 0.5 <= edge
    assert found.u.sum() == found.v.sum() == counts.sum()
    assert found.u_roi.sum() == found.v_roi.sum() == counts[:, inside].sum()
    assert not found.u_roi[~inside].any()


def test_images_are_left_unchanged_and_curves_are_read_only():
    image = np.arange(12, dtype=np.uint32).reshape(3, 4)
    before = image.copy()
    found = projected(images_of(image), roi_u_min_cm=1.0)
    metrics.projection_metrics(found, ProjectionsSettings(metrics=ON))
    assert (image == before).all()
    assert not found.by_image["n"].u.flags.writeable
    assert not found.by_image["n"].v_roi.flags.writeable


def test_summary_of_four_bins():
    m = curve_metrics([1, 3, 4, 2], low_cm=10.0, step_cm=2.0)
    # Centres 11, 13, 15, 17: mean 144/10, mean of squares 2106.4 / 10 about it.
    assert m.total_counts == 10.0
    assert m.mean_cm == pytest.approx(14.4)
    assert m.std_cm == pytest.approx(np.sqrt((3.4**2 + 3 * 1.4**2 + 4 * 0.6**2 + 2 * 2.6**2) / 10))
    # The cumulative sum reaches 5 a quarter into the third bin, 2 at a third of the second.
    assert m.median_cm == pytest.approx(14.5)
    assert m.edge_low_cm == pytest.approx(12.0 + 2.0 / 3.0)
    assert m.edge_high_cm == pytest.approx(16.0)
    assert m.edge_width_cm == pytest.approx(16.0 - 12.0 - 2.0 / 3.0)
    assert (m.summary_ok, m.peak_ok, m.edges_ok) == (True, True, True)


def test_a_quantile_is_where_its_share_is_first_reached():
    # Half of the counts lie below 1 cm; they do so up to 3 cm.
    m = curve_metrics([1, 0, 0, 1], edge_low_frac=0.25, edge_high_frac=0.5)
    assert (m.median_cm, m.edge_low_cm, m.edge_high_cm) == (1.0, 0.5, 1.0)


def test_peak_is_the_first_of_equal_bins():
    m = curve_metrics([0, 7, 1, 7])
    assert (m.peak_pos_cm, m.peak_value) == (1.5, 7.0)
    assert not m.fit_ok


def test_numbers_need_min_counts_and_accept_exactly_as_many():
    assert curve_metrics([4, 6], min_counts=10.0).summary_ok
    m = curve_metrics([4, 6], min_counts=10.5)
    assert (m.total_counts, m.summary_ok, m.peak_ok, m.edges_ok) == (10.0, False, False, False)
    assert np.isnan([m.mean_cm, m.median_cm, m.peak_pos_cm, m.edge_low_cm, m.fit_pos_cm]).all()


def test_an_empty_image_has_no_numbers_even_without_min_counts():
    m = curve_metrics([0, 0, 0])
    assert m.total_counts == 0.0
    assert (m.summary_ok, m.peak_ok, m.edges_ok, m.fit_ok) == (False,) * 4


@pytest.mark.parametrize(
    ("key", "number"),
    [("compute_summary", "mean_cm"), ("compute_peak", "peak_pos_cm"),
     ("compute_edges", "edge_low_cm")],
)  # fmt: skip
def test_only_what_is_asked_for(key, number):
    counts = gaussian_counts(0.0, 6.0, 5000, 10)
    assert np.isfinite(getattr(curve_metrics(counts, **{key: True}), number))
    assert np.isnan(getattr(curve_metrics(counts, **{key: False}), number))


def test_metrics_are_off_by_default():
    found = projected(images_of([[1, 2]]))
    assert metrics.projection_metrics(found, ProjectionsSettings()) == {}


def test_centroid_is_the_pair_of_means_also_in_the_roi():
    image = [[0, 0, 0], [0, 1, 3], [8, 0, 0]]
    keys = {"roi_v_max_cm": 2.0}
    chosen = ProjectionsSettings(metrics=ON, **keys)
    m = metrics.projection_metrics(projected(images_of(image), **keys), chosen)["n"]
    assert m.u_centroid_cm == pytest.approx((1.5 + 3 * 2.5 + 8 * 0.5) / 12)
    assert m.v_centroid_cm == pytest.approx((4 * 1.5 + 8 * 2.5) / 12)
    assert (m.u_roi_centroid_cm, m.v_roi_centroid_cm) == (pytest.approx(2.25), 1.5)
    assert (m.total_counts, m.roi_total_counts) == (12.0, 4.0)
    off = ProjectionsSettings(metrics={**ON, "compute_centroid": False}, **keys)
    m = metrics.projection_metrics(projected(images_of(image), **keys), off)["n"]
    assert np.isnan(m.u_centroid_cm)


def test_fit_recovers_position_width_and_their_errors():
    truth = np.random.default_rng(7).uniform(-30.0, 30.0, 100)
    fits = [
        curve_metrics(gaussian_counts(p, 6.0, 2000, 100, seed=i), low_cm=-100.0, step_cm=2.0)
        for i, p in enumerate(truth)
    ]
    assert all(m.fit_ok for m in fits)
    pulls = np.array(
        [
            ((m.fit_pos_cm - p) / m.fit_pos_sigma_cm, (m.fit_fwhm_cm - 14.13) / m.fit_fwhm_sigma_cm)
            for m, p in zip(fits, truth, strict=True)
        ]
    )
    # These bins share nothing, so each error is too large by the root of the 3 bins in a sigma.
    # The mean of 100 pulls has an error of 0.1, their spread one of 0.07.
    pulls *= np.sqrt(3.0)
    assert (np.abs(pulls.mean(axis=0)) < 0.35).all()
    assert (np.abs(pulls.std(axis=0) - 1.0) < 0.25).all()


def test_error_of_the_peak_does_not_shrink_with_the_bins():
    """Cones as straight lines through a blurred point: each counts once in every bin it crosses."""
    rng = np.random.default_rng(11)
    crossings = rng.normal(3.0, 6.0, 3000)
    sigmas, values = [], []
    for step in (2.0, 0.5, 0.1):
        edges = np.arange(-50.0, 50.0 + step / 2, step)
        # A line that passes at x fills the bins around x, as an arc does: here 4 cm of them.
        counts = sum(
            np.histogram(crossings + shift + step / 2, edges)[0]
            for shift in np.arange(-2.0, 2.0, step)
        )
        m = curve_metrics(counts, low_cm=-50.0, step_cm=step)
        assert m.fit_ok
        sigmas.append(m.fit_pos_sigma_cm)
        values.append(m.fit_pos_cm)
    assert max(sigmas) < 1.5 * min(sigmas)
    # The mean of 3000 positions is known to 6 / sqrt(3000) = 0.11 cm.
    assert 0.5 * 0.11 < min(sigmas) < max(sigmas) < 3 * 0.11
    assert np.allclose(values, 3.0, atol=0.6)


def test_one_hot_bin_is_no_peak():
    counts = np.random.default_rng(5).poisson(400, 100)
    counts[37] = 900
    assert not curve_metrics(counts).fit_ok


def test_a_spike_among_spikes_is_no_peak_and_the_wide_one_below_is():
    """A few cones along an axis fill single bins: here spikes on a wide peak."""
    low = np.random.default_rng(3).poisson(400.0, 100)
    wide = gaussian_counts(-5.0, 20.0, 40_000, 100, seed=3)
    spiked = low + wide
    spiked[[36, 37, 58, 59]] += np.array([800, 700, 1100, 900])
    m = curve_metrics(spiked, low_cm=-100.0, step_cm=2.0)
    assert m.peak_pos_cm == 17.0
    assert m.fit_ok
    assert m.fit_pos_cm == pytest.approx(-5.0, abs=3.0)
    flat = np.random.default_rng(3).poisson(400.0, 100)
    for k, height in ((20, 1.0), (70, 0.8)):
        flat[k : k + 5] += (height * np.array([60, 200, 300, 200, 60])).astype(np.int64)
    m = curve_metrics(flat)
    assert not m.fit_ok
    assert "spike" in m.fit_reason


def test_a_peak_nearly_as_wide_as_its_region_is_believed():
    """Area and ground are hard to tell apart there; that it is no flat curve is plain."""
    x = np.arange(120)
    counts = np.random.default_rng(2).poisson(6200.0 + 6900.0 * np.exp(-0.5 * ((x - 58) / 30) ** 2))
    m = curve_metrics(counts, low_cm=0.0, step_cm=0.5)
    assert m.fit_ok
    assert m.fit_pos_cm == pytest.approx(29.25, abs=3 * m.fit_pos_sigma_cm)
    assert m.fit_reason == ""


@pytest.mark.parametrize(
    ("height", "sigmas", "believed"), [(1500, 10.3, False), (1700, 11.6, False), (1800, 12.2, True)]
)
def test_a_flat_curve_must_be_12_sigma_worse(height, sigmas, believed):
    """The area of a peak as wide as its window is known to 2 or 3 sigma only."""
    x = np.arange(120)
    counts = np.round(6200.0 + height * np.exp(-0.5 * ((x - 59.5) / 30) ** 2))
    # Chi2 of the best flat curve, each bin with its own variance; 30 bins share their cones.
    level = len(x) / (1.0 / counts).sum()
    assert np.sqrt(((counts - level) ** 2 / counts).sum() / 30) == pytest.approx(sigmas, abs=0.1)
    assert curve_metrics(counts).fit_ok == believed


def test_no_fit_says_why():
    flat = np.random.default_rng(4).poisson(400, 100)
    m = curve_metrics(flat)
    assert (m.fit_ok, bool(m.fit_reason)) == (False, True)
    assert curve_metrics(np.arange(4) + 100).fit_reason == "fewer than 6 bins"


def test_fit_resolves_a_peak_narrower_than_two_bins():
    counts = gaussian_counts(0.7, 1.5, 100_000, 50)
    m = curve_metrics(counts, low_cm=-100.0, step_cm=2.0)
    assert m.fit_pos_cm == pytest.approx(0.7, abs=0.03)
    assert m.fit_fwhm_cm == pytest.approx(2.3548 * 1.5, abs=0.05)


def test_fit_sees_only_the_roi():
    """The zeros outside a ROI are no ground: they must not pull the peak inside."""
    image = np.tile(gaussian_counts(10.0, 12.0, 40_000, 3000), (1, 1)).astype(np.uint32)
    grid = PixelGrid(-100.0, 100.0, 2.0, 100, 0.0, 1.0, 1.0, 1)
    chosen = ProjectionsSettings(roi_u_min_cm=-10.0, roi_u_max_cm=60.0, metrics=ON)
    images = SummedImages(grid, image, None, image)
    roi = metrics.region_of_interest(chosen, grid)
    axes = metrics.projection_metrics(metrics.projections(images, roi, chosen), chosen)["n"].axes
    assert axes["u_roi"].fit_pos_cm == pytest.approx(10.0, abs=1.0)
    assert axes["u_roi"].fit_fwhm_cm == pytest.approx(28.3, abs=2.5)


@pytest.mark.parametrize(
    "counts",
    [
        [1000],
        [0, 0, 1000, 0, 0, 0, 0],
        np.full(50, 200),
        np.arange(60) * 10,
        [5, 5, 5, 5, 5, 6, 5, 5, 5, 5, 5],
        [2**32 - 1] * 3 + [0] * 30,
        np.random.default_rng(3).poisson(100, 200),
    ],
)
def test_no_peak_is_said_without_a_warning(counts):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m = curve_metrics(counts)
    assert m.peak_ok
    assert not m.fit_ok
    assert np.isnan([m.fit_pos_cm, m.fit_fwhm_cm, m.fit_pos_sigma_cm, m.fit_fwhm_sigma_cm]).all()


def test_numbers_move_with_the_axis_and_scale_with_it():
    counts = gaussian_counts(5.0, 6.0, 5000, 40)
    m, far = (curve_metrics(counts, low, step) for low, step in ((-100.0, 2.0), (500.0, 20.0)))
    for name in ("mean_cm", "median_cm", "peak_pos_cm", "fit_pos_cm", "edge_low_cm"):
        moved = 500.0 + 10.0 * (getattr(m, name) + 100.0)
        assert getattr(far, name) == pytest.approx(moved, rel=1e-9)
    assert far.fit_fwhm_cm == pytest.approx(10.0 * m.fit_fwhm_cm)


def test_the_same_counts_give_the_same_bits():
    counts = gaussian_counts(5.0, 6.0, 5000, 40)
    assert curve_metrics(counts) == curve_metrics(counts)


def test_metrics_cover_every_image():
    grid = grid_of(2, 3)
    curves = Projections(u=np.array([1, 2, 3], np.uint64), v=np.array([2, 4], np.uint64))
    both = ProjectionSet(grid, None, {"g": curves, "all": curves})
    found = metrics.projection_metrics(both, ProjectionsSettings(metrics=ON))
    assert list(found) == ["g", "all"]
    assert list(found["g"].axes) == ["u", "v"]
