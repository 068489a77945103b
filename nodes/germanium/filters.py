"""The kernels of the energy filters: cusp and cusp of zero area (ZAC).

M. Salathe, T. Kihm, NIM A 808 (2016) 150; A. D'Andrea et al., EPJ C 75 (2015) 255.
"""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8


def cusp_kernel(length: int, sigma: float, flat: int, decay: float) -> F8:
    """A cusp of ``length`` samples with a flat top, for pulses that fall as exp(-i / decay).

    k_i = sinh(i / sigma) / sinh(lt / sigma) on the rising wing, lt = (length - flat) / 2, 1 on the
    flat top, mirrored after it; convolved with [1, -exp(-1 / decay)], so that a pulse gives a
    cusp of its height. ValueError if the flat top leaves no wings.
    """
    return _deconvolved(_cusp(length, sigma, flat), decay)


def zac_kernel(length: int, sigma: float, flat: int, decay: float) -> F8:
    """The cusp less the parabolas on its wings that take its area away."""
    cusp = _cusp(length, sigma, flat)
    wing = (length - flat) // 2
    half = wing / 2.0
    arch = (np.arange(wing) - half) ** 2 - half**2
    parabola = np.zeros(length)
    parabola[:wing] = arch
    after = wing + flat
    parabola[after + 1 :] = arch[::-1][: length - after - 1]
    return _deconvolved(cusp - parabola * (cusp.sum() / parabola.sum()), decay)


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


def _deconvolved(kernel: F8, decay: float) -> F8:
    """The first samples of the kernel convolved with [1, -exp(-1 / decay)], as many as it has."""
    falling = np.exp(-1.0 / decay)
    out = kernel.copy()
    out[1:] -= falling * kernel[:-1]
    return out
