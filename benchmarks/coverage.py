"""Do the errors of the point fit cover the truth? Simulated runs with isotropic background.

``python -m benchmarks.coverage --runs 100`` fits simulated runs of an array of fourteen bars: with
perfect bars the 68 % interval of the Hessian is asked, with bar errors drawn and bars that
calibrate themselves that of the budget's total. The perfect array that the bias of the calibration
is taken from and the runs that test it have different seeds.
"""

from __future__ import annotations

import argparse
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hamilton import driver
from radiograph.drivers.graph import build_driver
from radiograph.drivers.imaging.inputs import graph_inputs
from radiograph.drivers.registry import definition
from radiograph.nodes.imaging.bar_constants import scatter_constants, without_bias
from radiograph.nodes.imaging.bars import bars as bars_of
from radiograph.nodes.imaging.simulated_pairs import (
    everywhere,
    one_source,
    pairs_of_neutrons,
    perfect_constants,
)
from radiograph.schemas.arrays import F8
from radiograph.schemas.imaging.bars import BarExtents
from radiograph.schemas.imaging.calibration import PAIRS
from radiograph.schemas.imaging.config import ImagingConfig
from radiograph.schemas.imaging.frames import GAMMA_FILTERED, NEUTRON_FILTERED

ROOT = Path(__file__).resolve().parents[1]
ENERGY_MEV = 14.8
SOURCE_CM = (10.0, -10.0, -109.6)
LEAST_LIGHT_MEVEE = (2.0, 1.0)
# Wide enough that no error of a gain moves a hit across the cuts that follow.
SPARE = 0.6
CORRECTION_SEED = 1_000_003
HALF_LENGTH_CM = 7.0
OFFSET_CM, TIME_NS, GAIN = 0.2, 0.15, 0.12


def _array() -> pd.DataFrame:
    """Four layers of two to four crossed bars, as of the measured run."""
    places: list[tuple[F8, F8]] = []
    for z, across, along_x in (
        (0.0, (2.0, -2.0), True),
        (3.8, (-9.2, -3.1, 3.1, 9.2), False),
        (12.6, (3.1, 9.2, -9.2, -3.1), True),
        (21.2, (-9.2, -3.1, 3.1, 9.2), False),
    ):
        for u in across:
            centre = np.array([0.0, u, z] if along_x else [u, 0.0, z])
            half = np.array([HALF_LENGTH_CM, 0, 0] if along_x else [0, HALF_LENGTH_CM, 0])
            places.append((centre - half, centre + half))
    low, high = (np.array([p[k] for p in places]) for k in (0, 1))
    n = len(places)
    config = _config()
    return bars_of(BarExtents(np.arange(n), low, high, np.full(n, 1000)), config.detectors)


def _config(**sections: dict[str, Any]) -> ImagingConfig:
    table = tomllib.loads((ROOT / "configs" / "novo_ddaq_point_fit.toml").read_text())
    table["run"] |= {"gammas": False}
    table["point_fit"] = {"profile": False}
    table["calibration"] = {"mode": "off"}
    table["reconstruction"] = {"consistency_edges": []}
    for name, changed in sections.items():
        table[name] = {**table.get(name, {}), **changed}
    return ImagingConfig.model_validate(table)


@dataclass(frozen=True)
class Bench:
    """An array, a graph and how they are asked."""

    config: ImagingConfig
    bars: pd.DataFrame
    light_response: pd.DataFrame
    graph: driver.Driver

    @classmethod
    def of(cls, **sections: dict[str, Any]) -> Bench:
        """The shipped settings of the fit, some changed."""
        config = _config(**sections)
        graph = build_driver(definition("imaging"), definition("imaging").choices_of(config))
        inputs = graph_inputs(config, ROOT, source_name="").values
        response = graph.execute(["light_response"], inputs=inputs)["light_response"]
        return cls(config, _array(), response, graph)

    def pairs(self, n_source: int, n_else: int, seed: int, spare: float = 1.0) -> pd.DataFrame:
        """Pairs of the source and of the same energy from everywhere, mixed."""
        rng = np.random.default_rng(seed)
        read = (self._seen(spare), self.bars, self.light_response, self.config.uncertainty)
        middle = self.bars[["centre_x_cm", "centre_y_cm", "centre_z_cm"]].to_numpy().mean(axis=0)
        isotropic = everywhere((ENERGY_MEV, ENERGY_MEV), middle, 110.0)
        parts = [
            pairs_of_neutrons(*read, one_source(ENERGY_MEV, np.array(SOURCE_CM)), n_source, rng)
        ]
        if n_else:
            parts.append(pairs_of_neutrons(*read, isotropic, n_else, rng))
        return pd.concat(parts, ignore_index=True).sample(frac=1.0, random_state=rng)

    def _seen(self, spare: float) -> pd.DataFrame:
        """Bounds of light and flight, and the material of each bar."""
        n = len(self.bars)
        names = [self.config.detectors.material_map[i] for i in range(n)]
        material = pd.Categorical(names, categories=sorted(set(names)))
        after = (np.arange(n) + 1) % n
        return PAIRS.frame(
            {
                "det_id1": np.arange(n),
                "det_id2": after,
                "material": material,
                "material2": material[after],
                "flight_ns": np.linspace(0.5, 25.0, n),
                "light1_MeVee": np.linspace(spare * LEAST_LIGHT_MEVEE[0], 20.0, n),
                "light2_MeVee": np.linspace(spare * LEAST_LIGHT_MEVEE[1], 20.0, n),
                **{f"{a}{k}_cm": np.zeros(n) for k in (1, 2) for a in "xyz"},
            }
        )

    def found(self, events: pd.DataFrame, targets: list[str], **overrides: Any) -> dict[str, Any]:
        """Nodes of the graph for some neutron events."""
        given = {
            "neutron_filtered_events": events,
            "gamma_filtered_events": GAMMA_FILTERED.empty(),
            "bars": self.bars,
            **overrides,
        }
        inputs = graph_inputs(self.config, ROOT, source_name="").values
        return dict(self.graph.execute(targets, inputs=inputs, overrides=given))


def as_events(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs as events that have passed."""
    n = len(pairs)
    shared = [name for name in PAIRS.names if name in NEUTRON_FILTERED.names]
    data: dict[str, Any] = {name: pairs[name].to_numpy() for name in shared}
    data |= {"event_index": np.arange(n), "event_id": np.arange(n)}
    for k, material in ((1, "material"), (2, "material2")):
        data |= {f"psd{k}": np.zeros(n), f"energy_deposited{k}_MeV": np.zeros(n)}
        data[f"material{k}"] = pairs[material].array
    data |= {"t1_ns": np.zeros(n), "t2_ns": pairs["flight_ns"].to_numpy()}
    return NEUTRON_FILTERED.frame({name: data[name] for name in NEUTRON_FILTERED.names})


def with_errors(bench: Bench, pairs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Pairs read by bars with errors along them, of time and of gain, cut as measured."""
    rng = np.random.default_rng([seed, 77])
    n = len(bench.bars)
    offset, tau = rng.normal(0.0, OFFSET_CM, n), rng.normal(0.0, TIME_NS, n)
    gain = np.exp(rng.normal(0.0, GAIN, n))
    axes = bench.bars[["axis_x", "axis_y", "axis_z"]].to_numpy()
    bar = {k: pairs[f"det_id{k}"].to_numpy() for k in (1, 2)}
    columns = {"flight_ns": pairs["flight_ns"] + tau[bar[2]] - tau[bar[1]]}
    for k in (1, 2):
        columns[f"light{k}_MeVee"] = pairs[f"light{k}_MeVee"] / gain[bar[k]]
        moved = (offset[:, None] * axes)[bar[k]]
        columns |= {f"{a}{k}_cm": pairs[f"{a}{k}_cm"] + moved[:, i] for i, a in enumerate("xyz")}
    read = pairs.assign(**columns)
    bright = (read["light1_MeVee"] >= LEAST_LIGHT_MEVEE[0]) & (
        read["light2_MeVee"] >= LEAST_LIGHT_MEVEE[1]
    )
    return read.loc[bright & (read["flight_ns"] >= 0.5)].reset_index(drop=True)


def bias_of(bench: Bench, n_pairs: int) -> pd.DataFrame:
    """What flight against light finds in a perfect array with the background of the runs."""
    perfect = bench.pairs(n_pairs, n_pairs * 8 // 10, CORRECTION_SEED)
    none = perfect_constants(bench.bars)
    return scatter_constants(perfect, none, bench.bars, bench.light_response, ENERGY_MEV)


def perfect_run(bench: Bench, n_source: int, n_else: int, seed: int) -> list[float]:
    """(du, dv, sigma_u, sigma_v) of one run with perfect bars."""
    events = as_events(bench.pairs(n_source, n_else, seed))
    row = bench.found(events, ["point_sources"])["point_sources"].iloc[0]
    return [
        row["u_cm"] - SOURCE_CM[0],
        row["v_cm"] - SOURCE_CM[1],
        row["u_sigma_cm"],
        row["v_sigma_cm"],
    ]


def calibrated_run(
    bench: Bench, bias: pd.DataFrame, n_source: int, n_else: int, seed: int
) -> list[float]:
    """(du, dv, total_u, total_v) of one run with bar errors and bars that calibrate themselves."""
    pairs = with_errors(bench, bench.pairs(n_source, n_else, seed, SPARE), seed)
    events = as_events(pairs)
    found = bench.found(events, ["biased_bar_calibration"])["biased_bar_calibration"]
    constants = without_bias(found, bias)
    targets = ["point_sources", "position_budget"]
    values = bench.found(events, targets, bar_calibration=constants)
    row, budget = values["point_sources"].iloc[0], values["position_budget"]
    total = budget.loc[budget["component"] == "total"].iloc[0]
    return [
        row["u_cm"] - SOURCE_CM[0],
        row["v_cm"] - SOURCE_CM[1],
        total["u_cm"],
        total["v_cm"],
    ]


def coverage(rows: list[list[float]]) -> dict[str, list[float]]:
    """Share of runs whose interval holds the truth, mean and scatter of what is off, per axis."""
    values = np.array(rows)
    off, width = values[:, :2], values[:, 2:]
    return {
        "covered": np.mean(np.abs(off) <= width, axis=0).tolist(),
        "mean_cm": off.mean(axis=0).tolist(),
        "scatter_cm": off.std(axis=0).tolist(),
        "interval_cm": np.median(width, axis=0).tolist(),
    }


def main() -> None:
    """Tell the coverage of some runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--source", type=int, default=1900)
    parser.add_argument("--elsewhere", type=int, default=1600)
    told = parser.parse_args()
    size = (told.source, told.elsewhere)
    bench = Bench.of(calibration={"mode": "off"})
    perfect = [perfect_run(bench, *size, seed) for seed in range(told.runs)]
    print("perfect bars, statistical interval", coverage(perfect), flush=True)
    bench = Bench.of(calibration={"mode": "self"})
    bias = bias_of(bench, 20_000)
    rows = [calibrated_run(bench, bias, *size, 500 + seed) for seed in range(told.runs)]
    print("bar errors, calibrated, total interval", coverage(rows), flush=True)


if __name__ == "__main__":
    main()
