"""Classes of pulse shapes, and the support vector machine that tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..arrays import F4, F8, I8
from ..tables import Column, TableSchema

NORMAL: Final = 0
"""The label of a good pulse."""


@dataclass(frozen=True)
class TrainingPulses:
    """Pulses whose class is known.

    Attributes
    ----------
    shapes
        Haar approximations of pulses, each of greatest value 1, (n, m).
    labels
        The class of each, (n,).
    names
        Of classes by their label; labels beyond it have their number as name.
    """

    shapes: F4
    labels: I8
    names: tuple[str, ...] = ()

    def name(self, label: int) -> str:
        """What a class is called."""
        return self.names[label] if 0 <= label < len(self.names) else str(label)


@dataclass(frozen=True)
class SvmModel:
    """A support vector machine of radial basis functions, one class against one.

    Attributes
    ----------
    support_vectors
        (n, m), those of the first class first.
    dual_coefficients
        Row j - 1 of a vector of class i < j, and row i of one of class j, is its coefficient in
        the decision between them, (classes - 1, n).
    intercepts
        Of the decisions (0, 1), (0, 2) ... (1, 2) ...; one above 0 is for the first of the two.
    labels, n_support
        Label of each class, ascending, and how many vectors it has.
    gamma
        The kernel is exp(-gamma |x - y|^2).
    level
        Samples are averaged over 2 to this power.
    names
        Of classes by their label.
    """

    support_vectors: F8
    dual_coefficients: F8
    intercepts: F8
    labels: I8
    n_support: I8
    gamma: float
    level: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChannelSvm:
    """The machine that classes the pulses of a channel; None where it has none."""

    model: SvmModel | None = None


SVM_CONFUSION: Final = TableSchema(
    "SvmConfusion",
    "a pair of classes, what pulses are and what they are taken for; none was trained on",
    (
        Column("true_class", "category", "", "what they are"),
        Column("found_class", "category", "", "what they are taken for"),
        Column("n", "int64", "", "pulses that are the one and are taken for the other"),
        Column("n_true", "int64", "", "pulses that are the one"),
        Column("share", "float64", "", "their ratio: the recall where both are the same"),
        Column("low", "float64", "", "lower end of the 68 % interval"),
        Column("high", "float64", "", "upper end"),
    ),
)
