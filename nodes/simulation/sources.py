"""Places and energies of birth, from uniform numbers that a rejection loop draws.

No graph module: plain functions below the nodes.
"""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8
from ...schemas.simulation import NeutronSpectrum, Source
from .kinematics import CF252_WATT_A_MEV, CF252_WATT_B_PER_MEV, watt_energy_MeV

_DEFAULT_AXES = {"point": (0.0, 0.0, 1.0), "line": (0.0, 1.0, 0.0), "ring": (0.0, 0.0, 1.0)}


def _source_axis(source: Source) -> F8:
    axis = np.asarray(source.axis if source.axis is not None else _DEFAULT_AXES[source.shape])
    return np.asarray(axis / np.sqrt((axis * axis).sum()))


def _alone(source: Source) -> Source:
    return source.model_copy(update={"second_at_cm": None})


def source_points_cm(source: Source, uniform: F8) -> F8:
    """Points of the source, shape (3, n), from one uniform number each."""
    if source.second_at_cm is not None:
        share = source.second_share
        # What is left of the number after the choice is uniform again.
        second, rest = uniform < share, (uniform - share) / (1.0 - share)
        first = source_points_cm(_alone(source), np.clip(rest, 0.0, 1.0))
        return np.where(second, np.asarray(source.second_at_cm)[:, None], first)
    center = np.asarray(source.at_cm)[:, None]
    axis = _source_axis(source)
    if source.shape == "point":
        return np.broadcast_to(center, (3, len(uniform)))
    if source.shape == "line":
        return np.asarray(center + axis[:, None] * (source.length_cm * (uniform - 0.5)))
    # Any vector that is not parallel to the normal spans the plane of the ring with it.
    other = np.eye(3)[np.argmin(np.abs(axis))]
    u = np.cross(axis, other)
    u /= np.sqrt((u * u).sum())
    v = np.cross(axis, u)
    phi = 2.0 * np.pi * uniform
    ring = u[:, None] * np.cos(phi) + v[:, None] * np.sin(phi)
    return np.asarray(center + source.radius_cm * ring)


def source_box_cm(source: Source) -> tuple[F8, F8]:
    """Lower and upper corner of the box around the source, or around both."""
    if source.second_at_cm is not None:
        low, high = source_box_cm(_alone(source))
        return np.minimum(low, source.second_at_cm), np.maximum(high, source.second_at_cm)
    center, axis = np.asarray(source.at_cm), _source_axis(source)
    half = {
        "point": np.zeros(3),
        "line": 0.5 * source.length_cm * np.abs(axis),
        "ring": source.radius_cm * np.sqrt(np.maximum(1.0 - axis * axis, 0.0)),
    }[source.shape]
    return center - half, center + half


def neutron_energies_MeV(spectrum: NeutronSpectrum, uniform: F8) -> F8:
    """Energies at birth, shape (n,), from four uniform numbers each, shape (4, n)."""
    if spectrum.kind == "mono":
        return np.full(uniform.shape[1], spectrum.energy_MeV)
    return watt_energy_MeV(uniform, CF252_WATT_A_MEV, CF252_WATT_B_PER_MEV)
