"""What the kinds edge and odd do to fits, segments, particles and coincidences, and the sums.

The thresholds of edge are those that analyses usually have; they are told here as numbers, so
that no selection is asked. Values are float32 where the file has float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I8, Mask
from ...schemas.cosmics_simulation import (
    COINCIDENCES,
    FITS,
    PARTICLES,
    SEGMENTS,
    CosmicsStreams,
    SimulatedSums,
)
from ...schemas.sources import EventRange
from ...schemas.tables import rows_of

Columns = dict[str, np.ndarray]
_FRONT, _MIDDLE = 0, 1
_ON_EDGE = 0.4
_EDGES: Final = MappingProxyType(
    {
        "quality": (0.8, 0.2),
        "nactive": (20,),
        "time_ns": (640.0, 1650.0),
        "t0err_ns": (0.9,),
        "d0_mm": (100.0,),
        "maxr_mm": (450.0, 680.0),
        "start_ns": (420.0,),
        "end_ns": (1700.0,),
    }
)
# Momenta (MeV/c) whose length in float32 is exactly 85, 100, 110, 200, 103.6 and 104.9, and whose
# slope lies between the edges of the pitch; then two whose slope is exactly 0.5 and 1.
_EXACT_MOMENTA_MEV = np.asarray(
    [
        (58.9, 31.1, 52.807),
        (38.5, 76.6, 51.48),
        (24.6, 81.8, 69.308),
        (50.1, 150.1, 122.311),
        (70.1, 31.0, 69.699),
        (73.2, 31.7, 68.124),
        (60.0, 80.0, 50.0),
        (42.0, 56.0, 70.0),
    ],
    dtype=np.float32,
)
_VETO_DT_NS = np.asarray([-150.0, 0.0, 150.0])
# Times in steps that float32 holds, so that a difference may be exact.
_STEP_NS = 0.0625
_ODD = 0.15
_ODD_NAN = 0.05


@tag(stage="kinds", schema="SimulatedFits")
def simulated_fits(
    kind: str, drawn_fits: pd.DataFrame, cosmics_streams: CosmicsStreams
) -> pd.DataFrame:
    """The fits by event; edge: quality and active hits on thresholds; odd: quality NaN."""
    rng = _stream(cosmics_streams, 0)
    columns = _copied(drawn_fits)
    if kind == "edge":
        for name in ("quality", "nactive"):
            _put_on_edges(rng, columns, name)
    elif kind == "odd":
        _put_nan(rng, columns, ["quality"])
    return FITS.frame(columns)


@tag(stage="kinds", schema="SimulatedSegments")
def simulated_segments(
    kind: str,
    simulated_fits: pd.DataFrame,
    drawn_segments: pd.DataFrame,
    cosmics_streams: CosmicsStreams,
) -> pd.DataFrame:
    """The segments by fit; edge: on thresholds; odd: none, twice, NaN, no transverse momentum."""
    rng = _stream(cosmics_streams, 1)
    alter = _SEGMENTS.get(kind)
    return drawn_segments if alter is None else alter(rng, drawn_segments, len(simulated_fits))


@tag(stage="kinds", schema="SimulatedParticles")
def simulated_particles(
    kind: str,
    simulated_fits: pd.DataFrame,
    drawn_particles: pd.DataFrame,
    cosmics_streams: CosmicsStreams,
) -> pd.DataFrame:
    """The true particles by fit; odd: none behind some fits, as many hits of two behind others."""
    if kind != "odd":
        return drawn_particles
    rng = _stream(cosmics_streams, 2)
    draw = rng.random(len(simulated_fits))[drawn_particles["fit"].to_numpy()]
    kept = rows_of(drawn_particles, draw >= _ODD)
    place = kept["place"].to_numpy()
    tied = np.flatnonzero((place == 0) & (draw[draw >= _ODD] < 2.0 * _ODD))
    columns = _with_copies(_copied(kept), tied)
    # The first of the two is the copy.
    copies = tied + np.arange(len(tied))
    columns["pdg"][copies] = 13
    fit = columns["fit"]
    columns["place"] = np.arange(len(fit)) - np.searchsorted(fit, fit)
    return PARTICLES.frame(columns)


@tag(stage="kinds", schema="SimulatedCoincidences")
def simulated_coincidences(
    kind: str,
    event_range: EventRange,
    simulated_fits: pd.DataFrame,
    simulated_segments: pd.DataFrame,
    drawn_coincidences: pd.DataFrame,
    cosmics_streams: CosmicsStreams,
) -> pd.DataFrame:
    """The coincidences by event; edge: on thresholds and exactly off the track; odd: NaN."""
    rng = _stream(cosmics_streams, 3)
    columns = _copied(drawn_coincidences)
    if kind == "edge":
        for name in ("start_ns", "end_ns"):
            _put_on_edges(rng, columns, name)
        track = _middle_time_ns(event_range.n_events, simulated_fits, simulated_segments)
        track = track[columns["event"]]
        off = track - _VETO_DT_NS[rng.integers(0, len(_VETO_DT_NS), len(track))]
        moved = (rng.random(len(track)) < _ON_EDGE) & np.isfinite(track)
        columns["time_ns"] = np.where(moved, off, columns["time_ns"])
    elif kind == "odd":
        _put_nan(rng, columns, ["time_ns", "start_ns", "end_ns"])
    return COINCIDENCES.frame(columns)


@tag(stage="kinds")
def simulated_sums(
    simulated_events: pd.DataFrame,
    simulated_fits: pd.DataFrame,
    simulated_segments: pd.DataFrame,
    simulated_particles: pd.DataFrame,
    simulated_coincidences: pd.DataFrame,
    expected_vetoed: float,
) -> SimulatedSums:
    """Sums of what was drawn."""
    px = simulated_segments["mom_x_MeV"].to_numpy().astype(np.float64)
    return SimulatedSums(
        n_events=len(simulated_events),
        n_fits=len(simulated_fits),
        n_segments=len(simulated_segments),
        n_particles=len(simulated_particles),
        n_coincidences=len(simulated_coincidences),
        n_seen=int(simulated_events["seen"].sum()),
        sum_pdg=int(simulated_fits["pdg"].sum()),
        sum_sid=int(simulated_segments["sid"].sum()),
        sum_px_MeV=float(np.nansum(px)),
        expected_vetoed=expected_vetoed,
    )


def _stream(streams: CosmicsStreams, k: int) -> np.random.Generator:
    """A generator of its own for each frame, the same however often it is asked for."""
    entropy = streams.alterations.generate_state(4)
    return np.random.default_rng(np.random.SeedSequence((*entropy.tolist(), k)))


def _copied(frame: pd.DataFrame) -> Columns:
    return {str(name): frame[name].to_numpy().copy() for name in frame}


def _put_on_edges(
    rng: np.random.Generator, columns: Columns, name: str, where: Mask | None = None
) -> None:
    """A share of the values of a column becomes exactly a threshold."""
    values = columns[name]
    edges = np.asarray(_EDGES[name], dtype=values.dtype)
    put = rng.random(len(values)) < _ON_EDGE
    if where is not None:
        put &= where
    columns[name] = np.where(put, edges[rng.integers(0, len(edges), len(values))], values)


def _put_nan(rng: np.random.Generator, columns: Columns, names: list[str]) -> None:
    for name in names:
        values = columns[name]
        columns[name] = np.where(rng.random(len(values)) < _ODD_NAN, np.nan, values)


def _with_copies(columns: Columns, rows: I8) -> Columns:
    """Each of ``rows`` stands a second time, right behind itself."""
    times = np.ones(len(columns["fit"]), dtype=np.int64)
    times[rows] = 2
    return {name: np.repeat(values, times) for name, values in columns.items()}


def _edge_segments(rng: np.random.Generator, drawn: pd.DataFrame, n_fits: int) -> pd.DataFrame:
    columns = _copied(drawn)
    columns["time_ns"] = np.rint(columns["time_ns"] / _STEP_NS) * _STEP_NS
    sid = columns["sid"]
    for name, at in (
        *(("time_ns", _MIDDLE), ("t0err_ns", _MIDDLE)),
        *(("d0_mm", _FRONT), ("maxr_mm", _FRONT)),
    ):
        _put_on_edges(rng, columns, name, sid == at)
    exact = (rng.random(len(sid)) < _ON_EDGE) & (sid == _FRONT)
    which = _EXACT_MOMENTA_MEV[rng.integers(0, len(_EXACT_MOMENTA_MEV), len(sid))]
    for k, axis in enumerate("xyz"):
        name = f"mom_{axis}_MeV"
        sign = np.sign(columns["lam_mm"]) if axis == "z" else np.float32(1.0)
        columns[name] = np.where(exact, which[:, k] * sign, columns[name])
    return SEGMENTS.frame(columns)


def _odd_segments(rng: np.random.Generator, drawn: pd.DataFrame, n_fits: int) -> pd.DataFrame:
    bare = rng.random(n_fits) < _ODD
    kept = rows_of(drawn, ~bare[drawn["fit"].to_numpy()])
    twice = np.flatnonzero((kept["sid"] <= _MIDDLE).to_numpy() & (rng.random(len(kept)) < _ODD))
    columns = _with_copies(_copied(kept), twice)
    second = twice + 1 + np.arange(len(twice))
    columns["time_ns"][second] += 2.0
    columns["mom_z_MeV"][second] *= np.float32(0.97)
    columns["d0_mm"][second] += np.float32(30.0)
    columns["maxr_mm"][second] += np.float32(40.0)
    _put_nan(rng, columns, ["time_ns", "mom_z_MeV", "maxr_mm", "d0_mm", "t0err_ns"])
    still = rng.random(len(columns["fit"])) < _ODD_NAN
    for name in ("mom_x_MeV", "mom_y_MeV"):
        columns[name] = np.where(still, np.float32(0.0), columns[name])
    return SEGMENTS.frame(columns)


_SEGMENTS: Mapping[str, Callable[[np.random.Generator, pd.DataFrame, int], pd.DataFrame]] = (
    MappingProxyType({"edge": _edge_segments, "odd": _odd_segments})
)


def _middle_time_ns(n_events: int, fits: pd.DataFrame, segments: pd.DataFrame) -> F8:
    """Time of an electron fit of each event at the middle of the tracker; NaN without one."""
    times = np.full(n_events, np.nan)
    fit = segments["fit"].to_numpy()
    wanted = (segments["sid"].to_numpy() == _MIDDLE) & (fits["pdg"].to_numpy()[fit] == 11)
    times[fits["event"].to_numpy()[fit[wanted]]] = segments["time_ns"].to_numpy()[wanted]
    return times
