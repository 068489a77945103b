"""Errors of the package, each with the exit code of the command and the parts of its message.

A message says what failed, the value seen, what is allowed, where it came from and the repair.
"""

from __future__ import annotations

from collections.abc import Sequence
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
