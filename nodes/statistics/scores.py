"""Distances from a centre in units of a width, as scores that are nearly normal.

So a threshold means one probability, however few values the width comes from, and however skew the
quantity is.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8

MAD_EFFICIENCY: Final = 0.3675
"""A MAD of n normal values is as well known as a standard deviation of 0.3675 n of them
(P. Rousseeuw and C. Croux, J. Am. Stat. Assoc. 88 (1993) 1273)."""
_MANY: Final = 1e9


def width_degrees(n: Any, mad: Any, width: Any) -> F8:
    """Degrees of freedom of a width: a MAD of n values, and in quadrature what is known.

    2 width^4 / var(width^2) with the variance of the MAD alone (F. Satterthwaite, Biometrics
    Bulletin 2 (1946) 110); at most 1e9. NaN where the width is.
    """
    of_mad = MAD_EFFICIENCY * np.asarray(n, dtype=np.float64)
    width = np.asarray(width, dtype=np.float64)
    share = np.where(np.isnan(width), np.nan, 1.0)
    np.divide(mad, width, out=share, where=width > 0)
    least = np.maximum(of_mad / _MANY, 1e-36) ** 0.25
    return np.asarray(of_mad / np.maximum(share, least) ** 4)


def normal_equivalents(t: Any, degrees: Any) -> F8:
    """The normal score that is as rare as t of Student's distribution with so many degrees.

    D. Wallace, Ann. Math. Stat. 30 (1959) 1124: right within 0.05 from three degrees on.
    """
    t, nu = np.asarray(t, dtype=np.float64), np.asarray(degrees, dtype=np.float64)
    size = np.sqrt(nu * np.log1p(t * t / nu)) * (8.0 * nu + 1.0) / (8.0 * nu + 3.0)
    return np.asarray(np.sign(t) * size)


def spread_distances(values: Any, centre: Any, width: Any) -> F8:
    """(value - centre) / width of what is spread like the root of a chi square, made symmetric.

    The cube root of a chi square is nearly normal (E. Wilson and M. Hilferty, Proc. Natl. Acad.
    Sci. 17 (1931) 684): values^(2/3) are compared, in units that agree with the width near the
    centre. All of one sign; where a value has the other one it counts as 0. NaN for a centre of 0.
    """
    values, centre = np.asarray(values, dtype=np.float64), np.asarray(centre, dtype=np.float64)
    shape = np.broadcast_shapes(values.shape, centre.shape)
    ratio = np.divide(values, centre, out=np.full(shape, np.nan), where=centre != 0)
    grown = np.maximum(ratio, 0.0) ** (2.0 / 3.0) - 1.0
    return np.asarray(1.5 * centre * grown / np.asarray(width, dtype=np.float64))
