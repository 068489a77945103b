"""Pages of the decay and of the search of the filters: drawn within their bounds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.germanium.figure_pulses import decay_sheet, scan_sheet
from radiograph.nodes.sheets.drawing import sheet_png
from radiograph.schemas.germanium.dsp import PoleZeroConstants
from radiograph.schemas.germanium.pole_zero import TailSum
from radiograph.schemas.sheets import Sheet, Words

SCALE = 1 << 24


def _tail(constants: PoleZeroConstants, n: int = 900) -> TailSum:
    """The sum of n tails of that decay, with a spread of a thousandth."""
    t = 5_000.0 + 128.0 * np.arange(300)
    f = constants.frac2
    tail = (1.0 - f) * np.exp(-t / constants.tau1_ns) + f * np.exp(-t / max(constants.tau2_ns, 1.0))
    mean = tail / tail.mean() + np.random.default_rng(1).normal(0.0, 1e-3 / np.sqrt(n), 300)
    squares = mean**2 + 1e-6
    sums = np.rint(n * mean * SCALE).astype(np.int64)
    of_squares = np.rint(n * squares * SCALE).astype(np.int64)
    return TailSum(sums, of_squares, n, np.zeros(5, np.int64), 128.0, 5_000.0, SCALE)


def _words(page: Sheet) -> str:
    return " ".join(shape.text for shape in page.shapes if isinstance(shape, Words))


@pytest.mark.parametrize(
    ("constants", "said"),
    [
        (PoleZeroConstants(450_000.0, tau1_err_ns=300.0), "900 tails; τ = 450.00 ± 0.30 µs"),
        (PoleZeroConstants(450_000.0, 17_600.0, 0.02, 300.0, 90.0, 1e-4), "f = 0.02000 ± 0.00010"),
    ],
)
def test_the_page_of_the_decay(constants: PoleZeroConstants, said: str) -> None:
    page = decay_sheet(_tail(constants), constants, "ch1")
    assert sheet_png(page, 20.0).startswith(b"\x89PNG")
    assert said in _words(page)


@pytest.mark.parametrize("n", [4, 0])
def test_the_page_of_the_search(n: int) -> None:
    scan = pd.DataFrame(
        {
            "filter": ["cusp"] * n,
            "shaping_us": [4.0, 16.0, 8.0, 6.0][:n],
            "qbb_fwhm_keV": [2.3, np.nan, 2.2, 2.25][:n],
            "qbb_fwhm_err_keV": [0.05] * n,
        }
    )
    optima = pd.DataFrame(
        {
            "filter": ["cusp"], "shaping_us": [7.9], "shaping_err_us": [0.4],
            "qbb_fwhm_keV": [2.2], "qbb_fwhm_err_keV": [0.05], "n_computed": [n],
        }
    ).head(n)  # fmt: skip
    page = scan_sheet(scan, optima, "ch1")
    assert sheet_png(page, 20.0).startswith(b"\x89PNG")
    assert ("7.90 ± 0.40" in _words(page)) == bool(n)
