"""Settings of the germanium calibrations: cuts with one end, and what is refused."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError
from radiograph.schemas.germanium.calibration_settings import AoESettings, QualitySettings


def test_cuts_of_a_parameter() -> None:
    """One number holds to both sides; a parameter of its own may have one end."""
    assert QualitySettings(n_sigma=3.0).limits("bl_std") == (-3.0, 3.0)
    own = QualitySettings.model_validate({"n_sigma": {"pz_std": [-math.inf, 5.0]}})
    assert own.limits("pz_std") == (-math.inf, 5.0)
    assert own.limits("bl_std") == (-4.0, 4.0)


@pytest.mark.parametrize(
    "given", [{"n_sigma": 0.0}, {"n_sigma": {"pz_std": [2.0, 1.0]}}, {"min_survival": 1.5}]
)
def test_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        QualitySettings.model_validate(given)


def test_acceptance_is_a_share() -> None:
    with pytest.raises(ValidationError):
        AoESettings(acceptance=1.0)
