"""Classes of pulse shapes: recall on pulses not trained on, and scikit-learn's own answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.files import file_ref
from radiograph.drivers.germanium.lh5_writing import Lh5Column, new_lh5, write_array, write_table
from radiograph.drivers.germanium.simulation import raw_columns, simulated
from radiograph.nodes.germanium.pulse_shapes import haar_shapes, pulse_labels
from radiograph.nodes.germanium.svm import (
    held_out_pulses__made,
    svm_confusion__made,
    svm_model__made,
    training_pulses__made,
)
from radiograph.nodes.germanium.svm_files import NAMES, model_arrays, svm_in, training_pulses_in
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.errors import InputError
from radiograph.schemas.germanium.pulse_classes import SvmModel, TrainingPulses
from radiograph.schemas.germanium.settings import Svm
from radiograph.schemas.germanium_simulation import CLASSES, GermaniumSimulationSettings
from radiograph.schemas.sources import FileRefs

SETTINGS = Svm()
BASELINE_US = 44.8


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> FileRefs:
    """A raw file of pulses with their classes."""
    path = tmp_path_factory.mktemp("svm") / "train.lh5"
    settings = GermaniumSimulationSettings(seed=9, n_events=4400, train=True)
    with new_lh5(path) as file:
        made = simulated(settings, 0, detector_constants(settings, 0))
        write_table(file, "ch1104000/raw", raw_columns(made))
    return FileRefs((file_ref(path),))


@pytest.fixture(scope="module")
def pulses(training: FileRefs) -> TrainingPulses:
    return training_pulses__made(training, SETTINGS, BASELINE_US)


@pytest.fixture(scope="module")
def model(pulses: TrainingPulses) -> SvmModel:
    pytest.importorskip("sklearn", reason="training needs scikit-learn")
    return svm_model__made(pulses, held_out_pulses__made(pulses, 1), SETTINGS)


def test_recall_of_pulses_that_were_not_trained_on(pulses: TrainingPulses, model: SvmModel) -> None:
    table = svm_confusion__made(pulses, held_out_pulses__made(pulses, 1), model)
    assert set(table["true_class"]) == set(CLASSES)
    own = table[table["true_class"].astype(str) == table["found_class"].astype(str)]
    assert (own["n_true"] >= 100).all()
    assert (own["share"] >= 0.8).all(), own
    assert (
        table.groupby("true_class", observed=True)["n"].sum().sum()
        == len(pulses.labels) - (~held_out_pulses__made(pulses, 1)).sum()
    )


@pytest.mark.parametrize("labels", [None, (0, 3)])
def test_labels_are_those_of_scikit_learn(pulses: TrainingPulses, labels: Any) -> None:
    """On every row, of many classes and of two."""
    svm = pytest.importorskip("sklearn.svm", reason="training needs scikit-learn")
    rows = np.isin(pulses.labels, labels) if labels else np.ones(len(pulses.labels), bool)
    rows[1500:] = False
    some = TrainingPulses(pulses.shapes[rows], pulses.labels[rows], pulses.names)
    nothing = np.zeros(len(some.labels), bool)
    made = svm_model__made(some, nothing, Svm(gamma=0.5, C=3.0))
    theirs = svm.SVC(C=3.0, gamma=0.5, class_weight="balanced")
    theirs.fit(some.shapes.astype(np.float64), some.labels)
    expected = theirs.predict(pulses.shapes.astype(np.float64))
    assert np.array_equal(pulse_labels(made, pulses.shapes), expected)
    one = pulse_labels(made, pulses.shapes[:1])
    assert one.tolist() == expected[:1].tolist()
    assert len(pulse_labels(made, pulses.shapes[:0])) == 0


def test_shapes_are_haar_approximations() -> None:
    """Means of neighbours less the baseline, the greatest of size 1; by hand."""
    waves = np.array([[1, 1, 3, 3, -3, -5, 9], [2, 2, 2, 2, 2, 2, 2]], np.float32)
    kept = waves.copy()
    shapes = haar_shapes(waves, 2, 1)
    np.testing.assert_allclose(shapes, [[0.0, 0.4, -1.0], [0.0, 0.0, 0.0]], atol=1e-7)
    assert np.array_equal(waves, kept)
    assert haar_shapes(waves[:0], 2, 1).shape == (0, 3)


def test_a_machine_of_two_vectors_by_hand() -> None:
    """Two vectors of opposite weight: the nearer one decides."""
    near = SvmModel(
        np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, -1.0]]), np.array([0.0]),
        np.array([0, 4]), np.array([1, 1]), 0.5, 4,
    )  # fmt: skip
    shapes = np.array([[0.1, 0.9], [0.8, 0.3]], np.float32)
    assert pulse_labels(near, shapes).tolist() == [0, 4]
    with pytest.raises(InputError, match="trained on 2 coefficients a pulse, waveforms give 3"):
        pulse_labels(near, np.zeros((1, 3), np.float32))


def test_a_model_as_plain_arrays(model: SvmModel, tmp_path: Path) -> None:
    with new_lh5(tmp_path / "par.lh5") as file:
        group = file.create_group("svm")
        for name, values in model_arrays(model).items():
            write_array(group, name, values)
        group["labels"].attrs[NAMES] = ",".join(model.names)
    with h5py.File(tmp_path / "par.lh5") as file:
        assert file["svm/support_vectors"].attrs["datatype"] == (
            "array_of_equalsized_arrays<1,1>{real}"
        )
        assert file["svm/gamma"].attrs["datatype"] == "real"
    arrays = FileRefs((file_ref(tmp_path / "par.lh5"),))
    told = {"svm": {"model_file": "loadlh5('$_/par.lh5','svm')"}}
    found = svm_in(told, arrays, "ch1")
    assert found is not None
    assert found.names == CLASSES
    for name, values in model_arrays(model).items():
        assert np.array_equal(values, getattr(found, name))
    assert svm_in({}, arrays, "ch1") is None
    with pytest.raises(InputError, match="beside the parameter file"):
        svm_in({"svm": {"model_file": "other.pkl"}}, arrays, "ch1")
    with pytest.raises(InputError, match="no SVM of this program"):
        svm_in({"svm": {"model_file": "loadlh5('$_/par.lh5','svn')"}}, arrays, "ch1")


def _ml_train(path: Path, shapes: Any, labels: Any) -> FileRefs:
    with new_lh5(path) as file:
        columns = {"dwt_norm": Lh5Column(shapes), "dc_label": Lh5Column(labels)}
        write_table(file, "ml_train/dsp", columns)
    return FileRefs((file_ref(path),))


def test_tables_of_shapes_train_too(tmp_path: Path) -> None:
    shapes = np.random.default_rng(1).normal(size=(60, 48)).astype(np.float32)
    labels = np.repeat([0, 2], 30)
    found = training_pulses_in(_ml_train(tmp_path / "a.lh5", shapes, labels), 44_800.0, 4)
    assert np.array_equal(found.shapes, shapes)
    assert [found.name(k) for k in (0, 2)] == ["0", "2"]


Damage = Callable[[Path], FileRefs]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda p: _ml_train(p, np.zeros((30, 4), np.float32), np.zeros(30, int)), "two classes"),
        (lambda p: _ml_train(p, np.zeros((4, 4), np.float32), np.arange(4)), "at least 20"),
        (lambda p: _ml_train(p, np.zeros(4), np.arange(4)), "rows of numbers"),
        (lambda p: _ml_train(p, np.zeros((4, 4), np.float32), np.zeros(4)), "whole numbers"),
    ],
)
def test_training_that_is_none(tmp_path: Path, made: Damage, words: str) -> None:
    with pytest.raises(InputError, match=words):
        training_pulses__made(made(tmp_path / "a.lh5"), SETTINGS, BASELINE_US)


def test_a_file_without_classes(tmp_path: Path) -> None:
    with new_lh5(tmp_path / "a.lh5") as file:
        write_table(file, "ch1/raw", {"timestamp": Lh5Column(np.arange(3.0))})
    with pytest.raises(InputError, match="cannot train the SVM"):
        training_pulses_in(FileRefs((file_ref(tmp_path / "a.lh5"),)), 44_800.0, 4)
