"""What enters the graph of a pipeline beside its data: values and choices, each of its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final


class Absent(Enum):
    """Says that a graph input is not there with these settings."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True)
class Context:
    """What inputs are made of beside the settings.

    Attributes
    ----------
    folder
        Where relative paths of the settings start.
    source_name
        The input as it is shown.
    restart
        What an earlier run gives, in the pipeline's own terms; None without one.
    earlier_runs
        What is known of earlier runs; None = nothing.
    """

    folder: Path = Path()
    source_name: str = ""
    restart: Any = None
    earlier_runs: Any = None


@dataclass(frozen=True)
class Input:
    """An input of the graph, or a choice between variants of nodes (config.when).

    Attributes
    ----------
    name
        As the nodes name it.
    keys
        The settings that it is made of, as fine as it depends on them: dotted keys, or sections
        of which everything enters. ``plane?`` = it matters whether there is a [plane] at all.
    make
        Its value, or ABSENT, from a config; None = the setting that ``keys`` names, as it is.
    file
        A file of the package's configs/ that it is made of.
    """

    name: str
    keys: tuple[str, ...]
    make: Callable[[Any, Context], Any] | None = None
    file: str = ""

    def value(self, config: Any, context: Context) -> Any:
        """What the graph is given with a config."""
        if self.make is not None:
            return self.make(config, context)
        (key,) = self.keys
        return setting(config, key)


def setting(config: Any, key: str) -> Any:
    """The setting, or the section, of a dotted key."""
    for name in key.split("."):
        config = getattr(config, name)
    return config


def with_settings(config: Any, values: Mapping[str, Any]) -> Any:
    """The config with other values of some dotted keys; they are not validated again."""
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        if section:
            changed = setting(config, section).model_copy(update={name: value})
            config = with_settings(config, {section: changed})
        else:
            config = config.model_copy(update={name: value})
    return config


def of_each_part(_config: Any, _context: Context) -> Any:
    """The input is given with each part of the data, as its keys cut them."""
    return ABSENT


def made(rows: Iterable[Input], config: Any, context: Context) -> dict[str, Any]:
    """The value of each row that is there with a config, by name."""
    values = {row.name: row.value(config, context) for row in rows}
    return {name: value for name, value in values.items() if value is not ABSENT}
