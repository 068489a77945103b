"""What the events stand for, and the summary of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class NormalisationSettings:
    """What the settings say of normalisation; None = nothing."""

    generated_events: float | None = None
    livetime_s: float | None = None
    prefer: Literal["files", "settings"] = "files"
    expected_files: int | None = None


@dataclass(frozen=True)
class Normalisation:
    """What the events that were read stand for; None = not known.

    Attributes
    ----------
    generated_events, processed_events, livetime_s
        Of the files that were read.
    source
        By number where it comes from: "subruns", "histograms", "settings", with "scaled" where
        it was scaled to the files that were read; "unknown".
    deviation
        By number how far the settings are from the files, as a fraction; where both tell it.
    """

    generated_events: float | None
    processed_events: float | None
    livetime_s: float | None
    source: Mapping[str, str] = field(default_factory=dict)
    deviation: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class BeamSettings:
    """Shares of wall time that are on-spill by mode of the beam, and the live time of Run 1."""

    on_spill_fraction: Mapping[str, float]
    run1_livetime_s: float
    legacy_window_livetime: bool = False


@dataclass(frozen=True)
class CompletenessSettings:
    """When the input is complete."""

    min_fraction: float = 1.0
    expected_files: int | None = None
    max_events: int = 0


@dataclass(frozen=True)
class RunSummary:
    """What a script asks first."""

    cutset: str
    cutset_hash: str
    on_spill: bool
    unvetoed_events: int
    verdict: str
