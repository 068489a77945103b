"""Classes of pulse shapes: a support vector machine, trained on pulses that are known."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import Mask
from ...schemas.errors import InputError
from ...schemas.germanium.parameters import ParameterFiles
from ...schemas.germanium.pulse_classes import SVM_CONFUSION, ChannelSvm, SvmModel, TrainingPulses
from ...schemas.germanium.settings import Svm
from ...schemas.sources import FileRefs
from ..statistics.intervals import clopper_pearson
from .parameter_files import parameters_of
from .pulse_shapes import pulse_labels
from .svm_files import svm_in, training_pulses_in

_HELD_OUT: Final = 4
"""Of so many pulses of a class one is not trained on."""
FEWEST: Final = 20


@tag(stage="svm", scope="run", helper="true", stored="false")
@config.when(begins="raw", classes="made")
def training_pulses__made(
    svm_files: FileRefs, svm_settings: Svm, training_baseline_us: float
) -> TrainingPulses:
    """Shapes and classes of training files; InputError with one class or few pulses."""
    found = training_pulses_in(svm_files, 1e3 * training_baseline_us, svm_settings.levels)
    labels, n = np.unique(found.labels, return_counts=True)
    if len(labels) < 2 or n.min() < FEWEST:
        told = ", ".join(f"{found.name(k)} {m}" for k, m in zip(labels, n, strict=True)) or "none"
        msg = (
            f"{svm_files.files[0].path}: the SVM needs two classes, each of at least {FEWEST} "
            f"pulses (there is {told})."
        )
        raise InputError(msg, file=svm_files.files[0].path, code="few_pulses")
    return found


@tag(stage="svm", scope="run", helper="true", stored="false")
@config.when(begins="raw", classes="made")
def held_out_pulses__made(training_pulses: TrainingPulses, seed: int) -> Mask:
    """Which pulses are not trained on: a fourth of each class, a seeded choice."""
    rng = np.random.default_rng([seed, 7])
    held = np.zeros(len(training_pulses.labels), dtype=bool)
    for label in np.unique(training_pulses.labels):
        rows = rng.permutation(np.flatnonzero(training_pulses.labels == label))
        held[rows[: len(rows) // _HELD_OUT]] = True
    return held


@tag(stage="svm", scope="run")
@config.when(begins="raw", classes="made")
def svm_model__made(
    training_pulses: TrainingPulses, held_out_pulses: Mask, svm_settings: Svm
) -> SvmModel:
    """The machine, trained by scikit-learn on three fourths of the pulses."""
    from sklearn.svm import SVC

    rows = ~held_out_pulses
    shapes = training_pulses.shapes[rows].astype(np.float64)
    gamma = svm_settings.gamma
    if gamma == "scale":
        gamma = 1.0 / (shapes.shape[1] * float(shapes.var()))
    made = SVC(C=svm_settings.C, kernel="rbf", gamma=gamma, class_weight="balanced")
    made.fit(shapes, training_pulses.labels[rows])
    # Of two classes scikit-learn turns the decision over; here one above 0 is for the first.
    sign = -1.0 if len(made.classes_) == 2 else 1.0
    return SvmModel(
        np.array(made.support_vectors_, np.float64),
        sign * np.array(made.dual_coef_, np.float64),
        sign * np.array(made.intercept_, np.float64),
        np.array(made.classes_, np.int64),
        np.array(made.n_support_, np.int64),
        float(gamma),
        svm_settings.levels,
        training_pulses.names,
    )


@tag(stage="svm", scope="channel", helper="true")
@config.when(begins="raw", classes="made")
def channel_svm__made(svm_model: SvmModel, channel: str) -> ChannelSvm:
    """The machine of a channel: the same for all."""
    del channel
    return ChannelSvm(svm_model)


@tag(stage="svm", scope="channel", helper="true")
@config.when(begins="raw", classes="stored")
def channel_svm__stored(
    parameter_files: ParameterFiles, channel: str, detectors: dict[str, str]
) -> ChannelSvm:
    """The machine that parameter files hold for a channel; none without."""
    parameters = parameters_of(parameter_files, channel, detectors)
    return ChannelSvm(svm_in(parameters, FileRefs(parameter_files.arrays), channel))


@tag(stage="svm", scope="run", schema="SvmConfusion")
@config.when(begins="raw", classes="made")
def svm_confusion__made(
    training_pulses: TrainingPulses, held_out_pulses: Mask, svm_model: SvmModel
) -> pd.DataFrame:
    """What the pulses that were not trained on are taken for."""
    shapes = training_pulses.shapes[held_out_pulses]
    true = training_pulses.labels[held_out_pulses]
    labels = [int(label) for label in svm_model.labels]
    found = pulse_labels(svm_model, shapes)
    names = [training_pulses.name(label) for label in labels]
    counts = np.array([[((true == a) & (found == b)).sum() for b in labels] for a in labels])
    totals = np.repeat(counts.sum(axis=1), len(labels))
    low, high = clopper_pearson(counts.ravel(), totals)
    return SVM_CONFUSION.frame(
        {
            "true_class": np.repeat(names, len(names)),
            "found_class": np.tile(names, len(names)),
            "n": counts.ravel(),
            "n_true": totals,
            "share": counts.ravel() / totals,
            "low": low,
            "high": high,
        }
    )
