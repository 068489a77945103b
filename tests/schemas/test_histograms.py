"""Histograms: places, sums over parts, what is refused, and the same numbers in hist."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.drivers.cache.content import Description
from radiograph.schemas.errors import EXIT_BUG, NotAddableError, UsageError
from radiograph.schemas.histograms import Axis, Histogram

MOMENTUM = Axis("mom", "momentum", "MeV", np.array([0.0, 1.0, 3.0]))
CUT = Axis("selection", categories=("All", "Select"))
FULL = Histogram((MOMENTUM, CUT), np.arange(8).reshape(4, 2), missing=3)


def digest(value: Histogram) -> str:
    return Description(value, whole=True).digest()


def test_places_of_axes() -> None:
    """Below, two bins, above; a category has no outside."""
    assert (MOMENTUM.n_places, CUT.n_places) == (4, 2)
    assert FULL.counts.tolist() == [[2, 3], [4, 5]]
    assert FULL.total == 28
    assert Histogram.empty(MOMENTUM).values.tolist() == [0, 0, 0, 0]
    assert Histogram.empty(MOMENTUM).variances is None
    assert Histogram.empty(MOMENTUM).values.dtype == np.int64
    assert Histogram.empty(MOMENTUM, CUT, weighted=True).variances.tolist() == [[0.0, 0.0]] * 4


def test_what_lies_outside_of_one_axis() -> None:
    found = Histogram((MOMENTUM,), np.array([4, 1, 2, 9]))
    assert found.outside == (4, 9)
    assert found.edges is MOMENTUM.edges
    for other in (FULL, Histogram.empty(CUT)):
        with pytest.raises(ValueError, match="selection: not one axis with edges"):
            _ = other.outside


COUNTS = st.lists(st.integers(0, 9), min_size=4, max_size=4).map(
    lambda v: Histogram((MOMENTUM,), np.array(v), np.array(v) ** 2.0, missing=v[0])
)


@given(COUNTS, COUNTS, COUNTS)
def test_parts_add_up_in_any_order(a: Histogram, b: Histogram, c: Histogram) -> None:
    assert digest((a + b) + c) == digest(a + (b + c))
    assert digest(a + b) == digest(b + a)
    both = a + b
    assert both.total == a.total + b.total
    assert both.missing == a.missing + b.missing
    assert (both.variances == a.variances + b.variances).all()
    assert not both.values.flags.writeable
    assert digest(a) == digest(
        a + replace(a, values=a.values * 0, variances=a.variances * 0, missing=0)
    )


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ((MOMENTUM,), "histogram of mom, selection: another part is of mom"),
        ((CUT, MOMENTUM), "the axis mom is another"),
        ((replace(MOMENTUM, edges=np.array([0.0, 1.0, 4.0])), CUT), "the axis mom is another"),
        ((replace(MOMENTUM, unit="GeV"), CUT), "the axis mom is another"),
        ((MOMENTUM, replace(CUT, categories=("All", "Veto"))), "the axis selection is another"),
    ],
)
def test_other_axes_are_not_added(axes: tuple[Axis, ...], said: str) -> None:
    with pytest.raises(NotAddableError, match=said) as failure:
        FULL + Histogram.empty(*axes)
    assert failure.value.exit_code == EXIT_BUG


def test_weights_are_not_added_to_counts() -> None:
    with pytest.raises(NotAddableError, match="one part is weighted, another is not"):
        Histogram.empty(MOMENTUM) + Histogram.empty(MOMENTUM, weighted=True)


@pytest.mark.parametrize(
    "edges", [[1.0], [1.0, 1.0], [2.0, 1.0], [0.0, np.nan, 2.0], [[0.0, 1.0], [2.0, 3.0]]]
)
def test_what_are_no_edges(edges: list) -> None:
    with pytest.raises(ValueError, match="axis e: edges are two numbers or more"):
        Axis("e", edges=np.array(edges))


def test_what_is_no_axis_and_no_histogram() -> None:
    for wrong in ({}, {"edges": np.array([0.0, 1.0]), "categories": ("a",)}):
        with pytest.raises(ValueError, match="either edges or categories"):
            Axis("x", **wrong)
    with pytest.raises(ValueError, match=r"values have shape \(2,\), the axes \(4,\)"):
        Histogram((MOMENTUM,), np.zeros(2))
    with pytest.raises(ValueError, match=r"of mom, selection: variances have shape \(4,\)"):
        Histogram((MOMENTUM, CUT), np.zeros((4, 2)), np.zeros(4))


def test_the_hist_library_has_the_same_numbers() -> None:
    hist = pytest.importorskip("hist", reason="hist is not installed (radiograph[hist])")
    made = FULL.to_hist()
    assert made.values(flow=True).tolist() == FULL.values.tolist()
    assert made.variances().tolist() == FULL.counts.tolist()
    assert made[hist.loc(2.0), "Select"].value == 5
    assert made[hist.underflow, "All"].value == 0
    assert made[hist.overflow, "All"].value == 6
    assert (made.axes[0].label, made.axes[1].name) == ("momentum (MeV)", "selection")
    weighted = Histogram(
        (MOMENTUM,), np.array([0.0, 1.5, 2.0, 0.5]), np.array([0.0, 2.0, 3.0, 1.0])
    )
    assert weighted.to_hist().variances(flow=True).tolist() == [0.0, 2.0, 3.0, 1.0]
    assert (weighted + weighted).to_hist().sum(flow=True).value == 8.0


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hist", None)
    with pytest.raises(UsageError, match=r"pip install radiograph\[hist\]"):
        FULL.to_hist()
