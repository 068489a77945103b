"""The convention physical: amplitude and decay without bias, errors that are true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.schemas.transients.config import Transients, TransientsConfig
from strikes import run_of

N = 100


def truth(decay: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"number": np.arange(N), "x_lsb": 0, "y_lsb": 0, "kind": "inlier", "amp_ppm": 20.0,
         "lam": decay}
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("decay", [5000.0, 20_000.0])
def test_pulls_and_bias(decay: float) -> None:
    found = run_of(truth(decay), "white", 44, fast=0.0).features
    for name, expected in (("fit_amplitude", 20.0), ("fit_lambda", decay)):
        off = (found[name] - expected).to_numpy()
        pull = off / found[f"{name}_error"].to_numpy()
        assert abs(pull.mean()) < 0.3
        assert 0.8 < pull.std(ddof=1) < 1.3
        assert abs(off.mean()) < 3 * off.std(ddof=1) / np.sqrt(N)


@pytest.mark.slow
def test_the_other_convention_is_biased() -> None:
    # Trailing stamps of means: 0.5 % a 1000 /s and more, the fault that "physical" has not.
    config = TransientsConfig(transients=Transients(convention="ml4see"))
    found = run_of(truth(20_000.0), "white", 42, fast=0.0, config=config).features
    assert 1.15 < (found["fit_N"] - found["fit_c"]).mean() / 20.0 < 1.27
