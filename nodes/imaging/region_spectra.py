"""Incident energies by where events come from: each is shared out by its posterior."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame, RegionOfInterest
from ...schemas.imaging.reconstructed import REGION_SPECTRA, ImageFit
from ...schemas.imaging.sources import ConeMixture
from .cone_matrix import seen_cones
from .posterior_shares import posterior_shares
from .tracing import pixels_in
from .weighted_projection import of_species

BINS: Final = 50
# Bins cover the energies but for so much on either side; the outer ones take what lies beyond.
TAIL: Final = 0.005
REGIONS: Final = ("region", "plane", "elsewhere")


@tag(stage="metrics", schema="RegionSpectra", scope="run")
def region_spectra(
    image_fits: dict[str, ImageFit],
    centred_cones: ConeMixture,
    neutron_weighted_cones: pd.DataFrame,
    gamma_weighted_cones: pd.DataFrame,
    region_of_interest: RegionOfInterest,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
) -> pd.DataFrame:
    """Incident energies of events of [vis.projections] roi_*, the rest of the plane, elsewhere."""
    tables = []
    inside = pixels_in(region_of_interest, pixel_grid).ravel()
    frames = (neutron_weighted_cones, gamma_weighted_cones)
    for code, (name, frame) in enumerate(zip(("n", "g"), frames, strict=True)):
        if name not in image_fits or not image_fits[name].iterations:
            continue
        seen = seen_cones(of_species(centred_cones, code), plane_frame, pixel_grid)
        cones = of_species(centred_cones, code)
        shares = posterior_shares(image_fits[name], seen, cones, inside)
        tables.append(_spectra(name, frame["incident_energy_MeV"].to_numpy(), shares))
    if not tables:
        return REGION_SPECTRA.empty()
    whole = {c: np.concatenate([t[c] for t in tables]) for c in REGION_SPECTRA.names}
    return REGION_SPECTRA.frame(whole)


def _spectra(name: str, energy_MeV: F8, shares: F8) -> dict[str, np.ndarray]:
    known = np.isfinite(energy_MeV)
    energy, shares = energy_MeV[known], shares[known]
    low, high = np.quantile(energy, [TAIL, 1.0 - TAIL]) if len(energy) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    place = np.clip(np.searchsorted(edges, energy, side="right") - 1, 0, BINS - 1)
    edges[0] = min(edges[0], energy.min(initial=edges[0]))
    edges[-1] = max(edges[-1], energy.max(initial=edges[-1]))
    counts = [np.bincount(place, shares[:, k], BINS) for k in range(len(REGIONS))]
    return {
        "image": np.repeat(np.array([name], object), BINS * len(REGIONS)),
        "region": np.repeat(np.array(REGIONS, object), BINS),
        "energy_low_MeV": np.tile(edges[:-1], len(REGIONS)),
        "energy_high_MeV": np.tile(edges[1:], len(REGIONS)),
        "counts": np.concatenate(counts),
    }
