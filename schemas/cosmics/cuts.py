"""Cuts as data: the table of those that every analysis has, thresholds, and what is in effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, get_args

Level = Literal["track", "event"]
Quantifier = Literal["all", "any", "none", "exactly"]
Group = Literal["Preselect", "Tracker", "CRV", "Veto", "Momentum"]

TT_FRONT, TT_MID, TT_BACK = 0, 1, 2
ELECTRON: Final = 11
MOST_CUTS: Final = 32
"""Bits of a word: no more cuts can be told apart."""

SEGMENT_QUANTITIES: Final = (
    "p_MeV",
    "pz_MeV",
    "pT_MeV",
    "slope",
    "time_ns",
    "t0err_ns",
    "d0_mm",
    "maxr_mm",
    "momerr_MeV",
)
TRACK_QUANTITIES: Final = ("trkqual", "nactive", "pdg")
COINCIDENCE_QUANTITIES: Final = (
    "coinc_time_ns",
    "coinc_start_ns",
    "coinc_end_ns",
    "coinc_x_mm",
    "coinc_y_mm",
    "coinc_z_mm",
    "coinc_pes",
    "coinc_nhits",
    "coinc_nlayers",
    "coinc_sector",
)
EVENT_QUANTITIES: Final = ("nfits", "dT_ns", *COINCIDENCE_QUANTITIES)
QUANTITIES: Final = (*SEGMENT_QUANTITIES, *TRACK_QUANTITIES, *EVENT_QUANTITIES)


@dataclass(frozen=True)
class Cut:
    """One cut: a condition on a quantity of a track, of its segments, or of its event.

    Attributes
    ----------
    name, group, level
        As the tables show them.
    quantity
        What is compared: one of QUANTITIES, or a word of its own for what is no comparison
        ("surfaces", "electron_fits", "truth").
    lo, hi
        Keys of thresholds or numbers; None = unbounded. Both comparisons are strict.
    surfaces
        Numbers of the surfaces whose segments are looked at.
    quantifier, times
        How many of them must satisfy it: all, any, none, or exactly ``times``.
    description
        What it asks for; {lo} and {hi} stand for the thresholds.
    is_default
        Whether it is on without being named.
    only_on_spill
        Whether it does not exist off-spill.
    leaves
        The leaves of the file that it is made of.
    """

    name: str
    group: str
    level: Level
    quantity: str
    description: str
    lo: str | float | None = None
    hi: str | float | None = None
    surfaces: tuple[int, ...] = ()
    quantifier: Quantifier = "all"
    times: int = 1
    is_default: bool = True
    only_on_spill: bool = False
    leaves: tuple[str, ...] = ()


_SID = "trksegs.sid"
_P = (_SID, "trksegs.mom")
CUTS: Final[tuple[Cut, ...]] = (
    Cut("thru_trk", "Preselect", "track", "surfaces",
        "segments at the front, middle and back of the tracker",
        surfaces=(TT_FRONT, TT_MID, TT_BACK), leaves=(_SID,)),
    Cut("is_reco_electron", "Preselect", "track", "pdg",
        "fitted as an electron", leaves=("trk.pdg",)),
    Cut("one_reco_electron", "Preselect", "event", "electron_fits",
        "one electron fit in the event", leaves=("trk.pdg",)),
    Cut("is_downstream", "Preselect", "track", "pz_MeV",
        "pz > 0 through the tracker", lo=0.0,
        surfaces=(TT_FRONT, TT_MID, TT_BACK), leaves=_P),
    Cut("is_truth_electron", "Preselect", "track", "truth",
        "the true particle with most hits has PDG code {track_pdg}",
        leaves=("trkmcsim.nhits", "trkmcsim.pdg")),
    Cut("good_trkqual", "Tracker", "track", "trkqual",
        "track quality > {lo}", lo="lo_trkqual", leaves=("trkqual.result",)),
    Cut("within_t0", "Tracker", "track", "time_ns",
        "{lo} < t0 < {hi} ns at the middle of the tracker", lo="lo_t0_ns", hi="hi_t0_ns",
        surfaces=(TT_MID,), only_on_spill=True, leaves=(_SID, "trksegs.time")),
    Cut("within_t0err", "Tracker", "track", "t0err_ns",
        "error of t0 < {hi} ns at the middle of the tracker", hi="hi_t0err",
        surfaces=(TT_MID,), leaves=(_SID, "trksegpars_lh.t0err")),
    Cut("has_hits", "Tracker", "track", "nactive",
        "more than {lo} active hits", lo="lo_nactive", leaves=("trk.nactive",)),
    Cut("within_d0", "Tracker", "track", "d0_mm",
        "d0 < {hi} mm at the front of the tracker", hi="hi_d0_mm",
        surfaces=(TT_FRONT,), leaves=(_SID, "trksegpars_lh.d0")),
    Cut("within_pitch_angle_lo", "Tracker", "track", "slope",
        "pz/pT > {lo} at the front of the tracker", lo="lo_pitch_angle",
        surfaces=(TT_FRONT,), leaves=_P),
    Cut("within_pitch_angle_hi", "Tracker", "track", "slope",
        "pz/pT < {hi} at the front of the tracker", hi="hi_pitch_angle",
        surfaces=(TT_FRONT,), leaves=_P),
    Cut("within_lhr_max_lo", "Tracker", "track", "maxr_mm",
        "greatest radius of the helix > {lo} mm", lo="lo_maxr_mm",
        surfaces=(TT_FRONT,), is_default=False, leaves=(_SID, "trksegpars_lh.maxr")),
    Cut("within_lhr_max_hi", "Tracker", "track", "maxr_mm",
        "greatest radius of the helix < {hi} mm", hi="hi_maxr_mm",
        surfaces=(TT_FRONT,), leaves=(_SID, "trksegpars_lh.maxr")),
    Cut("within_coinc_start_time", "CRV", "event", "coinc_start_ns",
        "every coincidence begins after {lo} ns", lo="lo_crv_start_ns",
        is_default=False, leaves=("crvcoincs.timeStart",)),
    Cut("within_coinc_end_time", "CRV", "event", "coinc_end_ns",
        "every coincidence ends before {hi} ns", hi="hi_crv_end_ns",
        is_default=False, leaves=("crvcoincs.timeEnd",)),
    Cut("unvetoed", "Veto", "event", "dT_ns",
        "no coincidence with {lo} < dT < {hi} ns", lo="lo_veto_dt_ns", hi="hi_veto_dt_ns",
        surfaces=(TT_MID,), quantifier="none",
        leaves=(_SID, "trksegs.time", "trk.pdg", "crvcoincs.time")),
    Cut("within_wide_win", "Momentum", "track", "p_MeV",
        "wide window: {lo} < p < {hi} MeV/c", lo="lo_wide_win_mevc", hi="hi_wide_win_mevc",
        surfaces=(TT_FRONT,), leaves=_P),
    Cut("within_ext_win", "Momentum", "track", "p_MeV",
        "extended window: {lo} < p < {hi} MeV/c", lo="lo_ext_win_mevc", hi="hi_ext_win_mevc",
        surfaces=(TT_FRONT,), leaves=_P),
    Cut("within_sig_win", "Momentum", "track", "p_MeV",
        "signal window: {lo} < p < {hi} MeV/c", lo="lo_sig_win_mevc", hi="hi_sig_win_mevc",
        surfaces=(TT_FRONT,), leaves=_P),
)  # fmt: skip
BIT_OF: Final[Mapping[str, int]] = MappingProxyType({cut.name: i for i, cut in enumerate(CUTS)})
GROUPS: Final[tuple[str, ...]] = get_args(Group)

DEFAULT_THRESHOLDS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "track_pdg": 11,
        "lo_trkqual": 0.8,
        "lo_t0_ns": 640.0,
        "hi_t0_ns": 1650.0,
        "hi_t0err": 0.9,
        "lo_nactive": 20,
        "hi_d0_mm": 100.0,
        "lo_pitch_angle": 0.5,
        "hi_pitch_angle": 1.0,
        "lo_maxr_mm": 450.0,
        "hi_maxr_mm": 680.0,
        "lo_crv_start_ns": 420.0,
        "hi_crv_end_ns": 1700.0,
        "lo_veto_dt_ns": -150.0,
        "hi_veto_dt_ns": 150.0,
        "lo_wide_win_mevc": 85.0,
        "hi_wide_win_mevc": 200.0,
        "lo_ext_win_mevc": 100.0,
        "hi_ext_win_mevc": 110.0,
        "lo_sig_win_mevc": 103.6,
        "hi_sig_win_mevc": 104.9,
    }
)


@dataclass(frozen=True)
class CutInEffect:
    """One cut with its bounds as numbers, and whether it is on.

    ``source`` says where that was decided: the default, a cut set, a toggle.
    """

    cut: Cut
    is_active: bool
    source: str
    lo: float | None = None
    hi: float | None = None
    description: str = ""


@dataclass(frozen=True)
class CutsInEffect:
    """Every cut of a run in its order, on or off.

    Attributes
    ----------
    cutset
        Name of the cut set.
    on_spill
        Whether the data are on-spill.
    cuts
        In the order in which they are evaluated; the place of a cut is its bit.
    thresholds, threshold_sources
        Every threshold, and where its value comes from.
    hash
        xxh3_128 of what decides which tracks pass, hexadecimal.
    warnings
        What was found in the file of cut sets and has no effect.
    """

    cutset: str
    on_spill: bool
    cuts: tuple[CutInEffect, ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    threshold_sources: Mapping[str, str] = field(default_factory=dict)
    hash: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all cuts."""
        return tuple(item.cut.name for item in self.cuts)

    @property
    def active(self) -> tuple[int, ...]:
        """Places of the cuts that are on."""
        return tuple(i for i, item in enumerate(self.cuts) if item.is_active)

    def place(self, name: str) -> int | None:
        """Where a cut stands; None if it does not exist here."""
        return self.names.index(name) if name in self.names else None

    def active_in(self, *groups: str) -> tuple[int, ...]:
        """Places of the cuts of some groups that are on."""
        return tuple(i for i in self.active if self.cuts[i].cut.group in groups)

    def active_outside(self, *groups: str) -> tuple[int, ...]:
        """Places of the cuts that are on and in none of some groups."""
        return tuple(i for i in self.active if self.cuts[i].cut.group not in groups)
