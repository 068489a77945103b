"""Constraints for pip: the lowest version that pyproject.toml allows of each requirement.

    python .ci/lowest.py > constraints.txt

A requirement without a lower bound of its own ends this with a message: nobody could say what it
works with.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
# Programs that look at the source, and types for them: they run on the default Python alone.
NOT_TESTED_AT_THEIR_LOWEST = {"dev"}


def requirements(pyproject: dict) -> list[Requirement]:
    """What the package, its extras and its tests ask for, without the package itself."""
    project = pyproject["project"]
    lines = list(project["dependencies"])
    for extra, more in project["optional-dependencies"].items():
        lines += [] if extra in NOT_TESTED_AT_THEIR_LOWEST else more
    found = [Requirement(line) for line in lines]
    return [one for one in found if one.name != project["name"]]


def lowest(requirement: Requirement) -> str:
    """The version of ``>=`` or ``==``; ValueError where the requirement has neither."""
    bounds = [part.version for part in requirement.specifier if part.operator in (">=", "==")]
    if len(bounds) != 1:
        message = f"{PYPROJECT.name}: {requirement} has {len(bounds)} lower bounds, one is needed"
        raise ValueError(message)
    return bounds[0]


def constraints(pyproject: dict) -> list[str]:
    return [f"{one.name}=={lowest(one)}" for one in requirements(pyproject)]


if __name__ == "__main__":
    sys.stdout.write("\n".join(constraints(tomllib.loads(PYPROJECT.read_text()))) + "\n")
