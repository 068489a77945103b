"""The frames of the cosmic-ray graph: columns with type, unit and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..input_files import INPUT_FILES
from ..tables import Column, TableSchema
from ..verdict import CHECKS
from .counts import SELECTIONS

_EVENT_ROW: Final = Column("event_row", "int64", "", "row of events, ascending", at_least=0)
_TRACK_ROW: Final = Column("track_row", "int64", "", "row of tracks, ascending", at_least=0)


def _maybe(name: str, dtype: str, unit: str, description: str) -> Column:
    return Column(name, dtype, unit, description, nullable=True)


_NUMBERS: Final = (
    Column("run", "int32", "", "number of the run"),
    Column("subrun", "int32", "", "number of the subrun"),
)
_FILE: Final = Column("file_index", "int32", "", "place of the file in the input", at_least=0)
EVENT_NUMBERS: Final = TableSchema(
    "EventNumbers",
    "an event",
    (
        Column("entry", "int64", "", "entry in the file", at_least=0),
        *_NUMBERS,
        Column("event", "int32", "", "number of the event"),
    ),
)
EVENTS: Final = TableSchema("Events", "an event", (_FILE, *EVENT_NUMBERS.columns))
TRACKS: Final = TableSchema(
    "Tracks",
    "a fit of one particle hypothesis",
    (
        _EVENT_ROW,
        Column("pdg", "int32", "", "PDG code of the hypothesis"),
        Column("nactive", "int32", "", "active hits"),
        _maybe("trkqual", "float32", "", "track quality from 0 to 1"),
    ),
)
SEGMENTS: Final = TableSchema(
    "Segments",
    "a track at a surface",
    (
        _TRACK_ROW,
        Column("sid", "int32", "", "number of the surface: 0, 1, 2 = front, middle, back"),
        _maybe("time_ns", "float64", "ns", "time at the surface"),
        _maybe("px_MeV", "float32", "MeV", "momentum along x, times c"),
        _maybe("py_MeV", "float32", "MeV", "momentum along y, times c"),
        _maybe("pz_MeV", "float32", "MeV", "momentum along z, times c"),
        _maybe("momerr_MeV", "float32", "MeV", "error of the momentum"),
        _maybe("d0_mm", "float32", "mm", "least distance of the helix from the axis"),
        _maybe("maxr_mm", "float32", "mm", "greatest distance of the helix from the axis"),
        _maybe("t0err_ns", "float32", "ns", "error of the time"),
    ),
)
TRUE_PARTICLES: Final = TableSchema(
    "TrueParticles",
    "a true particle in the chain of a track",
    (
        _TRACK_ROW,
        Column("nhits", "int32", "", "hits on the track; -1 without"),
        Column("pdg", "int32", "", "PDG code"),
        Column("rank", "int32", "", "0 = most hits; -1 = ancestor"),
        Column("startcode", "int32", "", "code of the process that made it"),
        Column("gen", "int32", "", "code of the generator"),
        _maybe("px_MeV", "float32", "MeV", "momentum along x where it began, times c"),
        _maybe("py_MeV", "float32", "MeV", "momentum along y where it began, times c"),
        _maybe("pz_MeV", "float32", "MeV", "momentum along z where it began, times c"),
    ),
)
COINCIDENCES: Final = TableSchema(
    "Coincidences",
    "a coincidence of the veto counters",
    (
        _EVENT_ROW,
        _maybe("time_ns", "float32", "ns", "time"),
        _maybe("start_ns", "float32", "ns", "first hit"),
        _maybe("end_ns", "float32", "ns", "last hit"),
        _maybe("x_mm", "float32", "mm", "x"),
        _maybe("y_mm", "float32", "mm", "y"),
        _maybe("z_mm", "float32", "mm", "z"),
        _maybe("pes", "float32", "", "photoelectrons"),
        Column("nhits", "int32", "", "hits"),
        Column("nlayers", "int32", "", "layers"),
        Column("sector", "int32", "", "sector"),
    ),
)
TRACK_EXTREMES: Final = TableSchema(
    "TrackExtremes",
    "a track",
    (
        _EVENT_ROW,
        Column("pdg", "int32", "", "PDG code of the hypothesis"),
        Column("nactive", "int32", "", "active hits"),
        _maybe("trkqual", "float32", "", "track quality from 0 to 1"),
        Column("is_through", "bool", "", "segments at front, middle and back"),
        Column("is_true_particle", "bool", "", "a true particle with most hits has track_pdg"),
        _maybe("pz_min_MeV", "float32", "MeV", "least pz at front, middle and back"),
        _maybe("t0_min_ns", "float64", "ns", "least time at the middle"),
        _maybe("t0_max_ns", "float64", "ns", "greatest time at the middle"),
        _maybe("t0err_max_ns", "float32", "ns", "greatest error of the time at the middle"),
        _maybe("d0_max_mm", "float32", "mm", "greatest d0 at the front"),
        _maybe("slope_min", "float32", "", "least pz/pT at the front"),
        _maybe("slope_max", "float32", "", "greatest pz/pT at the front"),
        _maybe("maxr_min_mm", "float32", "mm", "least maxr at the front"),
        _maybe("maxr_max_mm", "float32", "mm", "greatest maxr at the front"),
        _maybe("p_min_MeV", "float32", "MeV", "least momentum at the front"),
        _maybe("p_max_MeV", "float32", "MeV", "greatest momentum at the front"),
    ),
)
EVENT_EXTREMES: Final = TableSchema(
    "EventExtremes",
    "an event",
    (
        Column("n_tracks", "int32", "", "fits", at_least=0),
        Column("n_electron_fits", "int32", "", "fits with PDG code 11", at_least=0),
        _maybe("start_min_ns", "float32", "ns", "least start of its coincidences"),
        _maybe("end_max_ns", "float32", "ns", "greatest end of its coincidences"),
    ),
)
VETO_TIMES: Final = TableSchema(
    "VetoTimes",
    "an electron fit's segment at the middle of the tracker and a coincidence of its event",
    (
        _EVENT_ROW,
        Column("track_row", "int64", "", "row of tracks", at_least=0),
        Column("coincidence_row", "int64", "", "row of coincidences", at_least=0),
        _maybe("dT_ns", "float64", "ns", "time of the segment less that of the coincidence"),
    ),
)
SUBRUN_TOTALS: Final = TableSchema(
    "SubrunTotals",
    "a subrun of a file",
    (
        _FILE,
        *_NUMBERS,
        _maybe("generated", "float64", "", "generated events; NaN = not told"),
        _maybe("processed", "float64", "", "processed events; NaN = not told"),
        _maybe("livetime_s", "float64", "s", "live time; NaN = not told"),
    ),
)
SUBRUNS_SEEN: Final = TableSchema(
    "SubrunsSeen",
    "a subrun in a range of events",
    (*_NUMBERS, Column("n_events", "int64", "", "its events there", at_least=1)),
)
FILE_TOTALS: Final = TableSchema(
    "FileTotals",
    "a file",
    (
        _FILE,
        _maybe("generated", "float64", "", "generated events; NaN = not told"),
        _maybe("processed", "float64", "", "processed events; NaN = not told"),
        _maybe("livetime_s", "float64", "s", "live time; NaN = not told"),
        Column("release", "category", "", "release of the format; empty = not told"),
    ),
)
CUT_FLOW: Final = TableSchema(
    "CosmicCutFlow",
    "a cut that is on, in order; before them all events",
    (
        Column("cut", "category", "", "name of the cut"),
        Column("group", "category", "", "its group"),
        Column("level", "category", "", "what it acts on"),
        Column("events", "int64", "", "events with a track that passes every cut so far"),
        Column("tracks", "int64", "", "tracks that pass every cut so far"),
        Column("individual", "int64", "", "events with a track that passes this cut alone"),
        _maybe("n_minus_one", "float64", "", "events with a track that passes all cuts but this"),
        Column("absolute_pct", "float64", "%", "of all events"),
        Column("relative_pct", "float64", "%", "of the events of the row before"),
        Column("absolute_lo_pct", "float64", "%", "lower end of its interval"),
        Column("absolute_hi_pct", "float64", "%", "upper end of its interval"),
        Column("relative_lo_pct", "float64", "%", "lower end of its interval"),
        Column("relative_hi_pct", "float64", "%", "upper end of its interval"),
        Column("not_a_number", "int64", "", "tracks, or events, whose quantity is not a number"),
        Column("description", "category", "", "what it asks for"),
    ),
)
GROUP_FLOW: Final = TableSchema(
    "GroupFlow",
    "a group of cuts, in order; before them all events",
    tuple(
        CUT_FLOW[name]
        for name in ("group", "events", "tracks", "absolute_pct", "relative_pct")
    ),
)  # fmt: skip
WEIGHTED_FLOW: Final = TableSchema(
    "WeightedFlow",
    "a cut that is on, in order; before them all events",
    (
        CUT_FLOW["cut"],
        Column("weighted", "float64", "", "sum of weights of the events so far"),
        Column("weighted_error", "float64", "", "root of the sum of their squares"),
    ),
)
OFF_CUTS: Final = TableSchema(
    "OffCuts",
    "a cut that is off",
    tuple(
        CUT_FLOW[name]
        for name in ("cut", "group", "level", "individual", "not_a_number", "description")
    ),
)  # fmt: skip
EFFECTIVE_CUTS: Final = TableSchema(
    "EffectiveCuts",
    "a cut",
    (
        CUT_FLOW["cut"],
        CUT_FLOW["group"],
        CUT_FLOW["level"],
        Column("active", "bool", "", "whether it is on"),
        Column("source", "category", "", "where that was decided"),
        _maybe("lo", "float64", "", "lower bound, in the unit of the description; NaN = none"),
        _maybe("hi", "float64", "", "upper bound, in the unit of the description; NaN = none"),
        CUT_FLOW["description"],
    ),
)

_SURVIVOR: Final = (
    *EVENTS.columns,
    Column("event_row", "int64", "", "row of events", at_least=0),
    Column("track_row", "int64", "", "row of tracks", at_least=0),
    _maybe("p_MeV", "float32", "MeV", "momentum at the front, times c"),
    _maybe("slope", "float32", "", "pz/pT at the front"),
    _maybe("d0_mm", "float32", "mm", "d0 at the front"),
    _maybe("maxr_mm", "float32", "mm", "greatest radius at the front"),
    _maybe("t0_ns", "float64", "ns", "time at the middle"),
    _maybe("t0err_ns", "float32", "ns", "error of the time at the middle"),
    _maybe("trkqual", "float32", "", "track quality"),
    Column("nactive", "int32", "", "active hits"),
    Column("pdg", "int32", "", "PDG code of the hypothesis"),
    Column("true_pdg", "int32", "", "PDG code of the true particle with most hits; 0 = none"),
    Column("startcode", "int32", "", "code of the process that made it; 0 = none"),
    Column("parent_pdg", "int32", "", "PDG code of the ancestor of most momentum; 0 = none"),
    Column("n_coincidences", "int64", "", "coincidences of the event"),
    _maybe("nearest_dT_ns", "float64", "ns", "time difference of least size; NaN = none"),
    Column("n_fits", "int32", "", "fits of the event"),
    Column("cut_bits", "uint32", "", "cuts that it passes: bit i = cut i of effective_cuts"),
)
UNVETOED_EVENTS: Final = TableSchema("UnvetoedEvents", "a track of Unvetoed", _SURVIVOR)
UNVETOED_COINCIDENCES: Final = TableSchema(
    "UnvetoedCoincidences",
    "a coincidence of an event with a track of Unvetoed",
    (*EVENT_NUMBERS.columns[1:], *COINCIDENCES.columns[1:]),
)
_UNVETOED_TRACK: Final = Column("track", "int64", "", "row of unvetoed_events", at_least=0)
UNVETOED_SEGMENTS: Final = TableSchema(
    "UnvetoedSegments",
    "a track of Unvetoed at a surface",
    (_UNVETOED_TRACK, *SEGMENTS.columns[1:]),
)
UNVETOED_PARTICLES: Final = TableSchema(
    "UnvetoedParticles",
    "a true particle in the chain of a track of Unvetoed",
    (_UNVETOED_TRACK, *TRUE_PARTICLES.columns[1:]),
)
PARENTS: Final = TableSchema(
    "Parents",
    "a kind of ancestor",
    (
        Column("pdg", "int64", "", "PDG code of the ancestor of most momentum; 0 = none"),
        *(Column(name, "int64", "", f"tracks of {name}") for name in SELECTIONS),
    ),
)
VETO_COMBINATIONS: Final = TableSchema(
    "VetoCombinations",
    "an electron fit's segment at the middle of the tracker and a coincidence of its event",
    (
        *EVENT_NUMBERS.columns[1:],
        VETO_TIMES["dT_ns"],
        _maybe("p_MeV", "float32", "MeV", "momentum of the track at the front, times c"),
        *(COINCIDENCES[name] for name in ("time_ns", "z_mm", "pes", "nhits")),
        _SURVIVOR[-1],
    ),
)
DEAD_TIME_CURVE: Final = TableSchema(
    "DeadTimeCurve",
    "a veto window",
    (
        Column("lo_ns", "float64", "ns", "lower edge"),
        Column("hi_ns", "float64", "ns", "upper edge"),
        Column("vetoed", "int64", "", "cosmic-ray events of Select in the window"),
        _maybe("efficiency", "float64", "", "the same as a fraction: the veto efficiency"),
        Column("efficiency_lo", "float64", "", "lower end of its interval"),
        Column("efficiency_hi", "float64", "", "upper end of its interval"),
        Column("dead", "int64", "", "signal events of Select in the window"),
        _maybe("dead_time", "float64", "", "the same as a fraction: the dead time"),
        Column("dead_time_lo", "float64", "", "lower end of its interval"),
        Column("dead_time_hi", "float64", "", "upper end of its interval"),
        _maybe("merit", "float64", "", "efficiency x (1 - dead time)"),
        Column("reaches_target", "bool", "", "whether the efficiency reaches the target"),
        Column("is_narrowest", "bool", "", "the narrowest window that does"),
        Column("is_least_dead", "bool", "", "of all that do the one of least dead time"),
    ),
)
THRESHOLD_SCANS: Final = TableSchema(
    "ThresholdScans",
    "a point of a scan",
    (
        Column("threshold", "category", "", "name of the threshold"),
        Column("value", "float64", "", "its value"),
        Column("second_threshold", "category", "", "name of the second one; empty = none"),
        _maybe("second_value", "float64", "", "its value"),
        Column("events", "int64", "", "events in the last row of the cut flow"),
        Column("selected", "int64", "", "events of Select"),
        Column("unvetoed", "int64", "", "events of Unvetoed"),
        _maybe("veto_efficiency", "float64", "", "1 - unvetoed / selected"),
        Column("veto_efficiency_lo", "float64", "", "lower end of its interval"),
        Column("veto_efficiency_hi", "float64", "", "upper end of its interval"),
    ),
)

TABLES: Final[Mapping[str, TableSchema]] = MappingProxyType(
    {
        table.name: table
        for table in (
            EVENT_NUMBERS,
            EVENTS,
            TRACKS,
            SEGMENTS,
            TRUE_PARTICLES,
            COINCIDENCES,
            TRACK_EXTREMES,
            EVENT_EXTREMES,
            VETO_TIMES,
            SUBRUN_TOTALS,
            SUBRUNS_SEEN,
            FILE_TOTALS,
            PARENTS,
            VETO_COMBINATIONS,
            WEIGHTED_FLOW,
            UNVETOED_EVENTS,
            UNVETOED_COINCIDENCES,
            UNVETOED_SEGMENTS,
            UNVETOED_PARTICLES,
            DEAD_TIME_CURVE,
            THRESHOLD_SCANS,
            CHECKS,
            INPUT_FILES,
            CUT_FLOW,
            GROUP_FLOW,
            OFF_CUTS,
            EFFECTIVE_CUTS,
        )
    }
)
