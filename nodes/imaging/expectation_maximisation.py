"""Maximum likelihood of an image and of what comes from elsewhere, by expectation and maximisation.

q_i = s_c sum_j K_ij f_j + e_c (sum_k G_ik g_k + B / 4 pi): f in detected events of a pixel, g of
directions at infinity, B isotropic, s_c and e_c the shares of the class of the event among events
of sources and of elsewhere. sum f + g + B is the number of events in every iteration and ln L
never falls. Lange & Carson, J. Comput. Assist. Tomogr. 8 (1984) 306; list mode: Barrett, White &
Parra, J. Opt. Soc. Am. A 14 (1997) 2914; subsets: Hudson & Larkin, IEEE TMI 13 (1994) 601. Plain
functions without nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ...schemas.arrays import F4, F8, I8, Mask
from ...schemas.imaging.uncertainty import ExpectationSettings
from .cone_matrix import ConeMatrix, blocks_of, in_threads
from .kernels.expectation import Model, Sums

SOURCE_START: Final = 0.7
LAST_WHOLE_PASSES: Final = 5
# Below it a pixel is nothing, and arithmetic with such numbers is slow.
_LEAST: Final = 1e-30


@dataclass(frozen=True)
class Components:
    """What explains the events: counts of pixels and of elsewhere, shares of the classes (2, n)."""

    pixels: F8
    sky: F8
    share: F8


@dataclass(frozen=True)
class Events:
    """The rows of a matrix: ``sky`` (m, k) densities of what is elsewhere, ``group`` the class."""

    matrix: ConeMatrix
    sky: F4
    group: I8
    threads: int

    @property
    def n_groups(self) -> int:
        """How many classes."""
        return int(self.group.max(initial=0)) + 1

    def __len__(self) -> int:
        return len(self.group)


@dataclass(frozen=True)
class Step:
    """What one pass gives: the next components, and ln L of those that it began with.

    ``log_likelihood`` of the events that count and ``held_out`` of the others, per event.
    """

    components: Components
    log_likelihood: float
    held_out: float


@dataclass(frozen=True)
class Maximised:
    """Components after ``iterations`` passes, why they ended, and (n, 4) the way there:

    ln L per event that counts, and per event held out, counts of pixels and of elsewhere.
    """

    components: Components
    iterations: int
    stop_reason: str
    history: F8


def start_of(events: Events, counted: Mask, *, elsewhere: bool) -> Components:
    """Flat: 0.7 of the events in pixels, 0.3 elsewhere; all in pixels where that is off."""
    n, n_pixels = float(counted.sum()), events.matrix.n_pixels
    source = SOURCE_START if elsewhere else 1.0
    sky = np.full(events.sky.shape[1], (1.0 - source) * n / events.sky.shape[1])
    share = np.bincount(events.group[counted], minlength=events.n_groups) / max(n, 1.0)
    return Components(np.full(n_pixels, source * n / n_pixels), sky, np.stack([share, share]))


def reweighted(events: Events, found: Components, weights: F8, passes: int) -> Components:
    """Components after so many passes from ``found``, events counting ``weights`` (n,) times."""
    everything = np.arange(len(events))
    now = found
    for _ in range(passes):
        now = step(events, now, weights, everything).components
    return now


def step(events: Events, now: Components, counted: Mask | F8, rows: I8) -> Step:
    """One pass over ``rows``, as if all events that count were as these.

    ``counted`` (m,) is how often an event counts; those that do not are held out.
    """
    blocks = blocks_of(rows, events.matrix.n_pixels)
    f = np.where(now.pixels > _LEAST, now.pixels, 0.0).astype(np.float32)
    weight, n_groups = counted.astype(np.float64), events.n_groups
    of_pixels = np.zeros((len(blocks), len(f)), np.float32)
    of_sky = np.zeros((len(blocks), len(now.sky)))
    sums = np.zeros((len(blocks), 2 * n_groups + 2))
    model = Model(events.sky, f, now.sky, weight, events.group, now.share)

    def add(k: int) -> None:
        events.matrix.add(blocks[k], model, Sums(of_pixels[k], of_sky[k], sums[k]))

    in_threads(add, len(blocks), events.threads)
    total = sums.sum(axis=0)
    source, other = total[:n_groups], total[n_groups : 2 * n_groups]
    n_counted = float(weight[rows].sum())
    grow = float(weight.sum()) / max(n_counted, 1.0)
    pixels = f.astype(np.float64) * of_pixels.sum(axis=0, dtype=np.float64) * grow
    sky = now.sky * of_sky.sum(axis=0) * grow
    share = np.stack([_shares(source, now.share[0]), _shares(other, now.share[1])])
    held = int((weight[rows] == 0.0).sum())
    n = np.log(max(float(weight.sum()), 1.0))
    return Step(
        Components(pixels, sky, share),
        total[-2] / max(n_counted, 1.0) - n,
        total[-1] / held - n if held else np.nan,
    )


def _shares(counts: F8, before: F8) -> F8:
    total = counts.sum()
    return np.asarray(counts / total) if total > 0 else before


def maximised(
    events: Events, counted: Mask, settings: ExpectationSettings, passes: int | None
) -> Maximised:
    """The components after so many passes; where ``passes`` is None, after as many as pay.

    They pay while ln L per event that is held out rises by ``tolerance`` in ``patience`` passes.
    """
    everything = np.arange(len(events))
    subsets = [everything[k :: settings.subsets] for k in range(settings.subsets)]
    now = start_of(events, counted, elsewhere=settings.elsewhere != "off")
    limit = settings.max_iterations if passes is None else passes
    rows: list[tuple[float, ...]] = []
    reason = "max_iterations" if passes is None else "as_told"
    # With one subset the pass that scores an iteration is the next iteration already.
    ahead, last = step(events, now, counted, everything), now
    for _ in range(limit):
        now = ahead.components
        if settings.subsets > 1:
            now = _over(events, replace(last, share=now.share), counted, subsets)
        last = now
        ahead = step(events, now, counted, everything)
        counts = (float(now.pixels.sum()), float(now.sky.sum()))
        rows.append((ahead.log_likelihood, ahead.held_out, *counts))
        if passes is None and (why := _enough(rows, settings)):
            reason = why
            break
    for _ in range(LAST_WHOLE_PASSES if settings.subsets > 1 and passes is not None else 0):
        now = ahead.components
        ahead = step(events, now, counted, everything)
        counts = (float(now.pixels.sum()), float(now.sky.sum()))
        rows.append((ahead.log_likelihood, ahead.held_out, *counts))
    return Maximised(now, len(rows), reason, np.array(rows))


def _over(events: Events, now: Components, counted: Mask, subsets: list[I8]) -> Components:
    """A pass over the subsets, one after the other; few events say little of the classes."""
    for rows in subsets:
        if counted[rows].any():
            now = replace(step(events, now, counted, rows).components, share=now.share)
    return now


def _enough(rows: list[tuple[float, ...]], settings: ExpectationSettings) -> str:
    """Why no further pass pays; empty where it does."""
    score = [row[1] for row in rows]
    if len(score) > settings.patience:
        if score[-1] < score[-2]:
            return "held_out_falls"
        if score[-1] - score[-1 - settings.patience] < settings.tolerance:
            return "held_out_gains_too_little"
    return ""
