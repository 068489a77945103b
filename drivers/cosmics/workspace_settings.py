"""[workspace]: which runs make the model of counts, and what is wrong with that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from ...schemas.cosmics.config import Workspace
from ..definition import Fault
from ..home import path_of_setting
from .cutset_files import did_you_mean
from .workspaces import WorkspaceRequest


def workspace_faults(settings: Workspace, folder: Path) -> Iterator[Fault]:
    """Every problem between the settings of [workspace]; none where it names no samples."""
    if not settings.samples:
        return
    names = [settings.name, *settings.samples]

    def fault(key: str, text: str) -> Fault:
        return Fault("workspace", f"{key}: {text}", (f"workspace.{key}",))

    if settings.name in settings.samples:
        yield fault("name", f"{settings.name!r} is one of the samples; give this run another")
    if settings.signal not in names:
        yield fault(
            "signal", f"{settings.signal!r} is no sample{did_you_mean(settings.signal, names)}"
        )
    for name, factor in settings.scales.items():
        if name not in names:
            yield fault("scales", f"{name!r} is no sample{did_you_mean(name, names)}")
        elif not (math.isfinite(factor) and factor > 0):
            yield fault("scales", f"{name} = {factor:g} is no factor above zero")
    for name, path in settings.samples.items():
        if not path_of_setting(folder, path).is_file():
            yield fault("samples", f"{name} = {path}: no such file; run that data set first")


def workspace_request(settings: Workspace, folder: Path, run_file: Path) -> WorkspaceRequest:
    """The samples: the present run first, then the others."""
    others = {name: path_of_setting(folder, path) for name, path in settings.samples.items()}
    return WorkspaceRequest(
        {settings.name: run_file, **others},
        settings.signal,
        settings.scales,
        settings.histogram,
        settings.selection,
    )
