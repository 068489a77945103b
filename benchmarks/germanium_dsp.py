"""Dsp columns of germanium waveforms: the kernels against the same steps in whole arrays.

python -m benchmarks.germanium_dsp [N_EVENTS [PEER_PYTHON]]: prints CPU time a waveform of both, and
their ratio, and that from file to file; with the Python of an environment that has dspeed that of
the peer too. The arrays hold pole-zero correction, trapezoids, cusp, ZAC and the current, not the
times.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from radiograph.drivers.germanium.lh5_writing import new_lh5, write_table
from radiograph.drivers.germanium.simulation import raw_columns, simulated
from radiograph.drivers.main import guarded
from radiograph.nodes.germanium.codecs import RADWARE, ULEB128, decoded, encoded
from radiograph.nodes.germanium.dsp_frames import pulse_columns
from radiograph.nodes.germanium.recipes import recipe_of, usual_filters
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.nodes.waveforms.filters import moving_average, pole_zero, trapezoid
from radiograph.schemas.germanium.dsp import DspParameters, PoleZeroConstants, Waveforms
from radiograph.schemas.germanium.settings import Filters, PoleZero
from radiograph.schemas.germanium_simulation import GermaniumSimulationSettings

REPEATS = 3
PEER = Path(__file__).parent / "germanium_dspeed.py"
TABLE = "ch1104000"
FEW, MANY = 4000, 16_000
FILTERS = """
  pz: {tau1: "440*us"}
  etrap: {rise: "8*us", flat: "2.5*us"}
  cusp: {sigma: "8*us", flat: "2.5*us"}
  zac: {sigma: "8*us", flat: "2.5*us"}
"""


def in_arrays(waves: Waveforms, parameters: DspParameters) -> dict[str, Any]:
    """Energies and currents by plain numpy and scipy."""
    from scipy.signal import oaconvolve

    recipe, cusp, zac = recipe_of(parameters, waves)
    tau = parameters.pole_zero.tau1_ns
    left = waves.slow - waves.slow[:, : recipe.baseline].mean(axis=1, keepdims=True)
    corrected = pole_zero(left, tau / waves.slow_ns)
    found = {"trapEmax": trapezoid(corrected, recipe.energy.rise, recipe.energy.flat).max(axis=1)}
    for name, made in (("cuspEmax", cusp), ("zacEmax", zac)):
        kernel = made.oldest_first[::-1]
        outputs = oaconvolve(left[:, : recipe.cusp_samples], kernel[np.newaxis], "valid", axes=1)
        found[name] = outputs.max(axis=1)
    fast = pole_zero(waves.fast - waves.slow[:, : recipe.baseline].mean(axis=1, keepdims=True),
                     tau / waves.fast_ns)  # fmt: skip
    up = np.repeat(np.diff(fast[:, 300:601], axis=1), 16, axis=1)[:, 8:4792]
    smooth = moving_average(moving_average(moving_average(up, 48), 48, "forward"), 48)
    return {**found, "A_max": smooth.max(axis=1)}


def best_s(call: Callable[[], Any]) -> float:
    """The least CPU time of some calls, after a first one that compiles."""
    call()
    times = []
    for _ in range(REPEATS):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times)


def file_to_file(peer: str) -> None:
    """Print the time a waveform of ``germanium build dsp`` of one process, and of the peer."""
    own = GermaniumSimulationSettings(n_events=MANY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw, constants = folder / "a-tier_raw.lh5", folder / "par_dsp.yaml"
        with new_lh5(raw) as file:
            made = simulated(own, 0, detector_constants(own, 0))
            write_table(file, f"{TABLE}/raw", raw_columns(made))
        constants.write_text(f"{TABLE}:{FILTERS}")

        def build(rows: int) -> None:
            argv = ["germanium", "build", "dsp", str(raw), "-p", str(constants), "--no-cache"]
            argv += ["-o", str(folder / "out"), "--overwrite", "--set", "run.workers=1"]
            with contextlib.redirect_stdout(io.StringIO()):
                code = guarded([*argv, "--set", f"run.max_events={rows}", "--quiet"])
            if code:
                msg = f"exit code {code}"
                raise RuntimeError(msg)

        few, many = (best_s(lambda: build(n)) for n in (FEW, MANY))  # noqa: B023
        print(f"file to file: {1e6 * (many - few) / (MANY - FEW):.1f} us a waveform")
        if peer:
            subprocess.run([peer, str(PEER), str(raw), f"{TABLE}/raw"], check=True)


def main() -> None:
    """Print the times."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    settings = GermaniumSimulationSettings(n_events=n)
    constants = detector_constants(settings, 0)
    raw = simulated(settings, 0, constants)["raw_waveforms"]
    slow = raw.presummed.astype(np.float32) / np.float32(8)
    waves = Waveforms(slow, raw.windowed.astype(np.float32), 128.0, 16.0, 42_000.0)
    given = PoleZero()
    parameters = DspParameters(
        PoleZeroConstants(constants.tau1_ns), usual_filters(Filters()), given.baseline_us,
        given.tail_us,
    )  # fmt: skip
    kernels = best_s(lambda: pulse_columns(waves, parameters)) / n
    arrays = best_s(lambda: in_arrays(waves, parameters)) / n
    print(f"kernels {1e6 * kernels:.1f} us, arrays {1e6 * arrays:.1f} us: {arrays / kernels:.1f} x")
    for codec, samples in ((ULEB128, raw.presummed), (RADWARE, raw.windowed)):
        data, ends = encoded(codec, samples)
        seconds = best_s(lambda: decoded(codec, data, ends, samples.shape[1])) / n  # noqa: B023
        print(f"{codec}: {1e6 * seconds:.1f} us a waveform, {len(data) / samples.nbytes:.2f} of it")
    file_to_file(sys.argv[2] if len(sys.argv) > 2 else "")


if __name__ == "__main__":
    main()
