"""Counters: hand-made frames, and random files with random settings in which all must add up."""

from __future__ import annotations

import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from radiograph.drivers.imaging.session import open_session
from radiograph.nodes.imaging import counters
from radiograph.schemas.imaging.codes import CandidateStatus, ConeFilter, EventFilter, HitFilter
from radiograph.schemas.imaging.config import ImagingConfig
from radiograph.schemas.imaging.filters import ShapingRule
from radiograph.schemas.imaging.frames import CANDIDATE_CONES
from radiograph.schemas.imaging.images import BackProjection, Counts, SourceRecords
from radiograph.schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS

# --- nodes as plain functions -----------------------------------------------------------------


def codes(*values: int) -> np.ndarray:
    return np.array(values, np.uint8)


def records_of(
    n_raw: int, damaged: int = 0, clipped: Any = (0, 0, 0), particle: Any = (0, 0, 0)
) -> SourceRecords:
    problems = {"kind": ["bad_number", "no_hits"], "line_or_entry": [3, 7], "count": [1, 4]}
    return SourceRecords(
        hits=pd.DataFrame(),
        raw_event_ids=np.arange(n_raw),
        n_damaged_records=damaged,
        problems=PROBLEMS.frame(problems) if damaged else PROBLEMS.empty(),
        n_hits_clipped=clipped,
        n_hits_particle=particle,
        reactions=REACTIONS.empty(),
        products=PRODUCTS.empty(),
    )


def test_hit_counters_by_hand() -> None:
    found = counters.hit_counters__counted(
        records_of(9, damaged=5, clipped=(2, 1, 0), particle=(0, 0, 4)),
        pd.DataFrame(),
        codes(0, 0, HitFilter.threshold, HitFilter.psd),
        codes(0, HitFilter.bar_include),
        codes(0, HitFilter.threshold, HitFilter.threshold),
        codes(0, 0, 0, 0, 1, 1, 2, 3, 3),
    )
    expected = {
        "raw_events_total": 9,
        "raw_events_rejected_unreconstructable": 2,
        "raw_events_species_off": 1,
        "raw_events_rejected_shaping": 2,
        "raw_events_damaged": 5,
        "hits_total": 4 + 2 + 3 + 3 + 4,
        "hits_total_n": 6,
        "hits_total_g": 3,
        "hits_after_filters": 4,
        "hits_after_filters_n": 2,
        "hits_after_filters_g": 1,
        "hits_rejected_threshold": 3,
        "hits_rejected_threshold_n": 1,
        "hits_rejected_threshold_g": 0,
        "hits_rejected_psd": 1,
        "hits_rejected_bar_include_g": 1,
        "hits_rejected_clipped": 3,
        "hits_rejected_clipped_n": 2,
        "hits_rejected_clipped_g": 1,
        "hits_rejected_particle": 4,
        "hits_rejected_particle_n": 0,
        "hits_unknown_species": 7,
        "problems_bad_number": 1,
        "problems_no_hits": 4,
    }
    assert expected.items() <= dict(found.values).items()
    assert all(type(v) is int for v in found.values.values())


def pairs_of(*event_id: int) -> pd.DataFrame:
    return pd.DataFrame({"event_id": np.array(event_id, np.int64)})


def event_counters(**keys: Any) -> Counts:
    nothing = pairs_of()
    arguments: dict[str, Any] = {
        "neutron_filtered_hits": nothing,
        "gamma_filtered_hits": nothing,
        "neutron_shaped_events": nothing,
        "gamma_shaped_events": nothing,
        "neutron_event_filter_code": codes(),
        "gamma_event_filter_code": codes(),
        "neutron_shaping": ShapingRule(policy="time_asc", max_combinations=5000),
        "gamma_shaping": ShapingRule(policy="time_asc", max_combinations=5000),
        "neutrons_on": True,
        "gammas_on": True,
    }
    return counters.event_counters__counted(**{**arguments, **keys})


def test_event_counters_by_hand() -> None:
    found = event_counters(
        neutron_shaped_events=pairs_of(0, 1, 2, 3, 4),
        gamma_shaped_events=pairs_of(1, 2, 3),
        neutron_event_filter_code=codes(
            0,
            EventFilter.max_events,
            EventFilter.tof_window,
            EventFilter.L1_min,
            EventFilter.L2_min,
        ),
        gamma_event_filter_code=codes(
            EventFilter.L_any_min, EventFilter.hit_distance, EventFilter.max_events
        ),
    )
    expected = {
        "shaped_events_total": 8,
        "shaped_events_n": 5,
        "shaped_events_g": 3,
        "events_typed_total": 8,
        "events_dropped_max_events": 2,
        "events_total_for_filters": 6,
        "events_total_for_filters_n": 4,
        "events_total_for_filters_g": 2,
        "events_after_filters": 1,
        "events_rejected_tof_window": 1,
        "events_rejected_hit_distance_g": 1,
        "events_rejected_L1_min_n": 1,
        "events_rejected_L2_min_n": 1,
        "events_rejected_L_any_min_g": 1,
        "shaped_events_capped": 0,
    }
    assert expected.items() <= dict(found.values).items()


@pytest.mark.parametrize(
    ("policy", "most", "is_on", "expected"),
    [
        ("all_combinations", 2, True, 4),  # 6 pairs of four hits: 4 lost; 1 of two: none
        ("all_combinations", 6, True, 0),
        ("all_combinations", 2, False, 0),
        ("time_asc", 2, True, 0),
    ],
)
def test_combinations_over_the_cap_are_counted(
    policy: Any, most: int, is_on: bool, expected: int
) -> None:
    found = event_counters(
        neutron_filtered_hits=pairs_of(3, 3, 3, 3, 5, 5, 6),
        neutron_shaping=ShapingRule(policy=policy, max_combinations=most),
        neutrons_on=is_on,
    )
    assert found["shaped_events_capped_n"] == found["shaped_events_capped"] == expected


def candidates_with(*status: int) -> pd.DataFrame:
    return CANDIDATE_CONES.empty().reindex(range(len(status))).assign(status=codes(*status))


def test_cone_counters_by_hand() -> None:
    ok, outside = CandidateStatus.ok, CandidateStatus.cosine_outside
    recoils = pd.DataFrame({"recoil_code": codes(1, 2, 1)})
    found = counters.cone_counters__counted(
        candidates_with(ok, ok, ok, outside, outside, outside),
        candidates_with(*[ok] * 5, CandidateStatus.angle_too_small),
        np.array([True, True, False, False, True, False]),
        np.array([True, False, False, True, True, True]),
        codes(ConeFilter.kept, ConeFilter.direction, ConeFilter.no_candidate),
        codes(ConeFilter.max_cones),
        recoils,
    )
    expected = {
        "events_cone_build_attempted": 4,
        "events_cone_build_success": 3,
        "events_cone_build_success_n": 2,
        "events_cone_build_failed": 1,
        "events_cone_build_failed_g": 0,
        "cones_checked_delta_theta": 2,
        "cones_rejected_direction": 1,
        "cones_rejected_delta_theta": 0,
        "cones_dropped_max_cones_g": 1,
        "cones_kept": 1,
        "cones_n_recoil_proton": 2,
        "cones_n_recoil_carbon": 1,
        "cones_n_recoil_unknown": 0,
        "candidates_total": 12,
        "candidates_rejected_cosine_outside": 3,
        "candidates_rejected_cosine_outside_g": 0,
        "candidates_rejected_angle_too_small_g": 1,
        "candidates_rejected_direction_n": 1,
        "candidates_rejected_direction_g": 2,
    }
    assert expected.items() <= dict(found.values).items()


def projected(*lit: int) -> BackProjection:
    return BackProjection(np.zeros((1, 1), np.uint32), np.array(lit, np.uint32))


def test_image_counters_by_hand() -> None:
    found = counters.image_counters__counted(projected(3, 0, 2**32 - 1), projected(0, 0))
    assert dict(found.values) == {
        "cones_imaged_total": 2,
        "cones_imaged_n": 2,
        "cones_imaged_g": 0,
        "cones_missed_plane_n": 1,
        "cones_missed_plane_g": 2,
        "pixels_lit_total": 2**32 + 2,
        "pixels_lit_n": 2**32 + 2,
        "pixels_lit_g": 0,
    }


def test_of_nothing_every_counter_is_zero() -> None:
    nothing = CANDIDATE_CONES.empty()
    none = np.zeros(0, bool)
    parts = (
        counters.hit_counters__counted(records_of(0), pd.DataFrame(), *[codes()] * 4),
        event_counters(),
        counters.cone_counters__counted(
            nothing, nothing, none, none, codes(), codes(), pd.DataFrame({"recoil_code": codes()})
        ),
        counters.image_counters__counted(projected(), projected()),
    )
    whole = counters.counters(*parts)
    assert len(whole.values) == sum(len(p.values) for p in parts) > 100
    assert set(whole.values.values()) == {0}


def test_counts_add() -> None:
    a, b = Counts({"x": 1, "y": 2}), Counts({"y": 3, "z": 4})
    assert dict((a + b).values) == {"x": 1, "y": 5, "z": 4}
    assert dict(a.values) == {"x": 1, "y": 2}
    with pytest.raises(KeyError, match="w"):
        (a + b)["w"]


# --- everything adds up -----------------------------------------------------------------------

SLOTS = 6
PLANE = {
    "origin": [0, 0, 0], "normal": [0, 0, 1],
    "u_min": -30, "u_max": 30, "du": 3, "v_min": -20, "v_max": 20, "dv": 2,
}  # fmt: skip


def write_windows(rng: np.random.Generator, path: Path, n: int) -> None:
    """A ROOT tree of windows with up to six hits of any particle, some of them damaged."""
    det = rng.integers(1, 6, (n, SLOTS))
    det[np.arange(SLOTS) >= rng.choice([0, 2, 4, 5, 6, 6], n)[:, None]] = -1
    light = rng.exponential(1.5, (n, SLOTS))
    light[rng.random((n, SLOTS)) < 0.1] = 0.0
    light[rng.random((n, SLOTS)) < 0.02] = 500.0
    light[rng.random((n, SLOTS)) < 0.01] = np.nan
    light[rng.random((n, SLOTS)) < 0.01] = -1.0
    time = rng.uniform(10, 22, (n, SLOTS)).round(1)
    position = rng.normal(0, 1, (n, SLOTS, 3)) * [100, 100, 60] + [0, 0, 600]
    twin = rng.random(n) < 0.05
    position[twin, 1] = position[twin, 0]
    branches: dict[str, np.ndarray] = {}
    particle = rng.choice([1, 1, 1, 2, 2, 2, 3, 0], (n, SLOTS))
    clipped = (rng.random((n, SLOTS)) < 0.05).astype(np.int32)
    psd = rng.normal(0.25, 0.1, (n, SLOTS))
    for k in range(SLOTS):
        branches |= {f"{a}{k + 1}": position[:, k, i] for i, a in enumerate("xyz")}
        branches |= {f"t{k + 1}": time[:, k], f"dE{k + 1}": light[:, k], f"psd{k + 1}": psd[:, k]}
        branches |= {
            f"det{k + 1}": det[:, k].astype(np.int32),
            f"particle{k + 1}": particle[:, k].astype(np.int32),
            f"clipped{k + 1}": clipped[:, k],
        }
    with uproot.recreate(path) as file:
        file.mktree("image_tree", {k: v.dtype for k, v in branches.items()}).extend(branches)


def write_lines(rng: np.random.Generator, path: Path, n: int) -> None:
    """PHITS text of ``ne`` and ``ge`` lines, some of them damaged."""
    lines = ["! a comment", ""]
    for e in range(n):
        name = rng.choice(["ne", "ge"])
        hits = []
        for _ in range(rng.integers(2, 6)):
            x, y, z = rng.normal(0, 1, 3) * [10, 10, 6] + [0, 0, 60]
            hits.append(
                f"{rng.integers(1, 6)} {rng.exponential(1.5):.4f} {x:.3f} {y:.3f} {z:.3f} "
                f"{rng.uniform(10, 22):.2f}"
            )
        if rng.random() < 0.05:
            hits[0] = rng.choice(["1 -0.5 0 0 0 1", "1 0.5 nan 0 0 1", "1 x 0 0 0 1", "1 0.5"])
        lines.append(f"{name} 0 1 {e} 2 2 ; {' , '.join(hits)} ,")
    path.write_text("\n".join(lines) + "\n")


def chance(rng: np.random.Generator, share: float = 0.5) -> bool:
    return bool(rng.random() < share)


def hit_cuts(rng: np.random.Generator) -> dict[str, Any]:
    cuts: dict[str, Any] = {}
    if chance(rng, 0.3):
        cuts["min_light_MeVee"] = float(rng.uniform(0, 0.3))
    if chance(rng, 0.3):
        cuts["max_light_MeVee"] = float(rng.uniform(4, 8))
    if chance(rng, 0.2):
        cuts |= {"psd_min": 0.1, "psd_max": 0.4}
    if chance(rng, 0.1):
        cuts["bars_exclude"] = [int(rng.integers(1, 6))]
    if chance(rng, 0.1):
        cuts["bars_include"] = [1, 2, 3, 4]
    if chance(rng, 0.1):
        cuts["materials_exclude"] = ["M600"]
    if chance(rng, 0.1):
        cuts["materials_include"] = ["OGS"]
    return cuts


def event_cuts(rng: np.random.Generator) -> dict[str, Any]:
    cuts: dict[str, Any] = {}
    if chance(rng):
        cuts["tof_window_ns"] = [float(rng.uniform(0, 0.5)), float(rng.uniform(4, 12))]
    if chance(rng, 0.4):
        cuts["max_hit_distance_cm"] = float(rng.uniform(15, 40))
    for name in ("min_L1_MeVee", "min_L2_MeVee", "min_L_any_MeVee"):
        if chance(rng, 0.3):
            cuts[name] = float(rng.uniform(0, 0.3))
    return cuts


def cone_cuts(rng: np.random.Generator) -> dict[str, Any]:
    cuts: dict[str, Any] = {}
    if chance(rng):
        cuts["max_delta_theta_deg"] = float(rng.uniform(20, 90))
    if chance(rng, 0.3):
        cuts["max_incident_energy_MeV"] = float(rng.uniform(3, 50))
    return cuts


def random_settings(rng: np.random.Generator, input_format: str) -> dict[str, Any]:
    species = [(True, True)] * 4 + [(True, False), (False, True)]
    neutrons, gammas = species[rng.integers(6)]
    policies = ["time_asc", "energy_desc", "all_combinations"]
    energies: list[dict[str, Any]] = [
        {"strategy": "Edep"},
        {"strategy": "ELUT"},
        {"strategy": "FixedEn", "fixed_En_MeV": 14.1},
        {"strategy": "ToF", "tof": {"source_cm": [0, 0, 0], "start_time_ns": 0.0}},
        {"strategy": "ToF", "tof": {"source_cm": [0, 0, 0], "start_det_id": 1}},
    ]
    energy = energies[rng.integers(5)] | {"force_proton_recoils": chance(rng, 0.3)}
    priors: list[dict[str, Any]] = [
        {},
        {"type": "point", "point": [1, 2, 3]},
        {"type": "line", "line": {"p0": [0, 0, 0], "p1": [0, 5, 0]}},
    ]
    return {
        "run": {
            "neutrons": neutrons,
            "gammas": gammas,
            "workers": 1,
            "list": chance(rng),
            "max_events": int(rng.choice([0, 0, 0, 20])),
            "max_cones": int(rng.choice([0, 0, 0, 8])),
            "chunk_events": int(rng.choice([25, 10**6])),
        },
        "io": {"input_format": input_format, "max_bad_fraction": 1.0},
        "detectors": {"default_material": "OGS", "material_map": {2: "M600", 5: "EJ309"}},
        "shaping": {
            "neutron_policy": str(rng.choice(policies)),
            "gamma_policy": str(rng.choice(policies)),
            "max_combinations": int(rng.integers(1, 8)),
        },
        "filters": {
            "hits": {**hit_cuts(rng), "neutron": hit_cuts(rng) if chance(rng, 0.3) else {}},
            "events": {**event_cuts(rng), "gamma": event_cuts(rng) if chance(rng, 0.3) else {}},
            "cones": {**cone_cuts(rng), "neutron": cone_cuts(rng) if chance(rng, 0.3) else {}},
        },
        "energy": energy,
        "prior": priors[rng.integers(3)],
        "cones": {
            "directionality": str(rng.choice(["axis", "surface", "off"])),
            "nappe": str(rng.choice(["forward", "both"])),
            "kinematics": str(rng.choice(["classical", "exact"])),
        },
        "plane": PLANE,
    }


FRAMES = (
    "hits",
    "filtered_hits",
    "typed_events",
    "filtered_events",
    "candidate_cones",
    "direction_ok",
    "selected_cones",
    "footprints",
    "summed_images",
)
N_AND_G = ("", "_n", "_g")


def assert_adds_up(found: dict[str, Any], config: ImagingConfig) -> None:
    c = dict(found["counters"].values)
    assert min(c.values()) >= 0
    assert_species_sum(c)
    assert_stages(c)
    assert_frames(c, found, config)


def assert_species_sum(c: dict[str, int]) -> None:
    for name in [n for n in c if f"{n}_n" in c]:
        unknown = c[name] - c[f"{name}_n"] - c[f"{name}_g"]
        assert unknown >= 0
        assert unknown == 0 or name.startswith("hits_"), name
    for name in [n for n in c if n.endswith("_total") and f"{n[:-6]}_n" in c]:
        assert c[name] == c[f"{name[:-6]}_n"] + c[f"{name[:-6]}_g"], name
    unknown = c["hits_total"] - c["hits_total_n"] - c["hits_total_g"]
    assert c["hits_unknown_species"] == unknown


def assert_stages(c: dict[str, int]) -> None:
    statuses = [s.name for s in CandidateStatus if s != CandidateStatus.ok]
    for s in N_AND_G:
        of_hits = [c[f"hits_rejected_{r.name}{s}"] for r in HitFilter if r != HitFilter.kept]
        assert c[f"hits_total{s}"] == c[f"hits_after_filters{s}"] + sum(of_hits)
        typed = "events_typed" + (s or "_total")
        into = c[f"events_total_for_filters{s}"]
        assert c[typed] == into + c[f"events_dropped_max_events{s}"]
        assert c[typed] == c["shaped_events" + (s or "_total")]
        of_events = [c[f"events_rejected_{r}{s}"] for r in ("tof_window", "hit_distance")]
        if s != "_g":
            of_events += [c["events_rejected_L1_min_n"], c["events_rejected_L2_min_n"]]
        if s != "_n":
            of_events += [c["events_rejected_L_any_min_g"]]
        assert into == c[f"events_after_filters{s}"] + sum(of_events)
        attempted = c[f"events_cone_build_attempted{s}"]
        success = c[f"events_cone_build_success{s}"]
        assert attempted == c[f"events_after_filters{s}"]
        assert attempted == success + c[f"events_cone_build_failed{s}"]
        reasons = ("direction", "delta_theta", "incident_energy")
        of_cones = sum(c[f"cones_rejected_{r}{s}"] for r in reasons)
        kept = c[f"cones_kept{s}"]
        assert success == kept + of_cones + c[f"cones_dropped_max_cones{s}"]
        assert c[f"cones_checked_delta_theta{s}"] == success - c[f"cones_rejected_direction{s}"]
        missed = sum(c[f"cones_missed_plane_{x}"] for x in (s[1:] or "ng"))
        assert kept == c["cones_imaged" + (s or "_total")] + missed
        impossible = sum(c[f"candidates_rejected_{r}{s}"] for r in statuses)
        per_event = {"_n": 2, "_g": 6}
        if s:
            assert c[f"candidates_total{s}"] == per_event[s] * attempted
        assert c[f"candidates_total{s}"] >= impossible + c[f"candidates_rejected_direction{s}"]
    recoils = [c[f"cones_n_recoil_{r}"] for r in ("proton", "carbon", "unknown")]
    assert sum(recoils) == c["cones_kept_n"]
    assert c["cones_n_recoil_unknown"] == 0


def assert_frames(c: dict[str, int], found: dict[str, Any], config: ImagingConfig) -> None:
    """The counters are those of the frames."""
    typed = found["typed_events"]
    rejected = ("rejected_unreconstructable", "species_off", "rejected_shaping")
    left = sum(c[f"raw_events_{r}"] for r in rejected)
    assert c["raw_events_total"] == typed["event_id"].nunique() + left
    # Clipped hits and other particles never become rows.
    dropped = c["hits_rejected_clipped"] + c["hits_rejected_particle"]
    assert c["hits_total"] == len(found["hits"]) + dropped
    assert c["hits_after_filters"] == len(found["filtered_hits"])
    for name, rows in (
        ("events_typed{}", typed),
        ("events_after_filters{}", found["filtered_events"]),
        ("candidates_total{}", found["candidate_cones"]),
        ("cones_kept{}", found["selected_cones"]),
    ):
        for s in "ng":
            assert c[name.format(f"_{s}")] == (rows["species"] == s).sum()
    candidates, ok = found["candidate_cones"], found["direction_ok"]
    possible = (candidates["status"] == CandidateStatus.ok).to_numpy()
    impossible = sum(
        c[f"candidates_rejected_{r.name}"] for r in CandidateStatus if r != CandidateStatus.ok
    )
    assert c["candidates_total"] == possible.sum() + impossible
    assert c["candidates_rejected_direction"] == (possible & ~ok).sum()
    assert c["shaped_events_capped"] == len_all_combinations(found, config) - len(typed)
    images = found["summed_images"].present()
    assert c["pixels_lit_total"] == images["all"].sum()
    for s in "ng":
        assert c[f"pixels_lit_{s}"] == (images[s].sum() if s in images else 0)
    if config.run.list:
        assert c["pixels_lit_total"] == len(found["footprints"].pixels)
    if config.run.max_events:
        assert c["events_total_for_filters"] <= config.run.max_events
    if config.run.max_cones:
        assert c["cones_kept"] <= config.run.max_cones


def len_all_combinations(found: dict[str, Any], config: ImagingConfig) -> int:
    """Events without a cap on the combinations, counted window by window."""
    n = 0
    for species, take, policy, is_on in (
        ("n", 2, config.shaping.neutron_policy, config.run.neutrons),
        ("g", 3, config.shaping.gamma_policy, config.run.gammas),
    ):
        hits = found["filtered_hits"]
        sizes = hits.loc[hits["species"] == species].groupby("event_id").size()
        for size in sizes if is_on else ():
            every = len(list(combinations(range(size), take)))
            n += every if policy == "all_combinations" else min(every, 1)
    return n


@pytest.mark.parametrize(
    ("input_format", "write"), [("root_novo_ddaq", write_windows), ("phits_usrdef", write_lines)]
)
@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_enters_a_stage_is_kept_or_has_one_reason(
    input_format: str, write: Any, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    config = ImagingConfig.model_validate(random_settings(rng, input_format))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "windows"
        write(rng, path, 48)
        found = open_session(config, path, path.parent).run([*FRAMES, "counters"])
    assert_adds_up(found, config)


NEVER = {
    # No policy rejects a window that can be reconstructed; a gamma has no recoil.
    "raw_events_rejected_shaping",
    "cones_n_recoil_unknown",
}


def test_mixed_windows_give_both_species(tmp_path: Path) -> None:
    """The random windows do what they are for: every reason and both species are met."""
    total = Counts()
    path = tmp_path / "windows.root"
    write_windows(np.random.default_rng(0), path, 400)
    for seed in range(24):
        sections = random_settings(np.random.default_rng(seed), "root_novo_ddaq")
        sections["run"]["chunk_events"] = 1000
        if seed % 3 == 0:
            sections |= {"filters": {}, "energy": {"strategy": "Edep"}}
        config = ImagingConfig.model_validate(sections)
        total += open_session(config, path, tmp_path).run(["counters"])["counters"]
    met = {name.removesuffix("_n").removesuffix("_g") for name, n in total.values.items() if n}
    never = {name.removesuffix("_n").removesuffix("_g") for name in total.values} - met
    assert never == NEVER
    assert min(total["events_after_filters_n"], total["events_after_filters_g"]) > 50
