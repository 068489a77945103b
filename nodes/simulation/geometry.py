"""The detector array cut into pieces, and how often scatters are proposed in which piece.

Bars and source come in; the pieces and one flight table per species go out.
"""

from __future__ import annotations

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, Mask, frozen
from ...schemas.simulation import (
    Cells,
    DetectorArray,
    FlightTable,
    GammaSpectrum,
    Scattering,
    Source,
)
from .kinematics import angle_between_rad, klein_nishina
from .sources import source_box_cm

# Pieces are this many times longer than the second longest side of the bar: short enough that
# 1/distance^2 varies little within a pair of pieces, few enough for a table of all pairs.
_PIECE_ASPECT = 2.0
_MOST_PIECES_PER_BAR = 16
# Nearer to the source than this the flux is taken as constant.
_NEAREST_SOURCE_CM = 1.0


@tag(stage="geometry")
def detector_cells(detector: DetectorArray) -> Cells:
    """Bars cut across their long axis."""
    low, size, bar = [], [], []
    for index, b in enumerate(detector.bars):
        side = np.asarray(b.size_cm)
        axis = b.long_axis
        thickness = np.sort(side)[1]
        wanted = int(np.ceil(side[axis] / (_PIECE_ASPECT * thickness)))
        n = min(max(wanted, 1), _MOST_PIECES_PER_BAR)
        piece = side.copy()
        piece[axis] /= n
        corner = np.repeat((np.asarray(b.center_cm) - 0.5 * side)[None, :], n, axis=0)
        corner[:, axis] += piece[axis] * np.arange(n)
        low.append(corner)
        size.append(np.repeat(piece[None, :], n, axis=0))
        bar.append(np.full(n, index, dtype=np.int32))
    return Cells(
        frozen(np.concatenate(low)), frozen(np.concatenate(size)), frozen(np.concatenate(bar))
    )


@tag(stage="geometry")
def neutron_flights(detector_cells: Cells, source: Source, scattering: Scattering) -> FlightTable:
    """One flight, from a bar to another one."""
    allowed = detector_cells.bar[:, None] != detector_cells.bar[None, :]
    likelihood = np.ones((1, *allowed.shape))
    return _flight_table(
        detector_cells, source, allowed, likelihood, scattering.min_neutron_flight_cm
    )


@tag(stage="geometry")
def gamma_flights(
    detector_cells: Cells, source: Source, gamma_spectrum: GammaSpectrum, scattering: Scattering
) -> FlightTable:
    """Two flights, each from a bar to another one.

    A gamma of some MeV scatters forwards: the first flight is proposed by the greatest
    Klein-Nishina likelihood of the angles between two pieces. It falls with the energy, so the
    lowest line bounds all of them, and in the angle it is greatest at one end of the range.
    """
    allowed = detector_cells.bar[:, None] != detector_cells.bar[None, :]
    lowest = np.full(allowed.shape, min(gamma_spectrum.lines_MeV))
    least_angle = _least_first_angle_rad(detector_cells, source)
    backwards = klein_nishina(lowest, np.full(allowed.shape, -1.0))
    first = np.maximum(klein_nishina(lowest, np.cos(least_angle)), backwards)
    likelihood = np.stack([first, np.ones(allowed.shape)])
    return _flight_table(
        detector_cells, source, allowed, likelihood, scattering.min_gamma_flight_cm
    )


def _least_first_angle_rad(cells: Cells, source: Source) -> F8:
    """A lower bound of the first scattering angle between every two pieces, shape (m, m)."""
    center = cells.low_cm + 0.5 * cells.size_cm
    radius = 0.5 * np.sqrt((cells.size_cm**2).sum(axis=1))
    source_low, source_high = source_box_cm(source)
    source_radius = 0.5 * np.sqrt(((source_high - source_low) ** 2).sum())
    arrival = (center - 0.5 * (source_low + source_high)).T[:, :, None]
    flight = (center[None, :] - center[:, None]).transpose(2, 0, 1)
    spread = _spread_rad(arrival, (radius + source_radius)[:, None])
    spread = spread + _spread_rad(flight, radius[:, None] + radius[None, :])
    angle = angle_between_rad(np.broadcast_to(arrival, flight.shape), flight)
    return np.asarray(np.maximum(angle - spread, 0.0))


def _spread_rad(between: F8, radius_cm: F8) -> F8:
    """Greatest angle between a centre line and a line between two balls; pi if they overlap."""
    distance = np.sqrt((between**2).sum(axis=0))
    apart = distance > radius_cm
    sine = np.where(apart, radius_cm / np.where(apart, distance, 1.0), 0.0)
    return np.where(apart, np.arcsin(sine), np.pi)


def _flight_table(
    cells: Cells, source: Source, allowed: Mask, likelihood: F8, min_flight_cm: float
) -> FlightTable:
    """Proposal with density V_i/gap_i^2 V_j/gap_ij^2 L_ij ..., an upper bound of the true one.

    ``likelihood`` L has shape (n_flights, m, m).
    """
    low, high = cells.low_cm, cells.low_cm + cells.size_cm
    source_low, source_high = source_box_cm(source)
    source_gap2 = _gap2(low, high, source_low[None, :], source_high[None, :], _NEAREST_SOURCE_CM)
    gap2 = _gap2(low[:, None], high[:, None], low[None, :], high[None, :], min_flight_cm)
    volume = cells.size_cm.prod(axis=1)
    step = np.where(allowed, volume[None, :] / gap2, 0.0)
    reach = np.ones(len(volume))
    tables = []
    for bound in likelihood[::-1]:
        weight = step * bound * reach[None, :]
        reach = weight.sum(axis=1)
        share = np.cumsum(weight, axis=1) / np.where(reach > 0.0, reach, 1.0)[:, None]
        tables.append((share + np.arange(len(volume))[:, None]).ravel())
    first = np.cumsum(volume / source_gap2 * reach)
    return FlightTable(
        source_gap2_cm2=frozen(source_gap2),
        gap2_cm2=frozen(np.where(allowed, gap2, 0.0)),
        first_cdf=frozen(first / first[-1]),
        next_cdf=frozen(np.stack(tables[::-1])),
        likelihood=frozen(likelihood),
        min_flight_cm=min_flight_cm,
    )


def _gap2(low_a: F8, high_a: F8, low_b: F8, high_b: F8, least_cm: float) -> F8:
    """Square of the least distance of boxes (last axis x, y, z), at least that of least_cm."""
    gap = np.maximum(np.maximum(low_b - high_a, low_a - high_b), 0.0)
    return np.asarray(np.maximum((gap * gap).sum(axis=-1), least_cm**2))
