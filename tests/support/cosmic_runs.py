"""Runs of the cosmics pipeline over small simulated files, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

SETTINGS = """\
[pipeline]
name = "cosmics"

[io]
input_path = "{files}"
output_path = "{name}.h5"

[cuts]
cutset = "{cutset}"
toggle_cuts = {{is_truth_electron = false}}
thresholds = {{lo_veto_dt_ns = {lo_veto_dt_ns}}}

[output]
figures = false
report = false
formats = []
"""


def make_runs(radiograph: Callable[..., Any], folder: Path) -> dict[str, Path]:
    """Files of three runs by name: a and b over the same events with other cuts, c over others.

    In b the veto window begins at 40 ns, so that events with coincidences survive.
    """
    simulate = ("simulate", "cosmics", folder, "--events", 400, "--veto-inefficiency", 0.2)
    assert radiograph(*simulate, "--files", 2).code == 0
    assert radiograph(*simulate, "--subrun", 10, "--seed", 8).code == 0
    made = {}
    for name, cutset, lo_veto_dt_ns, files in (
        ("a", "SU2020e", -150.0, "nts.*_0000000?.root"),
        ("b", "dev", 40.0, "nts.*_0000000?.root"),
        ("c", "SU2020e", -150.0, "nts.*_00000010.root"),
    ):
        settings = folder / f"{name}.toml"
        settings.write_text(
            SETTINGS.format(name=name, cutset=cutset, files=files, lo_veto_dt_ns=lo_veto_dt_ns)
        )
        done = radiograph("run", settings)
        assert done.code == 0, done.err
        made[name] = folder / f"{name}.h5"
    return made
