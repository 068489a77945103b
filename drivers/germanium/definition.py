"""The germanium pipeline as the core sees it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from ...schemas.germanium.config import STAGES, GermaniumConfig
from ..defaults import later
from ..definition import CompiledAhead, Definition, Source
from .inputs import CHOICES, INPUTS

_MODULES: Final = (
    "load", "pulsers", "pole_zero", "forced", "selection", "optimal_filter", "svm", "dsp",
    "quality", "energy", "aoe_time", "aoe", "lq", "stability", "hit", "figure_data", "figures",
    "pulse_pages",
)  # fmt: skip
_README: Final = """\
Germanium detectors: constants and tables of every channel under /<stage>/<node>/<channel>.
Beside this file stand the tiers as LH5 files, which LEGEND's tools open.
"""

# The columns of waveforms take the longest to compile, and are needed before these.
_COMPILED_AHEAD: Final = CompiledAhead(
    f"{__package__}.first_compile", ("add_peak_likelihood", "signal_mode", "signal_fwhm")
)


def _compiled_ahead(config: GermaniumConfig) -> CompiledAhead | None:
    fits = not config.germanium.parameters_path and config.pipeline.until not in (
        "load",
        "pole_zero",
    )
    return _COMPILED_AHEAD if fits else None


GERMANIUM = Definition(
    name="germanium",
    home=f"{__name__}:GERMANIUM",
    modules=tuple(f"radiograph.nodes.germanium.{name}" for name in _MODULES),
    tables="radiograph.schemas.germanium.frames:TABLES",
    settings=GermaniumConfig,
    sources=(
        Source("source", "io.input_path", "LH5 file of the tier raw or dsp", "*.lh5"),
        Source(
            "forced", "germanium.fft_path", "raw file of forced triggers", "*.lh5", needed=False
        ),
        # YAML and TOML.
        Source(
            "settings",
            "germanium.settings_path",
            "settings by channel and time",
            "*.[yt][ao]ml",
            needed=False,
        ),
    ),
    parts=later(f"{__package__}.tables:parts_of"),
    artifacts=later(f"{__package__}.tier_files:artifacts_of"),
    companions=later(f"{__package__}.tier_files:companions_of"),
    files_read=later(f"{__package__}.inputs:arrays_of_parameters"),
    inputs=INPUTS,
    choices=CHOICES,
    listed_choices=MappingProxyType(
        {
            "begins": "raw",
            "decay": "fitted",
            "shaping": "optimised",
            "constants": "own",
            "forced": "given",
            "dplms": "made",
            "peaks": "read",
            "pulser": "given",
            "classes": "made",
            "settings": "by_channel",
        }
    ),
    stages=STAGES,
    outputs=(
        "n_triggers",
        "n_duplicates",
        "n_out_of_time",
        "channel_settings",
        "pulser_line",
        "pole_zero_constants_ns",
        "noise_spectrum",
        "noise_curves",
        "noise_optimum",
        "noise_check",
        "filter_scan",
        "filter_optima",
        "filter_settings",
        "dplms_grid",
        "dplms_filter",
        "svm_model",
        "svm_confusion",
        "dsp_parameters",
        "quality_survival",
        "forced_survival",
        "trapping_alpha_per_ns",
        "energy_scale_keV_per_adc",
        "energy_peaks",
        "resolution_curve",
        "qbb_fwhm_keV",
        "shared_shape",
        "aoe_times",
        "aoe_bands",
        "aoe_model",
        "aoe_low_cut",
        "aoe_survival",
        "lq_model",
        "lq_survival",
        "time_stability",
        "hit_parameters",
        "energy_spectrum",
        "peak_histograms",
        "drift_points",
        "classifier_counts",
        "calibrated_spectra",
        "quality_histograms",
    ),
    faults=later(f"{__package__}.config_checks:faults"),
    readme=_README,
    scopes=MappingProxyType(
        {
            "run": (),
            "channel": ("channel",),
            "table": ("channel", "file"),
            "range": ("channel", "file", "range"),
            "forced_table": ("channel", "forced"),
            "forced_range": ("channel", "forced", "range"),
        }
    ),
    keyed=frozenset({"channel"}),
    merges=MappingProxyType(
        {
            "tail_decays_ns": "append",
            "peak_lines": "append",
            "peak_waves": "append",
            "peak_drift_ns": "append",
            "baseline_waveforms": "append",
        }
    ),
    tables_page="germanium_schemas.md",
    example="germanium.toml",
    compiled_ahead=_compiled_ahead,
    run=later(f"{__package__}.run:run_config"),
    processes=later(f"{__package__}.run:processes"),
    report=later(f"{__package__}.showing:write_report"),
    input_described=later(f"{__package__}.lh5_summary:described"),
    export_input=later(f"{__package__}.exporting:export_tables"),
    aliases=MappingProxyType({"hit": "hit_columns", "dsp": "dsp_columns"}),
    pages=f"{__package__}.pages",
    starter=later(f"{__package__}.starter:write_starter"),
    commands="radiograph.drivers.germanium.commands",
)
