"""Errors of what is computed from fitted parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8

# Of its error each parameter is moved by this to both sides: small against any bend, and large
# against rounding.
_STEP: Final = 1e-3


def propagated_error(function: Callable[[F8], float], parameters: Any, covariance: Any) -> float:
    """Standard error of function(parameters), to first order: sqrt(g C g), g the derivatives.

    ``parameters`` has shape (n,), ``covariance`` (n, n). A parameter without a variance is taken
    as known. NaN if parameters, covariance or a value is NaN.
    """
    p, c = np.asarray(parameters, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    if c.shape != (len(p), len(p)):
        msg = f"{len(p)} parameters have a covariance of {c.shape}"
        raise ValueError(msg)
    if np.isnan(c).any():
        return float("nan")
    errors = np.sqrt(np.maximum(np.diag(c), 0.0))
    gradient = np.zeros(len(p))
    for k in np.flatnonzero(errors):
        up, down = p.copy(), p.copy()
        up[k] += _STEP * errors[k]
        down[k] -= _STEP * errors[k]
        gradient[k] = (function(up) - function(down)) / (up[k] - down[k])
    return float(np.sqrt(np.maximum(gradient @ c @ gradient, 0.0)))
