"""Shaping times in a parameter file: to the last digit, in any unit of time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from radiograph.drivers.germanium.parameter_yaml import dsp_parameters_of, write_yaml
from radiograph.nodes.germanium.parameter_files import filters_in, time_in
from radiograph.nodes.germanium.recipes import usual_filters
from radiograph.schemas.errors import InputError
from radiograph.schemas.germanium.dsp import DspParameters, PoleZeroConstants
from radiograph.schemas.germanium.settings import Filters, PoleZero


def test_what_a_search_finds_is_read_as_it_was(tmp_path: Path) -> None:
    """Else a tier that is built of the file would differ from that of the calibration."""
    rng = np.random.default_rng(1)
    usual, settings = usual_filters(Filters()), PoleZero()
    for cusp, zac, rise in rng.uniform(0.5, 16.0, (200, 3)).tolist():
        made = replace(usual, cusp_sigma_us=cusp, zac_sigma_us=zac, trap_rise_us=rise)
        constants = PoleZeroConstants(4.5e5)
        told = dsp_parameters_of(
            DspParameters(constants, made, settings.baseline_us, settings.tail_us)
        )
        read = filters_in(told, Filters(), "ch1")
        assert replace(read, origin=made.origin) == made
    write_yaml(tmp_path / "par.yaml", told)
    assert yaml.safe_load((tmp_path / "par.yaml").read_text())["cusp"]["flat"] == "2.5*us"


@pytest.mark.parametrize(
    ("told", "us"),
    [("8*us", 8.0), ("8000*ns", 8.0), (8000, 8.0), ("0.008*ms", 8.0), (" 1e-5 s", 10.0)],
)
def test_units(told: object, us: float) -> None:
    assert time_in("us", told, "rise") == pytest.approx(us, rel=1e-15)
    assert time_in("ns", told, "rise") == pytest.approx(1e3 * us, rel=1e-15)


@pytest.mark.parametrize("told", ["8*keV", "us", "1-2*us", None, True, [8.0]])
def test_what_is_no_time(told: object) -> None:
    with pytest.raises(InputError, match="etrap.rise is .* is needed"):
        time_in("us", told, "etrap.rise")
