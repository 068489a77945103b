"""Settings to graph inputs: each input names the very settings that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ...nodes.germanium.parameter_arrays import named_arrays
from ...schemas.germanium.config import GermaniumConfig
from ...schemas.germanium.parameters import ParameterFiles
from ...schemas.sources import FileRefs
from ..files import file_ref, is_pattern, matching
from ..graph_inputs import ABSENT, Context, Input
from ..home import path_of_setting
from .channel_inputs import OF_CHANNEL
from .tables import RAW, first_tier


def _begins(config: GermaniumConfig, context: Context) -> str:
    """The tier of the first input file: the graph begins with raw or with dsp tables."""
    for path in _named(config, context):
        found = _files_at(path)
        if found:
            return first_tier(found[0])
    return RAW


def _named(config: GermaniumConfig, context: Context) -> list[Path]:
    """What [io] names, in order; of a list of files each, relative to its folder."""
    if config.io.file_list:
        listed = path_of_setting(context.folder, config.io.file_list)
        lines = listed.read_text("utf-8-sig").splitlines() if listed.is_file() else []
        names = [line.strip() for line in lines]
        return [listed.parent / name for name in names if name and not name.startswith("#")]
    named = config.io.input_path
    values = (named,) if isinstance(named, str) else named
    return [path_of_setting(context.folder, value) for value in values if value]


def _files_at(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob("*.lh5"))
    if path.is_file():
        return [path]
    return matching(path) if is_pattern(path) else []


def _decay(config: GermaniumConfig, _context: Context) -> str:
    if config.germanium.pole_zero.tau1_us > 0.0:
        return "given"
    return "stored" if config.germanium.parameters_path else "fitted"


def _shaping(config: GermaniumConfig, _context: Context) -> str:
    if config.germanium.parameters_path:
        return "stored"
    return "optimised" if config.germanium.filters.optimise else "given"


def _constants(config: GermaniumConfig, _context: Context) -> str:
    return "stored" if config.germanium.parameters_path else "own"


def _parameter_files(config: GermaniumConfig, context: Context) -> Any:
    paths = _parameter_paths(config, context.folder)
    if not paths:
        return ABSENT
    arrays = arrays_of_parameters(config, context.folder)
    return ParameterFiles(tuple(map(file_ref, paths)), tuple(map(file_ref, arrays)))


def _parameter_paths(config: GermaniumConfig, folder: Path) -> list[Path]:
    named = config.germanium.parameters_path
    values = (named,) if isinstance(named, str) else named
    return [path_of_setting(folder, v) for v in values if v]


def arrays_of_parameters(config: GermaniumConfig, folder: Path) -> list[Path]:
    """The LH5 files that the parameter files of a config name."""
    paths = _parameter_paths(config, folder)
    return list(dict.fromkeys(array for path in paths for array in named_arrays(path)))


def _files_named(named: str | tuple[str, ...], context: Context) -> Any:
    """What a setting names as files by their content, in order; ABSENT without any."""
    values = (named,) if isinstance(named, str) else named
    paths = [path_of_setting(context.folder, value) for value in values if value]
    return FileRefs(tuple(map(file_ref, paths))) if paths else ABSENT


def _pulser_files(config: GermaniumConfig, context: Context) -> Any:
    return _files_named(config.germanium.pulser_path, context)


def _svm_files(config: GermaniumConfig, context: Context) -> Any:
    return _files_named(config.germanium.svm_path, context)


def _training_baseline_us(config: GermaniumConfig, _context: Context) -> float:
    return float(config.germanium.pole_zero.baseline_us[1])


def _classes(config: GermaniumConfig, _context: Context) -> str:
    """Whether pulse shapes are classed: by a machine that is trained, by a stored one, or not."""
    if config.germanium.parameters_path:
        return "stored"
    return "made" if config.germanium.svm_path else "none"


def _pulser(config: GermaniumConfig, _context: Context) -> str:
    """Whether events of a pulser are named by a mask, looked for and left out, or told of."""
    if config.germanium.pulser_path:
        return "given"
    return "found" if config.germanium.find_pulser else "kept"


def _section(name: str, key: str) -> Input:
    """A section or key of [germanium] that enters the graph as it is, under a name."""
    return Input(name, (f"germanium.{key}",))


def _of(name: str) -> Input:
    return _section(name, name)


def _forced(config: GermaniumConfig, _context: Context) -> str:
    return "given" if config.germanium.fft_path else "none"


def _dplms(config: GermaniumConfig, _context: Context) -> str:
    """Whether a DPLMS filter is made, taken from parameter files if these have one, or absent."""
    if config.germanium.parameters_path:
        return "stored"
    return "made" if config.germanium.fft_path and config.germanium.dplms.enabled else "none"


def _peaks(config: GermaniumConfig, context: Context) -> str:
    """Whether pulses of the lines are looked at before the dsp tier is made."""
    wanted = (_shaping(config, context) == "optimised", _dplms(config, context) == "made")
    return "read" if any(wanted) else "none"


_OF_DPLMS: Final = (
    "germanium.parameters_path",
    "germanium.fft_path",
    "germanium.dplms.enabled",
)
_SETTINGS: Final = "germanium.settings_path"


def _of_run(key: str) -> Callable[[GermaniumConfig, Context], Any]:
    """The setting of all channels; where they have their own, each part of the data brings it."""

    def make(config: GermaniumConfig, _context: Context) -> Any:
        return ABSENT if config.germanium.settings_path else getattr(config.germanium, key)

    return make


def _settings(config: GermaniumConfig, _context: Context) -> str:
    return "by_channel" if config.germanium.settings_path else "of_run"


CHOICES: Final = (
    Input("begins", ("io.input_path", "io.file_list"), _begins),
    Input("decay", ("germanium.pole_zero.tau1_us", "germanium.parameters_path"), _decay),
    Input("shaping", ("germanium.parameters_path", "germanium.filters.optimise"), _shaping),
    Input("forced", ("germanium.fft_path",), _forced),
    Input("constants", ("germanium.parameters_path",), _constants),
    Input("classes", ("germanium.parameters_path", "germanium.svm_path"), _classes),
    Input("settings", (_SETTINGS,), _settings),
    Input("pulser", ("germanium.pulser_path", "germanium.find_pulser"), _pulser),
    Input("dplms", _OF_DPLMS, _dplms),
    Input("peaks", (*_OF_DPLMS, "germanium.filters.optimise"), _peaks),
)
INPUTS: Final = (
    *(
        Input(name, (f"germanium.{key}", _SETTINGS), _of_run(key))
        for name, key in OF_CHANNEL.items()
    ),
    _of("detectors"),
    Input("parameter_files", ("germanium.parameters_path",), _parameter_files),
    Input("svm_files", ("germanium.svm_path",), _svm_files),
    _section("svm_settings", "svm"),
    Input("training_baseline_us", ("germanium.pole_zero.baseline_us",), _training_baseline_us),
    Input("pulser_files", ("germanium.pulser_path",), _pulser_files),
    _of("seed"),
)
