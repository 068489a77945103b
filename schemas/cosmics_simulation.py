"""Settings of simulated EventNtuple files, what flows on their edges, and their truth.

Units: ns, mm, MeV (momenta MeV/c). Numbers of events, passages and fits are rows of their frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field

from .settings import Section
from .tables import Column, TableSchema

Kind = Literal["cosmic", "signal", "mix", "edge", "odd"]
Release = Literal["v6_03", "v6_06"]
Share = Annotated[float, Field(ge=0, le=1)]

FIRST_RUNS: Final = {"cosmic": 1202, "signal": 1210, "mix": 1211, "edge": 1212, "odd": 1213}
"""Run number of a kind if none is given: files of two kinds have no event in common."""
VETO_NS: Final = (-150.0, 150.0)
"""The window that expectations are told of: track time at the middle minus coincidence time."""
PILE_UP_NS: Final = (350.0, 1750.0)
"""Where coincidences of the beam lie, and only there."""
LIVETIME_PER_EVENT_S: Final = 0.0724
"""What a generator would have lived to give one event of the file."""
GENERATED_PER_EVENT: Final = 10
"""Generated events for each that reached the file."""


class CosmicsSimulationSettings(Section):
    """One simulated file."""

    kind: Kind = "cosmic"
    """cosmic: particles through the tracker and the veto; signal: conversion electrons; mix:
    those with coincidences of the beam; edge: values on the thresholds of usual cuts; odd: no
    tracks, no segments, a surface twice, ties and empty truth, NaN, no transverse momentum."""
    n_events: int = Field(default=1000, ge=0)
    """Events of the file."""
    run: int | None = Field(default=None, ge=0, le=999_999)
    """Run; none: that of the kind."""
    subrun: int = Field(default=0, ge=0, le=99_999_999)
    """Sub-run; each file is one."""
    seed: int = Field(default=1, ge=0)
    """The same seed gives the same columns."""
    on_spill: bool = True
    """Times of the spill, 475 to 1690 ns; off-spill they reach 100 microseconds."""
    release: Release = "v6_06"
    """Layout: v6_03 has early and late among the members of a segment."""
    format: Literal["ttree", "rntuple"] = "ttree"
    """How ntuple is stored."""
    veto_inefficiency: Share = 0.04
    """Probability that a cosmic particle leaves no coincidence."""
    pile_up_per_event: float = Field(default=2.2, ge=0, le=1000)
    """Mean number of coincidences of the beam in an event of the kinds mix and odd."""
    totals: Literal["subruns", "histograms", "both", "none"] = "both"
    """Where generated and processed events and the livetime stand."""
    basket_events: int = Field(default=1000, ge=1)
    """Events of a basket."""

    @property
    def run_number(self) -> int:
        """Run of the events."""
        return FIRST_RUNS[self.kind] if self.run is None else self.run

    @property
    def file_name(self) -> str:
        """Name of the file: nts.owner.description.config.run_subrun.root."""
        spill = "OnSpill" if self.on_spill else "OffSpill"
        sequencer = f"{self.run_number:06d}_{self.subrun:08d}"
        return f"nts.simulated.{self.kind}-{spill}.{self.release}.{sequencer}.root"


@dataclass(frozen=True)
class CosmicsStreams:
    """Independent seed sequences of a range of events."""

    events: np.random.SeedSequence
    passages: np.random.SeedSequence
    fits: np.random.SeedSequence
    segments: np.random.SeedSequence
    particles: np.random.SeedSequence
    veto: np.random.SeedSequence
    pile_up: np.random.SeedSequence
    alterations: np.random.SeedSequence


PASSAGES: Final = TableSchema(
    "SimulatedPassages",
    "a true particle that goes once through the tracker, by event",
    (
        Column("event", "int64", "", "row of the event", at_least=0),
        Column("direction", "int8", "", "1 downstream, -1 upstream", at_least=-1, at_most=1),
        Column("t0_ns", "float64", "ns", "time at the middle of the tracker"),
        Column("p_MeV", "float64", "MeV/c", "momentum where it came to be", at_least=0),
        Column("slope", "float64", "", "longitudinal over transverse momentum", at_least=0),
        Column("d0_mm", "float64", "mm", "least distance to the axis", at_least=0),
        Column("outside", "bool", "", "the helix does not go round the axis"),
        Column("phi0_rad", "float64", "rad", "azimuth of the momentum at the middle"),
        Column("centre_rad", "float64", "rad", "azimuth of the centre of the helix"),
        Column("pdg", "int32", "", "kind of the particle"),
        Column("startcode", "int32", "", "process that made it"),
        Column("primary_pdg", "int32", "", "kind of the particle that it descends from"),
    ),
)

FITS: Final = TableSchema(
    "SimulatedFits",
    "a fit of a passage under one hypothesis, by event",
    (
        Column("passage", "int64", "", "row of SimulatedPassages", at_least=0),
        Column("event", "int64", "", "row of the event", at_least=0),
        Column("pdg", "int32", "", "hypothesis: 11, -11, 13, -13"),
        Column("nhits", "int32", "", "hits", at_least=0),
        Column("nactive", "int32", "", "hits that the fit uses", at_least=0),
        Column("quality", "float32", "", "answer of the classifier", nullable=True),
        Column("valid", "bool", "", "the classifier could be asked"),
        Column("fitcon", "float32", "", "consistency of the fit", at_least=0, at_most=1),
    ),
)

SEGMENTS: Final = TableSchema(
    "SimulatedSegments",
    "a fit at a surface, by fit",
    (
        Column("fit", "int64", "", "row of SimulatedFits", at_least=0),
        Column("sid", "int32", "", "surface", at_least=0),
        Column("sindex", "int32", "", "foil of the stopping target", at_least=0),
        Column("time_ns", "float64", "ns", "time", nullable=True),
        *(
            Column(f"{of}_{axis}_{unit}", "float32", unit, f"{of} along {axis}", nullable=True)
            for of, unit in (("mom", "MeV"), ("pos", "mm"))
            for axis in "xyz"
        ),
        Column("dmom_MeV", "float32", "MeV/c", "momentum lost at the surface"),
        Column("momerr_MeV", "float32", "MeV/c", "error of the momentum"),
        Column("inbounds", "bool", "", "within the surface"),
        Column("gap", "bool", "", "between parts of the surface"),
        Column("maxr_mm", "float32", "mm", "greatest distance to the axis", nullable=True),
        Column("d0_mm", "float32", "mm", "least distance to the axis", nullable=True),
        Column("rad_mm", "float32", "mm", "radius of the helix"),
        Column("lam_mm", "float32", "mm", "pitch of the helix over 2 pi"),
        Column("cx_mm", "float32", "mm", "centre of the helix, x"),
        Column("cy_mm", "float32", "mm", "centre of the helix, y"),
        Column("phi0_rad", "float32", "rad", "azimuth at t0"),
        Column("t0_ns", "float32", "ns", "time at the middle of the tracker"),
        Column("t0err_ns", "float32", "ns", "error of t0", nullable=True),
    ),
)

PARTICLES: Final = TableSchema(
    "SimulatedParticles",
    "a true particle behind a fit: that with hits, others with one, the primary; by fit",
    (
        Column("fit", "int64", "", "row of SimulatedFits", at_least=0),
        Column("place", "int32", "", "in the chain, from 0", at_least=0),
        Column("nhits", "int32", "", "hits of the fit, -1 for the primary", at_least=-1),
        Column("rank", "int32", "", "0 most hits, -1 for the primary", at_least=-1),
        Column("pdg", "int32", "", "kind"),
        Column("startcode", "int32", "", "process that made it"),
        Column("gen", "int32", "", "generator, -1 for none"),
        Column("time_ns", "float32", "ns", "when it came to be"),
        *(Column(f"mom_{axis}_MeV", "float32", "MeV/c", f"momentum, {axis}") for axis in "xyz"),
        *(Column(f"pos_{axis}_mm", "float32", "mm", f"place, {axis}") for axis in "xyz"),
    ),
)

COINCIDENCES: Final = TableSchema(
    "SimulatedCoincidences",
    "a coincidence of the veto, by event",
    (
        Column("event", "int64", "", "row of the event", at_least=0),
        Column("sector", "int32", "", "sector of the veto", at_least=0),
        *(Column(f"pos_{axis}_mm", "float32", "mm", f"place, {axis}") for axis in "xyz"),
        Column("start_ns", "float32", "ns", "begin", nullable=True),
        Column("end_ns", "float32", "ns", "end", nullable=True),
        Column("time_ns", "float32", "ns", "time", nullable=True),
        Column("pes", "float32", "", "photo-electrons", at_least=0),
        Column("nhits", "int32", "", "hits", at_least=0),
        Column("nlayers", "int32", "", "layers", at_least=0),
        Column("angle_rad", "float32", "rad", "slope of the hits"),
    ),
)

SIMULATED_EVENTS: Final = TableSchema(
    "SimulatedEvents",
    "an event",
    (
        Column("event", "int32", "", "number of the event, from 1", at_least=1),
        Column("nprotons", "int32", "", "protons on target", at_least=0),
        Column("pbtime_ns", "float32", "ns", "time of the proton bunch"),
        Column("seen", "bool", "", "the veto saw the cosmic particle; false if there is none"),
    ),
)


@dataclass(frozen=True)
class SimulatedSums:
    """Sums over a range of events of what was drawn; NaN left out. Adding two gives both."""

    n_events: int
    n_fits: int
    n_segments: int
    n_particles: int
    n_coincidences: int
    n_seen: int
    sum_pdg: int
    sum_sid: int
    sum_px_MeV: float
    expected_vetoed: float
    """Events that the usual veto window takes, in the mean of what was planted."""

    def __add__(self, other: SimulatedSums) -> SimulatedSums:
        """The sums of both ranges."""
        theirs = vars(other)
        return SimulatedSums(**{name: mine + theirs[name] for name, mine in vars(self).items()})
