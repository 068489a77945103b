"""Spectra of an output file: energies, light, angular resolution, time of flight.

Ranges come from a sample of the rows, counts from all of them, a bounded number at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...nodes.imaging.spectra import (
    ThinnedValues,
    bin_edges,
    filled,
    flight_axis,
    signed_delta_rad,
)
from ...schemas.histograms import Axis, Histogram
from ...schemas.imaging.codes import GAMMA, NEUTRON, CandidateStatus, Recoil
from .redrawing import target_cm
from .saved import SavedRun

Values = dict[str, np.ndarray]
_ROWS_A_BLOCK: Final = 1 << 17
_SAMPLED_BLOCKS: Final = 8
_SAMPLED_ROWS: Final = 1 << 13
_BINS: Final = (40, 160)
NEUTRONS: Final = "neutrons"
GAMMAS: Final = "gamma rays"


@dataclass(frozen=True)
class Spectrum:
    """Histograms over one axis.

    ``key`` names it in the page, ``needs`` are the datasets it is made of, ``length`` the one
    whose rows are counted, ``read`` gives the values of each curve in rows [begin, end).
    """

    key: str
    title: str
    axis: str
    unit: str
    needs: tuple[str, ...]
    length: str
    read: Callable[[SavedRun, int, int], Values]
    low: float | None = None
    symmetric: bool = False
    note: str = ""


@dataclass(frozen=True)
class FilledSpectrum:
    """A spectrum with its curves by name, and of each curve the values for its quantiles."""

    spectrum: Spectrum
    curves: Mapping[str, Histogram]
    values: Mapping[str, ThinnedValues]


def filled_spectra(saved: SavedRun) -> list[FilledSpectrum]:
    """Every spectrum that the file can tell; curves without a value are left out."""
    found = []
    for spectrum in SPECTRA:
        if not all(name in saved.data for name in spectrum.needs):
            continue
        if spectrum.symmetric and not _has_target(saved):
            continue
        made = _filled(saved, spectrum)
        if made.curves:
            found.append(made)
    return found


def _has_target(saved: SavedRun) -> bool:
    return saved.record.is_ours and bool(np.isfinite(target_cm(saved)).all())


def _filled(saved: SavedRun, spectrum: Spectrum) -> FilledSpectrum:
    n = saved.data.length(spectrum.length)
    sample = [np.zeros(0)]
    for begin, end in _sampled(n):
        sample += list(spectrum.read(saved, begin, end).values())
    edges = bin_edges(
        np.concatenate(sample),
        # Rice's rule gives two times the cube root; these hold peaks as well.
        n_bins=int(np.clip(4.0 * np.cbrt(n), *_BINS)),
        low=spectrum.low,
        symmetric=spectrum.symmetric,
    )
    none = Histogram.empty(Axis(spectrum.key, spectrum.axis, spectrum.unit, edges))
    curves: dict[str, Histogram] = {}
    kept: dict[str, ThinnedValues] = {}
    for begin in range(0, n, _ROWS_A_BLOCK):
        for name, values in spectrum.read(saved, begin, min(begin + _ROWS_A_BLOCK, n)).items():
            curves[name] = filled(curves.get(name, none), values)
            kept[name] = kept.get(name, ThinnedValues.empty()).plus(values)
    return FilledSpectrum(spectrum, {n: h for n, h in curves.items() if h.total}, kept)


def _sampled(n: int) -> Iterator[tuple[int, int]]:
    """Some blocks of rows, evenly spread; all rows where they are few."""
    if n <= _SAMPLED_BLOCKS * _SAMPLED_ROWS:
        yield 0, n
        return
    for begin in np.linspace(0, n - _SAMPLED_ROWS, _SAMPLED_BLOCKS).astype(int):
        yield int(begin), int(begin) + _SAMPLED_ROWS


def _cone_energies(saved: SavedRun, begin: int, end: int) -> Values:
    return _energies_of_cones(saved, "/cones/incident_energy_MeV", begin, end)


def _recoil_energies(saved: SavedRun, begin: int, end: int) -> Values:
    return _energies_of_cones(saved, "/cones/recoil_energy_MeV", begin, end)


def _energies_of_cones(saved: SavedRun, path: str, begin: int, end: int) -> Values:
    values = saved.data.span(path, begin, end)
    species = saved.data.span("/cones/species", begin, end)
    recoil = saved.data.span("/cones/recoil_code", begin, end)
    return {
        **_by_recoil(values, species, recoil),
        f"{NEUTRONS}, unknown recoil": values[(species == NEUTRON) & (recoil == Recoil.none)],
        GAMMAS: values[species == GAMMA],
    }


def _light(saved: SavedRun, begin: int, end: int) -> Values:
    light = saved.data.span("/lm/hit_L_mevee", begin, end)
    kind = saved.data.span("/lm/event_type", begin, end)
    curves = {f"{NEUTRONS}, hit {k + 1}": light[kind == NEUTRON, k] for k in range(2)}
    return curves | {f"{GAMMAS}, hit {k + 1}": light[kind == GAMMA, k] for k in range(3)}


def _hit_light(saved: SavedRun, begin: int, end: int) -> Values:
    return _by_species_of_hit(saved, "/hits/light_MeVee", begin, end)


def _hit_deposits(saved: SavedRun, begin: int, end: int) -> Values:
    return _by_species_of_hit(saved, "/hits/energy_deposited_MeV", begin, end)


def _by_species_of_hit(saved: SavedRun, path: str, begin: int, end: int) -> Values:
    values = saved.data.span(path, begin, end)
    species = saved.data.span("/hits/species", begin, end)
    names = {NEUTRONS: NEUTRON, GAMMAS: GAMMA}
    curves = {name: values[species == code] for name, code in names.items()}
    return curves | {"unknown species": values[(species != NEUTRON) & (species != GAMMA)]}


def _time_of_flight(saved: SavedRun, begin: int, end: int) -> Values:
    times = saved.data.span("/lm/hit_t_ns", begin, end)
    kind = saved.data.span("/lm/event_type", begin, end)
    flight = times[:, 1] - times[:, 0]
    second = times[:, 2] - times[:, 1]
    return {
        f"{NEUTRONS}, t2 − t1": flight[kind == NEUTRON],
        f"{GAMMAS}, t2 − t1": flight[kind == GAMMA],
        f"{GAMMAS}, t3 − t2": second[kind == GAMMA],
    }


def _by_recoil(values: np.ndarray, species: np.ndarray, recoil: np.ndarray) -> Values:
    """The values of neutrons that hit a proton, or carbon."""
    neutron = species == NEUTRON
    return {
        f"{NEUTRONS}, proton": values[neutron & (recoil == Recoil.proton)],
        f"{NEUTRONS}, carbon": values[neutron & (recoil == Recoil.carbon)],
    }


def _resolution_of_cones(saved: SavedRun, begin: int, end: int) -> Values:
    apex, axis, theta = (saved.data.span(path, begin, end) for path in saved.cone_geometry)
    delta = signed_delta_rad(apex, axis, theta, target_cm(saved))
    species = saved.data.span("/cones/species", begin, end)
    recoil = saved.data.span("/cones/recoil_code", begin, end)
    return {**_by_recoil(delta, species, recoil), GAMMAS: delta[species == GAMMA]}


def _resolution_of_hypotheses(saved: SavedRun, begin: int, end: int) -> Values:
    """Of every possible hypothesis, chosen or not: apex and axis from the hits of its event."""
    data = saved.data
    event = data.span("/candidates/event_index", begin, end).astype(np.int64)
    status = data.span("/candidates/status", begin, end)
    possible = np.flatnonzero((status == CandidateStatus.ok) & (event >= 0))
    event = event[possible]
    first, last = (int(event.min()), int(event.max()) + 1) if len(event) else (0, 0)
    position = data.span("/lm/hit_pos_cm", first, last)
    order = data.span("/candidates/hit_order", begin, end)[possible].astype(np.int64)
    row = event - first
    apex, second = position[row, order[:, 0]], position[row, order[:, 1]]
    theta = data.span("/candidates/theta_rad", begin, end)[possible]
    delta = signed_delta_rad(apex, flight_axis(apex, second), theta, target_cm(saved))
    species = data.span("/candidates/species", begin, end)[possible]
    recoil = data.span("/candidates/recoil_code", begin, end)[possible]
    curves = _by_recoil(delta, species, recoil)
    for a in range(3):
        of_order = (species == GAMMA) & (order[:, 0] == a)
        curves[f"{GAMMAS}, hit {a + 1} first"] = delta[of_order]
    return curves


_CONES: Final = ("/cones/species", "/cones/recoil_code")
SPECTRA: Final = (
    Spectrum(
        "incident-energy", "Energy before the first scatter", "incident energy", "MeV",
        (*_CONES, "/cones/incident_energy_MeV"), "/cones/species", _cone_energies, low=0.0,
        note="Of the cones that were kept.",
    ),
    Spectrum(
        "recoil-energy", "Energy given at the first scatter", "recoil energy", "MeV",
        (*_CONES, "/cones/recoil_energy_MeV"), "/cones/species", _recoil_energies, low=0.0,
        note="Of the cones that were kept; for gamma rays given to the electron.",
    ),
    Spectrum(
        "event-light", "Light of the hits of events", "light", "MeVee",
        ("/lm/hit_L_mevee", "/lm/event_type"), "/lm/event_type", _light, low=0.0,
        note="Of the events that passed the cuts; hits in order of time.",
    ),
    Spectrum(
        "hit-light", "Light of all hits", "light", "MeVee",
        ("/hits/light_MeVee", "/hits/species"), "/hits/species", _hit_light, low=0.0,
        note="Before the cuts.",
    ),
    Spectrum(
        "deposited-energy", "Energy deposited by all hits", "energy deposited", "MeV",
        ("/hits/energy_deposited_MeV", "/hits/species"), "/hits/species", _hit_deposits, low=0.0,
        note="Before the cuts, where the input says it.",
    ),
    Spectrum(
        "time-of-flight", "Time of flight", "time between hits", "ns",
        ("/lm/hit_t_ns", "/lm/event_type"), "/lm/event_type", _time_of_flight,
        note="Of the events that passed the cuts.",
    ),
    Spectrum(
        "resolution-cones", "Angular resolution of the cones", "φ − θ", "rad",
        (*_CONES, "/cones/theta_rad"), "/cones/species", _resolution_of_cones, symmetric=True,
        note=(
            "φ: angle from the axis to the prior's target; θ: opening angle. Of an event's "
            "hypotheses the one nearest to zero was chosen, so this is narrower than the "
            "resolution of the detector."
        ),
    ),
    Spectrum(
        "resolution-hypotheses", "Angular resolution of every hypothesis", "φ − θ", "rad",
        (
            "/candidates/event_index", "/candidates/status", "/candidates/hit_order",
            "/lm/hit_pos_cm",
        ),
        "/candidates/event_index", _resolution_of_hypotheses, symmetric=True,
        note="Every hypothesis that kinematics allow, chosen or not.",
    ),
)  # fmt: skip
"""Every spectrum, in the order of the page."""
