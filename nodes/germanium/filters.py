"""The kernels of the energy filters: cusp and cusp of zero area (ZAC).

M. Salathe, T. Kihm, NIM A 808 (2016) 150; A. D'Andrea et al., EPJ C 75 (2015) 255.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8
from .kernels.pulses import Recursion

NO_SECOND: Final = (0.0, 0.0)
"""Of pulses with one decay: there is no faster one."""
_ROUNDING: Final = 4.0 * float(np.finfo(float).eps)
"""Parts of the sum of an annihilator that are rounding errors of what it leaves."""


def cusp_kernel(
    length: int, sigma: float, flat: int, decay: float, second: tuple[float, float] = NO_SECOND
) -> F8:
    """A cusp of ``length`` samples with a flat top, for pulses that fall as exp(-i / decay).

    With ``second``, a faster decay in samples and its fraction, for those with two decays.

    k_i = sinh(i / sigma) / sinh(lt / sigma) on the rising wing, lt = (length - flat) / 2, 1 on the
    flat top, mirrored after it; convolved with what makes a pulse a step, [1, -exp(-1 / decay)] of
    one decay, so that a pulse gives a cusp of its height. ValueError if the flat top leaves no
    wings.
    """
    return of_steps(_cusp(length, sigma, flat), decay, second)


def zac_kernel(
    length: int, sigma: float, flat: int, decay: float, second: tuple[float, float] = NO_SECOND
) -> F8:
    """The cusp less the parabolas on its wings that take its area away."""
    cusp = _cusp(length, sigma, flat)
    wing = (length - flat) // 2
    half = wing / 2.0
    arch = (np.arange(wing) - half) ** 2 - half**2
    parabola = np.zeros(length)
    parabola[:wing] = arch
    after = wing + flat
    parabola[after + 1 :] = arch[::-1][: length - after - 1]
    return of_steps(cusp - parabola * (cusp.sum() / parabola.sum()), decay, second)


def _cusp(length: int, sigma: float, flat: int) -> F8:
    wing = (length - flat) // 2
    if wing < 1:
        msg = f"a flat top of {flat} samples leaves no wings of a filter of {length}"
        raise ValueError(msg)
    kernel = np.empty(length)
    # sinh(i / s) / sinh(lt / s) without the overflow of narrow cusps.
    i = np.arange(wing)
    kernel[:wing] = np.exp((i - wing) / sigma) * -np.expm1(-2 * i / sigma)
    kernel[:wing] /= -np.expm1(-2 * wing / sigma)
    kernel[wing : wing + flat + 1] = 1.0
    n_after = length - wing - flat - 1
    kernel[wing + flat + 1 :] = kernel[wing - n_after : wing][::-1]
    return kernel


def of_steps(kernel: F8, decay: float, second: tuple[float, float] = NO_SECOND) -> F8:
    """A kernel for steps as one for pulses that decay: as many samples as it has.

    One decay: convolved with [1, -a], a = exp(-1 / decay). Two, with b of the faster, f its
    fraction and c = b + f (a - b): with (1 - a z)(1 - b z) / (1 - c z), z the delay of a sample,
    which is the inverse of (1 - f) a^n + f b^n.
    """
    a = np.exp(-1.0 / decay)
    out = kernel.copy()
    out[1:] -= a * kernel[:-1]
    faster, fraction = second
    if fraction == 0.0:
        return out
    from scipy.signal import lfilter

    b = np.exp(-1.0 / faster)
    return np.asarray(lfilter([1.0, -b], [1.0, -(b + fraction * (a - b))], out))


def recursion(
    kernel: F8,
    sigma: float,
    decay: float,
    second: tuple[float, float] = NO_SECOND,
    *,
    parabolic: bool = False,
) -> Recursion:
    """The recursion of a kernel of that sigma and those decays; ``parabolic`` is a ZAC.

    Between its corners a kernel is a sum of exp(+-i / sigma), 1 or a parabola, and c^i
    (``of_steps``). Convolved with the product of what annihilates each of them it has a few samples
    at the corners alone, and so each output follows from those before it.
    """
    growths = [np.exp(1.0 / sigma), np.exp(-1.0 / sigma), *([1.0] * (3 if parabolic else 1))]
    faster, fraction = second
    if fraction:
        a, b = np.exp(-1.0 / decay), np.exp(-1.0 / faster)
        growths.append(b + fraction * (a - b))
    annihilator = np.ones(1)
    for growth in growths:
        annihilator = np.convolve(annihilator, [1.0, -growth])
    taps = np.convolve(kernel, annihilator)
    ages = np.flatnonzero(np.abs(taps) > _ROUNDING * np.abs(annihilator).sum())
    return Recursion(kernel[::-1].copy(), annihilator[1:].copy(), taps[ages], ages)


def falling_pulse(n: int, decay: float, second: tuple[float, float] = NO_SECOND) -> F8:
    """A pulse of height 1 of that decay, or those two, (n,)."""
    i = np.arange(n)
    faster, fraction = second
    slow = np.exp(-i / decay)
    if fraction == 0.0:
        return np.asarray(slow)
    return np.asarray((1.0 - fraction) * slow + fraction * np.exp(-i / faster))
