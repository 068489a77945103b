"""The shaping kernels against itertools and against their own plain-Python form."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.imaging.cuts import first_in_file_order, window_offsets
from radiograph.nodes.imaging.kernels import shaping as kernel

sizes = st.lists(st.integers(0, 6), max_size=6)
take = st.sampled_from([2, 3])


def offsets_of(window_sizes: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(window_sizes)]).astype(np.int64)


def compiled_and_plain(function, *arguments):
    """Both forms, each on its own copy of the last argument, the output."""
    results = []
    for form in (function, function.py_func):
        own = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        results.append((form(*own), own[-1]))
    (n, out), (plain_n, plain_out) = results
    assert n == plain_n
    np.testing.assert_array_equal(out[:n], plain_out[:n])
    return out[:n].tolist() if n is not None else out.tolist()


@given(sizes, take, st.data())
def test_first_by_key_is_a_stable_sort_of_each_window(window_sizes, take, data) -> None:
    offsets = offsets_of(window_sizes)
    keys = data.draw(
        st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=sum(window_sizes),
                 max_size=sum(window_sizes))
    )  # fmt: skip
    out = np.full((len(window_sizes), take), -7, np.int64)
    rows = compiled_and_plain(kernel.first_by_key, offsets, np.array(keys, float), take, out)
    expected = [
        sorted(range(a, b), key=lambda row: keys[row])[:take]
        for a, b in pairwise(offsets.tolist())
        if b - a >= take
    ]
    assert rows == expected


@given(sizes, take, st.integers(1, 25))
def test_all_combinations_are_those_of_itertools(window_sizes, take, most) -> None:
    offsets = offsets_of(window_sizes)
    needed = kernel.rows_needed(offsets, take, most)
    out = np.full((needed, take), -7, np.int64)
    rows = compiled_and_plain(kernel.all_combinations, offsets, take, most, out)
    expected = [
        list(c)
        for a, b in pairwise(offsets.tolist())
        for c in list(combinations(range(a, b), take))[:most]
    ]
    assert rows == expected
    assert len(rows) == needed


@given(st.integers(0, 5), take, st.data())
def test_rows_are_sorted_by_time_then_row(n_events, take, data) -> None:
    times = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=8, max_size=8)))
    rows = np.array(
        [data.draw(st.permutations(range(8)))[:take] for _ in range(n_events)], np.int64
    ).reshape(-1, take)
    results = []
    for form in (kernel.sort_rows_by_time, kernel.sort_rows_by_time.py_func):
        own = rows.copy()
        form(own, times)
        results.append(own.tolist())
    expected = [sorted(event, key=lambda row: (times[row], row)) for event in rows.tolist()]
    assert results == [expected, expected]


@pytest.mark.parametrize("size", range(7))
def test_numbers_of_combinations(size: int) -> None:
    for k in (2, 3):
        expected = len(list(combinations(range(size), k)))
        assert kernel.rows_needed(np.array([0, size]), k, 10**9) == expected


def test_kernels_take_read_only_arrays() -> None:
    offsets, key = offsets_of([3]), np.array([3.0, 1.0, 2.0])
    offsets.flags.writeable = key.flags.writeable = False
    out = np.zeros((1, 2), np.int64)
    assert kernel.first_by_key(offsets, key, 2, out) == 1
    assert out.tolist() == [[1, 2]]
    kernel.sort_rows_by_time(out, key)
    assert kernel.all_combinations(offsets, 2, 1, np.zeros((1, 2), np.int64)) == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=6))
def test_windows_are_runs_of_equal_ids(runs) -> None:
    ids, starts, here = [], [], -1
    for gap, n in runs:
        here += gap + 1
        starts.append(len(ids))
        ids += [here] * n
    offsets = window_offsets(np.array(ids, np.int64))
    assert offsets.tolist() == [*starts, len(ids)]
    assert offsets.dtype == np.int64


def test_windows_of_no_hit() -> None:
    assert window_offsets(np.zeros(0, np.int64)).tolist() == [0]


@given(
    st.lists(st.integers(0, 6), max_size=8),
    st.lists(st.integers(0, 6), max_size=8),
    st.integers(-1, 20),
)
def test_the_first_events_in_file_order(
    make_neutron_typed, make_gamma_typed, neutron, gamma, most
) -> None:
    neutron, gamma = sorted(neutron), sorted(gamma)
    masks = first_in_file_order(
        make_neutron_typed(event_id=neutron), make_gamma_typed(event_id=gamma), most
    )
    # In file order; within a raw event neutrons come first.
    order = sorted(
        [(i, 0, k) for k, i in enumerate(neutron)] + [(i, 1, k) for k, i in enumerate(gamma)]
    )
    kept = {(s, k) for _, s, k in order[: max(most, 0)]}
    assert masks[0].tolist() == [(0, k) in kept for k in range(len(neutron))]
    assert masks[1].tolist() == [(1, k) in kept for k in range(len(gamma))]
