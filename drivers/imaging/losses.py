"""Large losses: what a run dropped for one reason, and what the user can do about it.

Two sources. The counters say how much of what entered a stage left it for which reason; the hits
say which detectors have no light response and whether the flights between hits are possible.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ...schemas.imaging.config import ImagingConfig

# A reason of physics or of the settings that takes more than this is no accident. Healthy
# ToF and FixedEn runs lose a fifth of their hypotheses to up-scatter.
PHYSICS_SHARE: Final = 0.3
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


_TIMES: Final = "see whether the times are in ns and have all their digits"
_LOSSES: Final = (
    *(
        Loss(reason, f"candidates_rejected_{reason}", "candidates_total", "hypotheses", share, text)
        for reason, share, text in (
            (
                "tof_not_positive",
                PHYSICS_SHARE,
                ("their hits have one time: the times have too few digits (32-bit floats at "
                "1e10 ns have steps of 1,024 ns). Write them as 64-bit floats, in ns"),
            ),
            (
                "faster_than_light",
                PHYSICS_SHARE,
                "see whether times are in ns and positions in cm in the input",
            ),
            (
                "up_scatter",
                0.5,
                ("the energy before the scatter is below that after it: see [energy] fixed_En_MeV "
                "or [energy.tof], and whether the times are in ns"),
            ),
            (
                "light_outside_response",
                PHYSICS_SHARE,
                ("the light lies outside the table of the material: see its unit (MeVee), or give "
                "a longer table with [energy.lut_paths]"),
            ),
            (
                "no_light_response",
                PHYSICS_SHARE,
                ("name the material of each detector in [detectors.material_map], or add "
                "[energy.lut_paths]"),
            ),
            (
                "recoil_not_positive",
                PHYSICS_SHARE,
                "the first hit has no light: see the unit of the light (MeVee)",
            ),
            (
                "start_time_unknown",
                PHYSICS_SHARE,
                "the start detector has no hit: see [energy.tof] start_det_id",
            ),
            (
                "energy_not_positive",
                PHYSICS_SHARE,
                "a hit has no light: see the unit of the light (MeVee)",
            ),
            (
                "angle_too_small",
                PHYSICS_SHARE,
                "deposits hardly turn the gamma ray: see the unit of the light (MeVee)",
            ),
            (
                "coincident_points",
                PHYSICS_SHARE,
                "two of their hits lie at one point: see the positions in the input (cm)",
            ),
        )
    ),
    Loss(
        "unreconstructable", "raw_events_rejected_unreconstructable", "raw_events_total",
        "raw events", 0.5, "they have too few hits of one species: see [shaping]",
    ),
    *(
        Loss(
            reason, f"hits_rejected_{reason}", "hits_total", "hits", CUT_SHARE, f"see {key}",
        )
        for reason, key in (
            ("threshold", "min_light_MeVee and max_light_MeVee of [filters.hits]"),
            ("psd", "the PSD limits of [filters.hits]"),
            ("bar_exclude", "[filters.hits] bars_exclude"),
            ("bar_include", "[filters.hits] bars_include"),
            ("material_exclude", "[filters.hits] materials_exclude, [detectors.material_map]"),
            ("material_include", "[filters.hits] materials_include, [detectors.material_map]"),
            ("clipped", "the column clipped of the input"),
            ("particle", "the column particle of the input"),
        )
    ),
    *(
        Loss(
            reason, f"events_rejected_{reason}", "events_total_for_filters", "events", CUT_SHARE,
            text,
        )
        for reason, text in (
            ("tof_window", f"see [filters.events] tof_window_ns; {_TIMES}"),
            ("L1_min", "see [filters.events] min_L1_MeVee"),
            ("L2_min", "see [filters.events] min_L2_MeVee"),
            ("L_any_min", "see [filters.events] min_L_any_MeVee"),
            ("hit_distance", "see [filters.events] max_hit_distance_cm (cm)"),
        )
    ),
    *(
        Loss(
            reason, f"cones_rejected_{reason}", "events_cone_build_success", "cones", CUT_SHARE,
            text,
        )
        for reason, text in (
            ("direction", ("they point away from [plane]: see its origin and normal, and "
             "[cones] directionality")),
            ("delta_theta", "see [filters.cones] max_delta_theta_deg and [prior]"),
            ("incident_energy", ("see min_incident_energy_MeV and max_incident_energy_MeV of "
             "[filters.cones]")),
        )
    ),
    Loss(
        "missed_plane", "cones_missed_plane", "cones_kept", "cones", CUT_SHARE,
        "see the origin, normal and range of [plane]",
    ),
)  # fmt: skip
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
    # PHITS tallies write what was deposited; a restart file does not say what it was made of.
    if (
        config.io.input_format == "phits_usrdef"
        and config.energy.strategy == "ELUT"
        and config.run.neutrons
        and config.pipeline.until in ("cones", "image")
    ):
        yield (
            '[energy] strategy = "ELUT" takes the deposited energies of a PHITS file (MeV) for '
            'light (MeVee), so neutron energies are too high; set strategy = "Edep", unless '
            "the file holds light"
        )
