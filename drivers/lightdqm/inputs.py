"""Settings to graph inputs: each input is one frozen section, cut as fine as the dependence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from ...schemas.lightdqm.config import LightDqm, LightDqmConfig
from ...schemas.lightdqm.settings import (
    BlockSettings,
    ClockSettings,
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
from ..graph_inputs import ABSENT, Context, Input, made
from ..home import path_of_setting

if TYPE_CHECKING:
    import pandas as pd

# Settings that the pages of one file depend on; the file itself stands beside them.
_ARGUMENTS: Final = ("units", "ptps16bit", "max_evts", "noise_samples", "powspec_nevts", "legacy")


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
    return made(INPUTS, config, Context(folder, str(source), earlier_runs=earlier_runs))


def _channel_status(config: LightDqmConfig, _context: Context) -> str:
    return "none" if config.lightdqm.channel_status_csv is None else "file"


def _status_path(config: LightDqmConfig, context: Context) -> Path | None:
    status = config.lightdqm.channel_status_csv
    return None if status is None else path_of_setting(context.folder, status)


def _channel_status_file(config: LightDqmConfig, context: Context) -> Any:
    path = _status_path(config, context)
    return ABSENT if path is None else file_ref(path)


def _earlier_runs(_config: LightDqmConfig, context: Context) -> pd.DataFrame:

    from ...schemas.lightdqm.frames import EARLIER_RUNS

    earlier: pd.DataFrame | None = context.earlier_runs
    return EARLIER_RUNS.empty() if earlier is None else earlier


def _run_facts(config: LightDqmConfig, context: Context) -> RunFacts:
    earlier = _earlier_runs(config, context)
    status = _status_path(config, context)
    return run_facts(config.lightdqm, context.source_name, status, earlier)


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
    settings: LightDqm, source: str, status: Path | None, earlier: pd.DataFrame
) -> RunFacts:
    """What the pages say of the run: what was read, compared with, and set."""
    now = datetime.now(UTC).astimezone(ZoneInfo(settings.time_zone))
    n_files = int(earlier["n_files"].max()) if len(earlier) else 0
    arguments = {
        "channel_status_csv": "none" if status is None else str(status),
        "compared with": f"{n_files} files" if n_files else "no other file",
        **{name: str(getattr(settings, name)) for name in _ARGUMENTS},
    }
    return RunFacts(source, arguments, now.strftime("%Y-%m-%d %H:%M %Z"))


def _of_section(
    value: Callable[[LightDqm], Any],
) -> Callable[[LightDqmConfig, Context], Any]:
    return lambda config, _: value(config.lightdqm)


def _keys(*names: str) -> tuple[str, ...]:
    return tuple(f"lightdqm.{name}" for name in names)


CHOICES: Final = (
    Input("legacy", _keys("legacy")),
    Input("channel_status", _keys("channel_status_csv"), _channel_status),
)
INPUTS: Final = (
    Input("channel_status_file", _keys("channel_status_csv"), _channel_status_file),
    Input(
        "event_selection",
        _keys("max_evts"),
        _of_section(lambda s: EventSelection(max_evts=s.max_evts)),
    ),
    Input(
        "pulse_threshold",
        _keys("ptps16bit", "legacy", "units"),
        _of_section(lambda s: PulseThreshold(adc16=pulse_threshold_adc16(s))),
    ),
    Input(
        "noise_window",
        _keys("noise_samples"),
        _of_section(lambda s: NoiseWindow(samples=s.noise_samples)),
    ),
    Input(
        "spectrum_settings",
        _keys("powspec_nevts", "legacy", "units"),
        _of_section(
            lambda s: SpectrumSettings(powspec_nevts=s.powspec_nevts, V_per_adc16=V_per_adc16(s))
        ),
    ),
    Input(
        "light_hit_settings",
        _keys("dead_adc16", "least_chances"),
        _of_section(
            lambda s: LightHitSettings(least_adc16=s.dead_adc16, least_chances=s.least_chances)
        ),
    ),
    Input(
        "spark_settings",
        _keys("spark_step_adc16"),
        _of_section(lambda s: SparkSettings(step_adc16=s.spark_step_adc16)),
    ),
    Input(
        "mask_limits",
        _keys(*MaskLimits.model_fields, "legacy", "units"),
        _of_section(mask_limits),
    ),
    Input(
        "block_settings",
        _keys("blocks", "flat_adc16", "rail_adc16"),
        _of_section(
            lambda s: BlockSettings(
                blocks=s.blocks, flat_adc16=s.flat_adc16, rail_adc16=s.rail_adc16
            )
        ),
    ),
    Input(
        "clock_settings",
        _keys("limits.clock_spread_ms", "limits.plausible_years"),
        _of_section(
            lambda s: ClockSettings(
                spread_ms=s.limits.clock_spread_ms, plausible_years=s.limits.plausible_years
            )
        ),
    ),
    Input("verdict_limits", _keys("limits")),
    Input("page_settings", _keys(*PageSettings.model_fields), _of_section(page_settings)),
    Input("run_facts", _keys(*_ARGUMENTS, "channel_status_csv", "time_zone"), _run_facts),
    # The session looks them up in the store; these settings say in which, and for which files.
    Input("earlier_runs", _keys("store", "ncomp", "reference_run", "legacy"), _earlier_runs),
)
