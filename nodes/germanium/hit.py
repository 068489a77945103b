"""The hit tier: energies in keV, classifiers and flags, by operations on the dsp columns."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.errors import InputError
from ...schemas.failures import Failure
from ...schemas.germanium.aoe import AoEModel, LowCut
from ...schemas.germanium.calibration_settings import AoESettings
from ...schemas.germanium.energy import EnergyCalibration
from ...schemas.germanium.lq import LQModel
from ...schemas.germanium.operations import HitParameters, HitTier, Operation
from ...schemas.germanium.parameters import ParameterFiles
from ...schemas.germanium.pulse_classes import NORMAL
from ...schemas.germanium.quality import QualityCuts
from .columns import absence, column_of
from .expressions import evaluated, in_order, parsed
from .hit_flags import BITS, bits_of_flags
from .hit_operations import (
    AOE_CUTS,
    AOE_SHAPE,
    LQ_OUTPUTS,
    ORDER,
    aoe_cuts,
    aoe_operations,
    energy_operations,
    lq_operations,
    quality_operations,
)
from .parameter_files import absent_in, operations_in

_FURTHER: Final = ("_ctc_cal", "LQ_Classifier", "LQ_Cut", "is_valid_svm")
_FEP_WINDOW_KEV: Final = 10.0
_FEP_KEV: Final = 2614.511


@tag(stage="hit", scope="channel", main="true")
@config.when(constants="own")
def hit_parameters__calibrated(
    dsp_columns: pd.DataFrame,
    quality_cuts: QualityCuts,
    uncorrected_energies: dict[str, EnergyCalibration],
    corrected_energies: dict[str, EnergyCalibration],
    primary_calibration: EnergyCalibration,
    primary_energy_keV: NDArray[np.float64],
    aoe_model: AoEModel | Failure,
    aoe_low_cut: LowCut | Failure,
    aoe_settings: AoESettings,
    lq_model: LQModel | Failure,
) -> HitParameters:
    """The operations that the calibrations of a channel amount to.

    Of A/E or LQ that cannot be calibrated there are none, and ``absent`` says why.
    """
    operations, absent = quality_operations(quality_cuts)
    for estimator, plain in uncorrected_energies.items():
        corrected = corrected_energies.get(estimator)
        used = plain if corrected is None or corrected.reason else corrected
        if used.reason:
            absent[f"{estimator}_ctc_cal"] = used.reason
        else:
            operations += energy_operations(used, estimator == primary_calibration.estimator)
    energy = f"{primary_calibration.estimator}_ctc_cal"
    operations += _long_trapezoid(dsp_columns, primary_energy_keV)
    if isinstance(aoe_model, Failure):
        absent |= dict.fromkeys((*AOE_SHAPE, *AOE_CUTS), _told(aoe_model))
    else:
        operations += aoe_operations(aoe_model, energy)
        if isinstance(aoe_low_cut, Failure):
            absent |= dict.fromkeys(AOE_CUTS, _told(aoe_low_cut))
        else:
            operations += aoe_cuts(aoe_low_cut, aoe_settings.high_cut)
    if isinstance(lq_model, Failure):
        absent |= dict.fromkeys(LQ_OUTPUTS, _told(lq_model))
    else:
        operations += lq_operations(lq_model, energy)
    operations += _pulse_shape(dsp_columns)
    usable = _usable(operations, dsp_columns, absent)
    return HitParameters(usable, _outputs(usable), absent)


@tag(stage="hit", scope="channel", main="true")
@config.when(constants="stored")
def hit_parameters__stored(
    parameter_files: ParameterFiles, channel: str, detectors: dict[str, str]
) -> HitParameters:
    """The operations that parameter files hold for a channel."""
    operations, outputs = operations_in(parameter_files, channel, detectors)
    outputs = outputs or _outputs(operations)
    absent = absent_in(parameter_files, channel, detectors)
    return HitParameters(operations, outputs if BITS in outputs else (*outputs, BITS), absent)


@tag(stage="hit", scope="channel", main="true")
def hit_columns(dsp_columns: pd.DataFrame, hit_parameters: HitParameters) -> pd.DataFrame:
    """The columns of the hit tier of a channel, one row a row of its dsp tier."""
    # In 32 bits a product with a parameter would lose digits of the energy.
    columns = {
        name: dsp_columns[name].to_numpy(
            np.float64 if dsp_columns[name].dtype.kind == "f" else None
        )
        for name in dsp_columns.columns
    }
    n = len(dsp_columns)
    found = evaluated(hit_parameters.operations, columns, n)
    known: dict[str, Any] = {**columns, **found}
    missing = [name for name in hit_parameters.outputs if name not in known and name != BITS]
    if missing:
        msg = f"{missing[0]} is to be an output and is neither a column nor an operation."
        raise InputError(msg, code="unknown_column")
    frame = {name: known[name] for name in hit_parameters.outputs if name != BITS}
    flags = {name: v for name, v in frame.items() if np.asarray(v).dtype == bool}
    if BITS in hit_parameters.outputs:
        frame[BITS] = bits_of_flags(tuple(flags)).pack(flags) if flags else np.zeros(n, np.uint64)
    return pd.DataFrame(frame)


@tag(stage="hit", scope="channel", helper="true", stored="false")
def hit_tier(hit_columns: pd.DataFrame, hit_parameters: HitParameters) -> HitTier:
    """The hit columns of a channel with what is absent, as they are written."""
    return HitTier(hit_columns, hit_parameters.absent)


def _told(failure: Failure) -> str:
    return f"{failure.node}: {failure.message}"


def _long_trapezoid(dsp_columns: pd.DataFrame, energy_keV: NDArray[np.float64]) -> list[Operation]:
    """The scale of the trapezoid that times are taken of, by the primary energy near 2614.5 keV."""
    if absence(dsp_columns, "trapTmax"):
        return []
    near = np.abs(energy_keV - _FEP_KEV) < _FEP_WINDOW_KEV
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = energy_keV[near] / column_of(dsp_columns, "trapTmax")[near]
    scale = scale[np.isfinite(scale)]
    if not len(scale):
        return []
    return [Operation("trapTmax_cal", "a + b * trapTmax", {"a": 0.0, "b": float(np.median(scale))})]


def _pulse_shape(dsp_columns: pd.DataFrame) -> list[Operation]:
    """Whether the shape is that of a good pulse, where shapes have a class."""
    if "svm_label" not in dsp_columns or not (dsp_columns["svm_label"] >= 0).any():
        return []
    return [Operation("is_valid_svm", "svm_label==a", {"a": float(NORMAL)})]


def _usable(
    operations: list[Operation], dsp_columns: pd.DataFrame, absent: dict[str, str]
) -> tuple[Operation, ...]:
    """Without those that stand on a column that the dsp tier has not; ``absent`` says why."""
    names = {operation.name for operation in operations}
    gone: dict[str, str] = {}
    for operation in in_order(operations, dsp_columns.columns):
        used = sorted(parsed(operation.expression).names - operation.parameters.keys())
        reasons = [gone.get(n, "") if n in names else absence(dsp_columns, n) for n in used]
        reason = next((r for r in reasons if r), "")
        if reason and operation.name not in _NEVER_SET:
            gone[operation.name] = reason
    absent.update({name: reason for name, reason in gone.items() if name not in absent})
    return tuple(operation for operation in operations if operation.name not in gone)


# Without their column nothing has this fault.
_NEVER_SET: Final = ("is_saturated", "is_discharge", "is_negative")


def _outputs(operations: tuple[Operation, ...]) -> tuple[str, ...]:
    """Columns of the tier: LEGEND's in its order, then further ones, then the packed flags."""
    names = {operation.name for operation in operations}
    first = [name for name in ORDER if name in names or name == "timestamp"]
    further = [
        operation.name
        for operation in operations
        if operation.name not in ORDER and operation.name.endswith(_FURTHER)
    ]
    return (*first, *further, BITS)
