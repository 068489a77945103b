"""Which inputs of the graph may differ between channels."""

from __future__ import annotations

from typing import Final

OF_CHANNEL: Final = {
    "pole_zero": "pole_zero",
    "filters": "filters",
    "selection": "selection",
    "noise_settings": "noise",
    "dplms_settings": "dplms",
    "quality_settings": "quality",
    "energy_settings": "energy",
    "aoe_settings": "aoe",
    "lq_settings": "lq",
    "gate_settings": "gates",
    "estimators": "estimators",
    "threshold_keV": "threshold_keV",
    "primary_estimator": "primary",
}
"""Inputs that may differ between channels, by name, and their keys in [germanium]."""
