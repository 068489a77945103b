"""Settings that options of a command make: checked as a section, every fault told by its option."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from ..schemas.errors import ConfigError, SettingProblem
from ..schemas.settings import Section

S = TypeVar("S", bound=Section)


def checked_settings(
    kind: type[S], data: Mapping[str, Any], names: Mapping[str, str] | None, origin: str
) -> S:
    """A section from nested plain values; ConfigError lists every wrong one."""
    try:
        return kind.model_validate(dict(data))
    except ValidationError as failure:
        raise ConfigError(_problems(failure, names or {}, origin)) from None


def _problems(
    failure: ValidationError, names: Mapping[str, str], origin: str
) -> list[SettingProblem]:
    problems: dict[str, SettingProblem] = {}
    for error in failure.errors():
        path = ".".join(str(step) for step in error["loc"])
        known = next((n for n in names if path == n or path.startswith(f"{n}.")), None)
        name = names[known] if known is not None else path
        text = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
        seen = error["input"]
        # What is wrong between several values says itself what they are.
        value = "" if isinstance(seen, dict) else f" = {seen!r}"
        head = f"{name}{value}: " if name else ""
        # A fault of a value makes pydantic find faults of what holds it: the first one counts.
        problem = SettingProblem(origin, "", f"{head}{text}")
        problems.setdefault(name, problem)
    return list(problems.values())
