"""Cut flows: a hand count, what must hold for any, sums over parts, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from radiograph.drivers.cache.content import Description
from radiograph.schemas.arrays import frozen
from radiograph.schemas.cut_flow import CutFlow
from radiograph.schemas.errors import EXIT_BUG, NotAddableError

CUTS = ("pid", "t0", "quality")
# Rows are tracks, columns cuts.
PASSES = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 0, 0]], bool)
MATRICES = arrays(bool, st.tuples(st.integers(0, 20), st.just(3)))


def of_passes(
    passes: np.ndarray,
    of: str,
    cut: tuple[str, ...],
    *,
    group: tuple[str, ...] = (),
    level: tuple[str, ...] = (),
    weights: np.ndarray | None = None,
) -> CutFlow:
    """The flow of rows whose cuts stand in ``passes``, shape (n_rows, n_cuts)."""
    n_failed = passes.shape[1] - passes.sum(axis=1, keepdims=True)
    so_far = np.logical_and.accumulate(np.pad(passes, ((0, 0), (1, 0)), constant_values=True), 1)
    alone = (n_failed == 0) | ((n_failed == 1) & ~passes)
    counts = [frozen(of_cut.sum(axis=0, dtype=np.int64)) for of_cut in (so_far, passes, alone)]
    sums = [None, None] if weights is None else [frozen(w @ so_far) for w in (weights, weights**2)]
    return CutFlow(of, cut, group, level, *counts, *sums)


def flow(passes: np.ndarray = PASSES, **given_: object) -> CutFlow:
    options = {"group": ("pre", "pre", "track"), "level": ("track",) * 3, **given_}
    return of_passes(passes, "tracks", CUTS, **options)  # type: ignore[arg-type]


def digest(value: CutFlow) -> str:
    return Description(value, whole=True).digest()


def test_counted_by_hand() -> None:
    found = flow()
    assert found.cumulative.tolist() == [6, 4, 2, 1]
    assert found.individual.tolist() == [4, 3, 4]
    # All but pid: rows 0 and 3; all but t0: 0 and 2; all but quality: 0 and 1.
    assert found.n_minus_one.tolist() == [2, 2, 2]
    assert found.sum_of_weights is None
    assert not found.cumulative.flags.writeable


@given(MATRICES)
def test_what_holds_for_any_flow(passes: np.ndarray) -> None:
    before = passes.copy()
    found = flow(passes)
    assert (np.diff(found.cumulative) <= 0).all()
    assert (found.individual >= found.cumulative[1:]).all()
    assert (found.n_minus_one >= found.cumulative[-1]).all()
    for k in range(3):  # without cut k the last row is n_minus_one of k
        others = np.delete(passes, k, axis=1)
        assert found.n_minus_one[k] == others.all(axis=1).sum()
    np.testing.assert_array_equal(passes, before)


@given(MATRICES, st.integers(0, 20), st.randoms())
def test_parts_add_up_in_any_order(passes: np.ndarray, at: int, random: object) -> None:
    both = flow(passes[:at]) + flow(passes[at:])
    assert digest(both) == digest(flow(passes))
    assert digest(flow(passes[at:]) + flow(passes[:at])) == digest(both)


def test_weights_by_hand() -> None:
    weights = np.array([1.0, 2.0, 0.5, 4.0, 8.0, 0.25])
    found = flow(weights=weights)
    assert found.sum_of_weights.tolist() == [15.75, 3.75, 3.0, 1.0]
    assert found.sum_of_squares.tolist() == [85.3125, 5.3125, 5.0, 1.0]
    ones = flow(weights=np.ones(6))
    assert ones.sum_of_weights.tolist() == ones.cumulative.tolist()
    parts = flow(PASSES[:2], weights=weights[:2]) + flow(PASSES[2:], weights=weights[2:])
    assert digest(parts) == digest(found)


def test_nothing_and_no_cut() -> None:
    assert flow(np.zeros((0, 3), bool)).cumulative.tolist() == [0, 0, 0, 0]
    none = of_passes(np.zeros((5, 0), bool), "events", ())
    assert none.cumulative.tolist() == [5]
    assert digest(flow() + flow(np.zeros((0, 3), bool))) == digest(flow())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"of": "events"}, "of is tracks in one part, events in another"),
        ({"cut": ("pid", "t1", "quality")}, r"cut is .*'t0'.* in one part, .*'t1'.* in another"),
        ({"group": ("a",) * 3}, "group is"),
        ({"level": ("event",) * 3}, "level is"),
        ({"n_minus_one": None}, "one part has n_minus_one, another has not"),
    ],
)
def test_other_flows_are_not_added(other: dict, said: str) -> None:
    with pytest.raises(NotAddableError, match=said) as failure:
        flow() + replace(flow(), **other)
    assert failure.value.exit_code == EXIT_BUG


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"group": ("a",)}, "group has another length than its 3 cuts"),
        ({"cumulative": np.array([3, 2, 1])}, "cumulative has another length"),
        ({"n_minus_one": np.zeros(4, int)}, "n_minus_one has another length"),
        ({"cumulative": np.array([6, 4, 5, 1])}, "5 pass t0, 4 came to it"),
    ],
)
def test_what_is_no_flow(wrong: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(flow(), **wrong)
