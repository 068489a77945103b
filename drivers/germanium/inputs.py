"""Settings to graph inputs: each input names the very settings that it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ...schemas.germanium.config import GermaniumConfig
from ..definition import ABSENT, Context, Input
from ..files import is_pattern, matching
from ..home import path_of_setting
from .tables import RAW, first_tier


def _begins(config: GermaniumConfig, context: Context) -> str:
    """The tier of the first input file: the graph begins with raw or with dsp tables."""
    named = config.io.input_path
    values = (named,) if isinstance(named, str) else named
    for value in values:
        if not value:
            continue
        path = path_of_setting(context.folder, value)
        found = _files_at(path)
        if found:
            return first_tier(found[0])
    return RAW


def _files_at(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob("*.lh5"))
    if path.is_file():
        return [path]
    return matching(path) if is_pattern(path) else []


def _decay(config: GermaniumConfig, _context: Context) -> str:
    return "given" if config.germanium.pole_zero.tau1_us > 0.0 else "fitted"


def _shaping(_config: GermaniumConfig, _context: Context) -> str:
    return "given"


def _constants(config: GermaniumConfig, _context: Context) -> str:
    return "stored" if config.germanium.parameters_path else "own"


def _section(name: str, key: str) -> Input:
    """A section or key of [germanium] that enters the graph as it is, under a name."""
    return Input(name, (f"germanium.{key}",))


def _of(name: str) -> Input:
    return _section(name, name)


def _unless(value: Any, absent: Any) -> Any:
    return ABSENT if value == absent else value


CHOICES: Final = (
    Input("begins", ("io.input_path",), _begins),
    Input("decay", ("germanium.pole_zero.tau1_us",), _decay),
    Input("shaping", (), _shaping),
    Input("constants", ("germanium.parameters_path",), _constants),
)
INPUTS: Final = (
    _of("pole_zero"),
    _of("filters"),
    _section("quality_settings", "quality"),
    _section("energy_settings", "energy"),
    _section("aoe_settings", "aoe"),
    _section("lq_settings", "lq"),
    _section("gate_settings", "gates"),
    _of("estimators"),
    _of("threshold_keV"),
    _section("primary_estimator", "primary"),
)
