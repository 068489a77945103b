"""Places and energies of birth."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.simulation.sources import (
    neutron_energies_MeV,
    source_box_cm,
    source_points_cm,
)
from radiograph.schemas.simulation import NeutronSpectrum, Source

UNIFORM = np.random.default_rng(1).random(500)
SOURCES = [
    Source(shape="point", at_cm=(1.0, 2.0, 3.0)),
    Source(shape="line", at_cm=(1.0, 2.0, 3.0), axis=(0.0, 3.0, 4.0), length_cm=8.0),
    Source(shape="ring", at_cm=(1.0, 2.0, 3.0), axis=(1.0, 1.0, 1.0), radius_cm=2.0),
]


def test_a_point_is_a_point() -> None:
    assert np.unique(source_points_cm(SOURCES[0], UNIFORM), axis=1).ravel().tolist() == [1, 2, 3]


def test_a_line_is_centred_and_goes_along_its_axis() -> None:
    ends = source_points_cm(SOURCES[1], np.array([0.0, 0.5, 1.0]))
    # 8 cm along (0, 3, 4)/5: 2.4 cm and 3.2 cm to each side
    expected = np.array([[1, -0.4, -0.2], [1, 2, 3], [1, 4.4, 6.2]])
    np.testing.assert_allclose(ends.T, expected, atol=1e-12)


def test_a_line_lies_along_y_by_default() -> None:
    ends = source_points_cm(Source(shape="line", length_cm=8.0), np.array([0.0, 1.0]))
    np.testing.assert_allclose(ends.T, [[0, -4, 0], [0, 4, 0]], atol=1e-12)


def test_a_ring_has_its_radius_and_is_perpendicular_to_its_normal() -> None:
    from_center = source_points_cm(SOURCES[2], UNIFORM) - np.array([[1.0], [2.0], [3.0]])
    assert np.sqrt((from_center**2).sum(axis=0)) == pytest.approx(2.0)
    assert from_center.sum(axis=0) == pytest.approx(0.0, abs=1e-12)
    assert np.abs(from_center.mean(axis=1)).max() < 0.2


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.shape)
def test_the_box_holds_the_source(source: Source) -> None:
    low, high = source_box_cm(source)
    points = source_points_cm(source, UNIFORM).T
    assert np.all(points >= low - 1e-9)
    assert np.all(points <= high + 1e-9)


def test_energies_are_single_or_spread() -> None:
    uniform = np.random.default_rng(2).random((4, 100))
    mono = neutron_energies_MeV(NeutronSpectrum(energy_MeV=2.5), uniform)
    assert mono.tolist() == [2.5] * 100
    assert np.ptp(neutron_energies_MeV(NeutronSpectrum(kind="cf252"), uniform)) > 1.0


@pytest.mark.parametrize("source", SOURCES, ids=["point", "line", "ring"])
def test_a_second_source_has_its_share_and_leaves_the_first_as_it_is(source: Source) -> None:
    two = source.model_copy(update={"second_at_cm": (9.0, 9.0, 9.0), "second_share": 0.25})
    uniform = (np.arange(4000) + 0.5) / 4000
    points = source_points_cm(two, uniform)
    second = np.all(points == 9.0, axis=0)
    assert second.mean() == 0.25
    expected = source_points_cm(source, (np.arange(3000) + 0.5) / 3000)
    np.testing.assert_allclose(points[:, ~second], expected, atol=1e-9)
    low, high = source_box_cm(two)
    assert np.all(low <= points.min(axis=1) + 1e-9)
    assert np.all(high >= points.max(axis=1) - 1e-9)
