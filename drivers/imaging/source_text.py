"""Fitted point sources in words: one line a source."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

# 2 ln L by which the stated plane may be below the best place: three sigma.
MOST_DEFICIT: Final = 9.0


def warnings_of_focus(focus_distance: pd.DataFrame | None) -> list[str]:
    """That the data put the source at another distance than the settings do."""
    if focus_distance is None or len(focus_distance) == 0:
        return []
    best = focus_distance.iloc[0]
    if not best["deficit_of_plane"] > MOST_DEFICIT:
        return []
    text = (
        f"the source is in focus at {best['distance_cm']:.1f} cm along the normal of the plane; "
        f"[plane] origin is {best['deficit_of_plane']:.0f} below that in 2 ln L (more than "
        f"{MOST_DEFICIT:g}): look at [plane] origin, or take the distance as known to "
        f"{best['systematic_cm']:.0f} cm at best"
    )
    return [text]


def said_of_sources(
    point_sources: pd.DataFrame | None, position_budget: pd.DataFrame | None = None
) -> list[str]:
    """What a user wants of a fit at a glance; nothing where none was made.

    With a budget also the systematic error: what the total has beside the statistical one.
    """
    if point_sources is None:
        return []
    if len(point_sources) == 0:
        return ["no source: there is no event with a cone"]
    lines = []
    for source, row in enumerate(point_sources.to_dict("records")):
        n_events = point_sources["counts"].sum() + row["elsewhere_counts"]
        share = 100.0 * row["elsewhere_counts"] / n_events
        u, v = (_with_errors(row, a, source, position_budget) for a in "uv")
        lines.append(
            f"source at u {u}, v {v} cm{_distance_words(row)}; "
            f"{row['counts']:,.0f} of {n_events:,.0f} events, elsewhere {share:.0f} %"
        )
    return lines


def _distance_words(row: Mapping[Hashable, Any]) -> str:
    """The place along the normal, where it was fitted."""
    place, sigma = row["distance_cm"], row["distance_sigma_cm"]
    if not np.isfinite(place):
        return ""
    if not np.isfinite(sigma):
        return f", {place:.1f} cm along the normal, an end of the range: ln L rises on"
    return f", {place:.1f} +- {sigma:.1f} (stat) cm along the normal"


def _with_errors(
    row: Mapping[Hashable, Any], axis: str, source: int, budget: pd.DataFrame | None
) -> str:
    place, sigma = row[f"{axis}_cm"], row[f"{axis}_sigma_cm"]
    text = f"{place:.2f} +- {sigma:.2f} (stat)"
    if budget is None:
        return text
    total = budget.loc[(budget["source"] == source) & (budget["component"] == "total")]
    systematic = np.sqrt(max(float(total[f"{axis}_cm"].iloc[0]) ** 2 - sigma**2, 0.0))
    return f"{text} +- {systematic:.2f} (syst)"
