"""What a user should know of a run: damaged records, unreadable metadata, empty results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from ...nodes.imaging.readers import READERS
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.reading import SourceMetadata
from ...schemas.sources import FileRef
from .losses import deposits_taken_for_light, large_losses
from .metadata import problem
from .sources import PlannedFile


def parse_problems(frame: pd.DataFrame, path: str, config: ImagingConfig) -> list[dict[str, Any]]:
    """Damaged records as problems: each with its line or entry."""
    place = READERS[config.io.input_format].record
    return [
        problem(
            str(kind),
            path,
            int(count),
            f"{path}: {place} {at}: {str(kind).replace('_', ' ')}; the record is left out",
            **{place: int(at)},
        )
        for kind, at, count in frame.itertuples(index=False)
    ]


def repeated_files(files: Sequence[PlannedFile]) -> list[dict[str, Any]]:
    """Files with the content of one before them."""
    first: dict[FileRef, str] = {}
    found = []
    for file in files:
        path = file.ref.path
        before = first.setdefault(file.ref, path)
        if before != path:
            text = f"{path}: has the content of {before}, so its events count twice; leave one out"
            found.append(problem("repeated_file", path, 1, text))
    return found


def metadata_problems(source: SourceMetadata, path: str) -> list[dict[str, Any]]:
    """Branches of the input's metadata that cannot be read."""
    return [
        problem("unreadable_metadata", path, 1, f"{path}: {name}: {reason}")
        for name, reason in source.unreadable.items()
    ]


def warnings_of(
    counters: Mapping[str, int], config: ImagingConfig, told: Collection[str] = ()
) -> list[str]:
    """What a user should know of a run that went through but shows little.

    ``told`` are kinds of problems that stand beside them: their losses are not told twice.
    """
    warnings = [*deposits_taken_for_light(config), *large_losses(counters, told)]
    if counters.get("raw_events_total") and not counters.get("hits_after_filters", 1):
        warnings.append("no hit passes the cuts of [filters.hits]")
    elif not counters.get("events_after_filters", 1):
        warnings.append("no event passes: see the counters of [shaping] and [filters.events]")
    elif not counters.get("cones_kept", 1):
        warnings.append("no cone is kept: see candidates_rejected_* and cones_rejected_*")
    if not counters.get("cones_imaged_total", 1):
        warnings.append(f"no cone lights a pixel: the images are zero{_plane_words(config)}")
    for key, species, is_on in (
        ("cones_imaged_n", "neutron", config.run.neutrons),
        ("cones_imaged_g", "gamma", config.run.gammas),
    ):
        if is_on and counters.get("cones_imaged_total") and counters.get(key) == 0:
            text = f"no {species} cone lights a pixel: the {species} image is zero"
            if counters.get(f"hits_total_{key[-1]}") == 0:
                text += f" (there is no {species} hit; --no-{species}s leaves the image out)"
            warnings.append(text)
    if counters.get("raw_events_damaged"):
        warnings.append(f"damaged records left out: {counters['raw_events_damaged']}")
    return warnings


def _plane_words(config: ImagingConfig) -> str:
    """Where the plane lies and how far it reaches."""
    plane = config.plane
    if plane is None:
        return ""
    point, normal = (", ".join(f"{c:g}" for c in v) for v in (plane.origin, plane.normal))
    return (
        f". The plane of [plane] goes through ({point}) cm, normal ({normal}), u {plane.u_min:g} "
        f"to {plane.u_max:g} cm, v {plane.v_min:g} to {plane.v_max:g} cm: see whether the cones "
        "can reach it"
    )
