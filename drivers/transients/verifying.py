"""Is the file of a run what its own settings give? The run is made again, from its campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...schemas.transients.config import TransientsConfig
from ..config import resolved_path
from ..definition import Definition
from ..graph_inputs import with_settings
from ..runfile.record import record_at
from ..runfile.verification import Verification
from ..runfile.verifying import remade
from .run import run_campaign


def verify_run(_flow: Definition, path: Path, inputs: Sequence[Path]) -> Verification:
    """Run the one run of a file again, without cache, and compare every dataset.

    ``inputs`` names the campaign where it is now; without, it is where it was. InputError if it is
    gone.
    """
    record = record_at(path)
    stored = record.loaded(path, TransientsConfig)
    named = stored.config.io.input_path
    first = named if isinstance(named, str) else named[0]
    campaign = inputs[0] if inputs else resolved_path(stored, first)

    def again(folder: Path) -> Path:
        out = folder / "again.h5"
        there = {"io.input_path": str(campaign.absolute()), "io.output_path": str(out)}
        nothing = {"output.formats": (), "output.figures": False, "output.report": False}
        config = with_settings(stored.config, {**there, **nothing})
        run_campaign(replace(stored, config=config), targets=record.targets)
        return out

    return remade(path, record, again)
