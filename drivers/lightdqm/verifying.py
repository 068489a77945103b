"""Is a light file what its own settings give? Its numbers are made again and compared.

What was compared with earlier files is left out: what was known of them then is not in the file.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import h5py

from ...schemas.lightdqm.config import LightDqmConfig
from ..config import LoadedConfig
from ..graph import build_driver
from ..registry import definition
from ..runfile.record import stored_run
from ..runfile.verifying import Verification, compared, dataset_hashes, now_inputs
from .inputs import graph_choices
from .run import Outputs, run_lightdqm

_EARLIER = "earlier_runs"


def verify(path: Path, inputs: Sequence[Path]) -> Verification:
    """Run the stored settings again, without cache, and compare the numbers that are its own.

    Raises
    ------
    InputError
        If the file holds no settings, or its input is gone or has another content.
    """
    started = time.perf_counter()
    run = stored_run(path, LightDqmConfig)
    (source,) = now_inputs(path, run.inputs, inputs, run.config_path)
    with h5py.File(path, "r") as file:
        before = dataset_hashes(file)
    names = _of_this_file(run.config, before)
    with tempfile.TemporaryDirectory(prefix="radiograph-verify-") as folder:
        io = run.config.io.model_copy(update={"output_path": folder})
        config = run.config.model_copy(update={"io": io})
        loaded = LoadedConfig(config, run.config_text, run.config_path)
        again = run_lightdqm(
            loaded, source, targets=names, outputs=Outputs(numbers=True, figures=False)
        )
        with h5py.File(again.output, "r") as file:
            after = dataset_hashes(file)
    kept = {f"/numbers/{name}" for name in names}
    own = {path: h for path, h in before.items() if "/".join(path.split("/")[:3]) in kept}
    return compared(path, own, after, dict(run.versions), started)


def _of_this_file(config: LightDqmConfig, hashes: dict[str, str]) -> list[str]:
    """The nodes in a file that depend on it and its settings alone, in the order of the file."""
    dr = build_driver(definition("lightdqm"), graph_choices(config))
    stored = dict.fromkeys(p.split("/")[2] for p in hashes if p.startswith("/numbers/"))
    return [
        name for name in stored
        if _EARLIER not in {v.name for v in dr.what_is_upstream_of(name)}
    ]  # fmt: skip
