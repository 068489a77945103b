"""Simulated frames as the columns of an EventNtuple: one a leaf, with the numbers of rows below.

A level is what a column has a value of: an event, a fit, a segment, a particle, a coincidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.arrays import I8
from ...schemas.cosmics_simulation import CosmicsSimulationSettings

Columns = dict[str, NDArray[Any]]
_AXES: Final = (("fX", "x"), ("fY", "y"), ("fZ", "z"))
_PBTERR_NS: Final = 10.0
_STOPCODE: Final = 17
_HITS_OFF_FREEDOM: Final = 8
# Relation to the primary: none for all but itself; to the track: the same, else a step a place.
_UNRELATED: Final = -1
_HELIX_ERRORS: Final = {"raderr": 0.5, "lamerr": 0.3, "cxerr": 1.0, "cyerr": 1.0, "phi0err": 0.01}


@dataclass(frozen=True)
class LevelColumns:
    """The columns of one level, and where the rows of each event begin, shape (n_events + 1,)."""

    columns: Columns
    offsets: I8


@dataclass(frozen=True)
class NtupleColumns:
    """All columns of a range of events, by level."""

    levels: tuple[LevelColumns, ...]
    n_events: int

    def baskets(self, n: int) -> Iterator[tuple[Columns, int]]:
        """The columns of n events each, and how many events they are."""
        for first in range(0, self.n_events, n):
            last = min(first + n, self.n_events)
            rows: Columns = {}
            for level in self.levels:
                of_basket = slice(level.offsets[first], level.offsets[last])
                rows |= {name: values[of_basket] for name, values in level.columns.items()}
            yield rows, last - first


def ntuple_columns(
    values: Mapping[str, pd.DataFrame], settings: CosmicsSimulationSettings
) -> NtupleColumns:
    """The columns of the frames ``simulated_events``, ``_fits``, ``_segments``, ``_particles`` and
    ``_coincidences``, by the names of their leaves."""
    events, fits = values["simulated_events"], values["simulated_fits"]
    segments, particles = values["simulated_segments"], values["simulated_particles"]
    coincidences = values["simulated_coincidences"]
    n, n_fits = len(events), len(fits)
    fits_of_event, segments_of_fit = _counts(fits["event"], n), _counts(segments["fit"], n_fits)
    particles_of_fit = _counts(particles["fit"], n_fits)
    fit_offsets = _offsets(fits_of_event)
    levels = (
        LevelColumns(
            _event_columns(events, settings)
            | dict.fromkeys(("tcnt.ntrk", "trk", "trkqual", *_NESTED), fits_of_event)
            | {"crvcoincs": _counts(coincidences["event"], n)},
            np.arange(n + 1),
        ),
        LevelColumns(
            _fit_columns(fits)
            | {"trksegs[]": segments_of_fit, "trksegpars_lh[]": segments_of_fit}
            | {"trkmcsim[]": particles_of_fit},
            fit_offsets,
        ),
        LevelColumns(_segment_columns(segments), _offsets(segments_of_fit)[fit_offsets]),
        LevelColumns(_particle_columns(particles), _offsets(particles_of_fit)[fit_offsets]),
        LevelColumns(
            _coincidence_columns(coincidences), _offsets(_counts(coincidences["event"], n))
        ),
    )
    return NtupleColumns(levels, n)


_NESTED: Final = ("trksegs", "trksegpars_lh", "trkmcsim")


def _counts(parents: pd.Series, n: int) -> I8:
    return np.asarray(np.bincount(parents.to_numpy(), minlength=n), dtype=np.int64)


def _offsets(counts: I8) -> I8:
    return np.concatenate([[0], np.cumsum(counts)])


def _same(value: float, frame: pd.DataFrame) -> NDArray[Any]:
    return np.full(len(frame), value)


def _vector(frame: pd.DataFrame, of: str, leaf: str) -> Columns:
    """The three components of a vector, from columns that begin with ``of``."""
    unit = "MeV" if of == "mom" else "mm"
    return {
        f"{leaf}.fCoordinates.{component}": frame[f"{of}_{axis}_{unit}"].to_numpy()
        for component, axis in _AXES
    }


def _event_columns(events: pd.DataFrame, settings: CosmicsSimulationSettings) -> Columns:
    return {
        "evtinfo.event": events["event"].to_numpy(),
        "evtinfo.run": _same(settings.run_number, events),
        "evtinfo.subrun": _same(settings.subrun, events),
        "evtinfo.nprotons": events["nprotons"].to_numpy(),
        "evtinfo.pbtime": events["pbtime_ns"].to_numpy(),
        "evtinfo.pbterr": _same(_PBTERR_NS, events),
    }


def _fit_columns(fits: pd.DataFrame) -> Columns:
    return {
        "trk.status": _same(0, fits),
        "trk.goodfit": _same(1, fits),
        "trk.pdg": fits["pdg"].to_numpy(),
        "trk.nhits": fits["nhits"].to_numpy(),
        "trk.ndof": fits["nhits"].to_numpy() - _HITS_OFF_FREEDOM,
        "trk.nactive": fits["nactive"].to_numpy(),
        "trk.fitcon": fits["fitcon"].to_numpy(),
        "trkqual.valid": fits["valid"].to_numpy(),
        "trkqual.result": fits["quality"].to_numpy(),
    }


def _segment_columns(segments: pd.DataFrame) -> Columns:
    names = {
        "maxr": "maxr_mm",
        "d0": "d0_mm",
        "rad": "rad_mm",
        "lam": "lam_mm",
        "cx": "cx_mm",
        "cy": "cy_mm",
        "phi0": "phi0_rad",
        "t0": "t0_ns",
        "t0err": "t0err_ns",
    }
    helix = {f"trksegpars_lh.{leaf}": segments[name].to_numpy() for leaf, name in names.items()}
    errors = {
        f"trksegpars_lh.{leaf}": _same(value, segments) for leaf, value in _HELIX_ERRORS.items()
    }
    lam, rad = segments["lam_mm"].to_numpy(), segments["rad_mm"].to_numpy()
    return {
        **_vector(segments, "mom", "trksegs.mom"),
        **_vector(segments, "pos", "trksegs.pos"),
        "trksegs.time": segments["time_ns"].to_numpy(),
        "trksegs.dmom": segments["dmom_MeV"].to_numpy(),
        "trksegs.momerr": segments["momerr_MeV"].to_numpy(),
        "trksegs.inbounds": segments["inbounds"].to_numpy(),
        "trksegs.gap": segments["gap"].to_numpy(),
        "trksegs.early": np.zeros(len(segments), dtype=np.bool_),
        "trksegs.late": np.zeros(len(segments), dtype=np.bool_),
        "trksegs.sid": segments["sid"].to_numpy(),
        "trksegs.sindex": segments["sindex"].to_numpy(),
        **helix,
        **errors,
        "trksegpars_lh.tanDip": lam / rad,
    }


def _particle_columns(particles: pd.DataFrame) -> Columns:
    place = particles["place"].to_numpy()
    last = particles["rank"].to_numpy() < 0
    vectors: Columns = {}
    for leaf in ("mom", "endmom"):
        vectors |= _vector(particles, "mom", f"trkmcsim.{leaf}")
    for leaf in ("pos", "endpos"):
        vectors |= _vector(particles, "pos", f"trkmcsim.{leaf}")
    relations = {
        "prirel._rel": np.where(last, 0, _UNRELATED),
        "prirel._rem": np.where(last, 0, _UNRELATED),
        "trkrel._rel": np.where(place == 0, 0, 2),
        "trkrel._rem": np.where(place == 0, 0, 1),
    }
    return {
        "trkmcsim.valid": np.ones(len(particles), dtype=np.bool_),
        "trkmcsim.id": place + 1,
        "trkmcsim.nhits": particles["nhits"].to_numpy(),
        "trkmcsim.nactive": particles["nhits"].to_numpy(),
        "trkmcsim.rank": particles["rank"].to_numpy(),
        "trkmcsim.pdg": particles["pdg"].to_numpy(),
        "trkmcsim.startCode": particles["startcode"].to_numpy(),
        "trkmcsim.stopCode": _same(_STOPCODE, particles),
        "trkmcsim.gen": particles["gen"].to_numpy(),
        "trkmcsim.time": particles["time_ns"].to_numpy(),
        "trkmcsim.index": place,
        **vectors,
        **{f"trkmcsim.{leaf}": values for leaf, values in relations.items()},
    }


def _coincidence_columns(coincidences: pd.DataFrame) -> Columns:
    names = {
        "sectorType": "sector",
        "timeStart": "start_ns",
        "timeEnd": "end_ns",
        "time": "time_ns",
        "PEs": "pes",
        "nHits": "nhits",
        "nLayers": "nlayers",
        "angle": "angle_rad",
    }
    columns = {f"crvcoincs.{leaf}": coincidences[name].to_numpy() for leaf, name in names.items()}
    return columns | _vector(coincidences, "pos", "crvcoincs.pos")
