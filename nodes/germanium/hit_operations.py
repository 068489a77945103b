"""Calibrations of a channel as operations of its hit tier: LEGEND's names and expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ...schemas.germanium.aoe import AoEModel, LowCut, TimeCorrection
from ...schemas.germanium.energy import EnergyCalibration
from ...schemas.germanium.lq import LQModel
from ...schemas.germanium.operations import Operation
from ...schemas.germanium.quality import QualityCut, QualityCuts

ORDER: Final = (
    "is_valid_cal", "cuspEmax_ctc_cal", "zacEmax_ctc_cal", "trapEmax_ctc_cal", "trapTmax_cal",
    "AoE_Corrected", "AoE_Classifier", "AoE_Low_Cut", "AoE_Double_Sided_Cut", "is_saturated",
    "is_valid_rt", "is_valid_t0", "is_valid_tmax", "is_valid_dteff", "is_valid_ediff",
    "is_valid_efrac", "is_valid_0vbb", "is_negative_crosstalk", "is_discharge", "is_neg_energy",
    "is_negative", "is_valid_baseline", "is_valid_tail", "is_downgoing_baseline",
    "is_upgoing_baseline", "is_noise_burst", "timestamp",
)  # fmt: skip
"""The columns of a hit tier as LEGEND's production orders them; further ones follow."""
AOE_SHAPE: Final = ("AoE_Corrected", "AoE_Classifier")
AOE_CUTS: Final = ("AoE_Low_Cut", "AoE_Double_Sided_Cut")
LQ_OUTPUTS: Final = ("LQ_Classifier", "LQ_Cut")
"""Columns that a model of A/E, its low cut, and a model of LQ give."""
_OF_FLAG: Final[Mapping[str, tuple[str, ...]]] = {
    "is_valid_baseline": ("bl_std", "bl_slope"),
    "is_valid_tail": ("pz_std", "pz_slope"),
    "is_valid_rt": ("rise_time",),
    "is_valid_t0": ("tp_0_est",),
    "is_valid_dteff": ("dt_eff",),
    "is_valid_ediff": ("e_diff",),
}
_CAL: Final = ("is_valid_baseline", "is_valid_tail")
_ZERO_NU: Final = ("is_valid_rt", "is_valid_t0", "is_valid_dteff", "is_valid_ediff")
_CUT_ENERGY: Final = "trapEmax"
# Half of the flat top away from the maximum, and the start after the maximum, are no pulse.
_MOST_EFRAC: Final = 0.05
_MEDIAN_OF: Final = "AoE_Median_"
_SLICES_AT_ONCE: Final = 8


def energy_operations(calibration: EnergyCalibration, primary: bool) -> list[Operation]:
    """The corrected energy in ADC and in keV of one estimator."""
    name, alpha = calibration.estimator, calibration.alpha_per_ns
    corrected = f"{name}_ctc"
    operations = [
        Operation(corrected, f"{name}*(1+dt_eff*a)", {"a": alpha})
        if alpha
        else Operation(corrected, name)
    ]
    letters = "abc"
    terms = ["a", f"b * {corrected}", f"c * {corrected}**2"]
    scale = [float(c) for c in calibration.scale]
    operations.append(
        Operation(
            f"{corrected}_cal",
            " + ".join(terms[: len(scale)]),
            dict(zip(letters, scale, strict=False)),
        )
    )
    if primary:
        operations.append(Operation("is_neg_energy", f"{corrected}_cal<0"))
    return operations


def aoe_operations(model: AoEModel, energy: str) -> list[Operation]:
    """A/E and its classifier; ``energy`` is the column in keV."""
    p0, p1 = (float(v) for v in model.trend.p)
    q0, q1 = (float(v) for v in model.trend.q)
    slope = float(model.drift.slope_per_ns)
    mu, sigma = f"(p0+p1*{energy})", f"sqrt(q0+q1/{energy}**2)"
    raw = Operation("AoE_Uncorr", f"A_max/{model.estimator}")
    steady = time_operations(model.time)
    ratio = steady[0].name if steady else raw.name
    drift = {"s": slope} if slope else {}
    factor = "*(1+s*dt_eff)" if slope else ""
    return [
        raw,
        *steady,
        Operation("AoE_Corrected", f"{ratio}{factor}/{mu}", {"p0": p0, "p1": p1, **drift}),
        Operation(
            "AoE_Classifier",
            f"(AoE_Corrected-1)*{mu}/{sigma}",
            {"p0": p0, "p1": p1, "q0": q0, "q1": q1},
        ),
    ]


def aoe_cuts(low: LowCut, high_cut: float) -> list[Operation]:
    """The cuts on the classifier of A/E."""
    return [
        Operation("AoE_Low_Cut", "AoE_Classifier>a", {"a": float(low.value)}),
        Operation("AoE_Double_Sided_Cut", "AoE_Low_Cut&(AoE_Classifier<a)", {"a": float(high_cut)}),
    ]


def time_operations(time: TimeCorrection) -> list[Operation]:
    """A/E over the median of its slice of time, first, and these medians; none of none.

    An expression has the medians of a few slices and goes on with the next one, since numexpr,
    with which LEGEND's tools evaluate it, takes at most some thirty names.
    """
    if time.reason:
        return []
    operations = [
        Operation("AoE_Timecorr", f"AoE_Uncorr*r/{_MEDIAN_OF}0", {"r": float(time.reference)})
    ]
    ends, medians = time.begins_s[1:], time.medians
    for k, first in enumerate(range(0, len(medians) - 1, _SLICES_AT_ONCE)):
        some = range(first, min(first + _SLICES_AT_ONCE, len(medians) - 1))
        is_last = some.stop == len(medians) - 1
        text = "last" if is_last else f"{_MEDIAN_OF}{k + 1}"
        for i in reversed(range(len(some))):
            text = f"where(timestamp<t{i},m{i},{text})"
        parameters = {f"t{i}": float(ends[n]) for i, n in enumerate(some)}
        parameters |= {f"m{i}": float(medians[n]) for i, n in enumerate(some)}
        parameters |= {"last": float(medians[-1])} if is_last else {}
        operations.append(Operation(f"{_MEDIAN_OF}{k}", text, parameters))
    return operations


def lq_operations(model: LQModel, energy: str) -> list[Operation]:
    """Late charge, its classifier and cut."""
    return [
        Operation("LQ_Ecorr", f"lq80/{energy}"),
        Operation(
            "LQ_Classifier",
            "(LQ_Ecorr/m-o-s*dt_eff-c)/w",
            {
                "m": float(model.median),
                "o": float(model.offset),
                "s": float(model.slope_per_ns),
                "c": float(model.mean),
                "w": float(model.sigma),
            },
        ),
        Operation("LQ_Cut", "LQ_Classifier<a", {"a": float(model.cut)}),
    ]


def quality_operations(cuts: QualityCuts) -> tuple[list[Operation], dict[str, str]]:
    """Classifiers and flags of all cuts, and why others are absent."""
    operations: list[Operation] = []
    absent: dict[str, str] = {}
    for cut in cuts.cuts.values():
        operations += _cut_operations(cut)
    for flag, parameters in _OF_FLAG.items():
        there = [p for p in parameters if p in cuts.cuts]
        if there:
            operations.append(Operation(flag, "&".join(f"is_valid_{p}" for p in there)))
        else:
            absent[flag] = "; ".join(cuts.absent.get(p, "no cut") for p in parameters)
    operations += _vetoes(cuts)
    have = {operation.name for operation in operations}
    cal = "&".join(
        [*(f for f in _CAL if f in have), "(~is_saturated)", "(~is_discharge)", "(~is_negative)"]
    )
    operations.append(Operation("is_valid_cal", cal))
    zero_nu = "&".join(["is_valid_cal", *(f for f in _ZERO_NU if f in have)])
    operations.append(Operation("is_valid_0vbb", zero_nu))
    return operations, absent


def _cut_operations(cut: QualityCut) -> list[Operation]:
    """The distance from the mode in widths, of the band of energy, and whether it is inside."""
    name = f"is_valid_{cut.parameter}"
    classifier = f"{name}_classifier"
    mode, parameters = _of_band("a", cut.mode, cut.edges_adc)
    width, more = _of_band("b", cut.width, cut.edges_adc)
    sides = {"l": cut.low, "h": cut.high}
    finite = {key: float(value) for key, value in sides.items() if np.isfinite(value)}
    tests = {"l": f"({classifier}>l)", "h": f"({classifier}<h)"}
    inside = "&".join(tests[key] for key in finite) or f"{classifier}=={classifier}"
    text = f"(({cut.expression})-{mode})/{width}"
    if not (np.asarray(cut.width) > 0.0).all():
        # A parameter that has one value is at its mode, not at 0 / 0.
        text = f"where(({cut.expression})=={mode},0.0,{text})"
    return [
        Operation(classifier, text, parameters | more),
        Operation(name, inside, finite),
    ]


def _of_band(letter: str, values: object, edges: object) -> tuple[str, dict[str, float]]:
    """The value of the band in which the energy lies, as an expression."""
    numbers = [float(v) for v in np.atleast_1d(np.asarray(values, dtype=np.float64))]
    if len(numbers) == 1:
        return letter, {letter: numbers[0]}
    inner = [float(e) for e in np.asarray(edges, dtype=np.float64)[1:-1]]
    parameters = {f"{letter}{k}": v for k, v in enumerate(numbers)}
    parameters |= {f"e{k}": v for k, v in enumerate(inner)}
    text = f"{letter}{len(numbers) - 1}"
    for k in reversed(range(len(inner))):
        text = f"where({_CUT_ENERGY}<e{k},{letter}{k},{text})"
    return text, parameters


def _vetoes(cuts: QualityCuts) -> list[Operation]:
    operations = [
        Operation("is_saturated", "t_sat_hi>0"),
        Operation("is_discharge", "t_sat_lo>0"),
        Operation("is_negative", "trapTmax_invert>trapTmax"),
        Operation("is_negative_crosstalk", "is_negative&(~is_discharge)"),
        Operation("is_valid_tmax", "tp_max>tp_0_est"),
        Operation("is_valid_efrac", "abs(trapEftp/trapEmax-1)<a", {"a": _MOST_EFRAC}),
    ]
    slope, spread = cuts.cuts.get("bl_slope"), cuts.cuts.get("bl_std")
    if slope is not None:
        classifier = "is_valid_bl_slope_classifier"
        for name, limit, sign in (
            ("is_downgoing_baseline", slope.low, "<"),
            ("is_upgoing_baseline", slope.high, ">"),
        ):
            if np.isfinite(limit):
                operations.append(Operation(name, f"{classifier}{sign}a", {"a": float(limit)}))
    if spread is not None and np.isfinite(spread.high):
        text = "is_valid_bl_std_classifier>a"
        operations.append(Operation("is_noise_burst", text, {"a": float(spread.high)}))
    return operations
