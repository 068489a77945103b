"""Half of a real calibration against the numbers of an independent fit.

Source: README of the reference data, the column "own". A number holds within its quoted error or
2 %, whichever is greater; the scale within 1e-4, alpha within 15 %, survival within its error.
"""

from __future__ import annotations

import pandas as pd
import pytest
from germanium_channel import ESTIMATORS, HALF_A, Channel, half_a

pytestmark = pytest.mark.skipif(
    not HALF_A.is_file(), reason="the germanium reference data are not beside the checkout"
)

SCALES = {"cuspEmax": 0.154680, "trapEmax": 0.154661, "trapEftp": 0.154674, "zacEmax": 0.154448}
LINES = ("860.564", "1592.511", "1620.5", "2103.511", "2614.511")
FWHM = {
    "cuspEmax": ((1.50, 0.12), (2.22, 0.32), (2.02, 0.21), (2.98, 0.20), (2.507, 0.051)),
    "trapEmax": ((1.51, 0.13), (2.06, 0.30), (2.03, 0.20), (3.04, 0.20), (2.528, 0.050)),
    "trapEftp": ((1.49, 0.13), (1.80, 0.26), (2.03, 0.20), (2.83, 0.19), (2.435, 0.064)),
    "zacEmax": ((1.53, 0.12), (2.22, 0.33), (2.08, 0.20), (2.85, 0.18), (2.511, 0.092)),
}
QBB = {
    "cuspEmax": (2.228, 0.046),
    "trapEmax": (2.246, 0.045),
    "trapEftp": (2.176, 0.054),
    "zacEmax": (2.243, 0.071),
}
ALPHA = {  # regression, its error, scan
    "cuspEmax": (5.65e-7, 0.40e-7, 5.50e-7),
    "trapEmax": (5.44e-7, 0.40e-7, 5.59e-7),
    "trapEftp": (2.32e-7, 0.40e-7, 2.33e-7),
    "zacEmax": (5.82e-7, 0.39e-7, 5.57e-7),
}
CORRECTED = {"cuspEmax": 2.385, "trapEmax": 2.417, "trapEftp": 2.410, "zacEmax": 2.397}
N_SIG = {"cuspEmax": 2097, "trapEmax": 2104, "trapEftp": 2099, "zacEmax": 2111}
RESIDUALS = (0.00, -0.12, -0.03, -0.16, 0.00)
LOW_SIDE = {
    "DEP": (0.896, 0.053), "1620": (0.160, 0.050), "SEP": (0.142, 0.026), "FEP": (0.143, 0.008),
    "Qbb": (0.468, 0.057), "Qbb35": (0.453, 0.021),
}  # fmt: skip
TWO_SIDED = {
    "DEP": 0.878, "1620": 0.126, "SEP": 0.100, "FEP": 0.122, "Qbb": 0.390, "Qbb35": 0.425
}  # fmt: skip
LQ = {
    "DEP": (1.000, 0.144), "1620": (0.543, 0.055), "SEP": (0.654, 0.031), "FEP": (0.639, 0.011),
    "Qbb": (0.636, 0.055), "Qbb35": (0.682, 0.019),
}  # fmt: skip


def close(value: float, error: float) -> object:
    """Within the quoted error or 2 %."""
    return pytest.approx(value, abs=max(error, 0.02 * abs(value)))


@pytest.fixture(scope="module")
def channel() -> Channel:
    return Channel(half_a())


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_energy(channel: Channel, estimator: str) -> None:
    scales = channel["energy_scale_keV_per_adc"].set_index(["estimator", "corrected"])
    scale = scales.loc[(estimator, False)]
    assert scale["scale_keV_per_adc"] == pytest.approx(SCALES[estimator], rel=1e-4)
    assert 1e-6 < scale["scale_err_keV_per_adc"] < 1.2e-5
    peaks = channel["energy_peaks"].set_index(["estimator", "corrected", "line"])
    for line, (fwhm, error) in zip(LINES, FWHM[estimator], strict=True):
        peak = peaks.loc[(estimator, False, line)]
        assert peak["reason"] == ""
        assert peak["fwhm_keV"] == close(fwhm, error)
        assert 0.5 * error < peak["fwhm_err_keV"] < 1.6 * error or estimator == "zacEmax"
    full = peaks.loc[(estimator, False, "2614.511")]
    assert full["n_sig"] == close(N_SIG[estimator], 46)
    assert full["n_sig_err"] == pytest.approx(46, abs=3)
    widths = channel["qbb_fwhm_keV"].set_index(["estimator", "corrected"])
    value, error = QBB[estimator]
    assert widths.loc[(estimator, False), "fwhm_keV"] == close(value, error)
    corrected = peaks.loc[(estimator, True, "2614.511"), "fwhm_keV"]
    assert corrected == close(CORRECTED[estimator], 0.05)


def test_one_fit_of_all_lines_agrees(channel: Channel) -> None:
    shape = channel["shared_shape"]
    assert shape.lines == ("860.564", "1620.5", "2614.511")
    widths = channel["qbb_fwhm_keV"].set_index(["estimator", "corrected"])
    own = widths.loc[("cuspEmax", True)]
    assert shape.qbb_fwhm_keV == pytest.approx(own["fwhm_keV"], abs=own["fwhm_err_keV"])


def test_residuals_are_told(channel: Channel) -> None:
    peaks = channel["energy_peaks"]
    of_cusp = peaks[(peaks["estimator"] == "cuspEmax") & ~peaks["corrected"]]
    for (_, peak), residual in zip(of_cusp.iterrows(), RESIDUALS, strict=True):
        assert peak["residual_keV"] == pytest.approx(residual, abs=peak["position_err_keV"])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_trapping(channel: Channel, estimator: str) -> None:
    row = channel["trapping_alpha_per_ns"].set_index("estimator").loc[estimator]
    seed, error, scan = ALPHA[estimator]
    assert row["seed_per_ns"] == pytest.approx(seed, rel=0.15)
    assert row["alpha_err_per_ns"] == pytest.approx(error, rel=0.15)
    assert row["alpha_per_ns"] == pytest.approx(scan, rel=0.15)
    assert row["fwhm_after_keV"] < row["fwhm_before_keV"]


def test_an_estimator_that_is_nan_is_absent(channel: Channel) -> None:
    found = Channel(half_a(), estimators=("cuspEmax", "zacEftp", "dplmsEmax"))
    reasons = found["energy_scale_keV_per_adc"].set_index("estimator")["reason"]
    assert reasons["zacEftp"] == "zacEftp is NaN in all 19172 rows"
    assert reasons["dplmsEmax"] == "the dsp tier has no column dplmsEmax"


def test_aoe(channel: Channel) -> None:
    table = channel["aoe_survival"].set_index(["cut", "sample"])
    for sample, (value, error) in LOW_SIDE.items():
        assert table.loc[("AoE_Low_Cut", sample), "survival"] == close(value, error)
        assert table.loc[("AoE_Low_Cut", sample), "error"] == pytest.approx(error, rel=0.25)
        two = table.loc[("AoE_Double_Sided_Cut", sample), "survival"]
        assert two == close(TWO_SIDED[sample], error)
    cut = channel["aoe_low_cut"]
    assert abs(cut.survival - 0.9) < 0.01
    assert cut.value == pytest.approx(-3.57, abs=min(cut.error, 0.5))
    assert len(channel["aoe_bands"]) == pytest.approx(56, abs=5)
    peak = channel["aoe_model"].peak
    assert (peak.mu, peak.mu_err) == (close(0.07451, 0.00003), pytest.approx(0.00003, rel=0.3))
    assert peak.sigma == close(0.000872, 0.000025)


def test_lq(channel: Channel) -> None:
    table = channel["lq_survival"].set_index("sample")
    for sample, (value, error) in LQ.items():
        assert table.loc[sample, "survival"] == close(value, error)
    dep = table.loc["DEP"]
    # At its bound the interval of the likelihood has one side.
    assert dep["high"] == 1.0
    assert 0.9 < dep["low"] < 1.0
    assert dep["error"] == pytest.approx(1.0 - dep["low"])


def test_quality(channel: Channel) -> None:
    """The column of this old file that is no slope is not cut on."""
    assert "so it is no slope" in channel["quality_cuts"].absent["pz_slope"]
    table = channel["quality_survival"].set_index("flag")
    assert table.loc["is_valid_baseline", "survival"] == pytest.approx(0.976, abs=0.005)
    assert "no slope" in table.loc["is_valid_tail", "warning"]


def test_a_curve_of_degree_1_keeps_the_widths(channel: Channel) -> None:
    from radiograph.schemas.germanium.calibration_settings import EnergySettings

    linear = Channel(half_a(), energy_settings=EnergySettings(degree=1, trapping=False))
    scale: pd.Series = linear["energy_scale_keV_per_adc"].set_index("estimator").loc["cuspEmax"]
    assert scale["scale_keV_per_adc"] == pytest.approx(0.15468, rel=1e-3)
    assert abs(scale["offset_keV"]) < 0.5
    widths = linear["qbb_fwhm_keV"].set_index("estimator")
    assert widths.loc["cuspEmax", "fwhm_keV"] == pytest.approx(2.228, rel=0.01)
