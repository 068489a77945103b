"""Histograms filled in parts, their ranges, and the signed angular resolution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.imaging.cone_geometry import delta_theta_rad
from radiograph.nodes.imaging.spectra import (
    ThinnedValues,
    bin_edges,
    filled,
    flight_axis,
    signed_delta_rad,
)
from radiograph.schemas.histograms import Axis, Histogram

import pandas as pd  # isort: skip

NONE = Histogram.empty(Axis("x", edges=np.linspace(0.0, 4.0, 5)))


def test_counts_and_what_lies_outside() -> None:
    h = filled(NONE, [0.0, 0.5, 3.9, 4.0, -1.0, 5.0, 7.0, np.nan, np.inf])
    assert h.counts.tolist() == [2, 0, 0, 2]
    assert h.counts.dtype == np.int64
    assert (h.outside, h.missing, h.counts.sum(), h.total) == ((1, 3), 1, 4, 8)


@given(st.lists(st.floats(allow_nan=True, width=32), max_size=40), st.integers(0, 40))
def test_parts_add_up(values: list[float], cut: int) -> None:
    whole = filled(NONE, values)
    parts = filled(filled(NONE, values[:cut]), values[cut:])
    assert (parts.values == whole.values).all()
    assert parts.missing == whole.missing
    assert whole.total + whole.missing == len(values)
    assert (filled(NONE, values[:cut]) + filled(NONE, values[cut:])).missing == whole.missing


def test_edges_hold_all_but_the_largest_values() -> None:
    sample = np.concatenate([np.linspace(1.0, 10.0, 1000), [1e6]])
    edges = bin_edges(sample, n_bins=50, low=0.0)
    assert len(edges) == 51
    assert edges[0] == 0.0
    assert 9.9 < edges[-1] < 11.0
    both = bin_edges([-1.0, 2.0, 0.5], n_bins=10, symmetric=True)
    assert both[0] == -both[-1]
    assert both[5] == pytest.approx(0.0, abs=1e-12)


def test_edges_leave_half_a_per_cent_out_on_each_side() -> None:
    # Of 0, 1 ... 200 that is 1 and 199, and 2 % of 198 is 3.96.
    assert bin_edges(np.arange(201.0), n_bins=1) == pytest.approx([1.0 - 3.96, 199.0 + 3.96])


def test_symmetric_edges_hold_nineteen_of_twenty() -> None:
    # Sizes 0, 1 ... 100: 95 is the 95 % point.
    edges = bin_edges(np.arange(-100.0, 1.0), n_bins=2, symmetric=True)
    assert edges == pytest.approx([-95.0, 0.0, 95.0])


def test_values_are_thinned_when_they_are_more_than_the_most() -> None:
    full = ThinnedValues.empty(most=4).plus([1.0, 2.0, 3.0, 4.0])
    assert (full.values.tolist(), full.step) == ([1.0, 2.0, 3.0, 4.0], 1)
    more = full.plus([5.0])
    assert (more.values.tolist(), more.step) == ([1.0, 3.0, 5.0], 2)
    assert more.plus([6.0, 7.0]).values.tolist() == [1.0, 3.0, 5.0, 7.0]


def test_edges_of_one_value_reach_as_far_again_and_have_room() -> None:
    # From 3 to 3 + 3, and 2 % of that to both sides; a first edge that is given stays.
    assert bin_edges([3.0, 3.0], n_bins=2) == pytest.approx([2.94, 4.5, 6.06])
    assert bin_edges([0.0], n_bins=2) == pytest.approx([-0.02, 0.5, 1.02])
    assert bin_edges([3.0], n_bins=2, low=1.0) == pytest.approx([1.0, 2.02, 3.04])


@pytest.mark.parametrize("sample", [[], [np.nan, np.inf], [3.0], [0.0, 0.0]])
@pytest.mark.parametrize("options", [{}, {"low": 0.0}, {"symmetric": True}])
def test_edges_ascend_for_any_sample(sample: list[float], options: dict) -> None:
    edges = bin_edges(sample, n_bins=8, **options)
    assert (np.diff(edges) > 0.0).all()


def test_sign_says_whether_the_target_is_outside_of_the_cone() -> None:
    # Axis along z, the target 45 degrees off: outside of 0.5 rad, inside of 1 rad.
    apex, axis = np.zeros((2, 3)), np.tile([0.0, 0.0, 1.0], (2, 1))
    found = signed_delta_rad(apex, axis, [0.5, 1.0], [1.0, 0.0, 1.0])
    assert found == pytest.approx([np.pi / 4 - 0.5, np.pi / 4 - 1.0])


def test_its_size_is_that_of_the_scores() -> None:
    rng = np.random.default_rng(4)
    apex, second = rng.normal(size=(2, 50, 3))
    axis = flight_axis(apex, second)
    assert np.linalg.norm(axis, axis=1) == pytest.approx(np.ones(50))
    theta = rng.uniform(0.0, np.pi, 50)
    columns = {f"apex_{a}_cm": apex[:, k] for k, a in enumerate("xyz")}
    columns |= {f"axis_{a}": axis[:, k] for k, a in enumerate("xyz")}
    cones = pd.DataFrame({**columns, "theta_rad": theta})
    target = np.array([3.0, -1.0, 2.0])
    before = apex.copy()
    found = np.abs(signed_delta_rad(apex, axis, theta, target))
    assert found == pytest.approx(delta_theta_rad(cones, target))
    assert (apex == before).all()


def test_the_axis_points_from_the_second_scatter_to_the_first() -> None:
    found = flight_axis([[1.0, 2.0, 3.0], [0.0, 3.0, 4.0]], [[1.0, 2.0, 1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(found, [[0.0, 0.0, 1.0], [0.0, 0.6, 0.8]])


def test_two_scatters_at_one_place_have_no_axis() -> None:
    assert np.isnan(flight_axis(np.ones((1, 3)), np.ones((1, 3)))).all()
    assert flight_axis(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 3)


def test_quantiles_are_those_of_the_values():
    values = ThinnedValues.empty().plus([14.8, 14.8, np.nan]).plus([14.8])
    assert [values.quantile(q) for q in (0.16, 0.5, 0.84)] == [14.8] * 3
    assert values.seen == 3
    assert np.isnan(ThinnedValues.empty().quantile(0.5))


def test_many_values_are_thinned_evenly_whatever_the_blocks():
    stream = np.arange(1000.0)
    found = []
    for block in (1000, 7, 64):
        kept = ThinnedValues.empty(most=100)
        for begin in range(0, 1000, block):
            kept = kept.plus(stream[begin : begin + block])
        assert (np.diff(kept.values) == kept.step).all()
        assert 50 <= len(kept.values) <= 100
        found.append(kept.quantile(0.5))
    assert found == pytest.approx([500.0] * 3, abs=10.0)
