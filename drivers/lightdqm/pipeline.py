"""The graph of light data quality: its modules, frames, and the settings that enter it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from ..graph import Pipeline

_INPUTS: Final = {
    "channel_status_file": ("[lightdqm]",),
    "event_selection": ("[lightdqm]",),
    "pulse_threshold": ("[lightdqm]",),
    "noise_window": ("[lightdqm]",),
    "spectrum_settings": ("[lightdqm]",),
    "light_hit_settings": ("[lightdqm]",),
    "spark_settings": ("[lightdqm]",),
    "mask_limits": ("[lightdqm]",),
    "verdict_limits": ("[lightdqm.limits]",),
    "page_settings": ("[lightdqm]",),
    "run_facts": ("[lightdqm]",),
    "earlier_runs": ("[lightdqm]",),
}
_CHOICES: Final = {
    "legacy": "[lightdqm]",
    "channel_status": "[lightdqm]",
}


def lightdqm() -> Pipeline:
    """The light data-quality pipeline."""
    from ...schemas.lightdqm.frames import TABLES

    stages = (
        "load",
        "grouping",
        "features",
        "rates",
        "fractions",
        "spectra",
        "picks",
        "masks",
        "verdict",
        "figures",
    )
    return Pipeline(
        "lightdqm",
        tuple(f"radiograph.nodes.lightdqm.{stage}" for stage in stages),
        TABLES,
        MappingProxyType({"verdict": "dqm_verdict", "fractions": "dqm_fractions"}),
        tables_page="lightdqm_schemas.md",
        inputs=MappingProxyType(_INPUTS),
        choices=MappingProxyType(_CHOICES),
        source="FLOW.hdf5 file of the light read-out",
    )
