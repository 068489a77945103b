"""What a point source would look like, reconstructed as an image was. Plain functions.

A width is a number of the source only beside that of a point: both depend on the number of passes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ...schemas.arrays import F8, I8
from ...schemas.imaging.reconstructed import ImageFit
from ...schemas.imaging.sources import ConeMixture
from .expectation_maximisation import LAST_WHOLE_PASSES
from .half_maximum import half_maximum_centroid
from .image_maximisation import ImageProblem, image_fit
from .plane import plane_to_world
from .poisson_weights import uniform_of_events

# Streams of numbers of their own beside those of the replicas and of what is held out.
_STREAMS: Final = tuple((1 << 33) + k for k in range(3))
_LEAST_ANGLE: Final = 0.02


def point_response(problem: ImageProblem, fit: ImageFit) -> F8:
    """The image (nv, nu) of a point at the centroid of ``fit``, in as many passes.

    Each event keeps its apex, axis, width and class; as many as the fit gives to its source get
    the angle of the point, smeared, and the others that of any direction.
    """
    u, v = half_maximum_centroid(fit.pixels, problem.grid)
    if not fit.iterations or not np.isfinite(u):
        return np.zeros(problem.grid.shape)
    point = plane_to_world(np.array([u]), np.array([v]), problem.frame, problem.grid)[0]
    cones = cones_of_point(problem.cones, point, source_fractions(fit), problem.settings.seed)
    settings = problem.settings
    passes = fit.iterations - (LAST_WHOLE_PASSES if settings.subsets > 1 else 0)
    settings = settings.model_copy(update={"iterations": passes})
    return image_fit(replace(problem, cones=cones, settings=settings), "all").pixels


def source_fractions(fit: ImageFit) -> F8:
    """Share of the source among the events of each class."""
    source = fit.pixels.sum() * fit.source_share
    total = source + fit.elsewhere_counts * fit.elsewhere_share
    return np.divide(source, total, out=np.zeros_like(source), where=total > 0)


def cones_of_point(cones: ConeMixture, point_cm: F8, fraction: F8, seed: int) -> ConeMixture:
    """The likeliest hypothesis of each event, with the angle of a point or of any direction."""
    from scipy.special import ndtri

    row = _likeliest(cones)
    apex, axis, sigma = cones.apex_cm[row], cones.axis[row], cones.sigma_rad[row]
    towards = point_cm - apex
    across = np.linalg.norm(np.cross(axis, towards), axis=1)
    phi = np.arctan2(across, (axis * towards).sum(axis=1))
    which, smeared, anywhere = (
        uniform_of_events(cones.event_id, cones.species, seed, stream) for stream in _STREAMS
    )
    phi = np.where(which < fraction[cones.group], phi, np.arccos(1.0 - 2.0 * anywhere))
    theta = phi + sigma * ndtri(np.clip(smeared, 1e-12, 1.0 - 1e-12))
    theta = np.clip(theta, _LEAST_ANGLE, np.pi - _LEAST_ANGLE)
    start = np.arange(cones.n_events + 1)
    one, known, share = np.ones(cones.n_events), cones.acceptance, cones.axis_share
    if known is not None:
        known = replace(known, row_curve=known.row_curve[row[row < len(known.row_curve)]])
    return replace(
        cones,
        apex_cm=apex,
        axis=axis,
        theta_rad=theta,
        sigma_rad=sigma,
        weight=one,
        start=start,
        axis_share=None if share is None else share[row],
        # Angles are made anew, around the point.
        bias_rad=None,
        acceptance=known,
    )


def _likeliest(cones: ConeMixture) -> I8:
    """The row of greatest weight of each event, the first of equals."""
    event = np.repeat(np.arange(cones.n_events), np.diff(cones.start))
    order = np.lexsort((np.arange(len(event)), -cones.weight, event))
    return np.asarray(order[cones.start[:-1]])
