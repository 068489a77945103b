"""The random streams of a simulation.

The seed comes in, one seed sequence per purpose goes out.
Reference: numpy.random.SeedSequence.
"""

from __future__ import annotations

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.simulation import RandomStreams


@tag(stage="streams")
def random_streams(seed: int) -> RandomStreams:
    """Independent streams made of the seed: more gammas leave the neutrons as they are."""
    return RandomStreams(*np.random.SeedSequence(seed).spawn(7))
