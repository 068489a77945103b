"""Single stages on one simulated file: text to hits, hits to cones; against ngimager and numpy."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from .figures import Figure, best_seconds, ngimager_python
from .runs import settings_file

N_NEUTRONS = 150_000
N_GAMMAS = 50_000
NGIMAGER_EVENTS = 4000

# The other program's functions one after the other, each timed on all events of the file.
NGIMAGER = """
import json, sys, time
from types import SimpleNamespace
from ngimager.filters.shapers import ShapeConfig, shape_events_for_cones
from ngimager.filters.to_typed_events import shaped_to_typed_events
from ngimager.geometry.plane import Plane
from ngimager.io.adapters import make_adapter
from ngimager.physics.cones import build_cone_from_gamma, build_cone_from_neutron
from ngimager.physics.energy_strategies import make_energy_strategy
from ngimager.physics.events import NeutronEvent
from ngimager.physics.priors import make_prior
plane = Plane.from_cfg([0, 0, 0], [0, 0, 1], -50, 50, 0.5, -50, 50, 0.5)
prior = make_prior({"type": "point", "point": [0.0, 0.0, 0.0], "strength": 1.0}, plane)
energy = make_energy_strategy(SimpleNamespace(strategy="Edep"))
adapter = make_adapter({"type": "phits", "style": "usrdef", "default_material": "OGS"})
started = time.perf_counter()
raw = list(adapter.iter_raw_events(sys.argv[1]))
read = time.perf_counter() - started
shaped, _ = shape_events_for_cones(raw, ShapeConfig())
events = shaped_to_typed_events(shaped, order_time=True)
found = {"read": len(raw) / read}
for name, build in (("neutron", build_cone_from_neutron), ("gamma", build_cone_from_gamma)):
    mine = [e for e in events if isinstance(e, NeutronEvent) == (name == "neutron")]
    started = time.perf_counter()
    for event in mine:
        try:
            build(event, energy, plane=plane, prior=prior)
        except ValueError:
            pass
    found[name] = len(mine) / (time.perf_counter() - started)
print(json.dumps(found))
"""


def figures() -> list[Figure]:
    """Events a second of each stage, one thread; ratios to ngimager and to plain numpy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = _simulated(folder, N_NEUTRONS, N_GAMMAS)
        rates = {"read": _read_rate(events, 1), **_cone_rates(folder, events)}
        found = [
            Figure("PHITS text to hits, one thread", rates["read"], "events/s"),
            Figure(
                "two threads over one, text to hits", _read_rate(events, 2) / rates["read"], "x"
            ),
            Figure("hits to selected cones, neutrons", rates["neutron"], "events/s"),
            Figure("hits to selected cones, gammas", rates["gamma"], "events/s"),
        ]
        numbers = best_seconds(lambda: _numbers_of(events), 2)
        plain = (N_NEUTRONS + N_GAMMAS) / numbers
        found.append(
            Figure("text to hits over plain numpy's text to numbers", rates["read"] / plain, "x")
        )
        for stage, theirs in _ngimager_rates(folder).items():
            what = "text to hits" if stage == "read" else f"hits to cones, {stage}s"
            found.append(Figure(f"{what}, over ngimager", rates[stage] / theirs, "x"))
        return found


def _simulated(folder: Path, n_neutrons: int, n_gammas: int) -> Path:
    from radiograph.drivers.imaging.simulation import simulation_settings, write_simulation

    path = folder / f"stages_{n_neutrons}.out"
    data = {"n_neutrons": n_neutrons, "n_gammas": n_gammas, "seed": 5}
    write_simulation(simulation_settings(data), path, "phits")
    return path


def _read_rate(events: Path, threads: int) -> float:
    from radiograph.drivers.files import file_ref
    from radiograph.nodes.imaging.readers import READERS
    from radiograph.schemas.imaging.reading import ReaderSettings

    reader = READERS["phits_usrdef"]
    settings = ReaderSettings(input_format="phits_usrdef", cm_per_position_unit=1.0)
    source = file_ref(events)
    (everything,) = reader.event_ranges(events, 1 << 30, settings)
    seconds = best_seconds(lambda: reader.read(source, everything, settings, threads))
    return everything.n_events / seconds


def _cone_rates(folder: Path, events: Path) -> dict[str, float]:
    """Energies, hypotheses, scores and the choice of the best, by the nodes of a run."""
    from radiograph.drivers.config import load_config
    from radiograph.drivers.imaging.session import open_session

    config = load_config(settings_file(folder, events)).config
    session = open_session(config, events, folder)
    inputs = {
        **session.inputs.values,
        "source_file": session.input_files[0],
        "event_range": session.ranges[0],
    }
    rates = {}
    for species in ("neutron", "gamma"):
        given = f"{species}_filtered_events"
        frame = session.run([given])[given]
        target, overrides = [f"{species}_selected_cones"], {given: frame}
        seconds = best_seconds(
            lambda t=target, o=overrides: session.driver.execute(t, inputs=inputs, overrides=o)
        )
        rates[species] = len(frame) / seconds
    return rates


def _numbers_of(events: Path) -> np.ndarray:
    """Every number of the file, without a check and without telling events apart."""
    text = events.read_bytes()
    text = text[min(text.index(b"\nne"), text.index(b"\nge")) :]
    for word in (b"ne", b"ge", b";", b","):
        text = text.replace(word, b" ")
    return np.fromstring(text, sep=" ")


def _ngimager_rates(folder: Path) -> dict[str, float]:
    python = ngimager_python()
    if python is None:
        return {}
    events = _simulated(folder, 3 * NGIMAGER_EVENTS // 4, NGIMAGER_EVENTS // 4)
    done = subprocess.run(
        [python, "-c", NGIMAGER, str(events)], check=True, capture_output=True, text=True
    )
    rates: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return rates
