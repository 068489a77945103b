"""The scale of colours of a map."""

from __future__ import annotations

import numpy as np
from radiograph.nodes.transients.figure_maps import colour_limits


def test_what_noise_gives_does_not_stretch_the_colours() -> None:
    value = np.array([[8000.0, 60_000.0], [9000.0, np.nan]])
    error = np.array([[100.0, 50_000.0], [200.0, np.nan]])
    assert colour_limits([value], [error]) == (8000.0, 9000.0, "max")
    assert colour_limits([value, 0.1 * value]) == (800.0, 60_000.0, "neither")
    assert colour_limits([-value], [error]) == (-9000.0, -8000.0, "min")


def test_without_a_sure_value_all_count_and_without_values_there_are_limits() -> None:
    one = np.array([[5.0]])
    assert colour_limits([one], [np.array([[np.nan]])]) == (4.5, 5.5, "neither")
    assert colour_limits([one * np.nan], [one]) == (0.0, 1.0, "neither")
