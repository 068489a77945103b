"""The image of greatest likelihood of a set of cones. Plain functions without nodes.

How many passes are made is found on events that were not held out and judged by those that were;
then the same number is made on all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F4, F8, Mask
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.reconstructed import ITERATION_HISTORY, ImageFit
from ...schemas.imaging.sources import ConeMixture
from ...schemas.imaging.uncertainty import ExpectationSettings
from .cone_matrix import cone_matrix, seen_cones
from .expectation_maximisation import Events, Maximised, maximised
from .kernels.cone_rows import SeenCones, directional_rows
from .plane import plane_to_world
from .poisson_weights import uniform_of_events
from .source_likelihood import ISOTROPIC
from .sphere import fibonacci_directions
from .weighted_projection import of_species

SPHERE_DIRECTIONS: Final = 200
SOURCE_CONE_DEG: Final = 25.0
# A stream of numbers of its own beside those of the replicas.
_HELD_OUT_STREAM: Final = 1 << 32


@dataclass(frozen=True)
class ImageProblem:
    """Cones, the plane that they are reconstructed on, and how."""

    cones: ConeMixture
    frame: PlaneFrame
    grid: PixelGrid
    settings: ExpectationSettings
    threads: int = 1

    def of_image(self, name: str) -> ImageProblem:
        """The same with the cones of the image called ``name``: n, g, or all."""
        return self if name == "all" else replace(self, cones=of_species(self.cones, name == "g"))


def image_fit(problem: ImageProblem, name: str, towards: F8 | None = None) -> ImageFit:
    """The image called ``name``; ``towards`` (3,) is left out of what is elsewhere on the sphere.

    Events of which no cone reaches a pixel come from elsewhere.
    """
    cones, grid, settings = problem.cones, problem.grid, problem.settings
    if cones.n_events == 0:
        none = np.zeros(0)
        empty = ITERATION_HISTORY.empty()
        flat = np.zeros(grid.shape)
        return ImageFit(flat, np.zeros(1), np.zeros((0, 3)), none, none, 0, "no_events", empty)
    directions = _directions(settings, towards)
    events = image_events(problem, directions)
    everything = np.ones(len(events), np.bool_)
    history, passes, reason = [], settings.iterations, "as_told"
    if passes == "held_out":
        split = maximised(events, _counted(cones, settings), settings, None)
        history.append(_history(split, name, "split"))
        passes, reason = split.iterations, split.stop_reason
    whole = maximised(events, everything, settings, passes)
    history.append(_history(whole, name, "whole"))
    found = whole.components
    return ImageFit(
        pixels=found.pixels.reshape(grid.shape),
        sky=found.sky,
        directions=directions,
        source_share=found.share[0],
        elsewhere_share=found.share[1],
        iterations=len(whole.history),
        stop_reason=reason,
        history=pd.concat(history, ignore_index=True),
    )


def highest_direction(image: F8, problem: ImageProblem) -> F8:
    """Unit vector (3,) from the middle of the apexes to the highest pixel of an image."""
    row, column = np.unravel_index(int(np.argmax(image)), image.shape)
    at = (problem.grid.u_centers_cm[[column]], problem.grid.v_centers_cm[[row]])
    point = plane_to_world(*at, problem.frame, problem.grid)[0]
    towards = point - problem.cones.apex_cm.mean(axis=0)
    return np.asarray(towards / np.linalg.norm(towards))


def image_events(problem: ImageProblem, directions: F8) -> Events:
    """The events of a problem with ``directions`` (k, 3) at infinity beside the pixels."""
    seen = seen_cones(problem.cones, problem.frame, problem.grid)
    matrix = cone_matrix(seen, problem.settings.memory_GiB, problem.threads)
    return Events(matrix, sky_densities(seen, directions), problem.cones.group, problem.threads)


def _directions(settings: ExpectationSettings, towards: F8 | None) -> F8:
    if settings.elsewhere != "sphere":
        return np.zeros((0, 3))
    directions = fibonacci_directions(SPHERE_DIRECTIONS)
    if towards is not None:
        near = directions @ towards > np.cos(np.radians(SOURCE_CONE_DEG))
        directions = np.ascontiguousarray(directions[~near])
    return directions


def sky_densities(seen: SeenCones, directions: F8) -> F4:
    """Densities (m, k + 1) of what is elsewhere, isotropic last."""
    sky = np.empty((seen.n_events, len(directions) + 1), np.float32)
    sky[:, -1] = ISOTROPIC
    rows = np.empty((seen.n_events, len(directions)), np.float32)
    directional_rows(seen.axis, seen.shape, seen.start, directions, rows)
    sky[:, :-1] = rows
    return sky


def _counted(cones: ConeMixture, settings: ExpectationSettings) -> Mask:
    """Which events are not held out: whole events, by their id."""
    uniform = uniform_of_events(cones.event_id, cones.species, settings.seed, _HELD_OUT_STREAM)
    return np.asarray(uniform >= settings.held_out_fraction)


def _history(found: Maximised, name: str, events: str) -> pd.DataFrame:
    n = len(found.history)
    train, held_out, source, elsewhere = found.history.T
    return ITERATION_HISTORY.frame(
        {
            "image": [name] * n,
            "events": [events] * n,
            "iteration": np.arange(1, n + 1),
            "loglik_train": train,
            "loglik_held_out": held_out,
            "source_counts": source,
            "elsewhere_counts": elsewhere,
        }
    )
