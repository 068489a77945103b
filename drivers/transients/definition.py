"""The transients pipeline as the core sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import KEPT_IQ
from ..defaults import later
from ..definition import CompiledAhead, Definition, Fault, Source
from .inputs import CHOICES, INPUTS

if TYPE_CHECKING:
    from ..config import LoadedConfig


def faults(config: TransientsConfig, _folder: Path, skip: frozenset[str]) -> Iterator[Fault]:
    """Every problem between settings."""
    transients = config.transients
    settings, windows = transients.demodulation, transients.windows
    if not {"transients.demodulation", "transients.windows"} & skip:
        every = settings.decimate
        for name, value in (("step", windows.step), ("length", windows.length)):
            if value % every:
                text = (
                    f"decimate = {every} does not divide {name} = {value} of [transients.windows]; "
                    "take 1, 2, 5 or 10"
                )
                yield Fault("transients.demodulation", text, ("transients.demodulation.decimate",))
        if settings.stop_MHz <= settings.pass_MHz:
            text = f"stop_MHz = {settings.stop_MHz:g} must be above pass_MHz {settings.pass_MHz:g}"
            yield Fault("transients.demodulation", text, ("transients.demodulation.stop_MHz",))
    named = config.io.input_path
    if config.io.file_list or not (isinstance(named, str) or len(named) == 1):
        text = "a campaign is one folder, or one HDF5 file: name that alone in input_path"
        yield Fault("io", text, ("io.input_path",))
    if "transients.outliers" not in skip:
        yield from _outlier_faults(config)
    if "parquet" in config.output.formats and find_spec("pyarrow") is None:
        text = "formats: parquet needs pyarrow: pip install 'radiograph[parquet]'"
        yield Fault("output", text, ("output.formats",))
    if transients.labels and transients.truth:
        text = "labels and truth both say what the recordings are; keep one of them"
        yield Fault("transients", text, ("transients.truth",))


def _outlier_faults(config: TransientsConfig) -> Iterator[Fault]:
    outliers = config.transients.outliers
    if outliers.decide == "forest" and outliers.forest == "none":
        text = 'decide = "forest" needs a forest; set forest = "sklearn"'
        yield Fault("transients.outliers", text, ("transients.outliers.decide",))
    if outliers.forest == "sklearn" and find_spec("sklearn") is None:
        text = "forest = \"sklearn\" needs scikit-learn: pip install 'radiograph[forest]'"
        yield Fault("transients.outliers", text, ("transients.outliers.forest",))


def _ours(place: str) -> Callable[..., Any]:
    """A function of this package, imported when it is called."""
    return later(f"{__package__}.{place}")


def summary(loaded: LoadedConfig[TransientsConfig]) -> dict[str, Any]:
    """What a checked file asks for, as plain values."""
    config = loaded.config
    return {
        "pipeline": "transients",
        "input": config.io.input_path,
        "output": config.io.output_path,
        "runs": list(config.transients.runs) or "all",
        "convention": config.transients.convention,
        "until": config.pipeline.until,
    }


# What goes through the samples takes the longest to compile, and is needed before these.
_COMPILED_AHEAD: Final = CompiledAhead(
    "radiograph.drivers.transients.first_compile",
    ("exponential_rows", "correlated_error_rows", "local_statistics"),
)


def _compiled_ahead(config: TransientsConfig) -> CompiledAhead | None:
    fits = config.pipeline.until not in ("structure", "baseline")
    return _COMPILED_AHEAD if fits else None


_MODULES: Final = (
    "metadata",
    "fpga",
    "structure",
    "baseline",
    "features",
    "table",
    "outliers",
    "judging",
    "maps",
    "restart",
)
ARRAYS: Final = ("pre_window_means_ppm", "post_window_means_ppm")
_KEPT: Final = {"kept_samples_adc": KEPT_IQ, "kept_frequencies_Hz": "samples/frequency_Hz"}
_AS_LARGE_AS_RECORDINGS: Final = ("instantaneous_frequencies_Hz", *_KEPT)

TRANSIENTS = Definition(
    name="transients",
    home=f"{__name__}:TRANSIENTS",
    modules=tuple(f"radiograph.nodes.transients.{name}" for name in _MODULES),
    tables="radiograph.schemas.transients.frames:TABLES",
    settings=TransientsConfig,
    sources=(
        Source(
            "source",
            "io.input_path",
            "campaign of archives, folders or HDF5 files",
            "run_*",
            joined=True,
        ),
    ),
    inputs=INPUTS,
    files_read=_ours("campaign:files_beside"),
    choices=CHOICES,
    stages=("structure", "baseline", "features", "outliers", "maps"),
    outputs=(
        "run_metadata",
        "run_log",
        "hit_log",
        "recording_table",
        "foreign_members",
        "kept_samples_adc",
        "kept_frequencies_Hz",
        "lowpass_taps",
        "window_times_s",
        "recording_quality",
        "baselines",
        "pre_window_means_ppm",
        "post_window_means_ppm",
        "two_exponential_fits",
        "hit_matches",
        "noise_level_ppm",
        "window_correlation",
        "error_inflation",
        "features",
        "quality_counts",
        "local_centres",
        "local_scores",
        "outliers",
        "false_alarms",
        "forest_scores",
        "anomaly_kinds",
        "detection_quality",
        "unknown_labels",
        "position_maps",
        "filtered_position_maps",
        "cross_sections",
    ),
    merges=MappingProxyType(
        {
            **dict.fromkeys((*ARRAYS, *_AS_LARGE_AS_RECORDINGS), "append"),
            "foreign_members": "add",
        },
    ),
    places=MappingProxyType(_KEPT),
    packed=MappingProxyType(
        {**dict.fromkeys((*ARRAYS, *_AS_LARGE_AS_RECORDINGS), "<f4"), "kept_samples_adc": "<i2"}
    ),
    untracked=("threads", "recording_streams"),
    aliases=MappingProxyType({"maps": "filtered_position_maps"}),
    tables_page="transients_schemas.md",
    example="transients.toml",
    faults=faults,
    run=_ours("run:run_campaign"),
    session=_ours("session:first_session"),
    report=_ours("page:write_report"),
    overview=_ours("overview:write_overview"),
    verify=_ours("verifying:verify_run"),
    export=_ours("exporting:export_run"),
    summary=summary,
    summary_node="quality_counts",
    pages=f"{__package__}.pages",
    starter=_ours("starter:write_starter"),
    compiled_ahead=_compiled_ahead,
)
