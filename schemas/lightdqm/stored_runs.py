"""What the store of runs keeps of each file: its identity, a few arrays, verdict and triggers.

An array has the axes (ADC, input) and a name:

- ``noise.median``, ``noise.p16``, ``noise.p84`` (ADC16 counts, NaN without data), ``noise.n``
  (events, -1 where unknown), and the same of ``baseline``; of ``height`` and ``side``, ratios of
  pulse heights to those of the neighbours, and of ``self_peak`` and ``beam_peak``, samples at which
  lit waveforms are highest (LightRatios);
- ``clipped.beam.epcb.k`` and ``.n``: flagged events and events that count, for each quantity,
  trigger and denominator of DqmFractions;
- ``spectrum.0_5.median`` and ``.mean``: V^2 in the bin nearest to 0.5 MHz, dark events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OutputCheckError
from .frames import DQM_VERDICT, GRANULARITIES, QUANTITIES, TRIGGER_COUNTS

UNKNOWN: Final = -1
SUMMARIES: Final = ("noise", "baseline")
LIGHT_SUMMARIES: Final = ("height", "side", "self_peak", "beam_peak")
"""Pulse heights over those of the board, and of half an ADC over its partner; times of peaks."""
SUMMARY_PARTS: Final = ("median", "p16", "p84")
STORED_TRIGGERS: Final = ("beam", "self")
ROI_MHZ: Final = (0.5, 1.8, 4.6, 7.1, 8.5, 10.0, 11.5, 19.0, 20.0, 25.0, 30.0)
"""Frequencies that the script followed over files (its ROI)."""
SPECTRUM_PARTS: Final = ("median", "mean")


def roi_label(frequency_MHz: float) -> str:
    """A frequency in names: 0.5 is 0_5, 10 is 10_0."""
    return str(float(frequency_MHz)).replace(".", "_")


def array_dtypes() -> dict[str, str]:
    """Name and type of every array that the store may hold."""
    summaries = (*SUMMARIES, *LIGHT_SUMMARIES)
    names = {f"{s}.{p}": "<f8" for s in summaries for p in SUMMARY_PARTS}
    names |= {f"{s}.n": "<i8" for s in summaries}
    names |= {
        f"{quantity}.{trigger}.{granularity}.{part}": "<i8"
        for quantity in QUANTITIES
        for trigger in STORED_TRIGGERS
        for granularity in GRANULARITIES
        for part in ("k", "n")
    }
    names |= {f"spectrum.{roi_label(f)}.{p}": "<f8" for f in ROI_MHZ for p in SPECTRUM_PARTS}
    return names


ARRAY_DTYPES: Final[Mapping[str, str]] = array_dtypes()


@dataclass(frozen=True)
class RunIdentity:
    """Which file a row of the store is about.

    Attributes
    ----------
    name
        File name without folder.
    content
        Hash of the file; empty where unknown (numbers that came from JSON lines).
    run, subrun
        From the name; -1 where it says none.
    start_ms, end_ms
        First and last event, milliseconds since 1970 UTC; None where unknown.
    config_hash
        Hash of the settings that the numbers depend on: files are compared only with files
        measured alike.
    """

    name: str
    content: str
    run: int
    subrun: int
    start_ms: int | None
    end_ms: int | None
    config_hash: str


@dataclass(frozen=True)
class RunRecord:
    """One file as it enters the store.

    Attributes
    ----------
    origin
        ``file``: measured from the light file; ``json``: from the script's JSON lines.
    arrays
        By the names of ARRAY_DTYPES, each (n_adcs, 64).
    verdict, triggers
        DqmVerdict and TriggerCounts.
    """

    identity: RunIdentity
    path: str
    version: str
    origin: str = "file"
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    verdict: pd.DataFrame = field(default_factory=DQM_VERDICT.empty)
    triggers: pd.DataFrame = field(default_factory=TRIGGER_COUNTS.empty)

    def check(self) -> None:
        """OutputCheckError if a part is not as described here."""
        where = f"store of runs, {self.identity.name}"
        for name, array in self.arrays.items():
            fits = name in ARRAY_DTYPES and array.ndim == 2
            if not fits or np.dtype(ARRAY_DTYPES[name]) != array.dtype:
                msg = f"{where}: no place for the array {name} {array.dtype} {array.shape}."
                raise OutputCheckError(msg, key=name)
        DQM_VERDICT.validate(self.verdict, where)
        TRIGGER_COUNTS.validate(self.triggers, where)
