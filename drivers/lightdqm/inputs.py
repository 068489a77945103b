"""Settings to graph inputs: each input is one frozen section, cut as fine as the dependence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from ...schemas.lightdqm.config import LightDqm, LightDqmConfig
from ...schemas.lightdqm.frames import EARLIER_RUNS
from ...schemas.lightdqm.settings import (
    EventSelection,
    LightHitSettings,
    MaskLimits,
    NoiseWindow,
    PageSettings,
    PulseThreshold,
    RunFacts,
    SparkSettings,
    SpectrumSettings,
)
from ...schemas.lightdqm.units import LEGACY_V_PER_ADC16, PER_ADC16
from ..files import file_ref
from ..home import path_of_setting

# Settings that the pages of one file depend on; the file itself stands beside them.
_ARGUMENTS: Final = ("units", "ptps16bit", "max_evts", "noise_samples", "powspec_nevts", "legacy")


def graph_choices(config: LightDqmConfig) -> dict[str, Any]:
    """Which variant of a node a config selects."""
    settings = config.lightdqm
    return {
        "legacy": settings.legacy,
        "channel_status": "none" if settings.channel_status_csv is None else "file",
    }


def graph_values(
    config: LightDqmConfig,
    folder: Path,
    earlier_runs: pd.DataFrame | None = None,
    *,
    source: Path = Path(),
) -> Mapping[str, Any]:
    """The values of a config whose relative paths start at ``folder``, for the file ``source``.

    ``earlier_runs`` has the schema EarlierRuns; None = nothing is known of earlier files.
    """
    settings = config.lightdqm
    earlier = EARLIER_RUNS.empty() if earlier_runs is None else earlier_runs
    status = settings.channel_status_csv
    status_path = None if status is None else path_of_setting(folder, status)
    values: dict[str, Any] = {
        "event_selection": EventSelection(max_evts=settings.max_evts),
        "pulse_threshold": PulseThreshold(adc16=pulse_threshold_adc16(settings)),
        "noise_window": NoiseWindow(samples=settings.noise_samples),
        "spectrum_settings": SpectrumSettings(
            powspec_nevts=settings.powspec_nevts, V_per_adc16=V_per_adc16(settings)
        ),
        "mask_limits": mask_limits(settings),
        "light_hit_settings": LightHitSettings(
            least_adc16=settings.dead_adc16, least_chances=settings.least_chances
        ),
        "spark_settings": SparkSettings(step_adc16=settings.spark_step_adc16),
        "verdict_limits": settings.limits,
        "page_settings": page_settings(settings),
        "run_facts": run_facts(settings, source, status_path, earlier),
        "earlier_runs": earlier,
    }
    if status_path is not None:
        values["channel_status_file"] = file_ref(status_path)
    return values


def pulse_threshold_adc16(settings: LightDqm) -> float:
    """The pulse threshold; the earlier script doubles it when it works in volts."""
    doubled = settings.legacy and settings.units == "V"
    return settings.ptps16bit * (2.0 if doubled else 1.0)


def V_per_adc16(settings: LightDqm) -> float:
    """What a count is in spectra; the earlier script scales its chosen unit once more."""
    if not settings.legacy:
        return PER_ADC16["V"]
    return LEGACY_V_PER_ADC16 * legacy_per_adc16(settings)


def per_adc16(settings: LightDqm) -> float:
    """What a count is in the chosen unit, in the formulas that are chosen."""
    return legacy_per_adc16(settings) if settings.legacy else PER_ADC16[settings.units]


def legacy_per_adc16(settings: LightDqm) -> float:
    """What a count is in the chosen unit of the earlier script."""
    return LEGACY_V_PER_ADC16 if settings.units == "V" else PER_ADC16[settings.units]


def mask_limits(settings: LightDqm) -> MaskLimits:
    """Limits in counts.

    The earlier script applies the dead cut and the band as numbers in any unit, and scales the
    spread in ADC14 alone; here that is a change of the limits in counts.
    """
    dead, spread, bands = settings.dead_adc16, settings.spread_adc16, settings.baseline_bands
    if settings.legacy and settings.units != "ADC16":
        per_count = legacy_per_adc16(settings)
        dead /= per_count
        spread = spread if settings.units == "ADC14" else spread / per_count
        bands = tuple((low / per_count, high / per_count) for low, high in bands)
    return MaskLimits(
        baseline_band_adc16=bands,
        spread_adc16=spread,
        dead_adc16=dead,
        dead_fraction=settings.dead_fraction,
        flat_adc16=settings.flat_adc16,
        rail_adc16=settings.rail_adc16,
        move_sigma=settings.move_sigma,
        move_adc16=settings.move_adc16,
    )


def page_settings(settings: LightDqm) -> PageSettings:
    """What the report shows."""
    names = PageSettings.model_fields
    return PageSettings(**{name: getattr(settings, name) for name in names})


def run_facts(
    settings: LightDqm, source: Path, status: Path | None, earlier: pd.DataFrame
) -> RunFacts:
    """What the pages say of the run: what was read, compared with, and set."""
    now = datetime.now(UTC).astimezone(ZoneInfo(settings.time_zone))
    n_files = int(earlier["n_files"].max()) if len(earlier) else 0
    arguments = {
        "channel_status_csv": "none" if status is None else str(status),
        "compared with": f"{n_files} files" if n_files else "no other file",
        **{name: str(getattr(settings, name)) for name in _ARGUMENTS},
    }
    return RunFacts(str(source), arguments, now.strftime("%Y-%m-%d %H:%M %Z"))
