"""Two runs side by side: counts by hand, cuts that one lacks, histograms, survivors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.cosmics.comparison import dataset_comparison
from radiograph.nodes.cosmics.side_by_side import (
    compared_cuts,
    compared_flows,
    compared_histograms,
    compared_settings,
    compared_survivors,
    histogram_ratio,
)
from radiograph.schemas.cosmics.comparison import RunResults
from radiograph.schemas.histograms import Axis, Histogram

SELECTIONS = Axis("selection", categories=("All", "Select"))


def flow(**events: int) -> pd.DataFrame:
    return pd.DataFrame({"cut": list(events), "events": list(events.values())})


def cuts(**told: str) -> pd.DataFrame:
    on = [text != "off" for text in told.values()]
    return pd.DataFrame({"cut": list(told), "active": on, "description": list(told.values())})


def histogram(all_: list[float], select: list[float], hi: float = 3.0) -> Histogram:
    edges = np.linspace(0.0, hi, len(all_) - 1)
    values = np.stack([all_, select], axis=1).astype(np.int64)
    return Histogram((Axis("p", edges=edges), SELECTIONS), values)


def results(**changed: Any) -> RunResults:
    base: dict[str, Any] = {
        "name": "a",
        "cutset": "alpha",
        "cutset_hash": "1",
        "cut_flow": flow(**{"No cuts": 100, "first": 50}),
        "effective_cuts": cuts(first="p > 1"),
        "histograms": {"p": histogram([9, 10, 30, 20, 9], [0, 1, 3, 2, 0])},
        "window_rates": {},
        "survivors": None,
        "settings": {"cuts.cutset": "alpha"},
        "verdict": "ok",
    }
    return RunResults(**base | changed)


class TestFlows:
    def test_rows_by_hand(self) -> None:
        a, b = flow(**{"No cuts": 100, "x": 40}), flow(**{"No cuts": 100, "x": 60})
        table = compared_flows(a, b)
        assert table["cut"].tolist() == ["No cuts", "x"]
        assert table["difference_pct"].tolist() == [0.0, 20.0]
        assert table["significance"].tolist() == pytest.approx([0.0, 0.2 / np.sqrt(0.005)])
        assert not table["exact"][1]

    def test_a_cut_that_one_lacks_stands_where_the_other_has_it(self) -> None:
        a = flow(**{"No cuts": 10, "x": 5, "z": 1})
        b = flow(**{"No cuts": 10, "w": 9, "x": 4, "y": 2, "z": 1})
        table = compared_flows(a, b)
        assert table["cut"].tolist() == ["No cuts", "w", "x", "y", "z"]
        assert table["events_a"].tolist() == [10, -1, 5, -1, 1]
        assert np.isnan(table["significance"]).tolist() == [False, True, False, True, False]
        assert np.isnan(table["absolute_a_pct"]).tolist() == [False, True, False, True, False]
        assert table["exact"].tolist() == [True, False, True, False, True]

    def test_no_events(self) -> None:
        table = compared_flows(flow(**{"No cuts": 0, "x": 0}), flow(**{"No cuts": 7, "x": 3}))
        assert table["absolute_a_pct"].isna().all()
        assert table["significance"].tolist() == [0.0, 0.0]


class TestHistograms:
    def test_every_selection_is_compared(self) -> None:
        b = results(histograms={"p": histogram([0, 10, 30, 20, 0], [0, 2, 2, 2, 0])})
        table, other = compared_histograms(results(), b)
        assert table["selection"].tolist() == ["All", "Select"]
        assert table["entries_a"].tolist() == [60.0, 6.0]
        # Shapes of All are equal; under- and overflow are no part of them.
        assert table["chi2"][0] == 0.0
        assert table["ks_p"][0] == 1.0
        # By hand: a difference of one over 3, one over 5, none over 4.
        assert table["chi2"][1] == pytest.approx(1 / 3 + 1 / 5)
        assert table["ndf"].tolist() == [2, 2]
        assert other == ()

    def test_other_bins_are_told_and_not_compared(self) -> None:
        b = results(histograms={"p": histogram([0, 1, 1, 1, 0], [0, 0, 0, 0, 0], hi=4.0), "q": 0})
        table, other = compared_histograms(results(), b)
        assert len(table) == 0
        assert other == ("p",)

    def test_nothing_in_common(self) -> None:
        table, other = compared_histograms(results(), results(histograms={}))
        assert len(table) == 0
        assert other == ()

    def test_the_ratio_by_hand(self) -> None:
        a = histogram([0, 10, 30, 0, 0], [0] * 5)
        b = histogram([0, 10, 10, 0, 0], [0] * 5)
        ratio, error = histogram_ratio(a, b, 0)
        # Totals 40 and 20: twice B over A.
        assert ratio[:2].tolist() == pytest.approx([2.0, 2 / 3])
        assert error[0] == pytest.approx(2.0 * np.sqrt(0.1 + 0.1))
        assert np.isnan(ratio[2])
        empty, _ = histogram_ratio(a, histogram([0] * 5, [0] * 5), 0)
        assert np.isnan(empty).all()


def test_cuts_that_differ() -> None:
    a, b = cuts(x="p > 1", y="off", z="t > 2"), cuts(x="p > 1", y="q > 3", z="t > 4", w="off")
    assert compared_cuts(a, b) == (("y", "off", "q > 3"), ("z", "t > 2", "t > 4"))
    assert compared_cuts(a, a) == ()


def test_settings_that_differ_but_not_where_it_was_written() -> None:
    a = results(settings={"cuts.cutset": "alpha", "io.output_path": "a.h5", "beam.x": 1})
    b = results(settings={"cuts.cutset": "beta", "io.output_path": "b.h5", "veto.closed": True})
    assert compared_settings(a, b) == (
        ("beam.x", 1, None),
        ("cuts.cutset", "alpha", "beta"),
        ("veto.closed", None, True),
    )


class TestSurvivors:
    def frame(self, *events: int) -> pd.DataFrame:
        return pd.DataFrame({"run": 1, "subrun": 2, "event": list(events), "p_MeV": 3.0})

    def test_only_here_only_there_and_both(self) -> None:
        # An event with two tracks stands twice.
        found = compared_survivors(self.frame(9, 4, 4), self.frame(9, 7))
        assert found is not None
        assert found["event"].tolist() == [4, 7, 9]
        assert found["survives"].tolist() == ["A", "B", "both"]

    def test_none_and_not_stored(self) -> None:
        found = compared_survivors(self.frame(), self.frame())
        assert found is not None
        assert len(found) == 0
        assert compared_survivors(self.frame(1), None) is None


def test_the_whole() -> None:
    whole = dataset_comparison(results(), results(name="b", cutset_hash="2"))
    assert not whole.same_cuts
    assert (whole.name_a, whole.name_b) == ("a", "b")
    assert whole.survivors is None
    assert dataset_comparison(results(), results()).same_cuts


def test_bins_that_no_small_number_divides_are_drawn_as_they_are() -> None:
    from radiograph.nodes.cosmics.comparison_drawings import drawn_comparison

    def run(n: int) -> RunResults:
        values = np.ones((n + 2, 2), dtype=np.int64)
        axes = (Axis("nactive", "active hits", edges=np.arange(n + 1.0)), SELECTIONS)
        return results(histograms={"nactive": Histogram(axes, values)})

    one, other = (drawn_comparison(run(n), run(n)) for n in (101, 120))
    assert one.startswith(b"\x89PNG")
    assert one != other
    with pytest.raises(ValueError, match="no histogram in common"):
        drawn_comparison(run(101), run(120))
