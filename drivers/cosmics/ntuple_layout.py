"""What a simulated EventNtuple is made of: its branches, classes and members, by release.

Reference: Mu2e/EventNtuple, inc/ (TrkInfo, TrkSegInfo, LoopHelixInfo, SimInfo, CrvHitInfoReco).
Files of the experiment have more members of each.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from ..rootfile.branches import Content, NestedVector, Number, SplitObject, SplitVector
from ..rootfile.structs import Struct

TITLE: Final = "Mu2e Event Ntuple"
RELEASES: Final = MappingProxyType({"v6_03": (6, 3, 0), "v6_06": (6, 6, 0)})
"""Major, minor and patch of the releases."""


def _members(names: str, kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name in names.split())


_CARTESIAN: Final = Struct("ROOT::Math::Cartesian3D<float>", _members("fX fY fZ", "f4"))
_VECTOR: Final = Struct(
    "ROOT::Math::DisplacementVector3D<ROOT::Math::Cartesian3D<float>,"
    "ROOT::Math::DefaultCoordinateSystemTag>",
    (("fCoordinates", _CARTESIAN),),
)
_RELATIONSHIP: Final = Struct("mu2e::MCRelationship", _members("_rel _rem", "i1"))
_EVENT: Final = Struct(
    "mu2e::EventInfo",
    (*_members("event run subrun nprotons", "i4"), *_members("pbtime pbterr", "f4")),
)
_TRACK: Final = Struct(
    "mu2e::TrkInfo", (*_members("status goodfit pdg nhits ndof nactive", "i4"), ("fitcon", "f4"))
)
_QUALITY: Final = Struct("mu2e::MVAResultInfo", (("valid", "bool"), ("result", "f4")))
_COINCIDENCE: Final = Struct(
    "mu2e::CrvHitInfoReco",
    (
        ("sectorType", "i4"),
        ("pos", _VECTOR),
        *_members("timeStart timeEnd time PEs", "f4"),
        *_members("nHits nLayers", "i4"),
        ("angle", "f4"),
    ),
)
_HELIX: Final = Struct(
    "mu2e::LoopHelixInfo",
    _members("maxr d0 tanDip rad lam cx cy phi0 t0 raderr lamerr cxerr cyerr phi0err t0err", "f4"),
)
_PARTICLE: Final = Struct(
    "mu2e::SimInfo",
    (
        ("valid", "bool"),
        *_members("id nhits nactive rank pdg startCode stopCode gen", "i4"),
        ("time", "f4"),
        ("index", "i4"),
        *((name, _VECTOR) for name in ("mom", "pos", "endmom", "endpos")),
        ("prirel", _RELATIONSHIP),
        ("trkrel", _RELATIONSHIP),
    ),
)


def _segment(release: str) -> Struct:
    bits = "inbounds gap early late" if release == "v6_03" else "inbounds gap"
    return Struct(
        "mu2e::TrkSegInfo",
        (
            ("mom", _VECTOR),
            ("pos", _VECTOR),
            ("time", "f8"),
            *_members("dmom momerr", "f4"),
            *_members(bits, "bool"),
            *_members("sid sindex", "i4"),
        ),
    )


def content(release: str) -> tuple[Content, ...]:
    """The branches of ``ntuple`` in a release."""
    return (
        SplitObject("evtinfo", _EVENT),
        Number("tcnt.ntrk"),
        SplitVector("trk", _TRACK),
        SplitVector("trkqual", _QUALITY),
        SplitVector("crvcoincs", _COINCIDENCE),
        NestedVector("trksegs", _segment(release)),
        NestedVector("trksegpars_lh", _HELIX),
        NestedVector("trkmcsim", _PARTICLE),
    )
