"""Pure changes of the settings: values given on the command line, and fast mode.

In: the data of a TOML file, or a validated config. Out: a changed copy; the input stays.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from ..schemas.errors import SettingProblem
from ..schemas.imaging.config import Fast, ImagingConfig
from ..schemas.imaging.filters import Filters
from ..schemas.imaging.plane import Plane
from ..schemas.settings import Section
from .home import path_of_setting

# Settings that name files: given on the command line, they are relative to the shell.
PATH_KEYS: Final = (
    ("io", "input_path"),
    ("io", "output_path"),
    ("io", "restart_path"),
    ("io", "extra_text_files"),
    ("energy", "lut_paths"),
    ("cache", "dir"),
    ("vis", "png_dir"),
    ("lightdqm", "input_path"),
    ("lightdqm", "output_dir"),
    ("lightdqm", "channel_status_csv"),
    ("lightdqm", "store"),
)

S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Override:
    """A setting of the command line: where it goes, its value, and how it was written."""

    path: tuple[str, ...]
    value: Any
    origin: str


def parsed_override(text: str, folder: Path) -> Override | SettingProblem:
    """``section.key=value`` with a TOML value; what is no TOML value is taken for a string.

    ``folder`` is that of the shell: relative files are taken from there.
    """
    origin = f"--set {text}"
    key_text, equals, value_text = (part.strip() for part in text.partition("="))
    path = _dotted(key_text)
    if not equals or len(path) < 2:
        repair = "write --set section.key=value, e.g. --set plane.du=0.5"
        return SettingProblem(origin, "", f"no setting of a section is named; {repair}")
    value = _toml_value(value_text)
    if value is None:
        if value_text[:1] in ("[", "{", '"', "'"):
            fault = f"{value_text} is no complete TOML value; close its brackets or quotes"
            return SettingProblem(origin, ".".join(path[:-1]), fault)
        value = value_text
    return Override(path, _from_folder(path, value, folder), origin)


def keyword_override(key: str, value: Any, folder: Path) -> Override:
    """A setting that a flag of the command stands for, e.g. ``run.fast`` for ``--fast``."""
    path = tuple(key.split("."))
    return Override(path, _from_folder(path, value, folder), f"command line ({key})")


def _dotted(key_text: str) -> tuple[str, ...]:
    try:
        table: Any = tomllib.loads(f"{key_text} = 0") if "\n" not in key_text else {}
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while isinstance(table, dict) and table:
        path.append(next(iter(table)))
        table = table[path[-1]]
    return tuple(path)


def _toml_value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return None
    return table["value"] if len(table) == 1 else None


def _from_folder(path: tuple[str, ...], value: Any, folder: Path) -> Any:
    if not any(path[: len(key)] == key for key in PATH_KEYS):
        return value
    if isinstance(value, dict):
        return {k: _from_folder(path, v, folder) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_from_folder(path, v, folder) for v in value]
    if isinstance(value, (str, Path)) and str(value):
        return str(path_of_setting(folder, str(value)))
    return value


def with_overrides(
    data: Mapping[str, Any], overrides: Sequence[Override], file: str
) -> tuple[dict[str, Any], list[SettingProblem]]:
    """A copy of ``data`` with each override in turn, and those that find no table."""
    changed = {k: _copied(v) for k, v in data.items()}
    problems = []
    for override in overrides:
        table: Any = changed
        for depth, step in enumerate(override.path[:-1]):
            table = table.setdefault(step, {})
            if not isinstance(table, dict):
                where = ".".join(override.path[: depth + 1])
                fault = f"{where} is no table in {file}; set {where} as a whole"
                problems.append(SettingProblem(override.origin, "", fault))
                break
        else:
            table[override.path[-1]] = _copied(override.value)
    return changed, problems


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()}
    return [_copied(v) for v in value] if isinstance(value, list) else value


def with_fast_mode(config: ImagingConfig) -> tuple[ImagingConfig, tuple[str, ...]]:
    """The config that runs, and the keys that [fast] replaced; unchanged without run.fast."""
    if not config.run.fast:
        return config, ()
    fast = config.fast
    replaced: list[str] = []
    run = _replaced(
        config.run,
        {k: getattr(fast, k) for k in ("max_events", "max_cones", "sbp_engine")},
        "run",
        replaced,
    )
    filters = _fast_filters(config.filters, fast, replaced)
    plane = config.plane
    if plane is not None and fast.plane_downsample > 1:
        plane = _coarse(plane, fast.plane_downsample, replaced)
    changed = {"run": run, "filters": filters, "plane": plane}
    return config.model_copy(update=changed if replaced else {}), tuple(replaced)


def _replaced(table: S, values: Mapping[str, Any], name: str, replaced: list[str]) -> S:
    """``table`` with the values that are set; their keys are added to ``replaced``."""
    new = {k: v for k, v in values.items() if v is not None}
    replaced += [f"{name}.{k}" for k in new]
    return table.model_copy(update=new)


def _fast_filters(filters: Filters, fast: Fast, replaced: list[str]) -> Filters:
    light = {k: getattr(fast, k) for k in ("min_light_MeVee", "max_light_MeVee")}
    hits = _replaced(filters.hits, light, "filters.hits", replaced)
    for species in ("neutron", "gamma"):
        table = getattr(filters.hits, species)
        # A key of a species' own table would win over the universal one just replaced.
        own = {k: v for k, v in light.items() if k in table.model_fields_set}
        new = _replaced(table, own, f"filters.hits.{species}", replaced)
        hits = hits.model_copy(update={species: new})
    first_two = {k: getattr(fast, k) for k in ("min_L1_MeVee", "min_L2_MeVee")}
    every = {"min_L_any_MeVee": fast.min_L_any_MeVee}
    of_events = filters.events
    events = of_events.model_copy(
        update={
            "neutron": _replaced(of_events.neutron, first_two, "filters.events.neutron", replaced),
            "gamma": _replaced(of_events.gamma, every, "filters.events.gamma", replaced),
        }
    )
    return filters.model_copy(update={"hits": hits, "events": events})


def _coarse(plane: Plane, factor: int, replaced: list[str]) -> Plane:
    """``plane`` with pixels ``factor`` times as wide and high; the last may reach out."""
    values = plane.model_dump(exclude_unset=True)
    for axis in ("u", "v"):
        low, high, step = values[f"{axis}_min"], values[f"{axis}_max"], values[f"d{axis}"]
        pixels = round((high - low) / step)
        values[f"d{axis}"] = step * factor
        replaced.append(f"plane.d{axis}")
        if pixels % factor:
            values[f"{axis}_max"] = low + -(-pixels // factor) * step * factor
            replaced.append(f"plane.{axis}_max")
    return Plane(**values)
