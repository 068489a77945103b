"""Events of a simulated EventNtuple: what went through the tracker, and how it was fitted.

Settings and seed come in; frames of events, passages and fits (schemas/cosmics_simulation.py) go
out. A toy: shares, widths and ranges are those of a production in size, not in detail.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import Mask, frozen
from ...schemas.cosmics_simulation import (
    FITS,
    PASSAGES,
    SIMULATED_EVENTS,
    CosmicsStreams,
)
from ...schemas.sources import EventRange
from ...schemas.tables import rows_of

_ON_SPILL_NS = (475.0, 1690.0)
_OFF_SPILL_NS = (475.0, 1.0e5)
_REFLECTED_EARLIER_NS = (30.0, 90.0)
_HYPOTHESES = (11, -11, 13, -13)
_FITTED = 0.96
_WITHOUT_TRACKS = 0.12
# By kind: share of events whose particle was reflected, and share with a second particle.
_MORE_PASSAGES = {
    "cosmic": (0.30, 0.08),
    "edge": (0.30, 0.08),
    "signal": (0.0, 0.02),
    "mix": (0.0, 0.02),
    "odd": (0.0, 0.02),
}
_COSMIC_KINDS = ("cosmic", "edge")
_COSMIC_P_MEV = (70.0, 220.0)
# The end of the spectrum in aluminium.
_SIGNAL_P_MEV = 104.97
_SLOPES = {True: (0.4, 1.2), False: (0.45, 1.05)}
_D0_MM = {True: 130.0, False: 41.0}
_TRUE_ELECTRONS = 0.25
_OTHER_PDG = np.asarray([13, -13, -11])
_DECAY, _CONVERSION = 166, 167
_HITS_NOT_ACTIVE = 3
_MEAN_ACTIVE, _SPREAD_ACTIVE, _LEAST_ACTIVE = 41.0, 12.0, 8
_QUALITY_SHAPE = (2.2, 1.25)
_VALID = 0.988
_PROTONS, _SPREAD_PROTONS = 20_000, 140.0


@tag(stage="events")
def cosmics_streams(seed: int, run: int, subrun: int, event_range: EventRange) -> CosmicsStreams:
    """Streams of a range of events, made of the seed, the run, the sub-run and its first event."""
    root = np.random.SeedSequence((seed, run, subrun, event_range.first_event))
    return CosmicsStreams(*root.spawn(8))


@tag(stage="events")
def veto_seen(
    event_range: EventRange, kind: str, veto_inefficiency: float, cosmics_streams: CosmicsStreams
) -> Mask:
    """Whether the veto saw the cosmic particle of each event; false where there is none."""
    uniform = np.random.default_rng(cosmics_streams.veto).random(event_range.n_events)
    return np.asarray(frozen((uniform >= veto_inefficiency) & (kind in _COSMIC_KINDS)))


@tag(stage="events", schema="SimulatedEvents")
def simulated_events(
    event_range: EventRange, veto_seen: Mask, cosmics_streams: CosmicsStreams
) -> pd.DataFrame:
    """The events, numbered over the file."""
    rng = np.random.default_rng(cosmics_streams.events)
    n = event_range.n_events
    protons = rng.normal(_PROTONS, _SPREAD_PROTONS, n)
    return SIMULATED_EVENTS.frame(
        {
            "event": 1 + event_range.first_event + np.arange(n),
            "nprotons": protons,
            "pbtime_ns": rng.normal(0.0, 5.0, n),
            "seen": veto_seen,
        }
    )


@tag(stage="events", schema="SimulatedPassages")
def simulated_passages(
    event_range: EventRange, kind: str, on_spill: bool, cosmics_streams: CosmicsStreams
) -> pd.DataFrame:
    """Passages by event: downstream first, then the reflected particle's, then a second one's."""
    rng = np.random.default_rng(cosmics_streams.passages)
    n = event_range.n_events
    first = _particles(rng, n, cosmic=kind in _COSMIC_KINDS, on_spill=on_spill)
    second = _particles(rng, n, cosmic=kind in _COSMIC_KINDS, on_spill=on_spill)
    reflected = dict(first)
    reflected["direction"] = -first["direction"]
    reflected["t0_ns"] = first["t0_ns"] - rng.uniform(*_REFLECTED_EARLIER_NS, n)
    reflected["phi0_rad"] = 2.0 * np.pi * rng.random(n)
    shares = _MORE_PASSAGES[kind]
    there = np.stack([np.ones(n, np.bool_), *(rng.random(n) < share for share in shares)])
    if kind == "odd":
        there &= rng.random(n) >= _WITHOUT_TRACKS
    columns = {
        name: np.stack([first[name], reflected[name], second[name]], axis=1).reshape(-1)
        for name in first
    }
    frame = PASSAGES.frame({"event": np.repeat(np.arange(n), 3), **columns})
    return rows_of(frame, there.T.reshape(-1))


def _particles(
    rng: np.random.Generator, n: int, *, cosmic: bool, on_spill: bool
) -> dict[str, np.ndarray]:
    """Columns of n particles that go downstream."""
    electron = rng.random(n) < (_TRUE_ELECTRONS if cosmic else 1.0)
    pdg = np.where(electron, 11, _OTHER_PDG[rng.integers(0, len(_OTHER_PDG), n)])
    muon = np.where(rng.random(n) < 0.55, -13, 13)
    return {
        "direction": np.ones(n, dtype=np.int8),
        "t0_ns": rng.uniform(*(_ON_SPILL_NS if on_spill else _OFF_SPILL_NS), n),
        "p_MeV": rng.uniform(*_COSMIC_P_MEV, n) if cosmic else np.full(n, _SIGNAL_P_MEV),
        "slope": rng.uniform(*_SLOPES[cosmic], n),
        "d0_mm": np.abs(rng.normal(0.0, _D0_MM[cosmic], n)),
        "outside": rng.random(n) < 0.5,
        "phi0_rad": 2.0 * np.pi * rng.random(n),
        "centre_rad": 2.0 * np.pi * rng.random(n),
        "pdg": pdg,
        "startcode": np.full(n, _DECAY if cosmic else _CONVERSION),
        "primary_pdg": muon if cosmic else np.full(n, 13),
    }


@tag(stage="events", schema="SimulatedFits", helper="true")
def drawn_fits(simulated_passages: pd.DataFrame, cosmics_streams: CosmicsStreams) -> pd.DataFrame:
    """Four fits a passage, some of which fail and are absent."""
    rng = np.random.default_rng(cosmics_streams.fits)
    n = len(simulated_passages) * len(_HYPOTHESES)
    passage = np.repeat(np.arange(len(simulated_passages)), len(_HYPOTHESES))
    active = rng.normal(_MEAN_ACTIVE, _SPREAD_ACTIVE, n)
    nactive = np.maximum(np.rint(active), _LEAST_ACTIVE).astype(np.int32)
    frame = FITS.frame(
        {
            "passage": passage,
            "event": simulated_passages["event"].to_numpy()[passage],
            "pdg": np.tile(_HYPOTHESES, len(simulated_passages)),
            "nhits": nactive + _HITS_NOT_ACTIVE,
            "nactive": nactive,
            "quality": rng.beta(*_QUALITY_SHAPE, n),
            "valid": rng.random(n) < _VALID,
            "fitcon": rng.random(n),
        }
    )
    return rows_of(frame, rng.random(n) < _FITTED)
