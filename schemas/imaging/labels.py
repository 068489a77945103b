"""What a figure says beside its counts: headline, numbers of cones, where the source should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FigureLabels:
    """Words and positions of the figures of one run.

    Attributes
    ----------
    title
        Headline, [run] plot_label; empty = none.
    subtitle
        A line below it, e.g. the energy strategy.
    n_cones
        Cones imaged, by image name (n, g, all); a missing name draws no number.
    source
        Name of the input file, without its folder.
    prior_kind
        "point", "line" or "none".
    prior_uv_cm
        The prior's target thrown perpendicularly on the plane, (u, v) in cm; None = not drawn.
    prior_line_uv_cm
        Both ends of a line prior on the plane, drawn as a segment; None = not drawn.
    empty
        Why an image has no counts, by image name.
    plane
        Where the plane lies.
    software, date
        What made the counts, and on which day; empty = not said. The day comes with a file that
        is drawn again: a run's own figure depends on no clock.
    u_direction, v_direction
        Where the axes of the image point in the world, e.g. "+x"; empty = not said.
    """

    title: str = ""
    subtitle: str = ""
    n_cones: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    prior_kind: str = "none"
    prior_uv_cm: tuple[float, float] | None = None
    prior_line_uv_cm: tuple[tuple[float, float], tuple[float, float]] | None = None
    empty: Mapping[str, str] = field(default_factory=dict)
    plane: str = ""
    software: str = ""
    date: str = ""
    u_direction: str = ""
    v_direction: str = ""
