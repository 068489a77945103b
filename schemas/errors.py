"""Errors of the package, each with the exit code of the command and the parts of its message.

A message says what failed, the value seen, what is allowed, where it came from and the repair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_GATE = 4


class RadiographError(Exception):
    """Any failure that the user can repair. ``exit_code`` is what the command returns."""

    exit_code = EXIT_BUG
    code = "error"

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        key: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = None if file is None else str(file)
        self.key = key
        if code is not None:
            self.code = code


class UsageError(RadiographError):
    """A command line that cannot be carried out (exit 2)."""

    exit_code = EXIT_USAGE
    code = "usage"


class LostOutputError(RadiographError):
    """Standard output or standard error takes no more (exit 2). ``descriptor`` is its number."""

    exit_code = EXIT_USAGE
    code = "lost_output"

    def __init__(self, name: str, descriptor: int, reason: OSError) -> None:
        super().__init__(
            f"{name} cannot be written ({reason.strerror or reason}), so that what was said is "
            "not complete; files that are written stay. Give it another place"
        )
        self.descriptor = descriptor


class ConfigError(RadiographError):
    """One or more settings are wrong (exit 2). ``problems`` lists all of them."""

    exit_code = EXIT_USAGE
    code = "config"

    def __init__(
        self, problems: Sequence[SettingProblem], *, file: str | Path | None = None
    ) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(str(p) for p in self.problems),
            file=file,
            key=self.problems[0].setting if self.problems else None,
        )


class SettingProblem:
    """One wrong setting: where it stands, what was seen, what is allowed.

    ``key`` is its section, as the message shows it; ``setting`` the whole dotted key.
    """

    def __init__(self, file: str, key: str, text: str, setting: str = "") -> None:
        self.file = file
        self.key = key
        self.text = text
        self.setting = setting or key

    def __str__(self) -> str:
        return f"{self.file}: [{self.key}] {self.text}" if self.key else f"{self.file}: {self.text}"


class InputError(RadiographError):
    """An input file is absent, empty, of another kind or too damaged (exit 3)."""

    exit_code = EXIT_INPUT
    code = "input"


class ChangedInputError(InputError):
    """An input file is no longer the one that the run began with (exit 3)."""

    code = "changed_file"


class OutputCheckError(RadiographError):
    """A node returned something else than its schema promises: a bug in the node (exit 1)."""

    code = "output_check"


class NotAddableError(RadiographError):
    """Two parts of one quantity with other axes or cuts: a bug in what made them (exit 1)."""

    code = "not_addable"


class Unfit(RadiographError):
    """Raised by a node for one key (a channel) that its data do not suffice for (exit 4).

    The key ends there and the others go on. ``code`` names the kind for machines, ``message`` is
    for a person, ``numbers`` are what was measured, by name with the unit.
    """

    exit_code = EXIT_GATE
    code = "unfit"

    def __init__(
        self, code: str, message: str, numbers: Mapping[str, int | float] | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.numbers = dict(numbers or {})

    def __reduce__(self) -> tuple[type[Unfit], tuple[str, str, dict[str, int | float]]]:
        # Exceptions are copied to other processes by their message alone.
        return Unfit, (self.code, self.message, self.numbers)
