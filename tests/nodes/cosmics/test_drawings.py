"""Figures of a run: what they show of thresholds, and what they say where nothing can be drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.cosmics.drawings import Drawn, draw_histogram, drawn_figure, figures_of, sheet
from radiograph.schemas.cosmics.counts import SELECTIONS
from radiograph.schemas.histograms import Axis, Histogram

EMPTY = Drawn({}, {})
CURVE = pd.DataFrame(
    {"lo_ns": [0.0, 5.0], "hi_ns": [110.0, 120.0], "is_narrowest": False, "is_least_dead": False}
    | {f"{n}{end}": [0.5, 0.6] for n in ("efficiency", "dead_time") for end in ("", "_lo", "_hi")}
)
PROJECTION = {"days": np.array([1.0, 2.0]), "errors": np.array([0.1, 0.01]), "target": 0.05,
              "day": 1.4, "day_16": 1.2, "day_84": 191.3}  # fmt: skip


def trkqual(*, is_on: bool) -> Drawn:
    axis = Axis("trkqual", "track quality", "", edges=np.linspace(0.0, 1.0, 5))
    selections = Axis("selection", "selection", "", categories=SELECTIONS)
    values = np.zeros((6, 4))
    values[2] = 10.0, 5.0, 3.0, 1.0
    values[5, 0] = 7.0
    cuts = pd.DataFrame({"cut": ["good_trkqual"], "active": [is_on], "lo": [0.8], "hi": [np.nan]})
    histogram = Histogram((axis, selections), values, values)
    return Drawn({"trkqual": histogram}, {"effective_cuts": cuts})


def shown_of(drawn: Drawn) -> tuple[list[float], list[str]]:
    """Where lines stand, and the lines of the legend."""
    with sheet(1, 1, (3, 3)) as (_, places):
        axes: Any = places[0, 0]
        draw_histogram(axes, drawn, "trkqual")
        lines = [float(line.get_xdata()[0]) for line in axes.lines]
        return lines, [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_threshold_is_drawn_where_its_cut_is_on() -> None:
    lines, texts = shown_of(trkqual(is_on=True))
    assert lines == [0.8]
    # What lies outside of the axis is counted too.
    assert texts == ["All: 17", "Preselect: 5", "Select: 3", "Unvetoed: 1"]
    assert shown_of(trkqual(is_on=False))[0] == []


@pytest.mark.parametrize("name", ["cosmic_parents", "projection", "crv_z", "dT", "mom_summary"])
def test_what_cannot_be_drawn_is_said(name: str) -> None:
    assert drawn_figure(EMPTY, name).startswith(b"\x89PNG")
    assert name in figures_of(EMPTY) or name in ("cosmic_parents", "projection")


@pytest.mark.parametrize(
    ("name", "frames", "said"),
    [
        ("cosmic_parents", {}, "no track with an ancestor"),
        ("projection", {}, "no projection"),
        ("roc", {"dead_time_curve": CURVE}, "no window reaches the target"),
        ("roc", {"dead_time_curve": CURVE.assign(is_narrowest=[True, False])}, "(0, 110) ns"),
    ],
)
def test_words_in_a_figure(
    name: str, frames: dict[str, pd.DataFrame], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said in words_of(Drawn({}, frames), name, monkeypatch)


def test_days_are_whole_where_that_is_fine_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    words = words_of(Drawn({}, {}, projection=PROJECTION), "projection", monkeypatch)
    assert "day 1.4" in words
    assert "16 to 84 %: 1.2 to 191" in words


def words_of(drawn: Drawn, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """All texts of a figure."""
    found: list[str] = []

    def read(figure: Any, warning: str, kind: str) -> bytes:
        from matplotlib.text import Text

        found.extend(text.get_text() for text in figure.findobj(Text))
        return f"{warning}{kind}".encode()

    monkeypatch.setattr("radiograph.nodes.cosmics.drawings.saved", read)
    drawn_figure(drawn, name)
    return "\n".join(found)
