"""Fits of a simulated EventNtuple at the surfaces, and the true particles behind them.

The field is 1 T along z: a helix with transverse momentum pT has the radius pT / (c B), and the
azimuth of the momentum grows by z over its pitch.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I8
from ...schemas.cosmics_simulation import PARTICLES, SEGMENTS, CosmicsStreams

_MEV_PER_MM = 0.299792458  # c B, at 1 T
_C_MM_PER_NS = 299.792458
_TRACKER = (0, 1, 2)
_TRACKER_Z_MM = (-1632.0, 4.0, 1635.0)
_SEEN_AT_SURFACE = 0.992
_OTHERS = np.asarray([90, 95, 100, 101, 102, 103, 104])
_OTHERS_Z_MM = -4200.0
_MOST_OTHERS = 5
_FOILS, _N_FOILS = 104, 37
# What a particle loses before the tracker, and the fit's resolution.
_LEAST_LOSS_MEV, _MEAN_LOSS_MEV, _RESOLUTION_MEV = 0.25, 0.55, 0.2
_RESOLUTION_NS = 0.3
_LOSS_MEV_PER_MM = 0.5 / 4200.0
_CENTRE_MM = 0.7
_T0ERR_NS = (0.6, 0.25, 0.05)
_MOMERR_MEV = (0.2, 0.05, 0.005)
_LOST_MEV = 0.2
_COSMIC_GENERATOR, _GUN, _NO_GENERATOR = 38, 2, -1
_PRIMARY_PROCESS = 56
_CONVERSION = 167
_MOST_SECONDARIES = 2
_PRIMARY_P_MEV = 4000.0


@tag(stage="tracks", schema="SimulatedSegments", helper="true")
def drawn_segments(
    simulated_passages: pd.DataFrame, simulated_fits: pd.DataFrame, cosmics_streams: CosmicsStreams
) -> pd.DataFrame:
    """Each fit at the three surfaces of the tracker and at some others, in no order."""
    rng = np.random.default_rng(cosmics_streams.segments)
    fit, sid = _surfaces(rng, len(simulated_fits))
    passage = simulated_fits["passage"].to_numpy()
    of_fit = _rows_of(simulated_passages, passage)
    lost = _LEAST_LOSS_MEV + rng.exponential(_MEAN_LOSS_MEV, len(passage))
    of_fit["p_MeV"] = of_fit["p_MeV"] - lost + rng.normal(0.0, _RESOLUTION_MEV, len(passage))
    of_fit["t0_ns"] = of_fit["t0_ns"] + rng.normal(0.0, _RESOLUTION_NS, len(passage))
    z = _heights_mm(sid)
    helix = _at_surfaces({name: values[fit] for name, values in of_fit.items()}, z, rng)
    n = len(fit)
    return SEGMENTS.frame(
        {
            "fit": fit,
            "sid": sid,
            "sindex": np.where(sid == _FOILS, rng.integers(0, _N_FOILS, n), 0),
            **helix,
            "dmom_MeV": rng.normal(0.0, _LOST_MEV, n),
            "momerr_MeV": _clipped_normal(rng, n, *_MOMERR_MEV),
            "inbounds": rng.random(n) < 0.98,
            "gap": rng.random(n) < 0.01,
            "t0err_ns": _clipped_normal(rng, n, *_T0ERR_NS),
        }
    )


def _surfaces(rng: np.random.Generator, n_fits: int) -> tuple[I8, I8]:
    """Fit and surface of each segment: by fit, the surfaces of a fit in random order."""
    seen = rng.random((n_fits, len(_TRACKER))) < _SEEN_AT_SURFACE
    others = rng.integers(0, _MOST_OTHERS + 1, n_fits)
    fit = np.concatenate([np.nonzero(seen)[0], np.repeat(np.arange(n_fits), others)])
    other = _OTHERS[rng.integers(0, len(_OTHERS), int(others.sum()))]
    sid = np.concatenate([np.nonzero(seen)[1], other])
    order = np.lexsort((rng.random(len(fit)), fit))
    return fit[order], sid[order]


def _heights_mm(sid: I8) -> F8:
    z = np.full(len(sid), _OTHERS_Z_MM)
    for surface, height in zip(_TRACKER, _TRACKER_Z_MM, strict=True):
        z[sid == surface] = height
    return z


def _at_surfaces(of: dict[str, np.ndarray], z: F8, rng: np.random.Generator) -> dict[str, F8]:
    """Columns of the helix of each segment at the height ``z``, from columns of its passage."""
    direction = of["direction"]
    p = of["p_MeV"] - direction * z * _LOSS_MEV_PER_MM
    transverse = p / np.sqrt(1.0 + of["slope"] ** 2)
    along = direction * of["slope"] * transverse
    rad, lam = transverse / _MEV_PER_MM, along / _MEV_PER_MM
    centre = rad + np.where(of["outside"], of["d0_mm"], -of["d0_mm"])
    cx = centre * np.cos(of["centre_rad"]) + rng.normal(0.0, _CENTRE_MM, len(z))
    cy = centre * np.sin(of["centre_rad"]) + rng.normal(0.0, _CENTRE_MM, len(z))
    phi = of["phi0_rad"] + z / lam
    found = np.hypot(cx, cy)
    return {
        "time_ns": of["t0_ns"] + z / (_C_MM_PER_NS * along / p),
        "mom_x_MeV": transverse * np.cos(phi),
        "mom_y_MeV": transverse * np.sin(phi),
        "mom_z_MeV": along,
        "pos_x_mm": cx + rad * np.sin(phi),
        "pos_y_mm": cy - rad * np.cos(phi),
        "pos_z_mm": z,
        "maxr_mm": found + rad,
        "d0_mm": np.abs(found - rad),
        "rad_mm": rad,
        "lam_mm": lam,
        "cx_mm": cx,
        "cy_mm": cy,
        "phi0_rad": of["phi0_rad"],
        "t0_ns": of["t0_ns"],
    }


def _rows_of(frame: pd.DataFrame, rows: I8) -> dict[str, np.ndarray]:
    return {str(name): frame[name].to_numpy()[rows] for name in frame}


def _clipped_normal(
    rng: np.random.Generator, n: int, mean: float, sigma: float, least: float
) -> F8:
    return np.asarray(np.maximum(rng.normal(mean, sigma, n), least))


@tag(stage="tracks", schema="SimulatedParticles", helper="true")
def drawn_particles(
    simulated_passages: pd.DataFrame, simulated_fits: pd.DataFrame, cosmics_streams: CosmicsStreams
) -> pd.DataFrame:
    """The chain behind each fit: the particle with its hits, up to two with one, the primary."""
    rng = np.random.default_rng(cosmics_streams.particles)
    length = 2 + rng.integers(0, _MOST_SECONDARIES + 1, len(simulated_fits))
    fit = np.repeat(np.arange(len(simulated_fits)), length)
    place = np.arange(len(fit)) - np.repeat(np.cumsum(length) - length, length)
    first, last = place == 0, place == length[fit] - 1
    passage = simulated_fits["passage"].to_numpy()[fit]
    of = _rows_of(simulated_passages, passage)
    conversion = of["startcode"] == _CONVERSION
    p = np.where(first, of["p_MeV"], rng.exponential(np.where(last, _PRIMARY_P_MEV, 5.0)))
    angles = _directions(of, first, rng)
    mom = {f"mom_{axis}_MeV": p * angles[k] for k, axis in enumerate("xyz")}
    pos = {f"pos_{axis}_mm": rng.normal(0.0, 300.0, len(fit)) for axis in "xyz"}
    return PARTICLES.frame(
        {
            "fit": fit,
            "place": place,
            "nhits": np.where(first, simulated_fits["nactive"].to_numpy()[fit], 1 - 2 * last),
            "rank": np.where(last, -1, place),
            "pdg": np.where(first, of["pdg"], np.where(last, of["primary_pdg"], 11)),
            "startcode": np.where(first, of["startcode"], _PRIMARY_PROCESS),
            "gen": np.where(last, np.where(conversion, _GUN, _COSMIC_GENERATOR), _NO_GENERATOR),
            "time_ns": of["t0_ns"],
            **mom,
            **pos,
        }
    )


def _directions(of: dict[str, np.ndarray], first: np.ndarray, rng: np.random.Generator) -> F8:
    """Unit vectors, shape (3, n): of the passage for the particle itself, others at random."""
    any_cos = rng.uniform(-1.0, 1.0, len(first))
    cos = np.where(first, of["direction"] * of["slope"] / np.sqrt(1 + of["slope"] ** 2), any_cos)
    phi = np.where(first, of["phi0_rad"], 2.0 * np.pi * rng.random(len(first)))
    sin = np.sqrt(1.0 - cos * cos)
    return np.stack([sin * np.cos(phi), sin * np.sin(phi), cos])
