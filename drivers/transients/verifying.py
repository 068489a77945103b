"""Is the file of a run what its own settings give? The run is made again, from its campaign."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...nodes.hdf5_heaps import opened_hdf5
from ...schemas.transients.config import TransientsConfig
from ..config import resolved_path
from ..definition import Definition
from ..runfile.record import record_at
from ..runfile.verification import Verification
from ..runfile.verifying import compared, dataset_hashes
from .run import run_campaign


def verify_run(_flow: Definition, path: Path, inputs: Sequence[Path]) -> Verification:
    """Run the one run of a file again, without cache, and compare every dataset.

    ``inputs`` names the campaign where it is now; without, it is where it was. InputError if it is
    gone.
    """
    started = time.perf_counter()
    record = record_at(path)
    stored = record.loaded(path, TransientsConfig)
    named = stored.config.io.input_path
    first = named if isinstance(named, str) else named[0]
    campaign = inputs[0] if inputs else resolved_path(stored, first)
    with opened_hdf5(path) as file:
        before = dataset_hashes(file)
    with tempfile.TemporaryDirectory(prefix="radiograph-verify-") as folder:
        out = Path(folder) / "again.h5"
        io = {"input_path": str(campaign.absolute()), "output_path": str(out)}
        nothing = {"formats": (), "figures": False, "report": False}
        config = stored.config.model_copy(
            update={
                "io": stored.config.io.model_copy(update=io),
                "output": stored.config.output.model_copy(update=nothing),
            }
        )
        run_campaign(replace(stored, config=config), targets=record.targets)
        with opened_hdf5(out) as file:
            after = dataset_hashes(file)
    return compared(path, before, after, dict(record.versions), started)
