"""Images of uncertain cones, in units of the thin back projection of the same cones and pixels."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from radiograph.nodes.imaging.back_projection import scan_back_projection
from radiograph.nodes.imaging.cone_matrix import cone_matrix, seen_cones
from radiograph.nodes.imaging.expectation_maximisation import Events, start_of, step
from radiograph.nodes.imaging.image_maximisation import ImageProblem, image_fit
from radiograph.nodes.imaging.kernels.cone_rows import fill_row
from radiograph.nodes.imaging.plane_sensitivity import log_acceptances
from radiograph.nodes.imaging.poisson_weights import poisson_weights
from radiograph.nodes.imaging.source_likelihood import (
    FitProblem,
    maximum,
    replica_rows,
)
from radiograph.nodes.imaging.source_search import fitted_sources
from radiograph.nodes.imaging.weighted_projection import weighted_projection
from radiograph.schemas.imaging.imaging_method import ImagingMethod, Threads
from radiograph.schemas.imaging.sources import Acceptance, ConeMixture
from radiograph.schemas.imaging.uncertainty import (
    AcceptanceSettings,
    ExpectationSettings,
    PointFit,
)

from .figures import Figure, best_seconds, best_seconds_of
from .kernels import FRAME, cones_of_a_source, square

N_EVENTS = 19_000
N_FEW = 4_000
SIGMA_RAD = 0.08
ITERATIONS = 100
REPLICAS = 10
N_PAIRS = AcceptanceSettings().sensitivity_pairs


def mixture(n: int) -> tuple[Any, ConeMixture]:
    """(cones of one source as arrays, the same with a width): one hypothesis an event."""
    arrays, theta = cones_of_a_source(n)
    none = np.zeros(n, np.int64)
    cones = ConeMixture(
        apex_cm=arrays.apex_cm,
        axis=arrays.axis,
        theta_rad=theta,
        sigma_rad=np.full(n, SIGMA_RAD),
        weight=np.ones(n),
        start=np.arange(n + 1),
        event_id=np.arange(n),
        species=none,
        group=none,
    )
    return arrays, cones


def pass_over(cones: ConeMixture, pixels: int, threads: int) -> Callable[[], Any]:
    """One pass of expectation and maximisation over all events, to be called."""
    seen = seen_cones(cones, FRAME, square(pixels))
    matrix = cone_matrix(seen, 16.0, threads, "dense")
    n = cones.n_events
    events = Events(matrix, np.full((n, 1), 0.08, np.float32), cones.group, threads)
    everything = np.ones(n, np.bool_)
    begin = start_of(events, everything, elsewhere=True)
    rows = np.arange(n)
    return lambda: step(events, begin, everything, rows)


def figures() -> list[Figure]:
    """Rows, weighted images, passes, a whole reconstruction; against thin back projection."""
    arrays, few = mixture(N_FEW)
    grid = square(200)

    def thin() -> Any:
        return scan_back_projection(arrays, FRAME, grid, ImagingMethod(), Threads(1))

    def wide(threads: int) -> Callable[[], Any]:
        return lambda: weighted_projection(few, FRAME, grid, threads)

    unit, one, two = best_seconds_of(thin, wide(1), wide(2), repeats=3)
    found = [
        Figure("rows of pixels", 1e9 * _row_seconds(few) / 200**2, "ns/pixel", "<= 1.1"),
        Figure("weighted image, 200 x 200, one thread", N_FEW / one, "cones/s"),
        Figure("weighted image, 200 x 200, two threads", N_FEW / two, "cones/s", ">= 35,000"),
        Figure("weighted image over thin back projection", one / unit, "x"),
        Figure("weighted image, two threads over one", one / two, "x", ">= 1.7"),
    ]
    arrays, many = mixture(N_EVENTS)
    single, double = (pass_over(many, 80, k) for k in (1, 2))
    coarse = square(80)

    def thin_coarse() -> Any:
        return scan_back_projection(arrays, FRAME, coarse, ImagingMethod(), Threads(1))

    unit, one, two = best_seconds_of(thin_coarse, single, double, repeats=5)
    elements = N_EVENTS * 80 * 80
    found += [
        Figure("a pass of MLEM, bytes, 80 x 80", 1e9 * one / elements, "ns/element", "<= 0.2"),
        Figure("a pass of MLEM over thin back projection", one / unit, "x"),
        Figure("a pass of MLEM, two threads over one", one / two, "x", ">= 1.7"),
    ]
    told = ExpectationSettings(iterations=ITERATIONS)
    problem = ImageProblem(many, FRAME, square(100), told, 2)
    started = time.perf_counter()
    image_fit(problem, "n")
    spent = time.perf_counter() - started
    name = f"MLEM of {N_EVENTS:,} events, 100 x 100, {ITERATIONS} iterations, two threads"
    found += [Figure(name, spent, "s", "<= 25"), Figure("the same", spent / unit, "x thin")]
    return [*found, *_fits(many, unit), _acceptance(unit)]


def _fits(cones: ConeMixture, unit: float) -> list[Figure]:
    """The point fit, from its map of significance on, and its replicas; ``unit`` = thin image."""
    rng = np.random.default_rng(1)
    n = cones.n_events
    foreign = rng.random(n) < 0.4
    theta = cones.theta_rad + rng.normal(0.0, SIGMA_RAD, n)
    theta = np.where(foreign, np.arccos(rng.uniform(-1.0, 1.0, n)), theta)
    toy = replace(cones, theta_rad=np.clip(theta, 0.02, 3.1))
    problem = FitProblem(toy, FRAME, square(80), PointFit(profile=False, sensitivity="flat"))
    fit = fitted_sources(problem)

    def replicas() -> None:
        for replica in range(REPLICAS):
            replica_rows(problem, fit, poisson_weights(toy, 1, replica))

    began, near, again = (
        best_seconds(work, repeats=2)
        for work in (
            lambda: fitted_sources(problem),
            lambda: maximum(problem, fit.parameters, 1),
            replicas,
        )
    )
    of_200 = again * 200 / REPLICAS
    return [
        Figure(f"point fit of {n:,} events, with its start", began, "s"),
        Figure("the same", began / unit, "x thin"),
        Figure("point fit from a near start", near, "s", "<= 0.3"),
        Figure("the same", near / unit, "x thin"),
        Figure("200 replicas", of_200, "s", "<= 30"),
        Figure("the same", of_200 / unit, "x thin"),
    ]


def _acceptance(unit: float) -> Figure:
    """s(X) of 400 places by as many pairs of points as a run takes."""
    rng = np.random.default_rng(2)
    onward = rng.normal(size=(N_PAIRS, 3))
    onward /= np.linalg.norm(onward, axis=1)[:, None]
    known = replace(
        Acceptance.none(),
        omega_by_cosine=np.linspace(0.0, 1.0, 1025)[None, :],
        first_cm=rng.uniform(-7.0, 7.0, (N_PAIRS, 3)),
        onward=onward,
        pair_weight=np.ones(N_PAIRS),
        pair_curve=np.zeros(N_PAIRS, np.int64),
    )
    points = np.column_stack([rng.uniform(-100.0, 100.0, (400, 2)), np.full(400, -100.0)])
    spent = best_seconds(lambda: log_acceptances(known, points), repeats=2)
    return Figure(f"s(X) of 400 places, {N_PAIRS:,} pairs: {spent:.2f} s", spent / unit, "x thin")


def _row_seconds(cones: ConeMixture) -> float:
    """Of one row of 200 x 200 pixels."""
    seen = seen_cones(cones, FRAME, square(200))
    row = np.empty(seen.n_pixels, np.float32)

    def rows() -> None:
        for event in range(200):
            fill_row(event, seen, row)

    return best_seconds(rows) / 200
