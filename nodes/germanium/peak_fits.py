"""Fits of one peak, and of a peak in events that pass and that fail a cut. No nodes.

Extended unbinned likelihoods of every event in the window, minimised by MINUIT with the gradient
of the kernel. A peak with a low tail always keeps it: dropping it by a test makes neighbouring
data sets differ in model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.germanium.peaks import PEAK_PARAMETERS, PeakFit
from ..peaks.shapes import FWHM_PER_SIGMA, step_below, tailed_below
from .kernels.peaks import add_peak_likelihood, signal_fwhm, signal_mode

FEWEST_EVENTS: Final = 20
# A parameter is at a bound within so small a share of its range.
_AT_BOUND: Final = 1e-3
_REFUSED_CHI2_PER_DOF: Final = 10.0
_LEAST_EXPECTED: Final = 5.0
_LEAST_SIGNIFICANCE: Final = 5.0
_MOST_WRONG_TOTAL: Final = 0.1
_OTHER_TAILS: Final = ((0.4, 2.0), (0.05, 3.0))
# The minimum is found where a step would lower minus ln L by less.
_ENOUGH: Final = 1e-7
_MOST_STEPS: Final = 100
_MOST_DAMPING: Final = 1e8


@dataclass(frozen=True)
class FitLimits:
    """When a fit is refused: fewest counts in the peak, and the floor of its p-value."""

    min_counts: float = 50.0
    p_value: float = 1e-6


USUAL_LIMITS: Final = FitLimits()


@dataclass(frozen=True)
class Minimum:
    """A minimum of a likelihood: parameters, covariance, minus ln L, and whether it converged."""

    parameters: F8
    covariance: F8
    value: float
    converged: bool
    at_bound: tuple[str, ...]


Likelihood = Callable[[F8, F8, F8], float]
"""Minus ln L of the parameters.

Its derivatives are added to the second array, the information of the events (lower half) to the
third.
"""


def minimised(
    likelihood: Likelihood,
    names: tuple[str, ...],
    start: F8,
    bounds: F8,
    free: tuple[str, ...],
    *,
    with_errors: bool = True,
) -> Minimum:
    """The minimum within ``bounds`` (n, 2) over the ``free`` parameters, the others as they start.

    Steps of Fisher's scoring, damped (D. W. Marquardt, J. SIAM 11 (1963) 431) and kept within the
    bounds; where these do not converge SIMPLEX and MIGRAD of MINUIT. The covariance is the
    inverse of the matrix of second derivatives, from differences of the gradient; a tail
    length at a bound is held for it, and where it is not positive all that lies at a bound; if
    that does not help it is the inverse of the information.
    Without ``with_errors`` it is NaN.
    """
    span = bounds[:, 1] - bounds[:, 0]
    is_free = np.array([name in free for name in names])
    inside = np.clip(start, bounds[:, 0] + 1e-3 * span, bounds[:, 1] - 1e-3 * span)
    p, converged = _scored(likelihood, np.where(is_free, inside, start), bounds, is_free)
    if not converged:
        p, converged = _by_minuit(likelihood, names, p, bounds, is_free)
    near = is_free & (np.minimum(p - bounds[:, 0], bounds[:, 1] - p) < _AT_BOUND * span)
    # A tail as long as it may be is told from the background by nothing: its length is held.
    is_length = np.array([name == "tail_per_sigma" for name in names])
    covariance = (
        _covariance(likelihood, p, is_free & ~(near & is_length), near, bounds)
        if with_errors
        else np.full((len(p), len(p)), np.nan)
    )
    value = _evaluated(likelihood, p)[0]
    bound = tuple(name for name, is_near in zip(names, near, strict=True) if is_near)
    return Minimum(p, covariance, value, converged, bound)


def _evaluated(likelihood: Likelihood, p: F8) -> tuple[float, F8, F8]:
    """Minus ln L, its gradient and the information of the events (lower half)."""
    gradient, information = np.zeros(len(p)), np.zeros((len(p), len(p)))
    return likelihood(p, gradient, information), gradient, information


def _scored(likelihood: Likelihood, start: F8, bounds: F8, is_free: Any) -> tuple[F8, bool]:
    """The minimum by damped scoring, and whether the expected decrease fell below _ENOUGH."""
    p, damping = start, 1e-3
    value, gradient, information = _evaluated(likelihood, p)
    for _ in range(_MOST_STEPS):
        outwards = ((p <= bounds[:, 0]) & (gradient > 0.0)) | (
            (p >= bounds[:, 1]) & (gradient < 0.0)
        )
        places = np.flatnonzero(is_free & ~outwards & (np.diag(information) > 0.0))
        block = information[np.ix_(places, places)]
        block = np.tril(block) + np.tril(block, -1).T
        damped = block + damping * np.diag(np.diag(block))
        try:
            step = -np.linalg.solve(damped, gradient[places])
        except np.linalg.LinAlgError:
            return p, False
        if -0.5 * float(gradient[places] @ step) < _ENOUGH and damping < 1.0:
            return p, True
        tried = p.copy()
        tried[places] = np.clip(p[places] + step, bounds[places, 0], bounds[places, 1])
        new = _evaluated(likelihood, tried)
        if new[0] < value:
            p, (value, gradient, information) = tried, new
            damping = max(0.1 * damping, 1e-9)
        elif damping > _MOST_DAMPING:
            return p, False
        else:
            damping *= 10.0
    return p, False


def _by_minuit(
    likelihood: Likelihood, names: tuple[str, ...], start: F8, bounds: F8, is_free: Any
) -> tuple[F8, bool]:
    from iminuit import Minuit

    fit = Minuit(
        lambda p: _evaluated(likelihood, p)[0],
        start,
        grad=lambda p: _evaluated(likelihood, p)[1],
        name=names,
    )
    fit.errordef = Minuit.LIKELIHOOD
    fit.strategy = 2
    fit.limits = [tuple(b) for b in bounds]
    for name, free in zip(names, is_free, strict=True):
        fit.fixed[name] = not free
    fit.simplex(ncall=2000)
    fit.migrad(ncall=4000)
    return np.array(fit.values), bool(fit.valid)


def _covariance(likelihood: Likelihood, p: F8, free: Any, near: Any, bounds: F8) -> F8:
    """Inverse of the second derivatives in the free parameters, 0 elsewhere; NaN if it has none."""
    n = len(p)
    second = np.zeros((n, n))
    for i in np.flatnonzero(free):
        step = 1e-4 * max(abs(p[i]), 1e-3 * (bounds[i, 1] - bounds[i, 0]))
        up, down = p.copy(), p.copy()
        up[i] = min(p[i] + step, bounds[i, 1])
        down[i] = max(p[i] - step, bounds[i, 0])
        difference = _evaluated(likelihood, up)[1] - _evaluated(likelihood, down)[1]
        second[i] = difference / (up[i] - down[i])
    information = np.tril(_evaluated(likelihood, p)[2])
    information += np.tril(information, -1).T
    known = free & (np.diag(information) > 0.0)
    for matrix, places in ((second, known), (second, known & ~near), (information, known & ~near)):
        found = _inverse(0.5 * (matrix + matrix.T), np.flatnonzero(places))
        if np.isfinite(found).all():
            break
    return found


def _inverse(matrix: F8, places: Any) -> F8:
    """Inverse of the block at ``places``, 0 elsewhere; NaN where it is not positive."""
    block = matrix[np.ix_(places, places)]
    found = np.zeros(matrix.shape)
    try:
        np.linalg.cholesky(block)
        found[np.ix_(places, places)] = np.linalg.inv(block)
    except np.linalg.LinAlgError:
        found[np.ix_(places, places)] = np.nan
    return found


def peak_start(x: F8, low: float, high: float, width: float) -> tuple[F8, F8]:
    """Where a fit begins, and its bounds, (7,) and (7, 2), from the events in [low, high].

    ``width`` is about the sigma that is expected. mu is the mode of the top, s from 0.607 of its
    height, the background from the edges of the window.
    """
    n_bins = max(int(np.ceil((high - low) / (0.5 * width))), 20)
    counts, edges = np.histogram(x, n_bins, (low, high))
    smooth = np.convolve(counts, np.ones(3) / 3.0, "same")
    edge = max(n_bins // 8, 2)
    left, right = float(counts[:edge].mean()), float(counts[-edge:].mean())
    inner = smooth[edge:-edge]
    top = edge + int(inner.argmax())
    base = 0.5 * (left + right)
    at_sigma = base + 0.607 * (smooth[top] - base)
    above = smooth > at_sigma
    first = top
    while first > 0 and above[first - 1]:
        first -= 1
    last = top
    while last < n_bins - 1 and above[last + 1]:
        last += 1
    bin_width = edges[1] - edges[0]
    mu = float(0.5 * (edges[top] + edges[top + 1]))
    sigma = float(np.clip(0.5 * (last - first + 1) * bin_width, 0.5 * width, 2.0 * width))
    n = float(len(x))
    n_bkg = float(np.clip(base * n_bins, 0.02 * n, 0.98 * n))
    step = float(np.clip((right - left) / max(left + right, 1.0), -0.9, 0.9))
    start = np.array([mu, sigma, 0.15, 1.0, n - n_bkg, n_bkg, step])
    bounds = np.array(
        [
            (low, high),
            (0.1 * width, 0.25 * (high - low)),
            (0.0, 0.5),
            (0.1, 5.0),
            (0.0, 1.5 * n + 10.0),
            (1e-3, 1.5 * n + 10.0),
            (-0.999, 0.999),
        ]
    )
    return start, bounds


def peak_fit(
    values: Any,
    low: float,
    high: float,
    model: str,
    width: float,
    limits: FitLimits = USUAL_LIMITS,
    near: PeakFit | None = None,
) -> PeakFit:
    """Fit a peak to those of the values that lie in [low, high].

    Parameters
    ----------
    values
        Energies, any unit; NaN is left out.
    low, high
        The window.
    model
        "gos": Gaussian on a step; "hpge": with a low tail, of which the share is in 0 to 0.5 and
        the length in 0.1 to 5 sigma.
    width
        About the sigma that is expected, in the unit of the values.
    limits
        When the fit is not valid; its ``reason`` then says why.
    near
        A valid fit of nearly the same events, where this one begins.
    """
    given = np.asarray(values, dtype=np.float64)
    x = given[(given >= low) & (given <= high)]
    if len(x) < FEWEST_EVENTS:
        reason = f"{len(x)} events in {low:.6g} to {high:.6g}, at least {FEWEST_EVENTS} are needed"
        return no_fit(model, low, high, len(x), reason)
    start, bounds = peak_start(x, low, high, width)
    has_tail = model == "hpge"
    free = PEAK_PARAMETERS if has_tail else tuple(PEAK_PARAMETERS[i] for i in (0, 1, 4, 5, 6))
    if not has_tail:
        start[2] = 0.0
    elif near is not None:
        start = near.parameters

    def likelihood(p: F8, gradient: F8, information: F8) -> float:
        return add_peak_likelihood(x, low, high, p, has_tail, gradient, information)

    found = minimised(likelihood, PEAK_PARAMETERS, start, bounds, free)
    if has_tail and near is None and found.at_bound:
        # A tail has several minima: none, a large share of it, and a little of a long one.
        tries = [found]
        for tail in _OTHER_TAILS:
            start[2:4] = tail
            tries.append(minimised(likelihood, PEAK_PARAMETERS, start, bounds, free))
        found = min(tries, key=lambda m: (not m.converged, m.value))
    return judged(_described(x, low, high, model, found, len(free)), found.converged, limits)


def no_fit(model: str, low: float, high: float, n_events: int, reason: str) -> PeakFit:
    """What stands for a fit that was not made."""
    nan = float("nan")
    blank = (np.full(7, nan), np.full((7, 7), nan), nan, nan, nan, nan, nan)
    return PeakFit(model, low, high, n_events, *blank, 0, nan, (), reason)


def _described(x: F8, low: float, high: float, model: str, found: Minimum, n_free: int) -> PeakFit:
    p, c = found.parameters, found.covariance
    place, width, place_err, width_err = shape_widths(p, c)
    chi2, dof, p_value = peak_chi2(x, low, high, p, n_free)
    return PeakFit(
        model, low, high, len(x), p, c, place, place_err, width, width_err,
        chi2, dof, p_value, found.at_bound,
    )  # fmt: skip


def shape_widths(p: F8, c: F8) -> tuple[float, float, float, float]:
    """Mode and FWHM of the signal with parameters ``p``, and their errors from the covariance."""
    mu, s, h, v = (float(a) for a in p[:4])
    mode, fwhm = signal_mode(h, v), signal_fwhm(h, v)
    if h == 0.0:
        fwhm = FWHM_PER_SIGMA
    of_place = np.array([1.0, mode, 0.0, 0.0])
    of_width = np.array([0.0, fwhm, 0.0, 0.0])
    for i, (low, high) in ((2, (0.0, 1.0)), (3, (0.05, np.inf))):
        if not c[i, i] > 0.0:
            continue
        up, down = [h, v], [h, v]
        step = 1e-4 * max(abs(p[i]), 0.01)
        up[i - 2], down[i - 2] = min(p[i] + step, high), max(p[i] - step, low)
        apart = up[i - 2] - down[i - 2]
        of_place[i] = s * (signal_mode(*up) - signal_mode(*down)) / apart
        of_width[i] = s * (signal_fwhm(*up) - signal_fwhm(*down)) / apart
    block = c[:4, :4]
    errors = [float(np.sqrt(max(g @ block @ g, 0.0))) for g in (of_place, of_width)]
    return mu + s * mode, s * fwhm, errors[0], errors[1]


def peak_chi2(x: F8, low: float, high: float, p: F8, n_free: int) -> tuple[float, int, float]:
    """Pearson's chi2, degrees of freedom and p-value over bins of half a sigma.

    Neighbouring bins are joined until 5 counts are expected.
    """
    from scipy.special import gammaincc

    mu, s, h, v, n_sig, n_bkg, k = (float(a) for a in p)
    n_bins = int(np.clip(np.ceil((high - low) / (0.5 * s)), 10, 400))
    edges = np.linspace(low, high, n_bins + 1)
    below = n_sig * tailed_below(edges, mu, s, h, v * s) + n_bkg * step_below(
        edges, mu, s, k, low, high
    )
    # A bin begins where the expected counts pass the next multiple: one pass, no loop.
    counts = np.concatenate([[0], np.cumsum(np.histogram(x, edges)[0])])
    block = np.floor((below - below[0]) / (1.5 * _LEAST_EXPECTED))
    ends = np.concatenate([[0], np.flatnonzero(np.diff(block) > 0) + 1])
    ends[-1] = n_bins
    expected, seen = np.diff(below[ends]), np.diff(counts[ends])
    some = expected >= _LEAST_EXPECTED
    dof = int(some.sum()) - n_free
    if dof < 1:
        return float("nan"), 0, float("nan")
    chi2 = float(((seen - expected)[some] ** 2 / expected[some]).sum())
    return chi2, dof, float(gammaincc(0.5 * dof, 0.5 * chi2))


def judged(fit: PeakFit, converged: bool, limits: FitLimits) -> PeakFit:
    """The fit with the reason why it is not valid, if there is one."""
    n_sig, n_bkg = fit.n_sig, float(fit.parameters[5])
    total = n_sig + n_bkg
    reason = ""
    if not converged or not np.isfinite(fit.parameters).all():
        reason = "the minimum was not found"
    elif not np.isfinite(fit.covariance).all():
        reason = "the covariance is not finite"
    elif not n_sig >= limits.min_counts:
        reason = f"{n_sig:.1f} counts in the peak, at least {limits.min_counts:g} are needed"
    elif not n_sig >= _LEAST_SIGNIFICANCE * fit.n_sig_err:
        reason = f"{n_sig:.1f} +- {fit.n_sig_err:.1f} counts, not {_LEAST_SIGNIFICANCE:g} errors"
    elif abs(total - fit.n_events) >= _MOST_WRONG_TOTAL * fit.n_events:
        reason = f"{total:.1f} counts are fitted to {fit.n_events} events"
    elif fit.p_value < limits.p_value and fit.chi2 > _REFUSED_CHI2_PER_DOF * fit.dof:
        reason = f"chi2 {fit.chi2:.1f} of {fit.dof} degrees of freedom"
    return replace(fit, reason=reason)
