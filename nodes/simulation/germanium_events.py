"""Simulated germanium events: detectors, energies of a Th-228 source, places, and what is wrong.

The lines are those of schemas/germanium/lines.py; all else is of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, I8
from ...schemas.germanium.lines import ENERGY_LINES
from ...schemas.germanium_simulation import (
    BAD,
    CLASSES,
    GERMANIUM_TRUTH,
    DetectorConstants,
    GermaniumSimulationSettings,
)
from .kernels.germanium import HOLE_MM_NS, LONGEST_MM

# Share of all events, and the probability that such an event is of one place.
_LINES: Final = {
    "238.632": (0.06, 0.8),
    "583.191": (0.07, 0.4),
    "727.33": (0.018, 0.3),
    "860.564": (0.014, 0.25),
    "1592.511": (0.006, 0.97),
    "1620.5": (0.006, 0.095),
    "2103.511": (0.016, 0.06),
    "2614.511": (0.12, 0.11),
}
_ENRICHED: Final = ("1592.511", "1620.5")
_ENRICHMENT: Final = 10.0
# Continua of Compton electrons: of which gamma ray, and their share of what is no line.
_CONTINUA: Final = ((2614.511, 0.70), (583.191, 0.10), (860.564, 0.05))
_CONTINUUM_SINGLE: Final = 0.45
_LEAST_KEV: Final = 150.0
_BACKGROUND_KEV: Final = 900.0
_MASS_KEV: Final = 510.99895
_FANO: Final = 0.122
_PAIR_KEV: Final = 2.96e-3
_DOPPLER_KEV: Final = {"2103.511": 0.95}
_START_NS: Final = (47_000.0, 48_200.0)
_NEAREST_MM: Final = 12.0
_RARE: Final = 0.001
_FIRST_TIME_S: Final = 1.735e9
_GOOD_OF_TRAINING: Final = 0.3
_PULSER_KEV: Final = 3000.0


def detector_constants(settings: GermaniumSimulationSettings, index: int) -> DetectorConstants:
    """The constants of a detector, scattered about usual ones."""
    rng = np.random.default_rng([settings.seed, index, 0])
    tau2, f = (17_600.0, 0.02) if settings.two_poles else (1.0, 0.0)
    return DetectorConstants(
        channel=settings.first_channel + index,
        adc_per_keV=float(6.47 * rng.uniform(0.95, 1.05)),
        tau1_ns=float(439_040.0 * rng.uniform(0.97, 1.03)),
        tau2_ns=tau2,
        frac2=f,
        trapping_per_ns=float(5e-7 * rng.uniform(0.8, 1.2)),
        white_adc=float(18.0 * rng.uniform(0.9, 1.1)),
        flicker_adc=float(3.0 * rng.uniform(0.9, 1.1)),
        walk_adc=1.5,
        baseline_adc=float(14_950.0 + rng.uniform(-100.0, 100.0)),
    )


@dataclass(frozen=True)
class Sites:
    """Places in which events left their energy, the events one after the other.

    ``ends`` (n,) says where those of each event end; distance from the contact in mm, shares of 1.
    """

    ends: I8
    place_mm: F8
    share: F8


@tag(stage="events", helper="true")
def event_lines(settings: GermaniumSimulationSettings, channel_index: int) -> I8:
    """The place of each event's line in ENERGY_LINES; -1 of the continuum."""
    rng = np.random.default_rng([settings.seed, channel_index, 1])
    shares = np.array([_LINES[line.name][0] for line in ENERGY_LINES])
    if settings.enriched:
        more = [line.name in _ENRICHED for line in ENERGY_LINES]
        shares = np.where(more, _ENRICHMENT * shares, shares)
    edges = np.concatenate([[0.0], np.cumsum(shares)])
    u = rng.random(settings.n_events)
    found = np.searchsorted(edges, u, side="right") - 1
    return np.where(found < len(ENERGY_LINES), found, -1).astype(np.int64)


@tag(stage="events", helper="true")
def event_sites(
    settings: GermaniumSimulationSettings, channel_index: int, event_lines: I8
) -> Sites:
    """How often and where each event left energy: one place, or two to four of random shares."""
    rng = np.random.default_rng([settings.seed, channel_index, 2])
    single = np.array([_LINES[line.name][1] for line in ENERGY_LINES] + [_CONTINUUM_SINGLE])
    n = len(event_lines)
    is_single = rng.random(n) < single[event_lines]
    n_sites = np.where(is_single, 1, rng.integers(2, 5, n))
    ends = np.cumsum(n_sites)
    total = int(ends[-1]) if n else 0
    # Places are spread over the volume.
    inner, outer = _NEAREST_MM**3, LONGEST_MM**3
    place = np.cbrt(inner + (outer - inner) * rng.random(total))
    weight = rng.exponential(size=total)
    event = np.repeat(np.arange(n), n_sites)
    share = weight / np.bincount(event, weight, n)[event]
    return Sites(ends, place, share)


@tag(stage="events", schema="GermaniumTruth")
def germanium_truth(
    settings: GermaniumSimulationSettings,
    channel_index: int,
    event_lines: I8,
    event_sites: Sites,
    constants: DetectorConstants,
    pulser_events: NDArray[np.bool_],
) -> pd.DataFrame:
    """What each event is."""
    rng = np.random.default_rng([settings.seed, channel_index, 3])
    n = settings.n_events
    line_keV = np.array([line.energy_keV for line in ENERGY_LINES] + [0.0])[event_lines]
    energy = np.where(event_lines >= 0, line_keV, _continuum(rng, n))
    doppler = np.array([_DOPPLER_KEV.get(line.name, 0.0) for line in ENERGY_LINES] + [0.0])
    deposited = energy + doppler[event_lines] * rng.normal(size=n)
    deposited += np.sqrt(_FANO * _PAIR_KEV * deposited) * rng.normal(size=n)
    n_sites = np.diff(event_sites.ends, prepend=0)
    event = np.repeat(np.arange(n), n_sites)
    drift_of_site = event_sites.place_mm / HOLE_MM_NS
    drift = np.bincount(event, event_sites.share * drift_of_site, n)
    bad = _what_is_wrong(rng, settings, n)
    if settings.baselines:
        deposited, energy, line_keV = (np.zeros(n) for _ in range(3))
    if settings.train:
        deposited = np.where(bad == BAD.index("baseline"), 0.0, deposited)
    deposited, energy = (np.where(pulser_events, _PULSER_KEV, e) for e in (deposited, energy))
    line_keV = np.where(pulser_events, 0.0, line_keV)
    bad = np.where(pulser_events, np.uint8(BAD.index("pulser")), bad)
    trapped = np.where(pulser_events, 0.0, constants.trapping_per_ns * drift)
    return GERMANIUM_TRUTH.frame(
        {
            "energy_keV": energy,
            "deposited_keV": deposited,
            "collected_keV": deposited * (1.0 - trapped),
            "drift_ns": drift,
            "start_ns": rng.uniform(*_START_NS, n),
            "line_keV": line_keV,
            "n_sites": n_sites,
            "bad": bad,
            "baseline_adc": constants.baseline_adc + 5.0 * rng.normal(size=n),
        }
    )


@tag(stage="events", helper="true")
def source_times_s(settings: GermaniumSimulationSettings, channel_index: int) -> F8:
    """Unix time of each event if all are of the source, rising."""
    rng = np.random.default_rng([settings.seed, channel_index, 4])
    waits = rng.exponential(1.0 / settings.rate_Hz, settings.n_events)
    return np.asarray(_FIRST_TIME_S + np.cumsum(waits))


@tag(stage="events", helper="true")
def pulser_events(settings: GermaniumSimulationSettings, source_times_s: F8) -> NDArray[np.bool_]:
    """Which events are of the pulser: the next one after each of its times."""
    found = np.zeros(len(source_times_s), dtype=bool)
    found[_of_pulser(settings, source_times_s)[0]] = True
    return found


@tag(stage="events", helper="true")
def event_times_s(settings: GermaniumSimulationSettings, source_times_s: F8) -> F8:
    """Unix time of each event, rising: those of the pulser come with its period."""
    rows, times = _of_pulser(settings, source_times_s)
    moved = source_times_s.copy()
    moved[rows] = times
    return moved


def _of_pulser(settings: GermaniumSimulationSettings, source_times_s: F8) -> tuple[I8, F8]:
    """Rows of the events of the pulser, and when they are; a row at most once."""
    if not settings.pulser_Hz or not len(source_times_s):
        return np.empty(0, np.int64), np.empty(0)
    n = int((source_times_s[-1] - _FIRST_TIME_S) * settings.pulser_Hz)
    times = _FIRST_TIME_S + np.arange(1, n + 1) / settings.pulser_Hz
    rows, first = np.unique(np.searchsorted(source_times_s, times), return_index=True)
    return rows.astype(np.int64), times[first]


def _what_is_wrong(
    rng: np.random.Generator, settings: GermaniumSimulationSettings, n: int
) -> np.ndarray:
    u = rng.random(n)
    half, rare = settings.bad_fraction / 2.0, _RARE if settings.bad_fraction else 0.0
    edges = np.cumsum([half, half, rare, rare])
    code = np.searchsorted(edges, u, side="right") + 1
    code = np.where(code > len(edges), 0, code)
    if settings.train:
        kinds = np.array([BAD.index(name) for name in CLASSES])
        edges = np.linspace(_GOOD_OF_TRAINING, 1.0, len(CLASSES))
        code = kinds[np.minimum(np.searchsorted(edges, u, side="right"), len(CLASSES) - 1)]
    if settings.baselines:
        code = np.full(n, BAD.index("baseline"))
    return code.astype(np.uint8)


def _continuum(rng: np.random.Generator, n: int) -> F8:
    """Energies of Compton electrons (Klein and Nishina) and of a falling background."""
    share = np.array([part for _, part in _CONTINUA])
    which = np.searchsorted(np.cumsum(share), rng.random(n), side="right")
    energy = _LEAST_KEV + rng.exponential(_BACKGROUND_KEV, n)
    for k, (gamma, _) in enumerate(_CONTINUA):
        own = which == k
        energy[own] = _compton_electrons(rng, gamma, int(own.sum()))
    return energy


def _compton_electrons(rng: np.random.Generator, gamma_keV: float, n: int) -> F8:
    """Kinetic energies of electrons above the threshold, from the inverted distribution."""
    a = gamma_keV / _MASS_KEV
    edge = gamma_keV * 2.0 * a / (1.0 + 2.0 * a)
    t = np.linspace(_LEAST_KEV, edge, 4001)
    s = t / gamma_keV
    density = 2.0 + s**2 / (a**2 * (1.0 - s) ** 2) + s / (1.0 - s) * (s - 2.0 / a)
    total = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    return np.asarray(np.interp(rng.random(n) * total[-1], total, t))
