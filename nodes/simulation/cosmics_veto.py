"""Coincidences of the simulated veto: those of cosmic particles that it saw, those of the beam."""

from __future__ import annotations

from math import erf, sqrt

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I8, Mask, frozen
from ...schemas.cosmics_simulation import COINCIDENCES, PILE_UP_NS, VETO_NS, CosmicsStreams
from ...schemas.sources import EventRange

# Track time minus coincidence time: a normal, and a tail to later tracks.
_MEAN_NS, _SIGMA_NS, _TAIL, _TAIL_TO_NS = 48.0, 24.0, 0.04, 160.0
_SECOND = 0.2
_BETWEEN_NS = 3.0
_BEFORE_NS, _AFTER_NS = (5.0, 30.0), (40.0, 100.0)
_PILE_UP_KINDS = ("mix", "odd")
_N_SECTORS = 8
_Z_MM = (-12_000.0, 8_000.0)


@tag(stage="veto", unit="ns")
def particle_time_ns(event_range: EventRange, simulated_passages: pd.DataFrame) -> F8:
    """Time of the first passage of each event at the middle of the tracker; NaN without one."""
    times = np.full(event_range.n_events, np.nan)
    event = simulated_passages["event"].to_numpy()[::-1]
    # The first of an event is written last.
    times[event] = simulated_passages["t0_ns"].to_numpy()[::-1]
    return np.asarray(frozen(times))


@tag(stage="veto", schema="SimulatedCoincidences", helper="true")
def drawn_coincidences(
    kind: str,
    veto_seen: Mask,
    particle_time_ns: F8,
    pile_up_per_event: float,
    cosmics_streams: CosmicsStreams,
) -> pd.DataFrame:
    """Coincidences by event: one or two of a particle that was seen, those of the beam."""
    rng = np.random.default_rng(cosmics_streams.pile_up)
    event, time = _of_particles(rng, np.flatnonzero(veto_seen), particle_time_ns)
    if kind in _PILE_UP_KINDS:
        counts = rng.poisson(pile_up_per_event, len(veto_seen))
        beam = np.repeat(np.arange(len(veto_seen)), counts)
        event = np.concatenate([event, beam])
        time = np.concatenate([time, rng.uniform(*PILE_UP_NS, len(beam))])
    order = np.argsort(event, kind="stable")
    event, time = event[order], time[order]
    n = len(event)
    return COINCIDENCES.frame(
        {
            "event": event,
            "sector": rng.integers(0, _N_SECTORS, n),
            "pos_x_mm": rng.normal(0.0, 2000.0, n),
            "pos_y_mm": rng.normal(0.0, 2000.0, n),
            "pos_z_mm": rng.uniform(*_Z_MM, n),
            "start_ns": time - rng.uniform(*_BEFORE_NS, n),
            "end_ns": time + rng.uniform(*_AFTER_NS, n),
            "time_ns": time,
            "pes": np.maximum(rng.normal(690.0, 120.0, n), 24.0),
            "nhits": rng.integers(8, 20, n),
            "nlayers": rng.integers(3, 5, n),
            "angle_rad": rng.normal(0.0, 0.5, n),
        }
    )


def _of_particles(rng: np.random.Generator, seen: I8, time_ns: F8) -> tuple[I8, F8]:
    n = len(seen)
    tail = rng.uniform(_MEAN_NS, _TAIL_TO_NS, n)
    ahead = np.where(rng.random(n) < _TAIL, tail, rng.normal(_MEAN_NS, _SIGMA_NS, n))
    first = time_ns[seen] - ahead
    again = np.flatnonzero(rng.random(n) < _SECOND)
    second = first[again] + rng.normal(0.0, _BETWEEN_NS, len(again))
    return np.concatenate([seen, seen[again]]), np.concatenate([first, second])


@tag(stage="veto")
def expected_vetoed(
    kind: str,
    veto_inefficiency: float,
    pile_up_per_event: float,
    particle_time_ns: F8,
) -> float:
    """Events that a window of -150 to 150 ns takes in the mean of what was planted.

    Of the first coincidence and the first passage of each event: P(seen) P(time in the window)
    for cosmic particles; 1 - exp(-rate x overlap) for the beam, the overlap of the window with
    where its coincidences lie. Fits of other passages and second coincidences take some more.
    """
    lo, hi = VETO_NS
    times = particle_time_ns[np.isfinite(particle_time_ns)]
    if kind in _PILE_UP_KINDS:
        rate = pile_up_per_event / (PILE_UP_NS[1] - PILE_UP_NS[0])
        ends = np.clip([times - hi, times - lo], *PILE_UP_NS)
        return float(-np.expm1(-rate * (ends[1] - ends[0])).sum())
    if kind == "signal":
        return 0.0
    tail = (min(hi, _TAIL_TO_NS) - _MEAN_NS) / (_TAIL_TO_NS - _MEAN_NS)
    peak = 0.5 * sum(erf(abs(end - _MEAN_NS) / _SIGMA_NS / sqrt(2.0)) for end in VETO_NS)
    inside = _TAIL * tail + (1.0 - _TAIL) * peak
    return len(times) * (1.0 - veto_inefficiency) * inside
