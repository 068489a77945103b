"""Pulls, consistency, budget and leakage on the page of the report: what is drawn, what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from radiograph.drivers.imaging.inspection_reconstruction import records_of, text_of
from radiograph.drivers.imaging.report_uncertainty import (
    draw_bars,
    draw_calibrated_bars,
    draw_consistency,
    draw_pulls,
    draw_shares,
    uncertainty_parts,
)

RNG = np.random.default_rng(5)
N = 2000


def pulls() -> pd.DataFrame:
    """Cones of which 60 % come from the reference source, 1.2 sigma wide."""
    sigma = np.full(N, 0.1)
    delta = np.where(RNG.random(N) < 0.6, RNG.normal(0.0, 0.12, N), RNG.uniform(-1.5, 1.5, N))
    return pd.DataFrame(
        {
            "phi_rad": np.full(N, 0.8),
            "delta_rad": delta,
            "pull": delta / sigma,
            "cone_sigma_rad": sigma,
            "weight": np.ones(N),
        }
    )


def consistency() -> pd.DataFrame:
    """Bars 0 to 3, the last of which is 0.8 sigma off; every tenth cone has one estimate."""
    bar = np.arange(N) % 4
    z = RNG.normal(np.where(bar == 3, 0.8, 0.0), 1.0)
    z[::10] = np.nan
    return pd.DataFrame({"consistency": z, "det_id": bar})


def test_the_mixture_is_told_and_drawn() -> None:
    frame = pulls()
    [row] = records_of(frame, "pulls")
    assert abs(row["width"] - 1.2) < 0.12
    assert row["hypotheses"] == N
    assert "share_of_source" in text_of([row])
    figure = Figure()
    draw_pulls(frame, figure)
    words = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert any(f"width {row['width']:.2f}" in word for word in words)


def test_a_bar_that_is_off_shows() -> None:
    figure = Figure()
    draw_bars(consistency(), figure)
    middle = figure.axes[0].containers[0].lines[0].get_ydata()
    assert np.argmax(np.abs(middle)) == 3
    assert abs(middle[3] - 0.8) < 0.25
    other = Figure()
    draw_consistency(consistency(), other)
    assert other.axes[0].get_ylabel().startswith("cones")


def test_what_is_not_there_has_no_part() -> None:
    assert uncertainty_parts({}) == []
    none = consistency().assign(consistency=np.nan)
    assert uncertainty_parts({"consistency": none, "cone_pulls": pulls().head(0)}) == []
    text = "".join(uncertainty_parts({"consistency": consistency(), "cone_pulls": pulls()}))
    assert "by the bar of the first hit" in text
    assert text_of([]) == "no row"


def test_shares_of_the_classes_are_drawn_with_their_edges() -> None:
    shares = pd.DataFrame(
        {
            "species": ["neutron", "neutron", "neutron", "gamma"],
            "low_sigma": [0.0, 0.5, np.nan, np.nan],
            "high_sigma": [0.5, np.nan, np.nan, np.nan],
            "events": [1000, 20, 3, 7],
            "source_share": [0.9, 0.1, 0.5, 0.2],
            "source_share_sigma": [0.01, 0.05, 0.3, 0.1],
        }
    )
    figure = Figure()
    draw_shares(shares, figure)
    axes = figure.axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.9, 0.1, 0.5, 0.2]
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["0 to 0.5", "from 0.5", "no light", "gammas"]
    assert "0.90\n1,000" in {text.get_text() for text in axes.texts}
    parts = "".join(uncertainty_parts({"class_shares": shares}))
    assert "share of the sources by class" in parts


def test_bars_are_drawn_before_and_after_their_calibration() -> None:
    bars = pd.DataFrame(
        {
            "det_id": [4, 9],
            **{f"events_{when}": [50, 60] for when in ("before", "after")},
            "median_before": [0.9, -0.4],
            "median_after": [0.05, np.nan],
            **{f"error_{when}": [0.1, 0.2] for when in ("before", "after")},
        }
    )
    figure = Figure()
    draw_calibrated_bars(bars, figure)
    before, after = (c.lines[0].get_ydata() for c in figure.axes[0].containers)
    assert before.tolist() == [0.9, -0.4]
    assert after[0] == 0.05
    parts = "".join(uncertainty_parts({"bar_consistency": bars, "consistency": consistency()}))
    # In the place of the bars as they are.
    assert "before and after calibration" in parts
    assert "by the bar of the first hit" not in parts
