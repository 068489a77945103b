"""Cones to pixels and pixels to cones: the compressed rows against plain lists."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.imaging.tracing import (
    centers_in,
    cones_through,
    footprints_of,
    image_of,
    pixels_in,
)
from radiograph.schemas.errors import UsageError
from radiograph.schemas.imaging.images import Footprints, PixelGrid, RegionOfInterest

GRID = PixelGrid(0.0, 4.0, 1.0, 4, -3.0, 3.0, 2.0, 3)
N_PIXELS = GRID.nu * GRID.nv
CONES = st.lists(st.sets(st.integers(0, N_PIXELS - 1)), max_size=12)


def footprints(cones: list[list[int]]) -> Footprints:
    lit = np.array([len(c) for c in cones], np.uint32)
    return Footprints.of_counts(lit, np.array([p for c in cones for p in c], np.uint32))


def lists(found: Footprints) -> list[list[int]]:
    ends = found.offsets.astype(int)
    return [found.pixels[a:b].tolist() for a, b in pairwise(ends)]


@given(CONES, st.data())
def test_footprints_of_some_cones_are_theirs(cones: list[set[int]], data: st.DataObject) -> None:
    rows = [list(c) for c in cones]
    ids = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=6)) if rows else []
    found = footprints_of(footprints(rows), np.array(ids, np.int64))
    assert lists(found) == [rows[k] for k in ids]
    assert found.offsets.dtype == np.uint64
    assert found.pixels.dtype == np.uint32


@pytest.mark.parametrize(("cone", "said"), [(3, "there are the cones 0 to 2"), (-1, "no cone -1")])
def test_a_cone_that_is_not_there_is_an_error(cone: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        footprints_of(footprints([[1], [], [2]]), np.array([0, cone]))
    with pytest.raises(UsageError, match="there is none"):
        footprints_of(footprints([]), np.array([cone]))


@given(CONES, st.sets(st.integers(0, N_PIXELS - 1)))
def test_cones_through_a_region_are_those_that_light_it(
    cones: list[set[int]], marked: set[int]
) -> None:
    inside = np.zeros(GRID.shape, bool)
    inside.ravel()[list(marked)] = True
    found, lit = cones_through(footprints([list(c) for c in cones]), inside)
    expected = {k: len(c & marked) for k, c in enumerate(cones) if c & marked}
    assert dict(zip(found.tolist(), lit.tolist(), strict=True)) == expected
    assert found.tolist() == sorted(expected)


@given(CONES, st.data())
def test_footprints_sum_to_the_image(cones: list[set[int]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.booleans(), min_size=len(cones), max_size=len(cones)))
    rows = footprints([list(c) for c in cones])
    image = image_of(rows, GRID, np.array(chosen, bool))
    expected = np.zeros(N_PIXELS, int)
    for take, cone in zip(chosen, cones, strict=True):
        expected[list(cone)] += take
    np.testing.assert_array_equal(image.ravel(), expected)
    assert image.dtype == np.uint32
    assert image.shape == GRID.shape


def test_a_pixel_belongs_to_a_region_by_its_centre() -> None:
    # Centres: u 0.5 1.5 2.5 3.5, v -2 0 2; edges count as inside.
    in_u, in_v = centers_in(RegionOfInterest(0.5, 2.4, -1.9, 2.0), GRID)
    assert in_u.tolist() == [True, True, False, False]
    assert in_v.tolist() == [False, True, True]
    inside = pixels_in(RegionOfInterest(0.5, 2.4, -1.9, 2.0), GRID)
    assert np.flatnonzero(inside).tolist() == [4, 5, 8, 9]
    assert centers_in(RegionOfInterest(1.5, 2.5, 0, 0), GRID)[0].tolist() == [
        False,
        True,
        True,
        False,
    ]
    assert not pixels_in(RegionOfInterest(0.6, 1.4, -9.0, 9.0), GRID).any()
