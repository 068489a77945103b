"""A run that a batch system ends leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from radiograph.drivers.imaging.simulation import simulation_settings, write_simulation

TEXT = """
[io]
input_path = "events.out"
output_path = "out/image.h5"
[plane]
origin = [0, 0, 0]
normal = [0, 0, 1]
u_min = -50
u_max = 50
du = 0.01
v_min = -50
v_max = 50
dv = 0.01
[energy]
strategy = "Edep"
[vis]
export_png_on_write = false
"""


def test_sigterm_ends_a_run_as_an_interrupt(tmp_path: Path) -> None:
    settings = simulation_settings({"n_neutrons": 300, "n_gammas": 0, "seed": 1})
    write_simulation(settings, tmp_path / "events.out", "phits")
    (tmp_path / "run.toml").write_text(TEXT)
    command = "import sys; from radiograph.drivers.main import cli; cli()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "run", "run.toml", "--no-cache"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The temporary file is there long before so large a plane is filled.
    for _ in range(600):
        if list(tmp_path.glob("out/.*.tmp")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted; what was complete stays, nothing else was written" in errors
    assert not list((tmp_path / "out").iterdir())
