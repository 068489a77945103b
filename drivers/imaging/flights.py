"""What the hits of a run say of its settings: flights between hits, materials without response.

Hits come range by range and leave a few numbers; problems are made of them at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.imaging.flights import FLIGHT_COLUMNS, UNITS, flights_of, impossible_flights
from ...nodes.light_response import SCINTILLATORS
from ...schemas.imaging.codes import GAMMA, NEUTRON
from ...schemas.imaging.config import ImagingConfig
from .config_checks import makes_cones
from .losses import LEAST_ROWS
from .metadata import problem

KINDS: Final = ("no_light_response", "tof_not_positive", "flight_speed")
"""Kinds of its problems; the first two are reasons of losses."""

# More impossible flights than this are no matter of resolution; a unit that fits leaves fewer.
_IMPOSSIBLE: Final = 0.5
_FITS: Final = 0.4
_MOST_RESPONSELESS: Final = 0.2
_MOST_DETECTORS: Final = 10


class HitChecks:
    """Counts of impossible flights and of neutron hits without light response, over all ranges."""

    def __init__(self, config: ImagingConfig) -> None:
        self._config = config
        self._flights = {NEUTRON: 0, GAMMA: 0}
        self._impossible = {s: np.zeros(1 + len(UNITS), np.int64) for s in (NEUTRON, GAMMA)}
        self._speeds: dict[int, list[float]] = {NEUTRON: [], GAMMA: []}
        self._pairs = self._of_one_time = 0
        self._latest_ns = 0.0
        self._neutron_hits = 0
        self._without: Counter[tuple[int, str]] = Counter()

    def take(self, hits: pd.DataFrame) -> None:
        """Count the hits of a range."""
        species = hits["species"].cat.codes.to_numpy()
        columns = {name: hits[name].to_numpy() for name in FLIGHT_COLUMNS}
        same = np.diff(columns["event_id"]) == 0
        time = columns["t_ns"]
        self._pairs += int(same.sum())
        self._of_one_time += int((np.diff(time)[same] == 0).sum())
        self._latest_ns = max(self._latest_ns, float(np.abs(time).max(initial=0.0)))
        for s in (NEUTRON, GAMMA):
            of_species = species == s
            beta, light = flights_of({name: v[of_species] for name, v in columns.items()})
            if len(beta):
                self._flights[s] += len(beta)
                self._impossible[s] += impossible_flights(beta, light, s)
                self._speeds[s].append(float(np.median(beta)))
        if self._config.energy.strategy == "ELUT" and makes_cones(self._config):
            self._take_materials(hits, species == NEUTRON)

    def _take_materials(self, hits: pd.DataFrame, is_neutron: np.ndarray) -> None:
        self._neutron_hits += int(is_neutron.sum())
        tables = self._config.energy.lut_paths
        material, detector = hits["material"].cat.codes.to_numpy(), hits["det_id"].to_numpy()
        for code, name in enumerate(hits["material"].cat.categories):
            has_table = name in tables and tables[name].proton is not None
            if name not in SCINTILLATORS and not has_table:
                ids, times = np.unique(
                    detector[is_neutron & (material == code)], return_counts=True
                )
                found = zip(ids.tolist(), times.tolist(), strict=True)
                self._without.update({(i, str(name)): n for i, n in found})

    def problems(self, path: str, counters: Mapping[str, int]) -> list[dict[str, Any]]:
        """What is wrong with the settings or the units; the kinds are the reasons of losses."""
        return [*self._materials(path, counters), *(self._digits(path) or self._speed(path))]

    def _digits(self, path: str) -> list[dict[str, Any]]:
        n = self._of_one_time
        if n < LEAST_ROWS or n <= _IMPOSSIBLE * self._pairs:
            return []
        step = float(np.spacing(np.float32(self._latest_ns)))
        text = (
            f"tof_not_positive: {n:,} of {self._pairs:,} flights between hits "
            f"({100 * n / self._pairs:.0f} %) have one time at both ends. The times reach "
            f"{self._latest_ns:.3g} ns; there 32-bit floats have steps of {step:,.3g} ns. Write "
            "them as 64-bit floats, or from the beginning of each event"
        )
        return [problem("tof_not_positive", path, n, text)]

    def _materials(self, path: str, counters: Mapping[str, int]) -> list[dict[str, Any]]:
        n = self._without.total()
        if n < LEAST_ROWS or n <= _MOST_RESPONSELESS * self._neutron_hits:
            return []
        detectors = sorted({i for i, _ in self._without})
        named = ", ".join(map(str, detectors[:_MOST_DETECTORS]))
        more = len(detectors) - _MOST_DETECTORS
        named += f" and {more} more" if more > 0 else ""
        materials = ", ".join(f'"{m}"' for m in sorted({m for _, m in self._without}))
        lost = counters.get("candidates_rejected_no_light_response_n", 0)
        total = counters.get("candidates_total_n", 0)
        cost = f"; that costs {lost:,} of {total:,} neutron hypotheses" if total else ""
        text = (
            f"no_light_response: {n:,} of {self._neutron_hits:,} neutron hits "
            f"({100 * n / self._neutron_hits:.0f} %) lie in detectors {named} of material "
            f"{materials}, which has no light response{cost}. Name their material in "
            "[detectors.material_map], or add [energy.lut_paths]"
        )
        return [problem("no_light_response", path, n, text)]

    def _speed(self, path: str) -> list[dict[str, Any]]:
        for s, name in ((NEUTRON, "neutron"), (GAMMA, "gamma")):
            n = self._flights[s]
            if n < LEAST_ROWS:
                continue
            shares = self._impossible[s] / n
            if shares[0] <= _IMPOSSIBLE:
                # One species with possible flights shows that the units are right.
                return []
            best = int(np.argmin(shares[1:]))
            fits = f"What would fit: {list(UNITS)[best]}" if shares[1 + best] < _FITS else ""
            speed = float(np.median(self._speeds[s]))
            text = (
                f"flight_speed: {self._impossible[s][0]:,} of {n:,} {name} flights between hits "
                f"({100 * shares[0]:.0f} %) are impossible: their speed is {speed:.2g} c, "
                "which is above that of light or too slow for the energies. "
                f"{fits or 'See the units of the input'}. Give times in ns and positions in cm"
            )
            return [problem("flight_speed", path, int(self._impossible[s][0]), text)]
        return []
