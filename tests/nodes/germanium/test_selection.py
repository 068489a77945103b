"""Events of the lines: chosen alike for any cut, from the energies of the read-out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.germanium.pole_zero import least_daqenergy__of_raw
from radiograph.nodes.germanium.selection import (
    PeakWindows,
    filter_settings__optimised,
    peak_lines__of_raw,
    peak_waves__of_raw,
    peak_windows__of_raw,
)
from radiograph.schemas.errors import Unfit
from radiograph.schemas.germanium.dsp import Waveforms
from radiograph.schemas.germanium.filter_scan import FILTER_OPTIMA
from radiograph.schemas.germanium.frames import RAW_SCALARS
from radiograph.schemas.germanium.lines import ENERGY_LINES
from radiograph.schemas.germanium.settings import Filters, PoleZero, Selection

COUNTS_PER_KEV = 9.2
FEP, DEP = len(ENERGY_LINES) - 1, 4
NO_PULSER = np.empty(0)


def scalars(n: int = 6000, seed: int = 1) -> pd.DataFrame:
    """A fifth of the events at 2614.5 keV, the others spread below."""
    rng = np.random.default_rng(seed)
    energy = np.where(rng.random(n) < 0.2, 2614.511, rng.uniform(200.0, 2500.0, n))
    zero = np.zeros(n, int)
    return RAW_SCALARS.frame(
        {
            "daqenergy": np.rint(COUNTS_PER_KEV * energy),
            "timestamp_s": 1.7e9 + np.cumsum(rng.exponential(0.05, n)),
            "baseline_adc": zero,
            "t_sat_lo": zero,
            "t_sat_hi": zero,
        }
    )


def test_scale_and_shares() -> None:
    found = peak_windows__of_raw(scalars(), Selection(events_per_line=100), 700.0, NO_PULSER)
    assert found.keV_per_daqenergy == pytest.approx(1 / COUNTS_PER_KEV, rel=1e-3)
    assert found.shares[FEP] == pytest.approx(100 / 1200, rel=0.1)
    # Lines whose window begins below the threshold are not taken.
    assert [line.energy_keV for line, s in zip(ENERGY_LINES, found.shares, strict=True) if s] == [
        860.564, 1592.511, 1620.5, 2103.511, 2614.511,
    ]  # fmt: skip


def test_rows_are_chosen_alike_for_any_cut() -> None:
    rows = scalars()
    windows = peak_windows__of_raw(rows, Selection(events_per_line=300), 300.0, NO_PULSER)
    whole = peak_lines__of_raw(rows, windows, Selection(), 1, NO_PULSER)
    parts = [
        peak_lines__of_raw(rows.iloc[a:b], windows, Selection(), 1, NO_PULSER)
        for a, b in ((0, 17), (17, 4000), (4000, 6000))
    ]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.count_nonzero(whole == FEP) == pytest.approx(300, abs=60)
    # Escape lines are broadened and are not used; another seed takes other rows.
    assert not (whole == DEP).any()
    assert not np.array_equal(whole, peak_lines__of_raw(rows, windows, Selection(), 2, NO_PULSER))
    assert len(peak_lines__of_raw(rows.iloc[:0], windows, Selection(), 1, NO_PULSER)) == 0


def test_events_at_a_rail_are_left_out() -> None:
    rows = scalars().assign(t_sat_hi=np.ones(6000, np.uint16))
    windows = PeakWindows(1 / COUNTS_PER_KEV, (1.0,) * len(ENERGY_LINES))
    assert (peak_lines__of_raw(rows, windows, Selection(), 1, NO_PULSER) == -1).all()


@pytest.mark.parametrize("column", ["daqenergy", "t_sat_hi", "t_sat_lo"])
def test_events_above_the_range_are_not_the_top(column: str) -> None:
    """One in ten at the end of the 16 bits, or at a rail at one energy: the scale is the same."""
    rows = scalars()
    known = peak_windows__of_raw(rows, Selection(), 700.0, NO_PULSER)
    rows.loc[::10, "daqenergy"] = 65_535 if column == "daqenergy" else 40_000
    if column != "daqenergy":
        rows.loc[::10, column] = 20
    before = rows.copy()
    found = peak_windows__of_raw(rows, Selection(), 700.0, NO_PULSER)
    assert found.keV_per_daqenergy == pytest.approx(known.keV_per_daqenergy, rel=2e-3)
    assert least_daqenergy__of_raw(rows, NO_PULSER) == pytest.approx(
        0.25 * COUNTS_PER_KEV * 2614.511, rel=0.03
    )
    pd.testing.assert_frame_equal(rows, before)
    with pytest.raises(Unfit, match="0 triggers with an energy in range"):
        peak_windows__of_raw(rows.iloc[::10], Selection(), 700.0, NO_PULSER)
    assert least_daqenergy__of_raw(rows.iloc[::10], NO_PULSER) == 0.0


def test_events_of_a_pulser_are_left_out() -> None:
    """They neither stand for the top of the spectrum nor are taken near a line."""
    rows = scalars()
    pulser = rows["timestamp_s"].to_numpy()[::10]
    rows.loc[::10, "daqenergy"] = 30_000
    found = peak_windows__of_raw(rows, Selection(), 700.0, pulser)
    assert found.keV_per_daqenergy == pytest.approx(1 / COUNTS_PER_KEV, rel=1e-3)
    rows.loc[::10, "daqenergy"] = int(COUNTS_PER_KEV * 2614.511)
    windows = PeakWindows(1 / COUNTS_PER_KEV, (1.0,) * len(ENERGY_LINES))
    lines = peak_lines__of_raw(rows, windows, Selection(), 1, pulser)
    assert (lines[::10] == -1).all()
    assert (lines == FEP).any()


def test_too_few_events() -> None:
    with pytest.raises(Unfit, match="at least 300") as raised:
        peak_windows__of_raw(scalars(100), Selection(), 300.0, NO_PULSER)
    assert raised.value.numbers == {"n_events": 100}


def test_waves_of_the_taken_rows() -> None:
    """Without their baseline, and as long as the cusps run."""
    slow = np.full((3, 781), 15_000.0, np.float32)
    slow[:, 400:] += np.array([[0.0], [100.0], [200.0]], np.float32)
    waves = Waveforms(slow, slow[:, :10], 128.0, 16.0, 42_000.0)
    found = peak_waves__of_raw(waves, np.array([-1, 7, 3], np.int8), PoleZero())
    assert found.shape == (2, 740)
    assert found[:, 0].tolist() == [0.0, 0.0]
    assert found[:, -1].tolist() == [100.0, 200.0]


def test_settings_of_the_best() -> None:
    optima = FILTER_OPTIMA.frame(
        {
            "filter": ["trap", "cusp", "zac"],
            "shaping_us": [6.0, 7.0, 3.0],
            "shaping_err_us": [1.0, 1.0, np.nan],
            "qbb_fwhm_keV": [2.2, 2.1, 2.3],
            "qbb_fwhm_err_keV": [0.1] * 3,
            "n_computed": [5] * 3,
            "at_end": [False] * 3,
        }
    )
    found = filter_settings__optimised(optima, Filters())
    assert (found.trap_rise_us, found.cusp_sigma_us, found.zac_sigma_us) == (6.0, 7.0, 3.0)
    assert (found.origin, found.trap_flat_us, found.kernel_us) == ("optimised", 2.5, 89.6)
