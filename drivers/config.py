"""The TOML file of a run: read, changed by the command line, checked, frozen.

In: the path of a TOML file and settings of the command line. Out: LoadedConfig, or one
ConfigError with every problem of the file. Nothing here starts a computation.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..schemas.errors import ConfigError, SettingProblem
from ..schemas.settings import Section
from . import registry
from .config_errors import Report, Source, report_of
from .config_fields import Loc, nearest
from .definition import Definition
from .home import path_of_setting
from .loaded_config import LoadedConfig
from .overrides import (
    Override,
    from_shell,
    keyword_override,
    parsed_override,
    with_overrides,
)
from .setting_aliases import renamed_data, renamed_overrides

__all__ = [
    "LoadedConfig",
    "config_rows",
    "json_schema",
    "load_config",
    "resolved_path",
]

_OTHER_FORMATS = {".yaml": "YAML", ".yml": "YAML", ".json": "JSON", ".ini": "INI", ".txt": "text"}
_AT_LINE = re.compile(r"\(at line (?P<line>\d+), column (?P<column>\d+)\)|\(at end of document\)")
_NAME = "pipeline.name"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def load_config(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    shell_folder: Path | None = None,
) -> LoadedConfig[Any]:
    """Read and check the settings of a run.

    Parameters
    ----------
    path
        TOML file.
    overrides
        ``section.key=value``, each as given to ``--set``.
    settings
        Dotted key and value of each flag that stands for a setting, e.g. ``run.fast``;
        they come after ``overrides``. A value None is no setting.
    shell_folder
        Files named by ``overrides`` and ``settings`` are relative to it (default: the
        working folder), those of the TOML file to the folder of that file.

    Raises
    ------
    ConfigError
        With every problem that was found.
    """
    path = Path(path)
    folder = Path.cwd() if shell_folder is None else shell_folder
    text = _text_of(path)
    file_data = _parsed(text, path)
    parsed = [parsed_override(o) for o in overrides]
    given = [o for o in parsed if isinstance(o, Override)]
    chosen, problems = _definition(with_overrides(file_data, given, "")[0], str(path))
    file_data, written, twice = renamed_data(file_data, chosen.setting_aliases, str(path))
    given, more_twice = renamed_overrides(given, chosen.setting_aliases)
    problems += [*twice, *more_twice]
    given += [keyword_override(k, v) for k, v in (settings or {}).items() if v is not None]
    given = [from_shell(o, chosen.settings, folder) for o in given]
    data, lost = with_overrides(file_data, given, str(path))
    problems += [p for p in parsed if isinstance(p, SettingProblem)] + lost
    if problems and problems[0].setting == _NAME:
        raise ConfigError(problems, file=path)
    source = Source(chosen.settings, str(path), file_data, given, chosen.missing, written)
    config, more, skip = _checked(data, source, chosen.stand_ins)
    running, replaced = chosen.with_fast_mode(config)
    problems += more
    for fault in chosen.faults(running, path.parent, skip):
        problems.append(_fault_problem(source, fault.section, fault.text, fault.keys))
    if problems:
        names = list(chosen.settings.model_fields)
        raise ConfigError(sorted(problems, key=lambda p: _section_order(p, names)), file=path)
    return LoadedConfig(
        config=running,
        text=text,
        path=path,
        replaced=replaced,
        notices=tuple(chosen.notices(running, replaced)),
        overrides=tuple(o.origin for o in given),
    )


def config_of_command(
    name: str,
    path: Path | None,
    overrides: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> LoadedConfig[Any]:
    """The settings of a TOML file of a pipeline; without one those of its example.

    Paths of the example start from the working folder. ConfigError if the settings are wrong, or
    those of another pipeline.
    """
    if path is None:
        example = registry.definition(name).example
        with resources.as_file(resources.files("radiograph.configs") / example) as shipped:
            loaded = load_config(shipped, overrides=overrides, settings=settings)
        return replace(loaded, path=Path.cwd() / example)
    loaded = load_config(path, overrides=overrides, settings=settings)
    found = loaded.config.pipeline.name
    if found != name:
        text = f'name = "{found}"; this command needs name = "{name}"'
        raise ConfigError([SettingProblem(str(path), "pipeline", text, _NAME)], file=path)
    return loaded


def _definition(data: Mapping[str, Any], file: str) -> tuple[Definition, list[SettingProblem]]:
    """The pipeline that [pipeline] name selects, and a problem if there is none of that name."""
    section = data.get("pipeline")
    name = section.get("name", registry.DEFAULT) if isinstance(section, dict) else None
    if isinstance(name, str) and name not in registry.names():
        near = nearest(name, list(registry.names()))
        hint = f' (did you mean "{near}"?)' if near else ""
        allowed = " or ".join(f'"{n}"' for n in registry.names())
        text = f'name = "{name}" is not a choice{hint}; allowed: {allowed}'
        problem = SettingProblem(file, "pipeline", text, _NAME)
        return registry.definition(registry.DEFAULT), [problem]
    return registry.definition(name if isinstance(name, str) else registry.DEFAULT), []


def _fault_problem(
    source: Source, section: str, text: str, keys: tuple[str, ...]
) -> SettingProblem:
    """A problem between sections, with the overrides that had a part in it."""
    paths = [tuple(key.split(".")) for key in keys]
    part = [
        o.origin
        for o in source.overrides
        if any(o.path[: len(p)] == p or p[: len(o.path)] == o.path for p in paths)
    ]
    origins = f" (with {', '.join(part)})" if part else ""
    return SettingProblem(source.file, section, text + origins)


def _section_order(problem: SettingProblem, names: Sequence[str]) -> int:
    """Problems of one section together, those of no section first."""
    section = re.split(r"[.,]", problem.key)[0]
    return names.index(section) if section in names else -1


def _text_of(path: Path) -> str:
    other = _OTHER_FORMATS.get(path.suffix.lower())
    if other is not None:
        fault = (
            f"is a {other} file by its name; settings are read from TOML. Rename or rewrite it "
            "as a .toml file (radiograph check --schema lists every key)"
        )
        raise _file_error(path, fault)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        near = sorted(p.name for p in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        here = f"; there: {', '.join(near[:5])}" if near else ""
        fault = f"there is no such file{here}. Give the path of a TOML file"
        raise _file_error(path, fault) from None
    except IsADirectoryError:
        fault = "is a folder. Give the path of a TOML file in it"
        raise _file_error(path, fault) from None
    except OSError as error:
        fault = f"cannot be read ({error.strerror}). Give a file that you may read"
        raise _file_error(path, fault) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        seen = f"0x{content[error.start]:02x}"
        fault = f"line {line} has the byte {seen}, which is not UTF-8. Save the file as UTF-8"
        raise _file_error(path, fault) from None


def _file_error(path: Path, fault: str) -> ConfigError:
    return ConfigError([SettingProblem(str(path), "", fault)], file=path)


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = str(error)
        at = _AT_LINE.search(fault)
        where, shown = "at its end", ""
        if at is not None and at["line"]:
            where = f"in line {at['line']}, column {at['column']}"
            shown = f": {text.splitlines()[int(at['line']) - 1].strip()}"
        what = _AT_LINE.sub("", fault).strip()
        fault = f"not TOML {where}{shown}. {what}. {_toml_repair(what)}"
        raise _file_error(path, fault) from None


def _toml_repair(what: str) -> str:
    if "twice" in what or "overwrite" in what or "already" in what:
        return "Keep one of the two"
    if "\\" in what or "escape" in what.casefold():
        return "In paths write / or put the text in single quotes"
    if "Invalid value" in what:
        return 'Text stands in quotes ("text"), true and false in small letters'
    return "Correct that line"


def _checked(
    data: dict[str, Any], source: Source, stand_ins: Mapping[str, Mapping[str, Any]]
) -> tuple[Any, list[SettingProblem], frozenset[str]]:
    """A valid config in any case, every problem on the way, and the sections set aside.

    Faults hide others: a section with an unknown key is not looked at as a whole. So the
    faulty part is set aside and the rest checked again until nothing is wrong with it.
    """
    problems: list[SettingProblem] = []
    aside: set[str] = set()
    guessed: set[Loc] = set()
    while True:
        config, errors = _attempt(data, source)
        if config is not None:
            return config, problems, frozenset(aside)
        # A value that does not suit the key that was guessed says nothing of that key.
        wrong = {path for path in guessed for e in errors if e["loc"][: len(path)] == path}
        if wrong:
            guessed -= wrong
            data = _without(data, wrong)
            continue
        report = report_of(errors, data, source)
        guessed |= {(*path[:-1], key) for path, key in report.unknown.items() if key is not None}
        problems += report.problems
        aside |= report.faulty
        data = _without_faults(data, report, stand_ins)


def _attempt(data: dict[str, Any], source: Source) -> tuple[Any, list[ErrorDetails]]:
    try:
        return source.root.model_validate(data), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _without(data: dict[str, Any], paths: Iterable[Loc]) -> dict[str, Any]:
    """``data`` without some keys that are in it."""
    kept, _ = with_overrides(data, [], "")
    for path in paths:
        table: Any = kept
        for step in path[:-1]:
            table = table[step]
        del table[path[-1]]
    return kept


def _without_faults(
    data: dict[str, Any], report: Report, stand_ins: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """``data`` with misspelt keys as they were meant, and without the sections at fault."""
    kept, _ = with_overrides(data, [], "")
    for path, meant in report.unknown.items():
        table: Any = kept
        for step in path[:-1]:
            table = table[step]
        value = table.pop(path[-1])
        if meant is not None:
            table.setdefault(meant, value)
    for section in report.faulty:
        kept.pop(section, None)
        if section in stand_ins:
            kept[section] = dict(stand_ins[section])
    return kept


def resolved_path(loaded: LoadedConfig[Any], value: str) -> Path:
    """A path of the config: relative ones are relative to the folder of the TOML file."""
    return path_of_setting(loaded.path.parent, value)


def config_rows(config: Section) -> list[tuple[str, str, str]]:
    """Dotted key, type and JSON value of every setting, as stored in the output file.

    Sections come in the order of the settings models, entries of free tables by key. What a
    section takes from another is written out.
    """
    effective = registry.definition_of(config).effective(config)
    return [
        (key, type(value).__name__, json.dumps(value, ensure_ascii=False, default=str))
        for key, value in _flat(effective, "")
    ]


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _flat(getattr(value, name), f"{key}.{name}" if key else name)
    elif isinstance(value, Mapping) and value:
        numbers_first = sorted(value, key=lambda k: (isinstance(k, str), k))
        for k in numbers_first:
            name = str(k) if _BARE_KEY.fullmatch(str(k)) else json.dumps(k, ensure_ascii=False)
            yield from _flat(value[k], f"{key}.{name}")
    else:
        yield key, _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return sorted(value) if isinstance(value, Set) else value


def json_schema(name: str = registry.DEFAULT) -> dict[str, Any]:
    """JSON Schema of the TOML file of a pipeline, with every default and description."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **registry.definition(name).settings.model_json_schema(),
    }
