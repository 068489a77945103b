"""Which pipelines there are: those of this package, and those that others bring.

Another package brings one by an entry point of the group ``radiograph.pipelines``: its name is
the [pipeline] name, its value where the definition is written, e.g. ``toy = "toy:TOY"``.

Every command imports this module, so that nothing else is imported before it is needed: the list
of commands must not wait for settings models, nor for a look at every installed package.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ..schemas.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from ..schemas.settings import Section
    from .command_places import CommandPlace
    from .definition import Definition

GROUP: Final = "radiograph.pipelines"
DEFAULT: Final = "imaging"
_OWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "imaging": "radiograph.drivers.imaging.definition:IMAGING",
        "lightdqm": "radiograph.drivers.lightdqm.definition:LIGHTDQM",
        "cosmics": "radiograph.drivers.cosmics.definition:COSMICS",
        "transients": "radiograph.drivers.transients.definition:TRANSIENTS",
        "germanium": "radiograph.drivers.germanium.definition:GERMANIUM",
    }
)
# Their commands are listed without their definitions.
_COMMANDS: Final = (
    "radiograph.drivers.imaging.commands",
    "radiograph.drivers.lightdqm.commands",
    "radiograph.drivers.cosmics.commands",
    "radiograph.drivers.transients.commands",
    "radiograph.drivers.germanium.commands",
)


def entry_points(group: str) -> Iterable[EntryPoint]:
    """What other packages bring of a group."""
    import importlib.metadata

    return importlib.metadata.entry_points(group=group)


@cache
def homes() -> Mapping[str, str]:
    """Where each pipeline is written, by name; UsageError if a name is taken twice."""
    found = dict(_OWN)
    # A package that lies in two folders of the path is seen twice.
    for point in dict.fromkeys(entry_points(group=GROUP)):
        if found.setdefault(point.name, point.value) != point.value:
            msg = (
                f"two pipelines are called {point.name}: {found[point.name]} and {point.value} "
                f"({_bringer(point)}). Remove one of the packages, or give its entry point of the "
                f"group {GROUP} another name."
            )
            raise UsageError(msg, key="pipeline.name", code="pipeline_twice")
    return MappingProxyType(found)


def _bringer(point: EntryPoint) -> str:
    return "a package" if point.dist is None else f"of the package {point.dist.name}"


def names() -> tuple[str, ...]:
    """The pipelines that there are."""
    return tuple(homes())


def definition(name: str) -> Definition:
    """A pipeline by name; UsageError if there is none, or none can be had from its home."""
    if name not in homes():
        msg = f"No pipeline {name!r}. There is: {', '.join(homes())}."
        raise UsageError(msg, key="pipeline")
    return _definition_at(name, homes()[name])


def definition_at(home: str) -> Definition:
    """The definition that stands at ``module:NAME``: a worker is told no more."""
    module, _, attribute = home.partition(":")
    found: Definition = vars(importlib.import_module(module))[attribute]
    return found


def _definition_at(name: str, home: str) -> Definition:
    from .definition import Definition

    try:
        found: Any = definition_at(home)
    except Exception as reason:
        if name in _OWN:
            raise
        # Whatever another package raises when it is imported: it is named, not called our bug.
        raise _not_loaded(name, home, f"{type(reason).__name__}: {reason}") from reason
    if not isinstance(found, Definition):
        kind = type(found).__name__
        raise _not_loaded(name, home, f"it is of type {kind}, not radiograph's Definition")
    if found.name != name:
        raise _not_loaded(name, home, f'it calls itself "{found.name}"')
    return found


def _not_loaded(name: str, home: str, reason: str) -> UsageError:
    msg = (
        f"the pipeline {name} cannot be taken from {home}: {reason}. Repair or remove the package "
        f"whose entry point of the group {GROUP} names it."
    )
    return UsageError(msg, key="pipeline.name", code="pipeline_not_loaded")


def definition_of(config: Section) -> Definition:
    """The pipeline that a config belongs to."""
    return definition(config.pipeline.name)  # type: ignore[attr-defined]


def commands() -> dict[str, CommandPlace]:
    """The commands of our own pipelines, by name; ``simulate x`` is one of the group simulate."""
    return {name: place for module in _COMMANDS for name, place in _commands_of(module).items()}


def brought_commands() -> dict[str, CommandPlace]:
    """The commands of the pipelines that other packages bring."""
    modules = [definition(name).commands for name in names() if name not in _OWN]
    return {n: place for module in modules if module for n, place in _commands_of(module).items()}


def _commands_of(module: str) -> Mapping[str, CommandPlace]:
    found: Mapping[str, CommandPlace] = vars(importlib.import_module(module))["COMMANDS"]
    return found
