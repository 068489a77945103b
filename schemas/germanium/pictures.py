"""Counts that the pages of a channel are drawn from."""

from __future__ import annotations

from typing import Final

from ..tables import Column, TableSchema

ENERGY_SPECTRUM: Final = TableSchema(
    "EnergySpectrum",
    "a bin of energy",
    (
        Column("low_keV", "float64", "keV", "lower edge"),
        Column("high_keV", "float64", "keV", "upper edge"),
        Column("counts", "int64", "", "events that calibrations are made of"),
    ),
)

SPECTRA: Final = TableSchema(
    "CalibratedSpectra",
    "a bin of energy",
    (
        Column("low_keV", "float64", "keV", "lower edge"),
        Column("high_keV", "float64", "keV", "upper edge"),
        Column("all", "int64", "", "events that calibrations are made of"),
        Column("single_site", "int64", "", "those that pass the low cut of A/E; -1: there is none"),
        Column("two_sided", "int64", "", "those that pass both cuts of A/E; -1: there are none"),
        Column("early", "int64", "", "those that pass LQ; -1: there is no cut of LQ"),
    ),
)

PEAK_HISTOGRAMS: Final = TableSchema(
    "PeakHistograms",
    "a bin of the window of a line, of the primary estimator",
    (
        Column("line", "category", "", "name of the line"),
        Column("low_keV", "float64", "keV", "lower edge"),
        Column("high_keV", "float64", "keV", "upper edge"),
        Column("counts", "int64", "", "events"),
        Column("expected", "float64", "", "counts of the fit", nullable=True),
        Column("background", "float64", "", "its background alone", nullable=True),
    ),
)

DRIFT_POINTS: Final = TableSchema(
    "DriftPoints",
    "an event near 2614.5 keV",
    (
        Column("dt_eff_ns", "float64", "ns", "effective drift time"),
        Column("before_keV", "float64", "keV", "energy without the correction"),
        Column("after_keV", "float64", "keV", "with it; equal where nothing is corrected"),
    ),
)

CLASSIFIER_COUNTS: Final = TableSchema(
    "ClassifierCounts",
    "a cell of energy and classifier",
    (
        Column("classifier", "category", "", "AoE or LQ", categories=("AoE", "LQ")),
        Column("energy_keV", "float64", "keV", "middle of the cell"),
        Column("value", "float64", "", "middle of the cell, in widths"),
        Column("counts", "int64", "", "events"),
    ),
)

QUALITY_HISTOGRAMS: Final = TableSchema(
    "QualityHistograms",
    "a bin of the classifier of a parameter",
    (
        Column("parameter", "category", "", "its name"),
        Column("value", "float64", "", "middle of the bin, in widths from the mode"),
        Column("counts", "int64", "", "events; those beyond are in the outermost bins"),
    ),
)
