"""What a run is asked for: stages or targets in, nodes and groups of the file out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hamilton import driver

from ...schemas.errors import UsageError
from ...schemas.imaging.config import STAGES, ImagingConfig, Stage
from ..graph import upstream
from .layout import COUNTED_WITH, COUNTER_NODES, GROUPS, Group
from .reconstruction_output import COMPARISON, CONSTANTS, FRAME_TARGETS, WITH
from .reconstruction_output import IMAGE_TARGETS as DENSITY_TARGETS

# Nodes whose values stand in a group of the file or in figures; others go to /targets.
PLACED: Final = frozenset(
    {
        *(node for group in GROUPS for node in group.nodes),
        *COUNTER_NODES.values(),
        "filtered_events",
        "candidate_cones",
        "cone_scores",
        "direction_ok",
        "selected_cones",
        "footprints",
        "counters",
        "source_metadata",
        "summed_images",
        "projections",
        "projection_metrics",
        "figures",
        COMPARISON,
        CONSTANTS,
        *FRAME_TARGETS,
        *DENSITY_TARGETS,
    }
)
# The nodes that a plain name puts together, and those that ask for a group which needs more.
PARTS: Final = {
    **{
        name: (f"neutron_{name}", f"gamma_{name}")
        for name in (
            "filtered_events",
            "candidate_cones",
            "cone_scores",
            "direction_ok",
            "selected_cones",
        )
    },
    "footprints": ("neutron_back_projection", "gamma_back_projection"),
}
_PARTS_OF_GROUP: Final = {"cones": PARTS["selected_cones"]}
IMAGE_TARGETS: Final = ("summed_images", "projections", "projection_metrics")


def streams_of(groups: Sequence[Group]) -> tuple[str, ...]:
    """The nodes whose rows fill some groups of the file."""
    return tuple(node for group in groups for node in group.nodes)


@dataclass(frozen=True)
class Request:
    """Nodes of one run.

    ``targets`` are wanted as one value, those of ``groups`` range by range; ``counters`` names
    the counter node of each stage that is filled; ``asked`` is what the user named, ``loose``
    what of it has no place of its own in the file; ``named`` are targets that were given by
    name, none for a run up to a stage.
    """

    asked: tuple[str, ...]
    loose: tuple[str, ...]
    targets: tuple[str, ...]
    groups: tuple[Group, ...]
    counters: dict[str, str]
    named: tuple[str, ...] = ()


def request_for_stage(
    until: Stage, *, figures: bool, reconstructed: tuple[str, ...] = ()
) -> Request:
    """Everything up to a stage, with what the methods of an image and widths of cones make."""
    stages = STAGES[: STAGES.index(until) + 1]
    groups = tuple(g for g in GROUPS if g.stage in stages)
    counters: dict[str, str] = {stage: COUNTER_NODES[stage] for stage in stages}
    made = (("figures",) if figures else ()) + reconstructed
    targets = IMAGE_TARGETS + made if until == "image" else reconstructed
    asked = {"hits": "filtered_hits", "events": "filtered_events", "cones": "selected_cones"}
    return Request(
        asked=targets if until == "image" else (asked[until], *targets),
        loose=(),
        targets=(*targets, *counters.values()),
        groups=groups,
        counters=counters,
    )


def check_list_mode(dr: driver.Driver, targets: Sequence[str], config: ImagingConfig) -> None:
    """UsageError if a target needs the pixels of cones and list mode is off."""
    needs = [t for t in targets if "footprints" in upstream(dr, [t])]
    if needs and not config.run.list:
        msg = f"--target {needs[0]} needs list mode; give --list or set [run] list = true"
        raise UsageError(msg, key="run.list")


def request_for_targets(dr: driver.Driver, targets: Sequence[str]) -> Request:
    """The targets themselves, with the counters of the stages that they reach.

    Images, projections and metrics are small: those on the way to a target are written too. Rows
    of hits, events and cones are written where they are asked for.
    """
    reached = upstream(dr, targets)
    asked = {*targets, *(node for t in targets for node in PARTS.get(t, ()))}
    groups = tuple(g for g in GROUPS if asked.issuperset(_PARTS_OF_GROUP.get(g.name, g.nodes)))
    counters = {
        stage: node
        for stage, node in COUNTER_NODES.items()
        if "counters" in targets or reached.issuperset(COUNTED_WITH[stage])
    }
    images = [t for t in IMAGE_TARGETS if t in reached]
    placed = ("counters", "figures", COMPARISON, CONSTANTS, *FRAME_TARGETS, *DENSITY_TARGETS)
    made = list(dict.fromkeys(n for t in placed if t in targets for n in (t, *WITH.get(t, ()))))
    # A group of both species has no room for one of them.
    missing = {node for group in GROUPS if group not in groups for node in group.nodes}
    loose = [t for t in targets if t not in PLACED or t in missing]
    return Request(
        asked=tuple(targets),
        loose=tuple(loose),
        targets=(*images, *made, *loose, *counters.values()),
        groups=groups,
        counters=counters,
        named=tuple(targets),
    )
