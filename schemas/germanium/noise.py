"""Noise of forced triggers: its power, and what is left of it after each energy filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..arrays import F8
from ..tables import Column, TableSchema

FILTERS: Final = ("trap", "cusp", "zac")


@dataclass(frozen=True)
class NoiseSpectrum:
    """One-sided power spectral density of baselines, from the steps between their samples.

    Attributes
    ----------
    frequency_Hz
        (m,), from 0 on.
    steps_adc2_per_Hz
        Power of the steps, means over groups of waveforms, (g, m); their scatter is the error.
    n_waveforms
        In all groups.
    sample_ns
        Time of a sample.
    """

    frequency_Hz: F8
    steps_adc2_per_Hz: F8
    n_waveforms: int
    sample_ns: float

    @property
    def power_adc2_per_Hz(self) -> F8:
        """Power of the samples, (m,); NaN at frequency 0."""
        step = 4.0 * np.sin(np.pi * self.frequency_Hz * self.sample_ns * 1e-9) ** 2
        mean = self.steps_adc2_per_Hz.mean(axis=0)
        return np.divide(mean, step, out=np.full(len(mean), np.nan), where=step > 0.0)


@dataclass(frozen=True)
class BaselineLimits:
    """Which forced triggers are baselines without a pulse or slope.

    Attributes
    ----------
    std_adc, slope_adc
        Lower and upper limit of each.
    share
        What share of those within is taken.
    sample_ns
        Time of a sample.
    n_triggers, n_within
        How many there are, and how many are within.
    """

    std_adc: tuple[float, float]
    slope_adc: tuple[float, float]
    share: float
    sample_ns: float
    n_triggers: int
    n_within: int


BASELINE_SHAPES: Final = TableSchema(
    "BaselineShapes",
    "a forced trigger",
    (
        Column("std_adc", "float64", "ADC", "standard deviation of its samples"),
        Column("slope_adc", "float64", "ADC", "mean of the last quarter less that of the first"),
        Column("has_pulse", "bool", "", "whether the read-out saw an energy, or a rail"),
        Column("chance", "float64", "", "a seeded number from 0 to 1"),
        Column("sample_ns", "float64", "ns", "time of a sample"),
    ),
)

NOISE_CURVES: Final = TableSchema(
    "NoiseCurves",
    "a filter and its shaping time",
    (
        Column("filter", "category", "", "name of the filter", categories=FILTERS),
        Column("shaping_us", "float64", "us", "rise of the trapezoid, sigma of the cusps"),
        Column("fwhm_adc", "float64", "ADC", "FWHM of the noise, in units of the pulse height"),
        Column("fwhm_err_adc", "float64", "ADC", "its error", nullable=True),
    ),
)

NOISE_OPTIMA: Final = TableSchema(
    "NoiseOptima",
    "a filter",
    (
        Column("filter", "category", "", "name of the filter", categories=FILTERS),
        Column("shaping_us", "float64", "us", "where the noise is least"),
        Column("shaping_err_us", "float64", "us", "its error", nullable=True),
        Column("fwhm_adc", "float64", "ADC", "FWHM of the noise there"),
        Column("fwhm_err_adc", "float64", "ADC", "its error", nullable=True),
        Column("at_end", "bool", "", "whether it is the first or last that was tried"),
    ),
)

NOISE_CHECKS: Final = TableSchema(
    "NoiseChecks",
    "a filter at its least noise",
    (
        Column("filter", "category", "", "name of the filter", categories=FILTERS),
        Column("shaping_us", "float64", "us", "where the noise is least"),
        Column("fwhm_adc", "float64", "ADC", "FWHM of the noise from the spectrum"),
        Column("of_waveforms_adc", "float64", "ADC", "of the filter run on the waveforms"),
        Column("of_waveforms_err_adc", "float64", "ADC", "its error"),
    ),
)
