"""Large losses: what a run dropped for one reason, and what the user can do about it.

The counters say how much of what entered a stage left it for which reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ...nodes.imaging.readers import READERS
from ...schemas.imaging.config import ImagingConfig

# A reason of physics or of the settings that takes more than this is no accident. Healthy
# ToF and FixedEn runs lose a fifth of their hypotheses to up-scatter.
PHYSICS_SHARE: Final = 0.3
# Up-scatter, and raw events that are no coincidence, may take more.
MOST_SHARE: Final = 0.5
# A cut is the user's own wish, and geometry often takes most.
CUT_SHARE: Final = 0.9
# Of fewer, a share says nothing.
LEAST_ROWS: Final = 20


@dataclass(frozen=True)
class Loss:
    """A reason to leave a stage: its counter, that of what entered, and the repair."""

    reason: str
    lost: str
    entered: str
    things: str
    share: float
    repair: str


def _losses(
    lost: str, entered: str, things: str, share: float, repairs: Mapping[str, str]
) -> tuple[Loss, ...]:
    """The reasons to leave one stage, each with its repair."""
    return tuple(
        Loss(reason, f"{lost}_{reason}", entered, things, share, repair)
        for reason, repair in repairs.items()
    )


_NO_PHYSICS: Final = {
    "tof_not_positive": (
        "their hits have one time: the times have too few digits (32-bit floats at 1e10 ns have "
        "steps of 1,024 ns). Write them as 64-bit floats, in ns"
    ),
    "faster_than_light": "see whether times are in ns and positions in cm in the input",
    "light_outside_response": (
        "the light lies outside the table of the material: see its unit (MeVee), or give a longer "
        "table with [energy.lut_paths]"
    ),
    "no_light_response": (
        "name the material of each detector in [detectors.material_map], or add [energy.lut_paths]"
    ),
    "recoil_not_positive": "the first hit has no light: see the unit of the light (MeVee)",
    "start_time_unknown": "the start detector has no hit: see [energy.tof] start_det_id",
    "energy_not_positive": "a hit has no light: see the unit of the light (MeVee)",
    "angle_too_small": "deposits hardly turn the gamma ray: see the unit of the light (MeVee)",
    "coincident_points": "two of their hits lie at one point: see the positions in the input (cm)",
}
_UP_SCATTER: Final = {
    "up_scatter": (
        "the energy before the scatter is below that after it: see [energy] fixed_En_MeV or "
        "[energy.tof], and whether the times are in ns"
    )
}
_TOO_FEW_HITS: Final = {"unreconstructable": "they have too few hits of one species: see [shaping]"}
_HIT_CUTS: Final = {
    "threshold": "see min_light_MeVee and max_light_MeVee of [filters.hits]",
    "psd": "see the PSD limits of [filters.hits]",
    "bar_exclude": "see [filters.hits] bars_exclude",
    "bar_include": "see [filters.hits] bars_include",
    "material_exclude": "see [filters.hits] materials_exclude, [detectors.material_map]",
    "material_include": "see [filters.hits] materials_include, [detectors.material_map]",
    "clipped": "see the column clipped of the input",
    "particle": "see the column particle of the input",
}
_EVENT_CUTS: Final = {
    "tof_window": (
        "see [filters.events] tof_window_ns; see whether the times are in ns and have all their "
        "digits"
    ),
    "L1_min": "see [filters.events] min_L1_MeVee",
    "L2_min": "see [filters.events] min_L2_MeVee",
    "L_any_min": "see [filters.events] min_L_any_MeVee",
    "hit_distance": "see [filters.events] max_hit_distance_cm (cm)",
}
_CONE_CUTS: Final = {
    "direction": (
        "they point away from [plane]: see its origin and normal, and [cones] directionality"
    ),
    "delta_theta": "see [filters.cones] max_delta_theta_deg and [prior]",
    "incident_energy": (
        "see min_incident_energy_MeV and max_incident_energy_MeV of [filters.cones]"
    ),
}
_LOSSES: Final = (
    *_losses("candidates_rejected", "candidates_total", "hypotheses", PHYSICS_SHARE, _NO_PHYSICS),
    *_losses("candidates_rejected", "candidates_total", "hypotheses", MOST_SHARE, _UP_SCATTER),
    *_losses("raw_events_rejected", "raw_events_total", "raw events", MOST_SHARE, _TOO_FEW_HITS),
    *_losses("hits_rejected", "hits_total", "hits", CUT_SHARE, _HIT_CUTS),
    *_losses("events_rejected", "events_total_for_filters", "events", CUT_SHARE, _EVENT_CUTS),
    *_losses("cones_rejected", "events_cone_build_success", "cones", CUT_SHARE, _CONE_CUTS),
    Loss(
        "missed_plane",
        "cones_missed_plane",
        "cones_kept",
        "cones",
        CUT_SHARE,
        "see the origin, normal and range of [plane]",
    ),
)
_SPECIES: Final = {"n": "neutron", "g": "gamma"}


def large_losses(counters: Mapping[str, int], told: Collection[str] = ()) -> Iterator[str]:
    """A sentence for each reason that removes a large share of a species at its stage.

    ``told`` are reasons that the user knows of already.
    """
    for loss in _LOSSES:
        if loss.reason in told:
            continue
        # Raw events have no species yet.
        for suffix in ("_n", "_g") if f"{loss.entered}_n" in counters else ("",):
            lost = counters.get(loss.lost + suffix, 0)
            entered = counters.get(loss.entered + suffix, 0)
            if entered >= LEAST_ROWS and lost > loss.share * entered:
                what = f"{_SPECIES[suffix[1:]]} {loss.things}" if suffix else loss.things
                yield (
                    f"{loss.reason} takes {lost:,} of {entered:,} {what} "
                    f"({100 * lost / entered:.0f} %): {loss.repair}"
                )


def deposits_taken_for_light(config: ImagingConfig) -> Iterator[str]:
    """A sentence where the light response is asked for deposited energies."""
    # A restart file does not say what it was made of.
    if (
        READERS[config.io.input_format].light_is_deposited
        and config.energy.strategy == "ELUT"
        and config.run.neutrons
        and config.pipeline.until in ("cones", "image")
    ):
        yield (
            '[energy] strategy = "ELUT" takes the deposited energies of a PHITS file (MeV) for '
            'light (MeVee), so neutron energies are too high; set strategy = "Edep", unless '
            "the file holds light"
        )
