"""Which histograms there are: their quantity, axis and rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ..histograms import Axis

Rows = Literal["electron", "track", "combination", "event", "coincidence"]


@dataclass(frozen=True)
class HistogramSpec:
    """One histogram over an axis and the selections.

    Attributes
    ----------
    name
        Its name.
    quantity
        What is filled: a name of nodes/cosmics/histograms.py.
    rows
        Of what it has an entry: electron fits at a surface, all tracks, time differences, events,
        or coincidences of events.
    bins, lo, hi
        The axis.
    label, unit
        What stands at it.
    surface
        Number of the surface, for electron fits; -1 = every surface.
    inside
        Thresholds between which an entry must lie to be filled at all; "" = none.
    leaves
        The leaves that it is made of.
    is_asked
        Whether the settings name it: a file without its leaves is then an error.
    """

    name: str
    quantity: str
    rows: Rows
    bins: int
    lo: float
    hi: float
    label: str
    unit: str = ""
    surface: int = 0
    inside: str = ""
    leaves: tuple[str, ...] = ()
    is_asked: bool = False

    @property
    def kind(self) -> str:
        """Of what it has an entry, with the surface of electron fits."""
        return f"electron {self.surface}" if self.rows == "electron" else self.rows

    @property
    def axis(self) -> Axis:
        """The axis with even bins."""
        edges = np.linspace(self.lo, self.hi, self.bins + 1)
        return Axis(self.name, self.label, self.unit, edges)


_P: Final = ("trksegs.sid", "trksegs.mom")
_HELIX: Final = "trksegpars_lh."
_WIDE, _EXT, _SIG = "wide_win_mevc", "ext_win_mevc", "sig_win_mevc"
# The axes of the windows are those of the default thresholds; settings may say another.
HISTOGRAMS: Final[tuple[HistogramSpec, ...]] = (
    HistogramSpec("mom_full", "p_MeV", "electron", 200, 0, 1000, "momentum", "MeV/c", leaves=_P),
    HistogramSpec("mom_wide", "p_MeV", "electron", 115, 85, 200, "momentum", "MeV/c",
                  inside=_WIDE, leaves=_P),
    HistogramSpec("mom_ext", "p_MeV", "electron", 20, 100, 110, "momentum", "MeV/c",
                  inside=_EXT, leaves=_P),
    HistogramSpec("mom_sig", "p_MeV", "electron", 20, 103.6, 104.9, "momentum", "MeV/c",
                  inside=_SIG, leaves=_P),
    HistogramSpec("mom_z", "pz_MeV", "electron", 125, -25, 100, "pz", "MeV/c", leaves=_P),
    HistogramSpec("mom_T", "pT_MeV", "electron", 200, 0, 200, "pT", "MeV/c", leaves=_P),
    HistogramSpec("mom_err", "momerr_MeV", "electron", 120, 0, 3, "error of momentum", "MeV/c",
                  leaves=("trksegs.sid", "trksegs.momerr")),
    HistogramSpec("mom_res", "resolution_MeV", "electron", 140, -5, 2, "momentum less true",
                  "MeV/c", leaves=(*_P, "trkmcsim.mom", "trkmcsim.pdg", "trkmcsim.nhits")),
    HistogramSpec("pitch_angle", "slope", "electron", 400, -1, 3, "pz/pT", leaves=_P),
    HistogramSpec("d0", "d0_mm", "electron", 40, 0, 200, "d0", "mm", leaves=(f"{_HELIX}d0",)),
    HistogramSpec("maxr", "maxr_mm", "electron", 170, 150, 1000, "greatest radius", "mm",
                  leaves=(f"{_HELIX}maxr",)),
    HistogramSpec("sid", "sid", "electron", 201, -0.5, 200.5, "surface", surface=-1,
                  leaves=("trksegs.sid",)),
    HistogramSpec("t0", "time_ns", "electron", 1400, 400, 1800, "t0", "ns", surface=1,
                  leaves=("trksegs.sid", "trksegs.time")),
    HistogramSpec("t0_full", "time_ns", "electron", 1000, 0, 1e5, "t0", "ns", surface=1,
                  leaves=("trksegs.sid", "trksegs.time")),
    HistogramSpec("t0err", "t0err_ns", "electron", 500, 0, 5, "error of t0", "ns", surface=1,
                  leaves=(f"{_HELIX}t0err",)),
    HistogramSpec("dT", "dT_ns", "combination", 500, -200, 300, "dT", "ns",
                  leaves=("trksegs.time", "crvcoincs.time")),
    HistogramSpec("trkqual", "trkqual", "track", 100, 0, 1, "track quality",
                  leaves=("trkqual.result",)),
    HistogramSpec("nactive", "nactive", "track", 101, -0.5, 100.5, "active hits",
                  leaves=("trk.nactive",)),
    HistogramSpec("pdg", "pdg", "track", 41, -20.5, 20.5, "PDG code", leaves=("trk.pdg",)),
    HistogramSpec("trk_per_event", "n_tracks", "event", 6, -0.5, 5.5, "tracks in the event"),
    HistogramSpec("crv_z", "z_mm", "coincidence", 100, -15e3, 10e3, "z of coincidences", "mm",
                  leaves=("crvcoincs.pos.fCoordinates.fZ",)),
    HistogramSpec("coinc_start_time", "start_ns", "coincidence", 100, 0, 2000,
                  "start of coincidences", "ns", leaves=("crvcoincs.timeStart",)),
    HistogramSpec("coinc_end_time", "end_ns", "coincidence", 100, 0, 2000,
                  "end of coincidences", "ns", leaves=("crvcoincs.timeEnd",)),
)  # fmt: skip
