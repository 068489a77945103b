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


# The signal comes while a callback of the garbage collector runs: no error can leave that.
IN_A_CALLBACK = """
import os, signal, time, weakref
from radiograph.drivers import main

class Thing:
    pass

def guarded(argv, started_s=None):
    thing = Thing()
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    try:
        del thing
        time.sleep(30)
    except KeyboardInterrupt:
        return main.EXIT_INTERRUPTED
    return 0

main.guarded = guarded
main.cli()
"""


def test_an_interrupt_that_falls_into_a_callback_is_not_lost() -> None:
    called = [sys.executable, "-c", IN_A_CALLBACK]
    done = subprocess.run(called, capture_output=True, text=True, timeout=25, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_other_errors_of_callbacks_are_told_as_ever() -> None:
    code = IN_A_CALLBACK.replace("os.kill(os.getpid(), signal.SIGTERM)", "1 / 0")
    called = [sys.executable, "-c", code.replace("time.sleep(30)", "pass")]
    done = subprocess.run(called, capture_output=True, text=True, timeout=25, check=False)
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr
