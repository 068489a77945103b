"""The graph of imaging: its modules, frames, and the settings that enter it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from ..graph import Pipeline

_INPUTS: Final = {
    "event_range": ("[run]",),
    "reader": ("[io]",),
    "detectors": ("[detectors]",),
    "neutrons_on": ("[run]",),
    "gammas_on": ("[run]",),
    "neutron_hit_filters": ("[filters.hits]",),
    "gamma_hit_filters": ("[filters.hits]",),
    "unknown_hit_filters": ("[filters.hits]",),
    "neutron_shaping": ("[shaping]",),
    "gamma_shaping": ("[shaping]",),
    "event_budget": ("[run]",),
    "neutron_event_filters": ("[filters.events]",),
    "gamma_event_filters": ("[filters.events]",),
    "fixed_energy_MeV": ("[energy]",),
    "tof_settings": ("[energy]",),
    "light_tables": ("[energy]",),
    "stopping_power_file": ("stopping_powers.csv",),
    "cone_kinematics": ("[cones]",),
    "prior": ("[prior]",),
    "plane_frame": ("[plane]",),
    "pixel_grid": ("[plane]",),
    "cone_selection": ("[cones]",),
    "protons_only": ("[energy]",),
    "neutron_cone_filters": ("[filters.cones]",),
    "gamma_cone_filters": ("[filters.cones]",),
    "cone_budget": ("[run]",),
    "imaging_method": ("[imaging]", "[cones]", "[run]"),
    "threads": ("[run]",),
    "listed_cones": ("[list_mode]",),
    "list_region": ("[list_mode]", "[plane]"),
    "projection_settings": ("[vis.projections]",),
    "vis": ("[vis]",),
    "run_labels": ("[run]",),
}
_CHOICES: Final = {
    "neutrons": "[run]",
    "gammas": "[run]",
    "energy_strategy": "[energy]",
    "start": "",
    "tof_start": "[energy]",
    "prior_target": "[prior]",
    "directionality": "[cones]",
    "event_cap": "[run]",
    "cone_cap": "[run]",
}


def imaging() -> Pipeline:
    """The imaging pipeline."""
    from ...schemas.imaging.frames import TABLES

    modules = (
        "load",
        "light_curves",
        "restart",
        "hits",
        "events",
        "energies",
        "cones",
        "selection",
        "images",
        "tables",
        "list_mode",
        "metrics",
        "counters",
        "labels",
        "figures",
    )
    return Pipeline(
        "imaging",
        tuple(f"radiograph.nodes.imaging.{module}" for module in modules),
        TABLES,
        MappingProxyType({"cones": "selected_cones", "image": "summed_images"}),
        untracked=("threads",),
        tables_page="schemas.md",
        inputs=MappingProxyType(_INPUTS),
        choices=MappingProxyType(_CHOICES),
        source="PHITS text or DAQ ROOT file",
    )
