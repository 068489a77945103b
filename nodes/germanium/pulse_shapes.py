"""Shapes of pulses, and their class by a support vector machine that is given. No nodes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...schemas.arrays import F4, F8, I8
from ...schemas.errors import InputError
from ...schemas.germanium.pulse_classes import SvmModel

_ROWS: Final = 1024


def haar_shapes(slow: F4, n_baseline: int, level: int) -> F4:
    """Haar approximations of waveforms less their baseline, each of greatest size 1.

    Parameters
    ----------
    slow
        Presummed waveforms, (n, samples).
    n_baseline
        Samples before the pulse, whose mean is subtracted.
    level
        Neighbouring 2**level samples are averaged; what is left over at the end is left out.

    Returns
    -------
    (n, samples // 2**level); 0 of a waveform that does not move.
    """
    width = 1 << level
    n, m = slow.shape[0], slow.shape[1] // width
    means = slow[:, : m * width].reshape(n, m, width).mean(axis=2, dtype=np.float64)
    means -= slow[:, :n_baseline].mean(axis=1, dtype=np.float64, keepdims=True)
    largest = np.abs(means).max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(np.divide(means, largest, out=means, where=largest > 0.0), np.float32)


def pulse_labels(model: SvmModel, shapes: F4) -> I8:
    """The class of each shape, (n,): that with most votes of all pairs, the first of equals.

    C.-C. Chang and C.-J. Lin, LIBSVM, ACM Trans. Intell. Syst. Technol. 2 (2011) 27. InputError
    if shapes have another number of coefficients than those of the model.
    """
    n_known = model.support_vectors.shape[1]
    if shapes.shape[1] != n_known:
        msg = (
            f"the SVM was trained on {n_known} coefficients a pulse, waveforms give "
            f"{shapes.shape[1]}; train it on waveforms of the same length, with [germanium.svm] "
            f"levels = {model.level}."
        )
        raise InputError(msg, code="other_shapes")
    coefficients, first, second = _of_pairs(model)
    n_classes = len(model.labels)
    found = np.empty(len(shapes), np.int64)
    for begin in range(0, len(shapes), _ROWS):
        rows = slice(begin, begin + _ROWS)
        decisions = _kernel(shapes[rows], model) @ coefficients + model.intercepts
        winner = np.where(decisions > 0.0, first, second)
        votes = (winner[:, :, np.newaxis] == np.arange(n_classes)).sum(axis=1)
        found[rows] = model.labels[votes.argmax(axis=1)]
    return found


def _kernel(shapes: F4, model: SvmModel) -> F8:
    """exp(-gamma |x - y|^2) of each shape and support vector, (n, n_support)."""
    x, y = shapes.astype(np.float64), model.support_vectors
    squares = (x**2).sum(axis=1)[:, np.newaxis] + (y**2).sum(axis=1) - 2.0 * (x @ y.T)
    return np.asarray(np.exp(-model.gamma * np.maximum(squares, 0.0)))


def _of_pairs(model: SvmModel) -> tuple[F8, Any, Any]:
    """Coefficients of support vectors in each decision, (n, pairs), and its two classes."""
    n_classes = len(model.labels)
    of_class = np.repeat(np.arange(n_classes), model.n_support)
    first, second = np.triu_indices(n_classes, 1)
    coefficients = np.zeros((len(of_class), len(first)))
    for pair, (i, j) in enumerate(zip(first, second, strict=True)):
        for own, row in ((i, j - 1), (j, i)):
            mine = of_class == own
            coefficients[mine, pair] = model.dual_coefficients[row, mine]
    return coefficients, first, second
