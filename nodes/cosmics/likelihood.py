"""Histograms of several data sets as a model of counts in the form of HistFactory.

Reference: pyhf 0.7, the JSON schema of a workspace (version 1.0.0). No graph module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...schemas.arrays import F8


@dataclass(frozen=True)
class Sample:
    """One data set in the channel.

    Attributes
    ----------
    name
        What the sample is called.
    counts, variances
        Expected counts of each bin and their variances, shapes (n_bins,).
    is_signal
        Whether its strength is what is measured.
    """

    name: str
    counts: F8
    variances: F8
    is_signal: bool = False

    def scaled(self, factor: float) -> Sample:
        """The sample for another exposure."""
        return Sample(self.name, factor * self.counts, factor**2 * self.variances, self.is_signal)


def workspace(channel: str, samples: Sequence[Sample]) -> dict[str, Any]:
    """A workspace of one channel, as plain values.

    Each sample has the statistical error of its bins (staterror), the signal a free strength mu.
    There are no data: the observation is what is expected without the signal (Asimov).
    """
    background = sum(
        (s.counts for s in samples if not s.is_signal), start=np.zeros_like(samples[0].counts)
    )
    return {
        "channels": [
            {"name": channel, "samples": [_sample(channel, sample) for sample in samples]}
        ],
        "observations": [{"name": channel, "data": background.tolist()}],
        "measurements": [{"name": "strength", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }


def _sample(channel: str, sample: Sample) -> Mapping[str, Any]:
    modifiers: list[dict[str, Any]] = [
        {
            "name": f"staterror_{channel}",
            "type": "staterror",
            "data": np.sqrt(sample.variances).tolist(),
        }
    ]
    if sample.is_signal:
        modifiers.insert(0, {"name": "mu", "type": "normfactor", "data": None})
    return {"name": sample.name, "data": sample.counts.tolist(), "modifiers": modifiers}
