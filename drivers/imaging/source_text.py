"""Fitted point sources in words: one line a source."""

from __future__ import annotations

import pandas as pd


def said_of_sources(point_sources: pd.DataFrame | None) -> list[str]:
    """What a user wants of a fit at a glance; nothing where none was made."""
    if point_sources is None:
        return []
    if len(point_sources) == 0:
        return ["no source: there is no event with a cone"]
    lines = []
    for row in point_sources.to_dict("records"):
        n_events = point_sources["counts"].sum() + row["elsewhere_counts"]
        share = 100.0 * row["elsewhere_counts"] / n_events
        lines.append(
            f"source at u {row['u_cm']:.2f} +- {row['u_sigma_cm']:.2f} (stat), "
            f"v {row['v_cm']:.2f} +- {row['v_sigma_cm']:.2f} cm (stat); "
            f"{row['counts']:,.0f} of {n_events:,.0f} events, elsewhere {share:.0f} %"
        )
    return lines
