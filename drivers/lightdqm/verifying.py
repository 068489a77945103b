"""Is a light file what its own settings give? Its numbers are made again and compared.

Of a file that does not hold what was known of earlier ones then, what is compared with them is left
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ...nodes.hdf5_content import opened_content
from ...schemas.lightdqm.config import LightDqmConfig
from ..definition import Definition
from ..graph import build_driver
from ..graph_inputs import with_settings
from ..runfile.record import record_at
from ..runfile.verification import Verification
from ..runfile.verifying import verified
from .report import earlier_runs
from .run import Outputs, run_lightdqm

_EARLIER = "earlier_runs"


def verify(flow: Definition, path: Path, inputs: Sequence[Path]) -> Verification:
    """Run the stored settings again, without cache, and compare the numbers.

    Raises
    ------
    InputError
        If the file holds no settings, or its input is gone or has another content.
    """
    record = record_at(path)
    loaded = record.loaded(path, LightDqmConfig)
    with opened_content(path) as content:
        names, earlier = list(content.content("numbers")), earlier_runs(content)
    if earlier is None:
        names = _of_this_file(flow, loaded.config, names)

    def again(sources: list[Path], folder: Path) -> Path:
        config = with_settings(loaded.config, {"io.output_path": str(folder)})
        there = replace(loaded, config=config)
        numbers = Outputs(numbers=True, figures=False)
        return Path(
            run_lightdqm(
                there, sources[0], targets=names, earlier_runs=earlier, outputs=numbers
            ).output
        )

    kept = {f"/numbers/{name}" for name in names}
    return verified(path, record, inputs, again, lambda p: "/".join(p.split("/")[:3]) in kept)


def _of_this_file(flow: Definition, config: LightDqmConfig, stored: Iterable[str]) -> list[str]:
    """The nodes in a file that depend on it and its settings alone, in the order of the file."""
    dr = build_driver(flow, flow.choices_of(config))
    return [
        name for name in stored if _EARLIER not in {v.name for v in dr.what_is_upstream_of(name)}
    ]
